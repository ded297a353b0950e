package incaddy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile" // the adapter
	"github.com/caddyserver/caddy/v2/caddytest"
)

// Adapt tests the files of testdata/adapt: each holds a Caddyfile, a line of dashes,
// and the JSON that `caddy adapt` makes of it.
func Adapt(t *testing.T) {
	files, err := filepath.Glob("testdata/adapt/*.caddytest")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, want := Golden(t, file)
			if !caddytest.CompareAdapt(t, file, text, "caddyfile", want) {
				t.Fail()
			}
		})
	}
}

// Golden reads one of these files.
func Golden(t *testing.T, file string) (caddyfile, json string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	caddyfile, json, found := strings.Cut(string(text), "----------\n")
	if !found {
		t.Fatalf("%s has no line of dashes", file)
	}
	return caddyfile, strings.TrimSpace(json)
}
