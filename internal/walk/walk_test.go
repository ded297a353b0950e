package walk

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/story"
)

func TestSeedDecides(t *testing.T) {
	for seed := range uint64(100) {
		a, b := Text(New(seed)), Text(New(seed))
		if a != b {
			t.Fatalf("seed %d makes\n%s\nand\n%s", seed, a, b)
		}
	}
}

// What is printed of a difference must be the story that was played.
func TestTextReadsBack(t *testing.T) {
	for seed := range uint64(3000) {
		s := New(seed)
		for _, step := range s.Steps {
			for j := range step.Statements {
				step.Statements[j].Want = "X I"
			}
		}
		text := Text(s)
		again, err := story.ParseFile("walk", text, 15)
		if err != nil || len(again) != 1 {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if got, want := sent(again[0]), sent(s); !slices.Equal(got, want) {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("seed %d: %s\nreads back as\n%s", seed, want[i], got[i])
				}
			}
			t.Fatalf("seed %d: %d statements read back as %d", seed, len(want), len(got))
		}
	}
}

// sent is all that a story says, one string for each statement; blanks around lines are lost in stories.
func sent(s *story.Story) []string {
	all := []string{fmt.Sprint(s.User, s.Startup)}
	for _, step := range s.Steps {
		for _, x := range step.Statements {
			form := x.Form
			if form == story.Either {
				form = story.Simple
			}
			lines := strings.Split(strings.TrimSpace(x.SQL), "\n")
			for i := range lines[1:] {
				lines[i+1] = strings.TrimSpace(lines[i+1])
			}
			all = append(all, fmt.Sprintf("%v %d %q %q %q", step.Pipeline, form, strings.Join(lines, "\n"), x.Name, append([]string{}, x.Args...)))
		}
	}
	return all
}

// Walks have something of everything, and get into transactions.
func TestCoverage(t *testing.T) {
	missing := map[string]bool{}
	for _, part := range []string{
		"AND CHAIN", "AND NO CHAIN", "SAVEPOINT ", "RELEASE ", "ROLLBACK TO ", "START TRANSACTION", "PREPARE TRANSACTION", "COMMIT PREPARED",
		"SET LOCAL", "TO DEFAULT", "RESET ALL", "DISCARD ALL", "DEALLOCATE ALL", "TIME ZONE", "NAMES ", "SCHEMA ", "SET ROLE", "XML OPTION",
		"SESSION AUTHORIZATION", "SESSION CHARACTERISTICS", "SET TRANSACTION", "1/0", "walk_doomed", "pipeline", `\parse`, `\bind_named`,
		`\close_prepared`, `\bind 'a ''b'`, "my.x", "/*a/*n;*/b*/", "user walk_user", "options =",
	} {
		missing[part] = true
	}
	for seed := range uint64(300) {
		text := Text(New(seed))
		for part := range missing {
			if strings.Contains(text, part) {
				delete(missing, part)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("in 300 walks there is none of %v", missing)
	}
}

// Shrinking keeps what fails, drops the rest, and leaves the story as it is.
func TestShrink(t *testing.T) {
	statement := func(sql string) story.Step {
		return story.Step{Statements: []story.Statement{{Form: story.Simple, SQL: sql, Want: "X I"}}}
	}
	s := &story.Story{
		Title: "t", Startup: []story.Option{{Name: "application_name", Value: "a"}},
		Steps: []story.Step{statement("SELECT 1;"), statement("BEGIN; SET work_mem = 1; COMMIT;"), statement("SELECT 2;"), statement(look([]string{"a", "b", "c"}) + ";")},
	}
	before := Text(s)
	got := Text(Shrink(s, func(s *story.Story) bool {
		text := Text(s)
		s.Steps[0].Statements[0].Want = "changed"
		return strings.Contains(text, "work_mem") && strings.Contains(text, "'b'")
	}))
	if Text(s) != before {
		t.Errorf("the story has become\n%s", Text(s))
	}
	for _, needless := range []string{"SELECT 1", "SELECT 2", "BEGIN", "COMMIT", "'c'", "startup"} {
		if strings.Contains(got, needless) {
			t.Errorf("%s is left in\n%s", needless, got)
		}
	}
	if !strings.Contains(got, "work_mem") || !strings.Contains(got, "'b'") {
		t.Errorf("too much is gone:\n%s", got)
	}
}
