package relay

import (
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"
)

// In steady state a relayed transaction allocates nothing: neither the loop, nor
// the scanner, the machine, the pool or the two sockets. What is counted is the
// whole process, in which the client allocates nothing either.
func TestNoAllocations(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.IdleTimeout, cfg.MaxLifetime = 10*time.Minute, time.Hour })
	sql(t, p.database, "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 2)")
	const text = "SELECT v FROM t WHERE id = 1"
	for _, c := range []struct {
		name    string
		before  []byte // sent once
		request []byte
		answers int // ReadyForQuery for each request
	}{
		{name: "simple Query", request: query(text), answers: 1},
		{name: "transaction", request: slices.Concat(query("BEGIN"), query(text), query("COMMIT")), answers: 3},
		{
			name:    "prepared statement",
			before:  slices.Concat(parse("s", text), syncMsg),
			request: slices.Concat(bind("", "s"), execute("", 0), syncMsg), answers: 1,
		},
		{
			name:    "unnamed statement",
			request: slices.Concat(parse("", text), bind("", ""), execute("", 0), syncMsg), answers: 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Two clients on one backend, so that it changes hands each time.
			one, two := p.connect(t), p.connect(t)
			defer one.leave()
			defer two.leave()
			if c.before != nil {
				for _, client := range []*client{one, two} {
					client.send(c.before)
					client.until("Z")
				}
			}
			for _, client := range []*client{one, two} {
				if err := client.conn.SetDeadline(time.Now().Add(5 * time.Minute)); err != nil {
					t.Fatal(err)
				}
			}
			turn := func() {
				one.exchange(c.request, c.answers)
				two.exchange(c.request, c.answers)
			}
			const turns = 2000
			if n := mallocs(turn, turns); n > turns/100 {
				t.Errorf("%d allocations in %d transactions", n, 2*turns)
			}
		})
	}
}

// exchange sends request and passes over the answers up to the last ReadyForQuery.
func (c *client) exchange(request []byte, answers int) {
	if _, err := c.conn.Write(request); err != nil {
		c.t.Fatal(err)
	}
	for answers > 0 {
		head, err := c.in.Peek(5)
		if err != nil {
			c.t.Fatal(err)
		}
		size := 1 + int(binary.BigEndian.Uint32(head[1:]))
		if head[0] == 'Z' {
			answers--
		}
		if _, err := c.in.Discard(size); err != nil {
			c.t.Fatal(err)
		}
	}
}

// mallocs counts the allocations of the whole process while f runs.
func mallocs(f func(), times int) uint64 {
	for range times / 10 {
		f() // until all buffers have their size
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		f()
	}
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// A wait that is counted, with its exemplar, costs no allocation: the transaction's id is two numbers until somebody asks.
func TestWaitsAllocateNothing(t *testing.T) {
	s, totals, now := &Session{id: 26, loan: loan{waiting: true}}, new(Totals), time.Now()
	n := testing.AllocsPerRun(1000, func() { totals.waited(Exemplar{s.transaction(), 0.003, now}) })
	if n != 0 {
		t.Errorf("%v allocations for each", n)
	}
	if got := totals.WaitExemplars[2].Transaction.String(); got != "26.1" || totals.Waits.Buckets[2] != 1001 {
		t.Errorf("exemplar %q of %v", got, totals.Waits)
	}
}
