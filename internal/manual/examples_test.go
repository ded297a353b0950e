package manual

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files of the examples")

// Each Caddyfile of the examples is as caddy fmt writes it, and becomes the JSON in its golden file.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(checkout, "examples", "*", "*Caddyfile*"))
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name, _ := filepath.Rel(filepath.Join(checkout, "examples"), file)
		t.Run(name, func(t *testing.T) {
			run := func(args ...string) []byte {
				cmd := exec.Command(caddy, args...)
				cmd.Stderr = os.Stderr
				cmd.Dir = filepath.Dir(file)
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()} // the defaults
				out, err := cmd.Output()
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if formatted := run("fmt", file); !bytes.Equal(formatted, text) {
				t.Errorf("caddy fmt makes of it\n%s", formatted)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, run("adapt", "--adapter", "caddyfile", "--config", file), "", "\t"); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", strings.ReplaceAll(name, "/", "-")+".json")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%v; with -update it is written. It is not\n%s", err, got.Bytes())
			}
		})
	}
}
