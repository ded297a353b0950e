package relay

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// Backends that go: terminated, crashed, timed out.

const (
	terminated = "E FATAL 57P01 terminating connection due to administrator command"
	// lived is the same for a session that goes on with another backend.
	lived = "E ERROR 57P01 terminating connection due to administrator command"
	lost  = "E ERROR 08006 connection to upstream server lost"
	lostT = "E ERROR 08006 connection to upstream server lost in a transaction"
	inE   = "E ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block"
)

func terminate(t testing.TB, pid string) {
	t.Helper()
	if got := sql(t, "postgres", "SELECT pg_terminate_backend("+pid+", 20000)"); got != "t" {
		t.Fatalf("pg_terminate_backend(%s): %s", pid, got)
	}
}

// Nobody notices that an idle backend has gone, and its place is free.
func TestBackendTerminatedIdle(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.must("SET my.x = 'mine'")
	c.prepare("s", "SELECT current_setting('my.x')")
	for range 3 {
		terminate(t, c.value(whoServes))
		eventually(t, "the pool has noticed", func() bool { return p.proxy.Pools()[0].Idle == 0 })
		c.runs("s", "mine")
		if got := c.value("SHOW my.x"); got != "mine" {
			t.Error(got)
		}
	}
	atRest(t, p)
}

// Who had what can't be moved is told in the server's words, and only that one.
func TestBackendTerminatedPinned(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		if p.proxy != nil {
			p.proxy.cfg.PoolSize, p.proxy.cfg.PinListen = 2, true
			p.proxy.Configure(p.proxy.cfg)
		}
		c, other := p.connect(t), p.connect(t)
		for _, state := range [][]string{
			{"LISTEN a"}, {"CREATE TEMP TABLE t ()"}, {"CREATE TEMP TABLE t ()", "BEGIN"},
			{"BEGIN; SELECT pg_advisory_lock(1)"}, {"BEGIN; PREPARE p AS SELECT 1"}, {"LISTEN a", "BEGIN; SELECT 1/0"},
		} {
			pid := ""
			for _, text := range state {
				if text == state[len(state)-1] {
					pid = c.value(whoServes)
				}
				c.ask(text)
			}
			terminate(t, pid)
			c.expect(terminated, closedLine)
			other.must("SELECT 1")
			c = p.connect(t)
		}
		atRest(t, p)
	})
}

// The server's own timeouts end a transaction left open, and a statement.
func TestBackendTimeouts(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		c.must("SET statement_timeout = '500ms'") // also of what the proxy asks, and of the RESET
		if got := c.ask("SELECT pg_sleep(1000)"); got != "E ERROR 57014 canceling statement due to statement timeout, Z I" {
			t.Error(got)
		}
		c.must("RESET statement_timeout; SET idle_in_transaction_session_timeout = '50ms'")
		c.must("BEGIN")
		c.expect("E FATAL 25P03 terminating connection due to idle-in-transaction timeout", closedLine)
		p.connect(t).must("SELECT 1")
		atRest(t, p)
	})
}

// A crash takes all backends along; the server starts again, and so does the pool.
func TestServerRestart(t *testing.T) {
	server := pgtest.Start(t, pgtest.Setting("restart_after_crash", "on"))
	p := place{addr: server.Addr, database: "postgres", user: pgtest.Superuser}.behind(t, 3)
	idle, inTransaction, running := p.connect(t), p.connect(t), p.connect(t)
	idle.must("SET my.x = 'mine'")
	idle.prepare("s", "SELECT current_setting('my.x')")
	inTransaction.must("BEGIN")
	running.send(query("SELECT pg_backend_pid()"), query("SELECT pg_sleep(1000)"))
	running.expect("T")
	pid, err := strconv.Atoi(strings.TrimPrefix(running.line(), "D "))
	if err != nil {
		t.Fatal(err)
	}
	running.expect("C SELECT 1", "Z I")
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil { // a process of our server's
		t.Fatal(err)
	}
	const crash = "N WARNING 57P02 terminating connection because of crash of another server process"
	running.answers(lost, "Z I")
	inTransaction.expect(crash) // as is said to whoever is connected
	if got := inTransaction.ask("SELECT 1"); got != lostT+", Z E" {
		t.Error(got)
	}
	inTransaction.must("ROLLBACK")
	running.must("SELECT 1")
	for range 3 { // the idle one was told nothing, and waits until the server is there
		idle.runs("s", "mine")
		if got := idle.value("SHOW my.x"); got != "mine" {
			t.Error(got)
		}
	}
	p.connect(t).must("SELECT 1")
}

// No more is sent to a backend than one client's work: a statement whose backend
// went is not sent again.
func TestNothingIsSentTwice(t *testing.T) {
	p := database(t).behind(t, 2)
	counter, c := p.connect(t), p.connect(t)
	counter.must("CREATE TABLE t (a int)")
	for i := range 10 {
		c.send(query(fmt.Sprintf("INSERT INTO t VALUES (%d); COMMIT; SELECT pg_backend_pid(), pg_sleep(1000)", i)))
		pid := ""
		eventually(t, "the statement runs", func() bool {
			pid = sql(t, "postgres", "SELECT pid FROM pg_stat_activity WHERE datname = '"+p.database+"' AND state = 'active' AND query LIKE 'INSERT%'")
			return pid != "" && counter.value("SELECT count(*) FROM t") == fmt.Sprint(i+1)
		})
		terminate(t, pid)
		c.answers("C INSERT 0 1", "N WARNING 25P01 there is no transaction in progress", "C COMMIT", lived, "Z I")
	}
	if got := counter.value("SELECT count(*) FROM t"); got != "10" {
		t.Error(got, "rows of 10")
	}
}
