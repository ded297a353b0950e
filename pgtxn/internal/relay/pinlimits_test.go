package relay

import (
	"fmt"
	"testing"
	"time"
)

const tooManyPinned = "E ERROR 53400 too many sessions keep a server connection for themselves"

// Who would be pinned beyond the limit is refused, as by the server: in a message,
// in a transaction, in a pipeline. The others have their share.
func TestMaxPinned(t *testing.T) {
	p := database(t).behind(t, 2, func(cfg *Config) { cfg.MaxPinned, cfg.WaitTimeout, cfg.PinListen = 1, time.Minute, true })
	one, two, others := p.connect(t), p.connect(t), p.connect(t)
	one.must("CREATE TEMP TABLE mine (a int)")
	refused := func() {
		t.Helper()
		if got := two.ask("SELECT 1; LISTEN x"); got != tooManyPinned+", Z I" {
			t.Error(got)
		}
		if got := two.ask("BEGIN; SELECT 1"); got != "C BEGIN, D 1, C SELECT 1, Z T" {
			t.Error(got)
		}
		if got := two.ask("PREPARE x AS SELECT 1"); got != tooManyPinned+", Z E" {
			t.Error(got)
		}
		two.must("ROLLBACK")
		two.send(oneShot("SELECT 1"), oneShot("SELECT pg_advisory_lock(1)"), oneShot("SELECT 2"), syncMsg, query("SELECT 3"))
		two.expect("1", "2", "D 1", "C SELECT 1", "1", "2", tooManyPinned, "Z I", "T", "D 3", "C SELECT 1", "Z I")
	}
	refused()
	for range 3 {
		others.must("SELECT 1")
		one.must("INSERT INTO mine VALUES (1)")
	}
	one.must("CREATE TEMP TABLE more (a int)") // it is pinned already
	one.must("DROP TABLE mine, more")
	eventually(t, "the place is free", func() bool { return two.ask("LISTEN x") == "C LISTEN, Z I" })
	two.must("UNLISTEN x")
	eventually(t, "and again", func() bool { return one.ask("CREATE TEMP TABLE mine (a int)") == "C CREATE TABLE, Z I" })
	others.must("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TEMP TABLE t (); END'")
	two.send(query("SELECT f()")) // what it does is known behind it
	if got := two.until(closedLine)[4]; got != "E FATAL 53400 too many sessions keep a server connection for themselves" {
		t.Error(got)
	}
	one.leave()
	third := p.connect(t)
	eventually(t, "and again", func() bool { return third.ask("LISTEN x") == "C LISTEN, Z I" })
	others.must("SELECT 1")
}

func TestPinTimeout(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.PinTimeout, cfg.WaitTimeout = time.Second, time.Minute })
	one, other := p.connect(t), p.connect(t)
	one.must("CREATE TEMP TABLE mine (a int)")
	for range 3 {
		one.must("SELECT pg_sleep(0.5)") // never idle for long
	}
	if got := fmt.Sprint(one.line(), " ", one.line()); got != "E FATAL 57P05 terminating connection due to idle-session timeout "+closedLine {
		t.Error(got)
	}
	other.must("CREATE TEMP TABLE mine (a int)")
	other.must("DROP TABLE mine")
	p.connect(t).must("SELECT pg_sleep(1.2)") // the other is idle now, and not pinned
	other.must("SELECT 1")
}

// A client's statements are bounded, whatever it does with the error.
func TestMaxClientPrepared(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.MaxClientPrepared = 2 })
	c := p.connect(t)
	c.prepare("a", "SELECT 'a'")
	c.prepare("b", "SELECT 'b'")
	c.send(parse("c", "SELECT 'c'"), bind("", "c"), syncMsg)
	c.expect("E ERROR 54000 too many prepared statements in one session", "Z I")
	c.must("BEGIN")
	c.send(parse("c", "SELECT 'c'"), syncMsg)
	c.expect("E ERROR 54000 too many prepared statements in one session", "Z E")
	c.must("ROLLBACK")
	c.prepare("", "SELECT 'unnamed'")
	c.runs("", "unnamed")
	c.must("DEALLOCATE a")
	c.prepare("c", "SELECT 'c'")
	c.runs("b", "b")
	c.runs("c", "c")
}

// A session that was counted for a statement that never ran counts no more.
func TestPinnedForUnfit(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.MaxPinned, cfg.PinListen = 1, true })
	sql(t, "postgres", "CREATE ROLE pinned_role")
	c := p.connect(t)
	c.must("SET ROLE pinned_role")
	p.connect(t).must("SELECT 1") // so that the role has to be set again
	sql(t, "postgres", "DROP ROLE pinned_role")
	if got := c.ask("LISTEN a"); got != `E ERROR 22023 role "pinned_role" does not exist, Z I` {
		t.Error(got)
	}
	c.leave()
	p.connect(t).must("LISTEN a")
}
