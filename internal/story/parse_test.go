package story

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	stories, err := ParseFile("x.story", strings.Join([]string{
		`-- a comment`,
		`# 2: a title`,
		`user story_alice`,
		`startup`,
		`  options = -c a=b`,
		`setup`,
		`  CREATE TABLE t (id int)`,
		`pins a reason`,
		`SET my.x = 1     ->   SET   I`,
		`SELECT a -> b \`,
		`  -> [1] SELECT 1 I`,
		`BEGIN; COMMIT -> BEGIN COMMIT I`,
		`SELECT $1 \bind 'a ''b' 2 -> ERROR 22P02 I`,
		``,
		`other: pipeline`,
		`  SET my.x = 1 \parse p -> ParseComplete`,
		`  -- a comment`,
		`  \bind_named p -> SET`,
		`  SELECT 1 -> skipped`,
		`  sync -> T`,
		`other: COMMIT -> COMMIT I`,
		`# 3: another`,
		`pipeline`,
		`  SHOW my.x; -> I`,
	}, "\n"), 15)
	if err != nil {
		t.Fatal(err)
	}
	want := []*Story{{
		File: "x.story", Line: 2, Fact: 2, Title: "a title",
		User: "story_alice", Startup: []Option{{"options", "-c a=b"}}, Setup: []string{"CREATE TABLE t (id int)"}, Pins: "a reason",
		Steps: []Step{
			{Statements: []Statement{{Line: 9, Source: "SET my.x = 1", SQL: "SET my.x = 1", Want: "SET I"}}},
			{Statements: []Statement{{Line: 10, Source: "SELECT a -> b", SQL: "SELECT a -> b", Want: "[1] SELECT 1 I"}}},
			{Statements: []Statement{{Line: 12, Source: "BEGIN; COMMIT", Form: Simple, SQL: "BEGIN; COMMIT", Want: "BEGIN COMMIT I"}}},
			{Statements: []Statement{{Line: 13, Source: `SELECT $1 \bind 'a ''b' 2`, Form: Extended, SQL: "SELECT $1", Args: []string{"a 'b", "2"},
				Want: "ERROR 22P02 I"}}},
			{Client: "other", Pipeline: true, Statements: []Statement{
				{Line: 16, Source: `SET my.x = 1 \parse p`, Form: Parse, SQL: "SET my.x = 1", Name: "p", Args: []string{}, Want: "ParseComplete"},
				{Line: 18, Source: `\bind_named p`, Form: BindNamed, Name: "p", Args: []string{}, Want: "SET"},
				{Line: 19, Source: "SELECT 1", Form: Extended, SQL: "SELECT 1", Want: "skipped"},
				{Line: 20, Source: "sync", Form: SyncOnly, Want: "T"},
			}},
			{Client: "other", Statements: []Statement{{Line: 21, Source: "COMMIT", SQL: "COMMIT", Want: "COMMIT I"}}},
		},
	}, {
		File: "x.story", Line: 22, Fact: 3, Title: "another",
		Steps: []Step{{Pipeline: true, Statements: []Statement{{Line: 24, Source: "SHOW my.x;", Form: Simple, SQL: "SHOW my.x;", Want: "I"}}}},
	}}
	for i := range want {
		if !reflect.DeepEqual(stories[i], want[i]) {
			t.Errorf("story %d\n got  %+v\n want %+v", i, *stories[i], *want[i])
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no title", "SHOW x -> I", `x.story:1: a story begins with "# N: title"`},
		{"no steps", "# 1: a\n\n# 1: b\nSHOW x -> I", "x.story:3: x.story:1: # 1: a has no steps"},
		{"no steps at the end", "# 1: a\nuser b", "has no steps"},
		{"no answer", "# 1: a\nSHOW x ->", "has no answer"},
		{"no arrow", "# 1: a\nSHOW x -> I\nSHOW x", `x.story:3: "SHOW x" has no "->"`},
		{"unknown word", "# 1: a\nusers x", "x.story:2:"},
		{"no status", "# 1: a\nSET x = 1 -> SET", `x.story:2: "SET": the answer must end in the status`},
		{"pipeline without sync", "# 1: a\npipeline\n  SET x = 1 -> SET I\nSHOW x -> I", "a pipeline ends with sync"},
		{"empty pipeline at the end", "# 1: a\npipeline", "an empty pipeline"},
		{"stray indentation", "# 1: a\n  SHOW x -> I", "an indented line belongs to"},
		{"startup without =", "# 1: a\nstartup\n  x", "is not name = value"},
		{"open quote", "# 1: a\nSELECT $1 \\bind 'x -> I", "a quote is not closed"},
		{"parse without a name", "# 1: a\nSELECT 1 \\parse -> I", `\parse wants one name`},
		{"bind_named with SQL", "# 1: a\nSELECT 1 \\bind_named p -> I", `\bind_named wants a name`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseFile("x.story", c.text, 15)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestBackends(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"SHOW x -> I\nother: SHOW x -> I", 1},
		{"BEGIN -> T\nCOMMIT -> I\nother: BEGIN -> T", 1},
		{"BEGIN -> T\nother: SHOW x -> I\nCOMMIT -> I", 2},
		{"BEGIN -> T\nother: BEGIN -> T\nthird: SHOW x -> I", 3},
		{"BEGIN -> T\nSELECT 1/0 -> E\nother: SHOW x -> I", 2},
	} {
		stories, err := ParseFile("x.story", "# 1: a\n"+c.text, 15)
		if err != nil {
			t.Fatal(err)
		}
		if got := stories[0].Backends(); got != c.want {
			t.Errorf("%s: %d backends, want %d", c.text, got, c.want)
		}
	}
}

func TestVariables(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"SET my.x = 1; SET MY.y = 2; SET my.x = 3", []string{"my.x", "my.y"}},
		{"SET LOCAL TIME ZONE 'UTC'", []string{"timezone"}},
		{"SET Work_Mem TO 1; SET NAMES 'x'", []string{"client_encoding", "work_mem"}},
		{"SELECT 1", nil},
	} {
		if got := variables(c.text); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.text, got, c.want)
		}
	}
}

func TestReplyOrdersParameterStatus(t *testing.T) {
	r := Reply{Items: []string{"SET", "S(b=2)", "S(a=1)", "ERROR 22012", "S(d=4)", "S(c=3)", "I"}}
	if got, want := r.String(), "SET S(a=1) S(b=2) ERROR 22012 S(c=3) S(d=4) I"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
