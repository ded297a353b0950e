package relay

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ProxySQL's tracker, from which this one descends, goes wrong in these sequences:
// few savepoint names used again and again, errors, and AND CHAIN. Here the client
// is moved to another backend after each transaction. PGTXN_SEQUENCES is how many.
func TestAncestorSequences(t *testing.T) {
	n := environ(t, "PGTXN_SEQUENCES", strconv.Atoi, 200)
	seed := environ(t, "PGTXN_WALK_SEED", parseUint, uint64(time.Now().UnixNano()))
	t.Logf("PGTXN_WALK_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	server := database(t)
	p := server.behind(t, 2)
	direct, client := server.connect(t), p.connect(t)
	keep, take := p.connect(t), p.connect(t)
	keep.must("BEGIN")
	misled := 0
	for range n {
		start := "DISCARD ALL"
		client.must(start)
		direct.must(start)
		var a ancestor
		wrong := false
		for range 1 + r.IntN(3) {
			said, want := []string{}, "Z T"
			for text := "BEGIN"; !strings.HasSuffix(want, "Z I"); text = ancestral(r, len(said)) {
				said = append(said, text)
				want = direct.ask(text)
				if got := client.ask(text); got != want {
					t.Fatalf("%s\n  want %s\n  got  %s", strings.Join(said, "\n"), want, got)
				}
				a.hears(text, want)
			}
			take.must("BEGIN") // on the backend of the client
			keep.must("COMMIT")
			keep, take = take, keep
			const look = "SELECT current_setting('my.x', true) || ' ' || current_setting('work_mem') || ' ' || current_setting('application_name')"
			want = direct.ask(look)
			if got := client.ask(look); got != want {
				t.Fatalf("%s\n  afterwards want %s\n  got  %s", strings.Join(said, "\n"), want, got)
			}
			if x := direct.value("SELECT coalesce(current_setting('my.x', true), '')"); x != a.x {
				a.x, wrong = x, true
			}
		}
		if wrong {
			misled++
		}
	}
	t.Logf("%d sequences; its ancestor's tracker is wrong in %d", n, misled)
	if misled < n/20 {
		t.Error("the sequences are too easy")
	}
}

// ancestral is the next statement of a transaction of so many.
func ancestral(r *rand.Rand, said int) string {
	one := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	switch n := r.IntN(20 + said); {
	case n < 6:
		return fmt.Sprintf("SET %s%s = '%dMB'", one("", "", "LOCAL "), one("my.x", "my.x", "work_mem", "application_name"), 1+r.IntN(9))
	case n < 10:
		return "SAVEPOINT " + one("a", "b")
	case n < 15:
		return "ROLLBACK TO " + one("a", "b")
	case n < 17:
		return "RELEASE " + one("a", "b")
	case n < 18:
		return "SELECT 1/0"
	default:
		return one("COMMIT", "COMMIT", "ROLLBACK") + one("", "", " AND CHAIN")
	}
}

// ancestor follows my.x as its tracker does: what was set is kept with BEGIN and with
// each savepoint of a name that is new, and comes back by the first of that name.
type ancestor struct {
	x     string
	stack []kept
}

type kept struct{ name, x string }

func (a *ancestor) hears(text, answer string) {
	if strings.Contains(answer, "E ERROR") {
		return
	}
	words := strings.Fields(text)
	name := words[len(words)-1]
	first := -1
	for i, k := range a.stack {
		if k.name == name && first < 0 {
			first = i
		}
	}
	switch {
	case strings.HasPrefix(text, "SET my.x"):
		a.x = strings.Trim(strings.Join(words[3:], " "), "'")
	case words[0] == "BEGIN", words[0] == "SAVEPOINT" && first < 0:
		a.stack = append(a.stack, kept{name, a.x})
	case strings.HasPrefix(text, "ROLLBACK TO") && first >= 0:
		a.x, a.stack = a.stack[first].x, a.stack[:first]
	case words[0] == "RELEASE" && first >= 0:
		a.stack = a.stack[:first]
	case words[0] == "ROLLBACK" && len(words) < 3:
		if len(a.stack) > 0 {
			a.x = a.stack[0].x
		}
		a.stack = nil
	case words[0] == "COMMIT":
		a.stack = nil
	}
}
