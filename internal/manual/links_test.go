package manual

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	heading = strings.ToLower(strings.TrimSpace(strings.TrimLeft(heading, "#")))
	return strings.ReplaceAll(regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(heading, ""), " ", "-")
}

// Links between documents lead to files and headings that are there.
func TestLinks(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(checkout, name))
		if err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(string(text), "")
	}
	links := 0
	for _, page := range pages(t) {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(read(page), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			links++
			file, section, _ := strings.Cut(link[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join(checkout, target)); err != nil {
				t.Errorf("%s: there is no %s", page, link[1])
				continue
			}
			if section == "" {
				continue
			}
			found := false
			for _, heading := range regexp.MustCompile(`(?m)^#+ .*$`).FindAllString(read(target), -1) {
				found = found || anchor(heading) == section
			}
			if !found {
				t.Errorf("%s: %s has no heading #%s", page, target, section)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}
