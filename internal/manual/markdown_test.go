package manual

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A block is what stands between two fences, or in a comment that is to be run.
type block struct {
	page   string // README.md
	line   int    // of the fence
	kind   string // the first word behind it
	words  []string
	text   string
	hidden bool
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

func (b block) is(word string) bool { return slices.Contains(b.words, word) }

// firstLine is how the list of blocks that are not run calls it.
func (b block) firstLine() string {
	line, _, _ := strings.Cut(b.text, "\n")
	return strings.TrimSpace(line)
}

const hiddenShell = "<!-- sh"

// parse returns the blocks of a page, in their order.
func parse(page, text string) (blocks []block, err error) {
	var open *block
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		hidden := strings.HasPrefix(line, hiddenShell)
		switch {
		case open == nil && (strings.HasPrefix(line, "```") || hidden):
			words := append(strings.Fields(strings.TrimLeft(line, "`<!- ")), "")
			open = &block{page: page, line: i + 1, kind: words[0], words: words[1:], hidden: hidden}
		case open != nil && (line == "```" && !open.hidden || line == "-->" && open.hidden):
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(line, "    ") && (i == 0 || lines[i-1] == ""):
			return nil, fmt.Errorf("%s:%d: put code between fences, so that it is tested", page, i+1)
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s: the block has no end", open)
	}
	return blocks, nil
}

// kinds are the words that a fence may have behind it.
var kinds = []string{"caddyfile", "sh", "sql", "output", "json", "yaml", "ini", ""}

func TestParse(t *testing.T) {
	blocks, err := parse("p.md", "a\n```sh fails\nx\ny\n```\n<!-- sh\nz\n-->\n```\n1\n```\n")
	if err != nil || len(blocks) != 3 {
		t.Fatal(blocks, err)
	}
	if b := blocks[0]; b.kind != "sh" || !b.is("fails") || b.is("background") || b.text != "x\ny\n" || b.String() != "p.md:2" || b.firstLine() != "x" {
		t.Errorf("%+v", b)
	}
	if b := blocks[1]; b.kind != "sh" || !b.hidden || b.text != "z\n" {
		t.Errorf("%+v", b)
	}
	if b := blocks[2]; b.kind != "" || b.text != "1\n" {
		t.Errorf("%+v", b)
	}
	for _, text := range []string{"```sh\nx\n", "a\n\n    indented\n", "<!-- sh\nx\n```\n"} {
		if _, err := parse("p.md", text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}
