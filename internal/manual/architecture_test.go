package manual

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ARCHITECTURE.md's table of relay has each of its files, once.
func TestFilesOfRelay(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(checkout, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| files | |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var listed, there []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(.*?)` \\|").FindAllStringSubmatch(table, -1) {
		listed = append(listed, strings.Fields(row[1])...)
	}
	files, err := filepath.Glob(filepath.Join(checkout, "pgtxn/internal/relay/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".go"); !strings.HasSuffix(name, "_test") {
			there = append(there, name)
		}
	}
	slices.Sort(listed)
	slices.Sort(there)
	if !slices.Equal(listed, there) {
		t.Errorf("ARCHITECTURE.md says that relay is\n%s\nit is\n%s", listed, there)
	}
}
