package txn

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

// do sends one statement in a batch of its own and lets it complete.
func do(m *Machine, st sqlscan.Statement, status byte) {
	m.Sent(st)
	m.EndQuery(false)
	m.Completed()
	if !m.Ready(status) {
		panic(m.Disagreement())
	}
}

var (
	other      = sqlscan.Statement{}
	begin      = sqlscan.Statement{Kind: sqlscan.Begin}
	commit     = sqlscan.Statement{Kind: sqlscan.Commit}
	savepoint  = sqlscan.Statement{Kind: sqlscan.Savepoint, Name: "a"}
	rollbackTo = sqlscan.Statement{Kind: sqlscan.RollbackTo, Name: "a"}
	setVar     = sqlscan.Statement{Kind: sqlscan.Set, Name: "v0150", Value: "x"}
)

// with is a machine in a transaction, with n variables set.
func with(n int) *Machine {
	m := &Machine{}
	for i := range n {
		m.Learned(fmt.Sprintf("v%04d", i), "1")
	}
	do(m, begin, 'T')
	return m
}

func TestHotPathAllocatesNothing(t *testing.T) {
	m := &Machine{}
	for name, cycle := range map[string]func(){
		"other": func() { do(m, other, 'I') },
		"transaction": func() {
			do(m, begin, 'T')
			do(m, other, 'T')
			do(m, commit, 'I')
		},
		"pipeline": func() {
			for range 10 {
				m.Sent(other)
			}
			m.Sync()
			for range 10 {
				m.Completed()
			}
			m.Ready('I')
		},
		"failure": func() {
			m.Sent(other)
			m.EndQuery(false)
			m.Failed()
			m.Ready('I')
		},
		"savepoint": func() {
			do(m, begin, 'T')
			do(m, savepoint, 'T')
			do(m, rollbackTo, 'T')
			do(m, commit, 'I')
		},
	} {
		if allocs := testing.AllocsPerRun(100, cycle); allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

// TestSavepointBytes: a savepoint that changed nothing costs the same few bytes
// with any number of variables and at any depth.
func TestSavepointBytes(t *testing.T) {
	for _, c := range []struct{ vars, savepoints int }{{0, 1 << 17}, {300, 1 << 17}, {300, 1 << 20}} {
		m := with(c.vars)
		before := heap()
		for range c.savepoints {
			st := savepoint
			st.Name = strings.Clone("pgjdbc_autosave") // the scanner's own copy
			do(m, st, 'T')
		}
		each := float64(heap()-before) / float64(c.savepoints)
		t.Logf("%d variables, %d savepoints: %.1f bytes each", c.vars, c.savepoints, each)
		if each > 100 {
			t.Errorf("%d variables, %d savepoints: %.1f bytes each", c.vars, c.savepoints, each)
		}
		do(m, backTo("pgjdbc_autosave"), 'T')
		do(m, commit, 'I')
		if cap(m.frames) > keepFrames {
			t.Errorf("an idle session keeps %d frames of memory", cap(m.frames))
		}
	}
}

func backTo(name string) sqlscan.Statement {
	return sqlscan.Statement{Kind: sqlscan.RollbackTo, Name: name}
}

func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// TestMillionSavepoints goes down a million levels with changes and back.
func TestMillionSavepoints(t *testing.T) {
	const n = 1000000
	m := with(300)
	for i := range n {
		do(m, sqlscan.Statement{Kind: sqlscan.Savepoint, Name: fmt.Sprint("s", i)}, 'T')
		if i%1000 == 0 {
			do(m, sqlscan.Statement{Kind: sqlscan.Set, Name: "v0150", Value: fmt.Sprint(i)}, 'T')
		}
	}
	for _, i := range []int{n - 1, 500001, 500000, 1000, 0} {
		do(m, backTo(fmt.Sprint("s", i)), 'T')
		want := "1"
		if i > 0 {
			want = fmt.Sprint((i - 1) / 1000 * 1000)
		}
		if v, _ := m.Vars().Get("v0150"); v.InForce().Text != want {
			t.Errorf("after ROLLBACK TO s%d: %s, want %s", i, v.InForce().Text, want)
		}
	}
}

// TestLongTransaction: a transaction that is open for a day and sets one variable
// after another takes no more than what differs, savepoints included that it
// comes back to.
func TestLongTransaction(t *testing.T) {
	m := with(300)
	do(m, savepoint, 'T')
	before, size := heap(), m.Bytes()
	for i := range 100000 {
		name := fmt.Sprintf("v%04d", i%300)
		do(m, sqlscan.Statement{Kind: sqlscan.Set, Name: name, Value: fmt.Sprint(i), Local: i%2 == 0}, 'T')
		switch i % 100 {
		case 0:
			do(m, rollbackTo, 'T')
		case 50:
			do(m, sqlscan.Statement{Kind: sqlscan.Savepoint, Name: "b"}, 'T')
		}
	}
	grown := heap() - before
	t.Logf("%d bytes more; Bytes says %d", grown, m.Bytes()-size)
	if grown > 300000 || m.Bytes()-size > 300000 {
		t.Errorf("100000 SETs of 300 variables take %d bytes; Bytes says %d", grown, m.Bytes()-size)
	}
	runtime.KeepAlive(m)
}

// TestBytes: what Bytes says is what is taken, but for a factor of two.
func TestBytes(t *testing.T) {
	set := func(i, size int) sqlscan.Statement {
		return sqlscan.Statement{Kind: sqlscan.Set, Name: fmt.Sprintf("v%04d", i), Value: strings.Repeat(fmt.Sprint(i%10), size)}
	}
	for name, fill := range map[string]func(m *Machine){
		"variables": func(m *Machine) {
			for i := range 3000 {
				do(m, set(i, 20), 'T')
			}
		},
		"a large value": func(m *Machine) { do(m, set(1, 1<<20), 'T') },
		"savepoints": func(m *Machine) {
			for i := range 100000 {
				do(m, sqlscan.Statement{Kind: sqlscan.Savepoint, Name: fmt.Sprint("savepoint ", i)}, 'T')
			}
		},
		"savepoints with changes": func(m *Machine) {
			for i := range 3000 {
				do(m, savepoint, 'T')
				do(m, set(i%300, 500), 'T')
			}
		},
		"queued": func(m *Machine) {
			for i := range 1000 {
				m.Sent(set(i, 1000))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := with(300)
			before, size := heap(), m.Bytes()
			fill(m)
			taken, said := heap()-before, m.Bytes()-size
			t.Logf("%d bytes, Bytes says %d", taken, said)
			if said > 2*taken || taken > 2*said {
				t.Errorf("it takes %d bytes, Bytes says %d", taken, said)
			}
			runtime.KeepAlive(m)
		})
	}
}

// TestLongPipeline: the queue of an idle session is short again, and each
// statement's memory is used again while answers keep up.
func TestLongPipeline(t *testing.T) {
	var m Machine
	for range 100000 {
		m.Sent(other)
	}
	m.Sync()
	for range 100000 {
		m.Completed()
	}
	if !m.Ready('I') || m.Pending() != 0 || cap(m.queue.items) > keepItems {
		t.Errorf("%d pending, memory for %d", m.Pending(), cap(m.queue.items))
	}
	m.Sent(other)
	for range 100000 { // never empty
		m.Sent(other)
		m.Completed()
	}
	if cap(m.queue.items) > 16 {
		t.Errorf("memory for %d while 2 are queued", cap(m.queue.items))
	}
}

func BenchmarkSavepointSetRollbackTo(b *testing.B) {
	for _, n := range []int{0, 300} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := with(n)
			do(m, savepoint, 'T')
			b.ReportAllocs()
			for b.Loop() {
				do(m, savepoint, 'T')
				do(m, setVar, 'T')
				do(m, rollbackTo, 'T')
				do(m, sqlscan.Statement{Kind: sqlscan.Release, Name: "a"}, 'T')
			}
		})
	}
}

func BenchmarkOther(b *testing.B) {
	var m Machine
	b.ReportAllocs()
	for b.Loop() {
		do(&m, other, 'I')
	}
}

func BenchmarkTransaction(b *testing.B) {
	var m Machine
	b.ReportAllocs()
	for b.Loop() {
		do(&m, begin, 'T')
		do(&m, other, 'T')
		do(&m, commit, 'I')
	}
}

func BenchmarkSetCommit(b *testing.B) {
	for _, n := range []int{0, 300} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := with(n)
			do(m, commit, 'I')
			values := [2]string{"a", "b"}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				st := setVar
				st.Value = values[i%2]
				do(m, st, 'I')
			}
		})
	}
}

var sink guc.Hash

func BenchmarkHash(b *testing.B) {
	m := with(300)
	for b.Loop() {
		sink = m.Vars().Hash()
	}
}
