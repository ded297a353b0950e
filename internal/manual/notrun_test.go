package manual

import (
	"os"
	"path/filepath"
	"testing"
)

// notRun are the blocks that this test does not run, by page and first line, and why.
var notRun = map[string]map[string]string{
	"README.md": {
		"go run ./cmd/quickstart": "runs until Ctrl-C; scripts/test runs it with -check",
		"scripts/test":            "what runs this test",
	},
	"CONTRIBUTING.md": {
		"go build -o bin/ ./cmd/caddy-pgtxn   # Caddy with the plugin: seconds, once Caddy is in the build cache": "has scripts/test in it, which runs this test",
	},
	"xcaddy.md": {
		"xcaddy build v2.11.9 \\":   "fails where the module is not published; the page says what was tried",
		"mkdir xcaddy && cd xcaddy": "fetches xcaddy; tried by hand, the page says when",
	},
	"examples/monitoring/README.md": {
		"prometheus --config.file=prometheus.yml": "takes a Prometheus; the folder's own test reads its files as Prometheus does",
	},
	"docs/machines.md": {
		"go run ./cmd/twoinstances -check": "scripts/test runs it",
	},
	"examples/two-instances/README.md": {
		"go run ./cmd/twoinstances -check": "scripts/test runs it",
	},
	"docs/benchmarks.md": {
		"go run ./cmd/bench": "fetches PgBouncer and HAProxy, and measures for many minutes",
	},
}

// The list has nothing that is gone, and nothing without a reason.
func TestNotRun(t *testing.T) {
	for page, lines := range notRun {
		text, err := os.ReadFile(filepath.Join(checkout, page))
		if err != nil {
			t.Fatal(err)
		}
		blocks, err := parse(page, string(text))
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, b := range blocks {
			found[b.firstLine()] = true
		}
		for line, reason := range lines {
			if !found[line] || reason == "" {
				t.Errorf("%s: '%s': there is no such block, or no reason", page, line)
			}
		}
	}
}
