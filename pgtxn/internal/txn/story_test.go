package txn

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

var update = flag.Bool("update", false, "write what the machine does into testdata")

// TestStories plays testdata/story/*.story; README.txt there explains the lines.
// A line with "= " is what the machine said to the line above it.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/story/*.story")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".story"), func(t *testing.T) { play(t, file) })
	}
}

func play(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	var story teller
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if strings.HasPrefix(line, "= ") {
			continue
		}
		told = append(told, line)
		answer, err := story.tell(line)
		if err != nil {
			t.Fatalf("%s:%d: %v", file, i+1, err)
		}
		for _, a := range answer {
			told = append(told, "= "+a)
		}
	}
	compare(t, file, string(text), strings.Join(told, "\n")+"\n")
}

// compare is the golden test of a file; with -update it writes it.
func compare(t *testing.T, file, want, got string) {
	t.Helper()
	if got == want {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		if i >= len(w) || i >= len(g) || w[i] != g[i] {
			t.Fatalf("%s:%d: told\n\t%s\nwant\n\t%s", file, i+1, line(g, i), line(w, i))
		}
	}
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end of file)"
}

// teller plays one story after the other.
type teller struct{ m Machine }

func (s *teller) tell(line string) ([]string, error) {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "" || word == "#":
		return nil, nil
	case word == "##":
		*s = teller{}
		return nil, nil
	}
	if s.sends(word, rest) {
		return nil, nil
	}
	if answer, ok := s.asks(word, rest); ok {
		return answer, nil
	}
	return s.hears(word, rest)
}

// sends is what the client does.
func (s *teller) sends(word, rest string) bool {
	switch word {
	case "q:":
		s.scan(rest)
		s.m.EndQuery(false)
	case "x:":
		s.scan(rest)
	case "sync":
		s.m.Sync()
	case "copyend":
		s.m.CopyEnd()
	case "pin:":
		for i, reason := range reasons {
			if reason == rest {
				s.m.Pin(1 << i)
			}
		}
	default:
		return false
	}
	return true
}

func (s *teller) scan(sql string) {
	scan := sqlscan.New([]byte(sql), sqlscan.Options{})
	for scan.Next() {
		s.m.Sent(scan.Statement())
	}
}

// hears is what the server does.
func (s *teller) hears(word, rest string) ([]string, error) {
	name, value, _ := strings.Cut(rest, "=")
	switch word {
	case "c":
		n := 1
		if rest != "" {
			var err error
			if n, err = strconv.Atoi(rest); err != nil {
				return nil, err
			}
		}
		for range n {
			s.m.Completed()
		}
	case "p":
		s.m.Suspended()
	case "e":
		s.m.Failed()
	case "copyin":
		s.m.CopyIn()
	case "lost":
		s.m.Lost()
	case "s:":
		s.m.Reported(name, value, true)
	case "secretly:":
		s.m.Reported(name, value, false)
	case "learned:":
		s.m.Learned(name, value)
	case "z:":
		if !s.m.Ready(rest[0]) {
			return []string{"disagreement: " + s.m.Disagreement()}, nil
		}
		var told []string
		for _, c := range s.m.Conflicts() {
			told = append(told, fmt.Sprintf("conflict: %s of %s, local %t", c.Name, c.Frame, c.Local))
		}
		return told, nil
	default:
		return nil, fmt.Errorf("what is %q?", word)
	}
	return nil, nil
}

// asks is what the story wants to see.
func (s *teller) asks(word, rest string) ([]string, bool) {
	switch word {
	case "show":
		var out []string
		for _, name := range strings.Fields(rest) {
			v, tracked := s.m.Vars().Get(name)
			v.Name = name
			out = append(out, name+" "+describe(v, tracked))
		}
		return out, true
	case "vars":
		return []string{varsText(s.m.Vars())}, true
	case "frames":
		var out []string
		for _, f := range s.m.Frames() {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s", f.Kind, f.Name))+
				", changed since: "+list(f.Changed))
		}
		return out, true
	case "unlearned":
		return []string{list(slices.Collect(s.m.Unlearned()))}, true
	case "pins":
		return []string{list(slices.Collect(s.m.Pins().All()))}, true
	case "unrestorable":
		return []string{list(slices.Collect(s.m.Unrestorable().All()))}, true
	case "pending":
		return []string{fmt.Sprintf("%d, status %c", s.m.Pending(), s.m.Status())}, true
	}
	return nil, false
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// describe says what SHOW would answer, and what is below a local value.
func describe(v guc.Var, tracked bool) string {
	text := valueText(v.InForce())
	if v.Local != nil {
		return text + ", local over " + valueText(v.Session)
	}
	if tracked && v.InForce() == nil {
		return text + ", defined"
	}
	return text
}

func valueText(v *guc.Value) string {
	switch {
	case v == nil || v.Default:
		return "default"
	case v.Known:
		return v.Text
	default:
		return v.Text + " (as asked)"
	}
}

// varsText is the whole set: v=1? is as asked, v=1/2 has a local value.
func varsText(vars *guc.Set) string {
	var text []string
	for v := range vars.All() {
		one := v.Name + "=" + short(v.Session)
		if v.Local != nil {
			one += "/" + short(v.Local)
		}
		text = append(text, one)
	}
	if len(text) == 0 {
		return "nothing set"
	}
	return strings.Join(text, "  ")
}

func short(v *guc.Value) string {
	return strings.Replace(valueText(v), " (as asked)", "?", 1)
}
