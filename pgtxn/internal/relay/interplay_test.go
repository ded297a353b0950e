package relay

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What one feature leaves behind meets another.

// A session that listens and has drawn from a sequence gives its backend up like one
// that has only drawn, does not count for max_pinned, and still hears.
func TestListenWithSequences(t *testing.T) {
	p := learnsSequences(t, func(cfg *Config) { cfg.MaxPinned = 1 })
	c, pinned := p.connect(t), p.connect(t)
	c.must("LISTEN a")
	p.onTheListener(t, 1)
	c.must("INSERT INTO t VALUES (DEFAULT)")
	pinned.must("CREATE TEMP TABLE x (); NOTIFY a, 'heard'")
	c.expect("A a heard")
	p.onTheListener(t, 1)
}

// The next who waits waits no longer than the first.
func TestSequencesYieldAgain(t *testing.T) {
	p := learnsSequences(t)
	c, other := p.connect(t), p.connect(t)
	for range 2 {
		c.must("INSERT INTO t VALUES (DEFAULT)")
		since := time.Now()
		other.must("SELECT")
		if waited := time.Since(since); waited > askedAtMost/2 {
			t.Errorf("the other waited for %v", waited)
		}
	}
}

// Channels that were not asked for are not moved, nor are those of before.
func TestListenUninspected(t *testing.T) {
	p := database(t).behind(t, 2)
	c, speaker := p.connect(t), p.connect(t)
	c.must("LISTEN a")
	p.onTheListener(t, 1)
	const oidUpper = 871
	c.send(functionCall(oidUpper, strings.Repeat("x", 200000)))
	c.until("Z")
	c.must("DISCARD ALL")
	c.must("LISTEN b")
	c.must("SELECT 1")
	speaker.must("NOTIFY a, 'no'; NOTIFY b, 'yes'")
	c.expect("A b yes")
}

// A session that listens gets out of variables that no backend takes any more.
func TestListenUnfit(t *testing.T) {
	p := database(t).behind(t, 1)
	sql(t, "postgres", "CREATE ROLE listening_role")
	c := p.connect(t)
	c.must("SET ROLE listening_role")
	c.must("LISTEN a")
	p.onTheListener(t, 1)
	terminate(t, sql(t, "postgres", "SELECT pid FROM pg_stat_activity WHERE application_name <> 'caddy_pgtxn listen' AND datname = '"+p.database+"'"))
	sql(t, "postgres", "DROP ROLE listening_role")
	if got := c.ask("SELECT 1"); got != `E ERROR 22023 role "listening_role" does not exist, Z I` {
		t.Error(got)
	}
	c.must("RESET ROLE")
	c.must("NOTIFY a, 'heard'")
}

// What comes while a session's start-up values are being set again is heard.
func TestNotifiedWhileSetAgain(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.PinListen = true })
	c := p.connect(t, "options", "-c work_mem=5MB")
	c.must("LISTEN a")
	c.must("DO $$ BEGIN EXECUTE 'RESET work_mem'; END $$")
	eventually(t, "the inspection is done", func() bool {
		v := p.proxy.Sessions()[0]
		return strings.Join(v.Pins, " ") == "LISTEN"
	})
	pid, _ := strconv.Atoi(sql(t, "postgres", "SELECT pid FROM pg_stat_activity WHERE datname = '"+p.database+"'"))
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	sql(t, p.database, "NOTIFY a, 'heard'")
	before := p.proxy.Sessions()[0].Statements
	c.send(query("SHOW work_mem"))
	eventually(t, "it has been sent on", func() bool { return p.proxy.Sessions()[0].Statements > before })
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.until("Z"), ", "); got != "A a heard, T, D 5MB, C SHOW, Z I" {
		t.Error(got)
	}
}
