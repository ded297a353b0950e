package relay

import (
	"strings"
	"testing"
	"time"
)

// What a sequence gave is known in the session that drew from it, in its later
// transactions too where that is asked for, and in no other.
func TestSequences(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		if p.proxy != nil { // the other client needs a backend beside the pinned one
			p = database(t).behind(t, 2, func(cfg *Config) { cfg.Sequences = SequencesOn })
		}
		c, other := p.connect(t), p.connect(t)
		const undefined = "E ERROR 55000 lastval is not yet defined in this session, Z I"
		other.must("CREATE TABLE t (id serial, a int)")
		other.must("DISCARD ALL")
		other.must("CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS $$SELECT nextval('t_id_seq')$$")
		other.must("DISCARD ALL")
		draws := []struct{ sql, last string }{
			{"INSERT INTO t (a) VALUES (1)", "1"}, {"INSERT INTO t (a) SELECT 1 FROM generate_series(1, 3)", "4"},
			{"SELECT nextval('t_id_seq')", "5"}, {"SELECT setval('t_id_seq', 20), nextval('t_id_seq')", "21"},
			{"SELECT f()", "22"},
		}
		for _, draw := range draws {
			c.must(draw.sql)
			if got := other.ask("SELECT lastval()"); got != undefined {
				t.Errorf("behind %s another client gets %s", draw.sql, got)
			}
			other.must("DISCARD ALL")
			if got := c.value("SELECT lastval()") + " " + c.value("SELECT currval('t_id_seq')"); got != draw.last+" "+draw.last {
				t.Errorf("behind %s: %s, not %s", draw.sql, got, draw.last)
			}
			c.must("DISCARD ALL")
		}
	})
}

// What a session drew is nobody else's, also where nobody is pinned and only what
// writes is scrubbed.
func TestSequencesOfOthers(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.ScrubAlways, cfg.Sequences = false, SequencesOff })
	c, other := p.connect(t), p.connect(t)
	c.must("CREATE SEQUENCE s")
	for _, draw := range []string{"SELECT nextval('s')", "SELECT setval('s', 7)"} {
		c.must(draw)
		if got := other.ask("SELECT currval('s')"); got != `E ERROR 55000 currval of sequence "s" is not yet defined in this session, Z I` {
			t.Errorf("behind %s another client gets %s", draw, got)
		}
		other.must("DISCARD ALL")
	}
}

// By default sessions that may draw keep their backends once one of the pool has
// asked for what it drew in an earlier transaction.
func TestSequencesOnDemand(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		pins := func(want int) {
			t.Helper()
			if p.proxy != nil && pinsOf(p, "currval or lastval") != want {
				t.Errorf("%d sessions are pinned, not %d", pinsOf(p, "currval or lastval"), want)
			}
		}
		if p.proxy != nil {
			p = database(t).behind(t, 4, func(cfg *Config) { cfg.MaxPinned = 1 })
		}
		c, d, e, other := p.connect(t), p.connect(t), p.connect(t), p.connect(t)
		c.must("CREATE TABLE t (id serial, a int); CREATE TABLE u (id int)")
		c.must("BEGIN; INSERT INTO t VALUES (DEFAULT); INSERT INTO u VALUES (currval('t_id_seq')); COMMIT")
		c.must("BEGIN")
		c.must("INSERT INTO t VALUES (DEFAULT)")
		if got := c.value("SELECT lastval()"); got != "2" {
			t.Errorf("in the transaction: %s", got)
		}
		c.must("COMMIT")
		other.ask("SELECT lastval()")
		pins(0)
		c.must("INSERT INTO t VALUES (DEFAULT)")
		if got := c.value("SELECT lastval()"); got != "3" { // nobody had the backend since
			t.Errorf("behind the transaction: %s", got)
		}
		pins(1)
		d.must("INSERT INTO t VALUES (DEFAULT)")
		for range 3 {
			other.must("SELECT")
		}
		if got := d.value("SELECT lastval()") + c.value("SELECT lastval()"); got != "43" {
			t.Errorf("two sessions have drawn %s", got)
		}
		e.must("INSERT INTO t VALUES (DEFAULT)")
		pins(3)
		other.must("CREATE TEMP TABLE x ()") // the first that counts for max_pinned
	})
}

// learnsSequences makes a pool of one backend that keeps it for who drew.
func learnsSequences(t *testing.T, change ...func(*Config)) place {
	p := database(t).behind(t, 1, change...)
	c := p.connect(t)
	c.must("CREATE TABLE t (id serial, a int)")
	c.must("INSERT INTO t VALUES (DEFAULT)")
	c.must("SELECT lastval()")
	c.leave()
	return p
}

// Sessions that draw all the time don't keep others waiting for long.
func TestSequencesShare(t *testing.T) {
	p := learnsSequences(t)
	c, other := p.connect(t), p.connect(t)
	c.must("INSERT INTO t VALUES (DEFAULT)")
	done := make(chan struct{})
	go func() {
		defer close(done)
		other.must("SELECT")
	}()
	for n := 0; ; n++ {
		select {
		case <-done:
			if n == 0 {
				t.Error("the other did not wait")
			}
			return
		default:
			c.must("INSERT INTO t VALUES (DEFAULT)")
		}
	}
}

// A session that is pinned only for what it drew gives its backend up when others
// have waited, longer if it has asked before, and is not disconnected by pin_timeout.
func TestSequencesYield(t *testing.T) {
	p := learnsSequences(t, func(cfg *Config) { cfg.PinTimeout = 1 })
	c, other := p.connect(t), p.connect(t)
	for _, least := range []time.Duration{drawnAtMost, askedAtMost} {
		c.must("INSERT INTO t VALUES (DEFAULT)")
		since := time.Now()
		other.must("SELECT")
		if waited := time.Since(since); waited < least {
			t.Errorf("the other waited for %v, and not for %v", waited, least)
		}
		if got := c.ask("SELECT lastval()"); got != "E ERROR 55000 lastval is not yet defined in this session, Z I" {
			t.Errorf("another had the backend, and there is %s", got)
		}
	}
}

// What was drawn is no reason to end a session whose backend is lost.
func TestSequencesLost(t *testing.T) {
	p := learnsSequences(t)
	c := p.connect(t)
	pid := c.value("SELECT pg_backend_pid()")
	c.must("INSERT INTO t VALUES (DEFAULT)")
	if n := pinsOf(p, "currval or lastval"); n != 1 {
		t.Errorf("%d sessions are pinned", n)
	}
	sql(t, "postgres", "SELECT pg_terminate_backend("+pid+", 60000)")
	eventually(t, "the session goes on", func() bool { return strings.HasPrefix(c.ask("SELECT 1"), "D 1") })
}
