package sqlscan

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// example is a text of testdata/server.txt with what the server answered.
type example struct {
	text string
	opt  Options
	want []string // describe of each statement
	tags []string // the server's tag for each
}

func examples(t testing.TB) []example {
	f, err := os.Open("testdata/server.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []example
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '\t':
			want, tag, ok := strings.Cut(line[1:], " | ")
			if !ok {
				t.Fatalf("no tag in %q", line)
			}
			e := &all[len(all)-1]
			e.want, e.tags = append(e.want, want), append(e.tags, tag)
		default:
			quoted, off := strings.CutPrefix(line, "off ")
			text, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			all = append(all, example{text: text, opt: Options{BackslashQuotes: off}})
		}
	}
	return all
}

// tags says how CommandComplete may name a kind whose tag is not its own name.
var tags = map[Kind][]string{
	Begin:              {"BEGIN", "START TRANSACTION"},
	RollbackTo:         {"ROLLBACK"},
	ResetAll:           {"RESET"},
	SetCharacteristics: {"SET"},
	SetTransaction:     {"SET", "SET CONSTRAINTS", "RESET"},
	Discard:            {"DISCARD PLANS", "DISCARD TEMP", "DISCARD SEQUENCES"},
	Execute:            {"SELECT 1"},
	Deallocate:         {"DEALLOCATE", "DEALLOCATE ALL"},
	Declare:            {"DECLARE CURSOR"},
	Copy:               {"COPY 0", "COPY 1"},
}

// TestServer compares the statements of each text with what PostgreSQL found in it.
func TestServer(t *testing.T) {
	for _, e := range examples(t) {
		i := 0
		for s := New([]byte(e.text), e.opt); s.Next(); i++ {
			st := s.Statement()
			if i >= len(e.want) {
				t.Errorf("%q: more than %d statements", e.text, len(e.want))
				break
			}
			if got := describe(st); got != e.want[i] {
				t.Errorf("%q, statement %d:\n got %s\nwant %s", e.text, i+1, got, e.want[i])
			}
			allowed := tags[st.Kind]
			if allowed == nil {
				allowed = []string{st.Kind.String()}
			}
			if st.Kind != Other && !slices.Contains(allowed, e.tags[i]) {
				t.Errorf("%q, statement %d: %s, but the server's tag is %s", e.text, i+1, st.Kind, e.tags[i])
			}
		}
		if i < len(e.want) {
			t.Errorf("%q: %d statements, the server found %d", e.text, i, len(e.want))
		}
	}
}
