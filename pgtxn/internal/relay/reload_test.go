package relay

import (
	"strings"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// When the server's configuration is reloaded its clients are told of what
// changed for them, those who have no backend at that time when they get one.
func TestServerReload(t *testing.T) {
	server := pgtest.Start(t)
	p := place{addr: server.Addr, database: "postgres", user: pgtest.Superuser}
	direct := p.connect(t)
	through := p.behind(t, 1)
	waits, asks, sets := through.connect(t), through.connect(t), through.connect(t)
	sets.must("SET IntervalStyle = 'iso_8601'")
	asks.must("SELECT 1")
	direct.must("ALTER SYSTEM SET IntervalStyle = 'sql_standard'")
	direct.must("SELECT pg_reload_conf()")
	for _, c := range []*client{direct, asks} {
		eventually(t, "the new value is in force", func() bool { return c.value("SHOW IntervalStyle") == "sql_standard" })
	}
	for name, c := range map[string]*client{"directly": direct, "asking": asks} {
		if got := c.reported["IntervalStyle"]; got != "sql_standard" {
			t.Errorf("a client %s was told %q", name, got)
		}
	}
	if got := waits.ask("SELECT 1"); got != "D 1, C SELECT 1, S IntervalStyle=sql_standard, Z I" {
		t.Error("a client without a backend is told ", got)
	}
	if got := sets.ask("SHOW IntervalStyle"); got != "D iso_8601, C SHOW, Z I" {
		t.Error("a client with a value of its own is told ", got)
	}
	if got := through.connect(t).reported["IntervalStyle"]; got != "sql_standard" {
		t.Errorf("a new client is told %q", got)
	}
}

// A client that does not say who it is in time is not waited for.
func TestLoginTimeout(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.LoginTimeout, cfg.Log = 500*time.Millisecond, quiet() })
	hello := startupMessage(3<<16, "user", p.user, "database", p.database)
	for _, said := range [][]byte{nil, hello[:3], hello[:len(hello)-1]} {
		c := p.dial(t)
		c.send(said)
		if got := c.line(); got != closedLine && !strings.HasPrefix(got, "E FATAL 57014") {
			t.Errorf("behind %q: %s", said, got)
		}
	}
	c := p.connect(t)
	c.must("SELECT pg_sleep(0.6)") // that time was for logging in only
}

// The end of the proxy is the end of its sessions, and of its backends.
func TestClose(t *testing.T) {
	p := database(t)
	through := p.behind(t, 2)
	idle, open := through.connect(t), through.connect(t)
	open.must("BEGIN; CREATE TABLE t ()")
	idle.must("SELECT 1")
	through.proxy.Close()
	for _, c := range []*client{idle, open} {
		c.expect(terminated, closedLine)
	}
	eventually(t, "the backends are closed", func() bool { return p.backends(t) == "0" })
	if got := sql(t, p.database, "SELECT to_regclass('t') IS NULL"); got != "t" {
		t.Error("an open transaction was committed")
	}
	late := through.dial(t)
	late.send(startupMessage(3<<16, "user", p.user, "database", p.database))
	for line := late.line(); line != closedLine; line = late.line() {
		if line == silenceLine {
			t.Fatal("a client that came late hangs")
		}
	}
}
