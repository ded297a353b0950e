package relay

import (
	"strings"
	"testing"
	"time"
)

const shutdownLine = "E FATAL 57P01 terminating connection due to administrator command"

// all matches every session of the place.
func (p place) all(s *Session) bool { return s.database == p.database }

// An idle session ends with the words of the server's own, pinned or not.
func TestDrainIdle(t *testing.T) {
	terminate := func(p place) {
		if p.proxy != nil {
			p.proxy.Drain(p.all, "a test")
			return
		}
		sql(t, "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+p.database+"'")
	}
	both(t, func(t *testing.T, p place) {
		for _, before := range []string{"SELECT 1", "SET my.x = 1", "CREATE TEMP TABLE tt (a int); LISTEN a", "BEGIN; SELECT 1/0", "DO $$ BEGIN PERFORM set_config('my.x', '2', false); END $$"} {
			c := p.connect(t)
			c.ask(before)
			if strings.HasPrefix(before, "BEGIN") {
				c.ask("ROLLBACK")
			}
			terminate(p)
			c.expect(shutdownLine, closedLine)
			if p.proxy != nil {
				next := p.connect(t)
				if got := next.ask("SELECT coalesce(nullif(current_setting('my.x', true), ''), 'none'), to_regclass('pg_temp.tt'), count(*) FROM pg_listening_channels()"); got != "D none|NULL|0, C SELECT 1, Z I" {
					t.Errorf("behind %q the next session finds %s", before, got)
				}
				next.leave()
			}
		}
		atRest(t, p)
	})
}

// What is under way is finished first: a transaction, failed or not, a batch
// before its Sync, a COPY, a statement that runs or waits for a backend.
func TestDrainBetweenTransactions(t *testing.T) {
	p := database(t).behind(t, 2)
	watch := p.connect(t)
	watch.must("CREATE TABLE t (a int)")
	watch.leave()
	for _, test := range []struct {
		name   string
		before [][]byte
		until  string
		after  [][]byte
		want   []string
		rows   string
	}{
		{"transaction", [][]byte{query("BEGIN; INSERT INTO t VALUES (1)")}, "Z",
			[][]byte{query("INSERT INTO t VALUES (2)"), query("COMMIT")}, []string{"C INSERT 0 1", "Z T", "C COMMIT", "Z I"}, "2"},
		{"failed transaction", [][]byte{query("BEGIN; SELECT 1/0")}, "Z",
			[][]byte{query("ROLLBACK AND CHAIN"), query("COMMIT")}, []string{"C ROLLBACK", "Z T", "C COMMIT", "Z I"}, "0"},
		{"batch", [][]byte{oneShot("INSERT INTO t VALUES (1)"), flushMsg}, "C",
			[][]byte{oneShot("INSERT INTO t VALUES (2)"), syncMsg}, []string{"1", "2", "C INSERT 0 1", "Z I"}, "2"},
		{"copy", [][]byte{query("COPY t FROM STDIN")}, "G",
			[][]byte{copyData("1\n2\n3\n"), copyDone}, []string{"C COPY 3", "Z I"}, "3"},
		{"running", [][]byte{query("BEGIN"), query("INSERT INTO t VALUES (1); COMMIT; SELECT pg_sleep(1)")}, "Z",
			nil, []string{"C INSERT 0 1", "C COMMIT", "T", "D ", "C SELECT 1", "Z I"}, "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := p.connect(t)
			c.send(test.before...)
			c.until(test.until)
			for range 2 {
				if n := p.proxy.Drain(p.all, "a test"); n != 1 {
					t.Error(n, "sessions are drained")
				}
			}
			if view := p.proxy.Sessions(); len(view) != 1 || !view[0].Draining {
				t.Errorf("the operator sees %+v", view)
			}
			c.send(test.after...)
			c.expect(append(test.want, shutdownLine, closedLine)...)
			next := p.connect(t)
			if got := next.value("WITH d AS (DELETE FROM t RETURNING 1) SELECT count(*) FROM d"); got != test.rows {
				t.Error(got, "rows")
			}
			next.leave()
		})
	}
	atRest(t, p)
}

// Sessions that wait for a backend get it first, or hear that there is none; who
// does not match stays.
func TestDrainWaiting(t *testing.T) {
	p := database(t).behind(t, 1)
	stays, simple, batch := p.connect(t), p.connect(t), p.connect(t)
	stays.must("BEGIN")
	simple.send(query("SELECT 1"))
	batch.send(oneShot("SELECT 2"))
	eventually(t, "two wait", func() bool { return p.proxy.Pools()[0].Waiting == 2 })
	if n := p.proxy.Drain(func(s *Session) bool { return p.all(s) && s.srv == nil }, "a test"); n != 2 {
		t.Error(n, "sessions are drained")
	}
	stays.must("COMMIT")
	simple.expect("T", "D 1", "C SELECT 1", "Z I", shutdownLine, closedLine)
	batch.send(syncMsg)
	batch.expect("1", "2", "D 2", "C SELECT 1", "Z I", shutdownLine, closedLine)
	stays.must("SELECT 1")
	if n := p.proxy.Drain(func(s *Session) bool { return s.draining }, "a test"); n != 0 {
		t.Error(n, "sessions are left")
	}
	atRest(t, p)
}

// A batch that was refused is over with its Sync.
func TestDrainRefused(t *testing.T) {
	p := database(t).behind(t, 1)
	holder, refused := p.connect(t), p.connect(t)
	holder.must("BEGIN")
	p.reconfigure(func(cfg *Config) { cfg.WaitTimeout = 50 * time.Millisecond }) // behind the logins, which wait too
	refused.send(oneShot("SELECT 1"), flushMsg)
	if got := refused.line(); !strings.HasPrefix(got, "E ERROR 53300") {
		t.Fatal(got)
	}
	p.proxy.Drain(func(s *Session) bool { return p.all(s) && s.srv == nil }, "a test")
	refused.send(syncMsg)
	refused.expect("Z I", shutdownLine, closedLine)
	holder.must("COMMIT")
}

// A session that is to be drained when its statement is done is drained when that is lost.
func TestLostWhileDraining(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	pid := c.value(whoServes)
	c.send(query("SELECT pg_sleep(100)"))
	eventually(t, "the server sleeps", func() bool {
		return sql(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = '"+p.database+"' AND wait_event = 'PgSleep'") == "1"
	})
	p.proxy.Drain(p.all, "test")
	terminate(t, pid)
	c.answers(lived, "Z I", shutdownLine, closedLine)
}

// The same when its variables can't be set.
func TestUnfitWhileDraining(t *testing.T) {
	p := database(t).behind(t, 1)
	sql(t, "postgres", "CREATE ROLE draining_role")
	other := p.connect(t)
	c := p.connect(t)
	c.must("SET ROLE draining_role")
	sql(t, "postgres", "DROP ROLE draining_role")
	other.must("BEGIN")
	c.send(query("SELECT 1"))
	eventually(t, "it waits", func() bool { return p.waiting() == 1 })
	p.proxy.Drain(func(s *Session) bool { return p.all(s) && s.waiting }, "test")
	other.must("COMMIT")
	c.answers(`E ERROR 22023 role "draining_role" does not exist`, "Z I", shutdownLine, closedLine)
}
