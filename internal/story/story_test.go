package story

import (
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

const storyDir = "../../pgtxn/testdata/stories"

func server(t *testing.T) Target {
	return Target{Addr: pgtest.Start(t).Addr, Database: "postgres", User: pgtest.Superuser}
}

func load(t *testing.T, server Target) []*Story {
	t.Helper()
	stories, err := Load(storyDir, server)
	if err != nil {
		t.Fatal(err)
	}
	return stories
}

// TestStories asks the server whether the stories are true.
func TestStories(t *testing.T) {
	target := server(t)
	stories := load(t, target)
	r := NewRunner(t, target)
	for _, s := range stories {
		t.Run(s.Name(), func(t *testing.T) { r.Run(t, target, s) })
	}
}

// TestEveryFactHasStories holds the promise to judge the facts about transactions, 1 to 15, all of them.
func TestEveryFactHasStories(t *testing.T) {
	told := map[int]int{}
	for _, s := range load(t, server(t)) {
		told[s.Fact]++
	}
	for fact := 1; fact <= 15; fact++ {
		if told[fact] < 5 {
			t.Errorf("fact %d has %d stories", fact, told[fact])
		}
	}
}

// TestWrongExpectation shows that a story that is not true fails where it is not, and says so.
func TestWrongExpectation(t *testing.T) {
	target := server(t)
	r := NewRunner(t, target)
	for _, c := range []struct{ text, want string }{
		{"SHOW work_mem -> [5MB] SHOW I", "x.story:2: SHOW work_mem\n  want [5MB] SHOW I\n  got  [4MB] SHOW I"},
		{"SET application_name = 'a' -> SET I", "got  SET S(application_name=a) I"},
		{"SELECT 1/0 -> ERROR 22023 I", "got  ERROR 22012 I"},
		{"BEGIN -> BEGIN I", "got  BEGIN T"},
		{"COMMIT -> COMMIT I", "got  WARNING 25P01 COMMIT I"},
		{"pipeline\n  SET work_mem = 1 -> SET\n  sync -> I", "x.story:3: SET work_mem = 1\n  want SET\n  got  ERROR 22023"},
		{"SELECT 1 -> [1] SELECT 1 I\nSELECT NULL, '' -> [|] SELECT 1 I", "got  [NULL|] SELECT 1 I\nafter\n  SELECT 1 -> [1] SELECT 1 I"},
		{"setup\n  SELECT 1/0\nSELECT 1 -> [1] SELECT 1 I", "setup: SELECT 1/0: ERROR 22012"},
		{"user nobody\nSELECT 1 -> [1] SELECT 1 I", "login of nobody"},
	} {
		stories, err := ParseFile("x.story", "# 1: a\n"+c.text, 15)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range direct {
			err := r.play(target, stories[0], w)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: got %v, want %s", c.text, w.name, err, c.want)
			}
		}
	}
}
