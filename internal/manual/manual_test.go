package manual

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checkout is the project's folder, and caddy what is built in it, as the documents say.
var checkout, caddy string

func TestMain(m *testing.M) {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func build() (err error) {
	if checkout, err = filepath.Abs("../.."); err != nil {
		return err
	}
	caddy = filepath.Join(checkout, "bin", "caddy-pgtxn")
	cmd := exec.Command("go", "build", "-o", "bin/", "./cmd/caddy-pgtxn")
	cmd.Dir, cmd.Stderr = checkout, os.Stderr
	return cmd.Run()
}

// pages are all documents, by their names in the project.
func pages(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(checkout, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (strings.HasPrefix(name, ".") || name == "bin" || name == "testdata") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			name, _ := filepath.Rel(checkout, path)
			names = append(names, name)
		}
		return nil
	})
	if err != nil || len(names) < 10 {
		t.Fatal(names, err)
	}
	return names
}

// Every page does what it says.
func TestPages(t *testing.T) {
	for _, page := range pages(t) {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(checkout, page))
			if err != nil {
				t.Fatal(err)
			}
			blocks, err := parse(page, string(text))
			if err != nil {
				t.Fatal(err)
			}
			runs := func(b block) bool { return (b.kind == "sh" || b.kind == "sql") && notRun[page][b.firstLine()] == "" }
			s := newSandbox(t, slices.ContainsFunc(blocks, runs))
			for _, b := range blocks {
				s.try(b)
				if t.Failed() {
					return // what comes next may build on it
				}
			}
		})
	}
}

// try does what is to be done with a block.
func (s *sandbox) try(b block) {
	switch {
	case !slices.Contains(kinds, b.kind):
		s.t.Errorf("%s: what is '%s'? The kinds of blocks are in internal/manual/doc.go", b, b.kind)
	case notRun[b.page][b.firstLine()] != "":
	case b.kind == "caddyfile":
		s.tryCaddyfile(b)
	case b.kind == "sh" && b.is("background"):
		if err := s.leaveRunning(b.text); err != nil {
			s.t.Errorf("%s: %v", b, err)
		}
	case b.kind == "sh":
		s.tryShell(b, b.text)
	case b.kind == "sql":
		s.tryShell(b, "psql -X -v ON_ERROR_STOP=1 <<'---'\n"+b.text+"---\n")
	case b.kind == "output":
		if !matches(b.text, s.printed) {
			s.t.Errorf("%s: what is printed is\n%s\nnot\n%s", b, s.printed, b.text)
		}
	}
}

func (s *sandbox) tryShell(b block, script string) {
	printed, err := s.shell(script)
	s.printed = printed
	switch fails := b.is("fails"); {
	case err != nil && !fails:
		s.t.Errorf("%s: %v\n%s\n%s", b, err, b.text, printed)
	case err == nil && fails:
		s.t.Errorf("%s: it should fail\n%s\n%s", b, b.text, printed)
	}
}

// matches: text is as a block of a document, in which … is anything, and blanks at the end of lines do not count.
func matches(pattern, text string) bool {
	trim := func(s string) string {
		return strings.TrimRight(regexp.MustCompile(`(?m)[ \t]+$`).ReplaceAllString(s, ""), "\n")
	}
	expr := strings.ReplaceAll(regexp.QuoteMeta(trim(pattern)), "…", "(?s:.*)")
	return regexp.MustCompile("^" + expr + "$").MatchString(trim(text))
}

// wraps says where a part of a Caddyfile belongs, by its first word.
var wraps = map[string]string{
	"pgtxn": "{\nlayer4 {\n:6432 {\nroute {\n%s}\n}\n}\n}\n",
	"hba":   "{\npgtxn :6432 {\nupstream 127.0.0.1\nusers /etc/caddy/users.txt\nuser_map {\npeople a b\n}\n%s}\n}\n",
	"tls":   "{\ntlsreload {\nset main {\nself_signed localhost\nclient_ca /etc/caddy/clients-ca.pem\n}\n}\npgtxn :6432 {\nupstream 127.0.0.1\nauth trust\n%s}\n}\n",
}

// tryCaddyfile has Caddy read a block, or what it is a part of.
func (s *sandbox) tryCaddyfile(b block) {
	formatted := exec.Command(caddy, "fmt", "-")
	formatted.Stdin = strings.NewReader(b.text)
	if out, err := formatted.Output(); err != nil || string(out) != b.text {
		s.t.Errorf("%s: caddy fmt makes of it (%v)\n%s", b, err, out)
	}
	text, name := b.text, "Caddyfile"
	if whole := wraps[strings.Fields(text)[0]]; whole != "" {
		text, name = fmt.Sprintf(whole, text), "part.Caddyfile"
	}
	file := filepath.Join(s.folder, name)
	s.must(os.WriteFile(file, []byte(s.here(text)), 0o600))
	if printed, err := s.shell("caddy validate --adapter caddyfile --config " + name); err != nil {
		s.t.Errorf("%s: %v\n%s", b, err, printed)
	}
}
