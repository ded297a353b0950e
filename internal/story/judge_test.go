package story

import (
	"fmt"
	"strings"
	"testing"
)

// replayable reports whether a story can be said over and over: one that needs preparation is about tables and roles, a prepared
// transaction can't be prepared twice, and the replayer's backends all have the start-up values of whoever came first.
func replayable(s *Story) bool {
	return s.Setup == nil && s.Startup == nil && s.Pins == "" && !strings.Contains(s.Text(), "PREPARE TRANSACTION")
}

// TestWaysCanBePassed plays one story of some facts in all the ways, through a pool that is right by brute force.
func TestWaysCanBePassed(t *testing.T) {
	pg := server(t)
	played := map[int]bool{1: false, 7: false, 13: false, 14: false}
	for _, s := range load(t, pg) {
		if done, wanted := played[s.Fact]; done || !wanted || !replayable(s) {
			continue
		}
		played[s.Fact] = true
		for size := 1; size <= 2; size++ {
			t.Run(fmt.Sprintf("%s/pool of %d", s.Name(), size), func(t *testing.T) {
				target := startReplayer(t, pg, size, false)
				target.Pool = size
				NewRunner(t, pg).Run(t, target, s)
			})
		}
	}
}

// TestFaultsAreFound plays a story through pools that are wrong.
func TestFaultsAreFound(t *testing.T) {
	pg := server(t)
	stories, err := ParseFile("x.story", "# 1: a\nSET my.x = 0 -> SET I\nBEGIN -> BEGIN T\nSET work_mem = '1MB' -> SET T\n"+
		"COMMIT -> COMMIT I\nSET application_name = 'a' -> SET S(application_name=a) I\n"+
		"SELECT current_setting('my.x'), current_setting('work_mem') -> [0|1MB] SELECT 1 I", 15)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fault     string
		size, say int // backends there are, and are said to be
		leaks     bool
		way       string
		want      string
	}{
		{"leaks", 1, 1, true, "next client/simple", " sees "},
		{"leaks", 2, 2, true, "moved/simple", " sees "},
		{"larger pool", 2, 1, false, "next client/extended", "a pool of one has the backends"},
		{"larger pool", 3, 2, false, "moved/extended", "did not move to the free backend"},
	} {
		t.Run(c.fault+"/"+c.way, func(t *testing.T) {
			target := startReplayer(t, pg, c.size, c.leaks)
			target.Pool = c.say
			r := NewRunner(t, pg)
			for _, w := range ways {
				if w.name != c.way {
					continue
				}
				if err := r.play(target, stories[0], w); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
			}
		})
	}
}
