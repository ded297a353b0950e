package relay

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A client leaves at some point of a conversation, with a goodbye or without. The
// next one on the same backend must not notice.

// conversation is what a client says, message by message; an answer that ends
// with a line beginning with until is awaited behind a message.
type conversation struct {
	name  string
	steps []said
}

type said struct {
	message []byte
	until   string
}

var conversations = []conversation{
	{"transaction", []said{
		{query("BEGIN"), "Z"}, {query("SET my.x = 'left'; SET ROLE pg_monitor"), "Z"}, {query("INSERT INTO t VALUES (1)"), "Z"},
		{query("SELECT pg_advisory_xact_lock(1)"), "Z"}, {query("SAVEPOINT a"), "Z"}, {query("SELECT 1/0"), "Z"},
		{query("ROLLBACK TO a"), "Z"}, {query("LOCK TABLE t"), "Z"},
	}},
	{"pipeline", []said{
		{parse("s", "INSERT INTO t VALUES (2)"), ""}, {bind("", "s"), ""}, {describePortal(""), ""}, {execute("", 0), ""}, {flushMsg, "C"},
		{oneShot("SET my.x = 'left'"), ""}, {flushMsg, "C"}, {bind("p", "missing"), "E"}, {execute("p", 0), ""}, {flushMsg, ""},
	}},
	{"copy", []said{
		{query("BEGIN; SET LOCAL my.x = 'left'"), "Z"}, {query("COPY t FROM STDIN"), "G"}, {copyData("3\n4\n"), ""}, {copyData("5\n"), ""}, {copyDone, "Z"},
		{parse("", "COPY t FROM STDIN"), ""}, {bind("", ""), ""}, {execute("", 0), ""}, {syncMsg, "G"}, {copyData("6\n"), ""}, {copyFail("enough"), "E"},
	}},
	{"session state", []said{
		{query("CREATE TEMP TABLE tt (a int)"), "Z"}, {query("LISTEN a; SELECT pg_advisory_lock(7)"), "Z"}, {query("PREPARE q AS SELECT 1"), "Z"},
		{query("DECLARE c CURSOR WITH HOLD FOR SELECT 1"), "Z"}, {query("SELECT set_config('my.x', 'left', false)"), "Z"},
		{query("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"), "Z"},
	}},
}

// say says the first n bytes of the conversation.
func (c *client) say(conv conversation, n int) {
	c.t.Helper()
	for _, s := range conv.steps {
		m := s.message[:min(n, len(s.message))]
		c.send(m)
		if n -= len(m); n <= 0 && len(m) < len(s.message) {
			return
		}
		if s.until != "" {
			c.until(s.until)
		}
	}
}

// cuts are the points at which to leave: around each message's head, in its
// middle, and behind it.
func (conv conversation) cuts() (at []int) {
	n := 0
	for _, s := range conv.steps {
		at = append(at, n+1, n+4, n+5, n+(5+len(s.message))/2, n+len(s.message)-1, n+len(s.message))
		n += len(s.message)
	}
	slices.Sort(at)
	return slices.Compact(at)
}

func TestDisconnect(t *testing.T) {
	for _, conv := range conversations {
		t.Run(conv.name, func(t *testing.T) {
			p := database(t)
			direct := p.connect(t)
			direct.must("CREATE TABLE t (a int)")
			clean := direct.ask(traces)
			through := p.behind(t, 1)
			for i, at := range conv.cuts() {
				c := through.connect(t)
				c.say(conv, at)
				how := "goes away"
				if i%2 == 0 {
					c.drop()
				} else {
					how = "says goodbye"
					c.send(message('X')) // within a message: part of it
					c.drop()
				}
				next := through.connect(t)
				if got := next.ask(traces); got != clean {
					t.Errorf("a client %s %d bytes into %s: the next one finds %s", how, at, conv.name, got)
				}
				next.leave()
			}
			if got := direct.value("SELECT count(*) FROM t"); got != "0" {
				t.Error(got, "rows were committed")
			}
			direct.leave()
			atRest(t, through)
			eventually(t, "the pool has one idle backend, and nobody", func() bool { // the server rests before the proxy has read so
				got := through.proxy.Pools()[0]
				return got.Active+got.Waiting+got.Sessions == 0 && got.Idle == 1
			})
		})
	}
}

// traces is one row of all that could be left of another client's session.
const traces = `SELECT coalesce(nullif(current_setting('my.x', true), ''), 'none'), current_user, current_setting('transaction_read_only'),
	(SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('advisory', 'transactionid')),
	(SELECT count(*) FROM pg_prepared_statements WHERE name !~ '^caddy_pgtxn_'), (SELECT count(*) FROM pg_cursors WHERE name <> ''),
	(SELECT count(*) FROM pg_listening_channels()), to_regclass('pg_temp.tt'), (SELECT count(*) FROM t)`

// What a client has sent before its goodbye is done, and answered if it still
// listens, as by PostgreSQL, which reads the goodbye last.
func TestDisconnectBehindWork(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		watch := p.connect(t)
		watch.must("CREATE TABLE t (a int)")
		for i, end := range [][]byte{message('X'), nil} {
			c := p.connect(t)
			c.send(query("INSERT INTO t VALUES (1)"), oneShot("INSERT INTO t VALUES (2)"), syncMsg, end)
			c.drop()
			eventually(t, "the rows are there", func() bool { return watch.value("SELECT count(*) FROM t") == fmt.Sprint(2*i+2) })
		}
		atRest(t, p)
	})
}

// A batch without its Sync is not committed by leaving.
func TestDisconnectBeforeSync(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		watch := p.connect(t)
		watch.must("CREATE TABLE t (a int)")
		for _, end := range [][]byte{message('X'), nil} {
			c := p.connect(t)
			c.send(oneShot("INSERT INTO t VALUES (1)"), end)
			c.drop()
			atRest(t, p)
			if got := watch.value("SELECT count(*) FROM t"); got != "0" {
				t.Error("committed")
			}
		}
	})
}

// The statement of a client that has gone runs to its end, as PostgreSQL has it,
// and nobody gets another backend in its place meanwhile.
func TestDisconnectFromLongStatement(t *testing.T) {
	p := database(t).behind(t, 1)
	for _, m := range [][]byte{query("SELECT pg_sleep(2)"), append(oneShot("SELECT pg_sleep(2)"), syncMsg...), oneShot("SELECT pg_sleep(2)")} {
		c := p.connect(t)
		c.must("BEGIN; SET my.x = 'left'")
		c.send(m)
		eventually(t, "the statement runs", func() bool { return working(t, p) == "1" })
		c.drop()
		next := p.connect(t)
		next.send(query("SELECT coalesce(current_setting('my.x', true), '')"))
		most := ""
		eventually(t, "the next client is served", func() bool {
			most = max(most, sql(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = '"+p.database+"'"))
			return working(t, p) == "0"
		})
		next.expect("T", "D ", "C SELECT 1", "Z I")
		if most > "1" {
			t.Error(most, "backends")
		}
		next.leave()
	}
}

// working counts who is in pg_sleep: active alone may be a statement that has not been
// planned yet, and has sent nothing of its answer.
func working(t testing.TB, p place) string {
	t.Helper()
	return sql(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = '"+p.database+"' AND wait_event = 'PgSleep'")
}

// Clients that wait for a backend, and go.
func TestDisconnectWhileWaiting(t *testing.T) {
	p := database(t).behind(t, 1)
	holder := p.connect(t)
	holder.must("BEGIN")
	var waiting []*client
	for i := range 6 {
		c := p.connect(t)
		switch i % 3 {
		case 0:
			c.send(query("SET my.x = 'left'"))
		case 1:
			c.send(oneShot("SET my.x = 'left'"))
		case 2:
			c.send(query("BEGIN; SET my.x = 'left'"), message('X'))
		}
		waiting = append(waiting, c)
	}
	eventually(t, "six wait", func() bool { return p.proxy.Pools()[0].Waiting == 6 })
	for _, c := range waiting {
		c.drop()
	}
	last := p.connect(t)
	last.send(query("SELECT coalesce(current_setting('my.x', true), '')"))
	holder.must("COMMIT")
	last.expect("T", "D ", "C SELECT 1", "Z I")
	eventually(t, "they are forgotten", func() bool { return p.proxy.Pools()[0].Sessions == 2 })
	atRest(t, p)
}

// A client that closes its writing half only still gets its answers.
func TestHalfClose(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		c.send(query("SELECT repeat('x', 100000)"), query("SELECT 2"))
		if err := c.conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c.expect("T", "D "+strings.Repeat("x", 100000), "C SELECT 1", "Z I", "T", "D 2", "C SELECT 1", "Z I", closedLine)
	})
}

// A client goes away that has not read its answer, nor has the proxy that to a question of its own behind it.
func TestLeavesWithoutReading(t *testing.T) {
	p := database(t).behind(t, 1)
	var taken sync.RWMutex
	p.addr = listen(t, func(conn net.Conn) {
		_ = p.proxy.Serve(context.Background(), slow{conn, &taken}, nil, p.proxy.cfg, nil)
	})
	c := p.connect(t)
	c.must("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
	s := p.session(c)
	holds := func(what string, state func() bool) {
		eventually(t, what, func() (is bool) {
			s.shard.loop.Call(func() { is = state() })
			return is
		})
	}
	taken.Lock()
	c.send(query("SELECT 1"))
	holds("the answer has been taken for writing", func() bool { return s.srv == nil && s.transactions == 2 })
	c.send(query("SELECT public.f()"))
	holds("what was changed in secret is answered, and not read", func() bool { return s.client.full() && s.inspecting && s.srv.conn.CanRead() })
	c.drop()
	holds("the session waits for room in the client's socket", func() bool { return s.lingering })
	taken.Unlock()
	p.connect(t).must("SELECT 1")
	atRest(t, p)
}

// slow is a connection that takes nothing while taken is locked.
type slow struct {
	net.Conn
	taken *sync.RWMutex
}

func (s slow) Write(p []byte) (int, error) {
	s.taken.RLock()
	defer s.taken.RUnlock()
	return s.Conn.Write(p)
}
