package manual

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The page for troubleshooting has each error that the proxy itself sends, in its own words and with its SQLSTATE, and
// each message of the log that it names is one.
func TestTroubleshooting(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(checkout, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page := read("docs/troubleshooting.md")
	errors := regexp.MustCompile(`(?:failure|fatal)\("([0-9A-Z]{5})", "(.*?[^\\])"[,)]`).FindAllStringSubmatch(read("pgtxn/internal/wire/errors.go"), -1)
	if len(errors) < 20 {
		t.Fatalf("only %d errors were found", len(errors))
	}
	for _, e := range errors {
		code, message := e[1], strings.ReplaceAll(e[2], `\"`, `"`)
		for _, part := range regexp.MustCompile(`%[a-z]`).Split(message, -1) {
			if len(part) > 3 && !strings.Contains(page, strings.TrimSpace(part)) || !strings.Contains(page, code) {
				t.Errorf("docs/troubleshooting.md does not have %s %s", code, message)
			}
		}
	}
	code := ""
	for _, pattern := range []string{"pgtxn/*.go", "pgtxn/internal/relay/*.go"} {
		files, err := filepath.Glob(filepath.Join(checkout, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			code += string(text)
		}
	}
	_, log, _ := strings.Cut(page, "## In the log\n")
	messages := regexp.MustCompile("(?m)^\\| `(.*?)` \\|").FindAllStringSubmatch(log, -1)
	if len(messages) < 5 {
		t.Fatal(messages)
	}
	for _, message := range messages {
		if !strings.Contains(code, `"`+message[1]+`"`) {
			t.Errorf("nothing logs '%s'", message[1])
		}
	}
}
