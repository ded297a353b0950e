package relay

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// What a new configuration changes for a pool that lives, one option after the other, for who is there already.

// reconfigure has the pools of the place live by a changed configuration. That of new clients stays.
func (p place) reconfigure(change func(*Config)) {
	cfg := *p.proxy.cfg
	change(&cfg)
	p.proxy.Configure(&cfg)
}

func TestPoolSizeChanges(t *testing.T) {
	p := database(t).behind(t, 1)
	one, two, three := p.connect(t), p.connect(t), p.connect(t)
	one.must("BEGIN")
	two.send(query("BEGIN"))
	eventually(t, "the second waits", func() bool { return p.waiting() == 1 })
	p.reconfigure(func(cfg *Config) { cfg.PoolSize = 2 })
	two.expect("C BEGIN", "Z T")
	p.reconfigure(func(cfg *Config) { cfg.PoolSize = 1 })
	three.send(query("SELECT 3"))
	eventually(t, "the third waits", func() bool { return p.waiting() == 1 })
	one.must("COMMIT") // its backend is one too many now
	eventually(t, "it is closed", func() bool { return p.backends(t) == "1" })
	if p.waiting() != 1 {
		t.Error("the third waits no longer, with one backend for two")
	}
	two.must("COMMIT")
	three.expect("T", "D 3", "C SELECT 1", "Z I")
}

func TestWaitTimeoutChanges(t *testing.T) {
	p := database(t).behind(t, 1)
	one, two := p.connect(t), p.connect(t)
	one.must("BEGIN")
	for _, change := range []struct{ from, to time.Duration }{{time.Hour, 50 * time.Millisecond}, {0, 50 * time.Millisecond}} {
		p.reconfigure(func(cfg *Config) { cfg.WaitTimeout = change.from })
		two.send(query("SELECT 1"))
		eventually(t, "it waits", func() bool { return p.waiting() == 1 })
		p.reconfigure(func(cfg *Config) { cfg.WaitTimeout = change.to })
		if got := two.line(); got != "E ERROR 53300 no server connection became free within 50ms" {
			t.Errorf("from %v to %v: %s", change.from, change.to, got)
		}
		two.expect("Z I")
	}
	p.reconfigure(func(cfg *Config) { cfg.WaitTimeout = time.Second })
	two.send(query("SELECT 2"))
	eventually(t, "it waits", func() bool { return p.waiting() == 1 })
	p.reconfigure(func(cfg *Config) { cfg.WaitTimeout = 0 })
	one.must("SELECT pg_sleep(1.2)")
	one.must("COMMIT")
	two.expect("T", "D 2", "C SELECT 1", "Z I")
}

func TestAgesChange(t *testing.T) {
	for name, set := range map[string]func(*Config, time.Duration){
		"idle_timeout": func(cfg *Config, d time.Duration) { cfg.IdleTimeout = d },
		"max_lifetime": func(cfg *Config, d time.Duration) { cfg.MaxLifetime = d },
	} {
		t.Run(name, func(t *testing.T) {
			p := database(t).behind(t, 2)
			one, two := p.connect(t), p.connect(t)
			for _, before := range []time.Duration{0, time.Hour} {
				p.reconfigure(func(cfg *Config) { set(cfg, before) })
				one.must("BEGIN")
				two.must("SELECT 1")
				one.must("COMMIT")
				if got := p.backends(t); got != "2" {
					t.Fatal(got)
				}
				p.reconfigure(func(cfg *Config) { set(cfg, 20*time.Millisecond) })
				eventually(t, "the idle backends are closed", func() bool { return p.backends(t) == "0" })
			}
			p.reconfigure(func(cfg *Config) { set(cfg, 0) })
			one.must("SELECT pg_sleep(0.1)")
			one.must("SELECT pg_sleep(0.1)")
			if got := p.backends(t); got != "1" {
				t.Errorf("%s backends without the limit", got)
			}
		})
	}
}

// A backend was used all the time while there was no idle_timeout: it was not idle since it connected.
func TestIdleTimeoutBegins(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.must("SELECT pg_sleep(1.1)")
	pid := c.value("SELECT pg_backend_pid()")
	p.reconfigure(func(cfg *Config) { cfg.IdleTimeout = time.Second })
	if got := c.value("SELECT pg_backend_pid()"); got != pid {
		t.Error("its backend was closed at once")
	}
}

func TestConnectTimeoutChanges(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.WaitTimeout, cfg.Log = 0, quiet() })
	c := p.connect(t)
	c.must("SELECT 1")
	p.reconfigure(func(cfg *Config) { cfg.IdleTimeout = time.Millisecond })
	eventually(t, "the backend is closed", func() bool { return p.backends(t) == "0" })
	p.reconfigure(func(cfg *Config) { // the same pool, for this test, but its server is silent from now on
		cfg.ConnectTimeout, cfg.Upstream = 50*time.Millisecond, cfg.Upstream.At(dead.Addr().String())
	})
	began := time.Now()
	c.send(query("SELECT 1"))
	eventually(t, "connecting has failed", func() bool {
		for _, totals := range p.proxy.Totals() {
			if totals.ConnectFailures > 0 {
				return true
			}
		}
		return false
	})
	if took := time.Since(began); took > p.proxy.cfg.ConnectTimeout/2 {
		t.Errorf("it took %v", took)
	}
	p.reconfigure(func(*Config) {})
	c.expect("T", "D 1", "C SELECT 1", "Z I")
}

func TestMaxPinnedChanges(t *testing.T) {
	p := database(t).behind(t, 3)
	one, two, three := p.connect(t), p.connect(t), p.connect(t)
	one.must("CREATE TEMP TABLE a ()")
	two.must("CREATE TEMP TABLE a ()")
	eventually(t, "both are pinned", func() bool { return len(p.proxy.Incidents()) == 2 })
	p.reconfigure(func(cfg *Config) { cfg.MaxPinned = 1 })
	one.must("SELECT * FROM a") // who is pinned stays
	two.must("CREATE TEMP TABLE b ()")
	if got := three.ask("CREATE TEMP TABLE a ()"); got != tooManyPinned+", Z I" {
		t.Error(got)
	}
	one.must("DISCARD ALL")
	if got := three.ask("CREATE TEMP TABLE a ()"); got != tooManyPinned+", Z I" {
		t.Error(got)
	}
	p.reconfigure(func(cfg *Config) { cfg.MaxPinned = 2 })
	three.must("CREATE TEMP TABLE a ()")
}

func TestPinTimeoutChanges(t *testing.T) {
	for _, before := range []time.Duration{0, time.Hour} {
		t.Run(fmt.Sprint("from ", before), func(t *testing.T) {
			p := database(t).behind(t, 2, func(cfg *Config) { cfg.PinTimeout = before })
			one, busy := p.connect(t), p.connect(t)
			one.must("CREATE TEMP TABLE a ()")
			busy.must("CREATE TEMP TABLE a ()")
			busy.must("BEGIN")
			eventually(t, "it rests", func() bool { return p.proxy.Sessions()[0].Transaction == "I" })
			p.reconfigure(func(cfg *Config) { cfg.PinTimeout = 50 * time.Millisecond })
			one.expect("E FATAL 57P05 terminating connection due to idle-session timeout", closedLine)
			busy.must("SELECT pg_sleep(0.1)")
			p.reconfigure(func(cfg *Config) { cfg.PinTimeout = 0 })
			busy.must("COMMIT")
			busy.must("SELECT pg_sleep(0.1)")
			p.reconfigure(func(cfg *Config) { cfg.PinTimeout = 50 * time.Millisecond })
			busy.expect("E FATAL 57P05 terminating connection due to idle-session timeout", closedLine)
		})
	}
}
