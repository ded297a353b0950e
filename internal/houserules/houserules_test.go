package houserules

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// root is the module's folder, seen from this one, where tests run.
const root = "../.."

func TestImports(t *testing.T) {
	report(t, brokenImports, os.DirFS(root))
}

func TestPackageComments(t *testing.T) {
	report(t, missingComments, os.DirFS(root))
}

func report(t *testing.T, check func([]file) []string, tree fs.FS) {
	t.Helper()
	files, err := parse(tree)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go files found")
	}
	for _, broken := range check(files) {
		t.Error(broken)
	}
}

// The checks must be able to fail: each is run on a house that breaks its rule.
func TestChecksCanFail(t *testing.T) {
	const comment = "// Package x is documented.\n"
	tests := []struct {
		name   string
		path   string
		source string
		check  func([]file) []string
		want   string // part of the only finding; "" for none
	}{
		{"pure room reads the clock", "pgtxn/internal/guc/a.go", `import "time"`, brokenImports, "never time"},
		{"and by a package below", "pgtxn/internal/txn/a.go", `import "net/netip"`, brokenImports, "never net"},
		{"room above", "pgtxn/internal/sqlscan/a.go", `import "` + module + `/pgtxn/internal/txn"`, brokenImports, "nothing besides"},
		{"relay logs", "pgtxn/internal/relay/a.go", `import "go.uber.org/zap"`, brokenImports, "go.uber.org/zap"},
		{"glue looks into frames", "pgtxn/a.go", `import "` + module + `/pgtxn/internal/txn"`, brokenImports, "neither SQL nor frames"},
		{"glue's room is not all below it", "caddyfile/a.go", `import "` + module + `/pgtxn"`, brokenImports, "knows neither"},
		{"room without a rule", "pgtxn/internal/extra/a.go", `import "go.uber.org/zap"`, brokenImports, "what is it for?"},
		{"room without a rule or imports", "pgtxn/internal/extra/a.go", ``, brokenImports, "what is it for?"},
		{"allowed", "pgtxn/internal/relay/a.go", `import "` + module + `/pgtxn/internal/txn"`, brokenImports, ""},
		{"similar name", "pgtxn/internal/guc/a.go", `import "testing/iotest"`, brokenImports, ""},
		{"tests import what they like", "pgtxn/internal/guc/a_test.go", `import "time"`, brokenImports, ""},
		{"similar folder", "pgtxnx/a.go", `import "go.uber.org/zap"`, brokenImports, ""},
		{"command", "cmd/x/a.go", `import "go.uber.org/zap"`, brokenImports, ""},
		{"no package comment", "cmd/x/a.go", ``, missingComments, "cmd/x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source := "package x\n" + test.source
			if test.want == "" {
				source = comment + source
			}
			files, err := parse(fstest.MapFS{test.path: {Data: []byte(source)}})
			if err != nil {
				t.Fatal(err)
			}
			got := test.check(files)
			if test.want == "" && len(got) == 0 || len(got) == 1 && test.want != "" && strings.Contains(got[0], test.want) {
				return
			}
			t.Errorf("found %q, want %q", got, test.want)
		})
	}
}

// A file is one of the module's, with what stands before its first declaration.
type file struct {
	path   string
	syntax *ast.File
	tokens *token.FileSet
}

// parse reads all Go files of the module, for every system; not those of modules within it, nor those that are only
// there to be run by go generate.
func parse(tree fs.FS) ([]file, error) {
	var files []file
	tokens := token.NewFileSet()
	err := fs.WalkDir(tree, ".", func(p string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			name := entry.Name()
			_, nested := fs.Stat(tree, path.Join(p, "go.mod"))
			if p != "." && (nested == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		source, err := fs.ReadFile(tree, p)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(tokens, p, source, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		if !ignored(syntax) {
			files = append(files, file{p, syntax, tokens})
		}
		return nil
	})
	return files, err
}

// ignored: the file has a //go:build line that needs the tag ignore.
func ignored(syntax *ast.File) bool {
	for _, group := range syntax.Comments {
		for _, comment := range group.List {
			if expr, err := constraint.Parse(comment.Text); err == nil && comment.Pos() < syntax.Package {
				return !expr.Eval(func(tag string) bool { return tag != "ignore" })
			}
		}
	}
	return false
}

// brokenImports returns what breaks the table, one line each.
func brokenImports(files []file) []string {
	var broken []string
	for _, f := range files {
		r, needed := findRoom(path.Dir(f.path))
		program := f.syntax.Name.Name == "main" // one that go generate runs; no room can import it
		if !needed || program || strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		if r == nil {
			broken = append(broken, f.path+": its room is not in the table of internal/houserules: what is it for?")
			continue
		}
		for _, spec := range f.syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				broken = append(broken, fmt.Sprintf("%s: %v", f.path, err))
				continue
			}
			if rule, ok := r.allows(imported); !ok {
				broken = append(broken, fmt.Sprintf("%s imports %s\n\trule for %s: %s\n\tbecause %s",
					f.tokens.Position(spec.Pos()), imported, r.path, rule, r.why))
			}
		}
	}
	return broken
}

// missingComments returns the packages without a package comment. A test package beside another needs none.
func missingComments(files []file) []string {
	documented := map[string]bool{}
	for _, f := range files {
		folder := path.Dir(f.path)
		documented[folder] = documented[folder] || strings.TrimSpace(f.syntax.Doc.Text()) != ""
	}
	var missing []string
	for folder, ok := range documented {
		if !ok {
			missing = append(missing, "no file of "+folder+" has a package comment: what is the package for?")
		}
	}
	slices.Sort(missing)
	return missing
}
