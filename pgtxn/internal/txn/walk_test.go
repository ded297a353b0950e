package txn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

// op is a statement: its text for the machine, its meaning for the reference.
type op struct {
	sql               string
	kind              string
	name, value       string
	def, local, chain bool
}

// batch is a simple Query or a pipeline up to its Sync.
type batch struct {
	ops    []op
	simple bool
	ahead  bool // sent before the batch in front is answered
}

func (b batch) String() string {
	texts := []string{}
	for _, o := range b.ops {
		texts = append(texts, o.sql)
	}
	kind := "x: "
	if b.simple {
		kind = "q: "
	}
	if b.ahead {
		kind = "ahead " + kind
	}
	return kind + strings.Join(texts, "; ")
}

func anyOp(r *rand.Rand) op {
	names := []string{"v", "v", "w", "my.x", "my.y", "role", "session_authorization"}
	name, value := names[r.IntN(len(names))], fmt.Sprint(r.IntN(9))
	local := r.IntN(3) == 0
	set := "SET "
	if local {
		set = "SET LOCAL "
	}
	savepoint := string(rune('a' + r.IntN(3)))
	chain := r.IntN(4) == 0
	and := map[bool]string{true: " AND CHAIN"}[chain]
	switch r.IntN(22) {
	case 0, 1, 2, 3, 4:
		return op{sql: set + name + " = " + value, kind: "set", name: name, value: value, local: local}
	case 5:
		return op{sql: set + name + " TO DEFAULT", kind: "set", name: name, def: true, local: local}
	case 6:
		return op{sql: "RESET " + name, kind: "set", name: name, def: true}
	case 7:
		return op{sql: "RESET ALL", kind: "reset all"}
	case 8, 9, 10:
		return op{sql: "SAVEPOINT " + savepoint, kind: "savepoint", name: savepoint}
	case 11:
		return op{sql: "RELEASE " + savepoint, kind: "release", name: savepoint}
	case 12, 13, 14:
		return op{sql: "ROLLBACK TO " + savepoint, kind: "rollback to", name: savepoint}
	case 15, 16:
		return op{sql: "BEGIN", kind: "begin"}
	case 17:
		return op{sql: "COMMIT" + and, kind: "commit", chain: chain}
	case 18:
		return op{sql: "ROLLBACK" + and, kind: "rollback", chain: chain}
	default:
		return rareOp(r)
	}
}

func rareOp(r *rand.Rand) op {
	switch r.IntN(6) {
	case 0:
		return op{sql: "DISCARD ALL", kind: "discard all"}
	case 1:
		return op{sql: "PREPARE TRANSACTION 'x'", kind: "prepare"}
	case 2:
		return op{sql: "INSERT INTO doomed VALUES (1)", kind: "doom"}
	case 3:
		return op{sql: "SELECT 1", kind: "nothing"}
	default:
		return op{sql: "SELECT 1/0", kind: "fail"}
	}
}

// anyWalk mostly takes statements that PostgreSQL would accept, so that walks
// get deep. The reference tells which those are.
func anyWalk(r *rand.Rand) []batch {
	walk := make([]batch, 4+r.IntN(25))
	s := newServer()
	for i := range walk {
		b := batch{simple: r.IntN(2) == 0, ahead: r.IntN(4) == 0}
		for ok := true; ok && (len(b.ops) == 0 || r.IntN(2) == 0); {
			o := anyOp(r)
			for r.IntN(20) > 0 && !s.accepts(o) {
				o = anyOp(r)
			}
			b.ops = append(b.ops, o)
			ok = s.exec(o, !b.simple)
		}
		s.endImplicit()
		walk[i] = b
	}
	return walk
}

// TestRandomWalk compares the machine with the reference after every answer.
func TestRandomWalk(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	walks := 6000
	if testing.Short() {
		walks = 1000
	}
	for range walks {
		walk := anyWalk(r)
		if check(walk) == "" {
			continue
		}
		walk = shrink(walk)
		var lines []string
		for _, b := range walk {
			lines = append(lines, b.String())
		}
		t.Fatalf("%s\n%s", strings.Join(lines, "\n"), check(walk))
	}
}

// shrink drops what the failure does not need.
func shrink(walk []batch) []batch {
	for smaller := true; smaller; {
		smaller = false
		for i := 0; i < len(walk); i++ {
			if less := slices.Delete(slices.Clone(walk), i, i+1); check(less) != "" {
				walk, smaller = less, true
				break
			}
			for j := 0; j < len(walk[i].ops); j++ {
				less := slices.Clone(walk)
				less[i].ops = slices.Delete(slices.Clone(walk[i].ops), j, j+1)
				if check(less) != "" {
					walk, smaller = less, true
					break
				}
			}
		}
	}
	return walk
}

// check runs a walk on both; it returns what differs.
func check(walk []batch) string {
	var m Machine
	s := newServer()
	sent := 0
	for i, b := range walk {
		for ; sent < len(walk) && (sent <= i || walk[sent].ahead); sent++ {
			send(&m, walk[sent])
		}
		if diff := answer(&m, s, b); diff != "" {
			return fmt.Sprintf("batch %d: %s", i+1, diff)
		}
	}
	if m.Pending() != 0 {
		return fmt.Sprintf("%d pending at the end", m.Pending())
	}
	return ""
}

func send(m *Machine, b batch) {
	for _, o := range b.ops {
		scan := sqlscan.New([]byte(o.sql), sqlscan.Options{})
		for scan.Next() {
			m.Sent(scan.Statement())
		}
	}
	if b.simple {
		m.EndQuery(false)
	} else {
		m.Sync()
	}
}

// answer lets the reference execute a batch and tells the machine.
func answer(m *Machine, s *server, b batch) string {
	alone := !b.simple || len(b.ops) == 1
	for i, o := range b.ops {
		ok := s.exec(o, alone)
		if ok && b.simple && i == len(b.ops)-1 {
			ok = s.endImplicit() // before the last CommandComplete
		}
		if !ok {
			m.Failed()
		} else {
			m.Completed()
			if o.kind == "set" {
				s.variable(o.name).defined = true
			}
		}
		if diff := differ(m, s, o); diff != "" {
			return diff
		}
		if !ok {
			break
		}
	}
	if !s.endImplicit() {
		m.Failed()
	}
	if !m.Ready(s.status()) {
		return m.Disagreement()
	}
	return differ(m, s, op{sql: "ReadyForQuery"})
}

func differ(m *Machine, s *server, o op) string {
	where := " after " + o.sql
	settled := o.sql == "ReadyForQuery"
	if settled && m.Status() != s.status() {
		return fmt.Sprintf("status %c, want %c%s", m.Status(), s.status(), where)
	}
	// A COMMIT that fails ends the transaction; the machine waits for the status.
	if m.ending && !settled {
		return ""
	}
	for name, v := range s.vars {
		got, tracked := m.Vars().Get(name)
		in := got.InForce()
		if in == nil && v.now.set || in != nil && (!v.now.set || in.Text != v.now.text) {
			// A simple message's last answer comes after its commit.
			if s.block == idle && !settled {
				continue
			}
			return fmt.Sprintf("%s is %+v, want %+v%s", name, in, v.now, where)
		}
		if !settled || s.block != idle {
			continue
		}
		if want := v.now.set || guc.Custom(name) && v.defined; tracked != want {
			return fmt.Sprintf("%s tracked: %v, want %v%s", name, tracked, want, where)
		}
	}
	if settled && s.block == idle && (m.Vars().Locals() > 0 || len(m.Frames()) > 0) {
		return "locals or frames left" + where
	}
	return ""
}
