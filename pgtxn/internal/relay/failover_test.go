package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Several servers: which is chosen, and what happens when they change.

// portOf says on which server a client is.
const portOf = "SELECT current_setting('port')"

// ahead is a proxy in front of several servers.
func ahead(t testing.TB, attrs backend.SessionAttrs, change func(*Config), servers ...*pgtest.Server) place {
	cfg := config("several", 3)
	cfg.Upstream.Addresses, cfg.Upstream.Attrs, cfg.Upstream.HealthInterval = nil, attrs, 50*time.Millisecond
	for _, s := range servers {
		cfg.Upstream.Addresses = append(cfg.Upstream.Addresses, s.Addr)
	}
	if change != nil {
		change(cfg)
	}
	p := place{database: "postgres", user: pgtest.Superuser, proxy: start(t, cfg)}
	p.addr = p.proxy.addr
	return p
}

// run has the server run a statement.
func run(t testing.TB, s *pgtest.Server, statement string) string {
	t.Helper()
	got, err := s.SQL(t.Context(), "postgres", statement)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Each attribute chooses what libpq chooses: psql with both addresses is asked.
func TestTargetSessionAttrs(t *testing.T) {
	primary := pgtest.Start(t)
	standby := pgtest.Start(t, pgtest.StandbyOf(primary))
	servers := []*pgtest.Server{standby, primary}
	for range 2 { // then with a primary that begins sessions as read-only
		for _, order := range [][]*pgtest.Server{servers, {primary, standby}, {primary}, {standby}} {
			for _, attrs := range []backend.SessionAttrs{
				backend.Any, backend.ReadWrite, backend.ReadOnly, backend.Primary, backend.Standby, backend.PreferStandby,
			} {
				var addresses []string
				for _, s := range order {
					addresses = append(addresses, s.Addr)
				}
				want := libpqChooses(t, order, attrs)
				p := ahead(t, attrs, func(cfg *Config) { cfg.Log = quiet() }, order...)
				c := p.dial(t)
				c.send(startupMessage(3<<16, "user", p.user, "database", p.database))
				last := c.until2("Z", "E")
				got := last
				if last == "Z I" {
					got = c.value(portOf)
				}
				if want == "" && !strings.HasPrefix(got, "E FATAL 08001") || want != "" && got != want {
					t.Errorf("%s of %v: %s, libpq chooses %q", attrs, addresses, got, want)
				}
			}
		}
		run(t, primary, "ALTER SYSTEM SET default_transaction_read_only = on")
		run(t, primary, "SELECT pg_reload_conf()")
		eventually(t, "the configuration is read", func() bool { return run(t, primary, "SHOW default_transaction_read_only") == "on" })
	}
}

// until2 reads up to a line of one of two types, and returns it.
func (c *client) until2(a, b string) string {
	for {
		if line := c.line(); isLast(line) || strings.HasPrefix(line, a+" ") || strings.HasPrefix(line, b+" ") {
			return line
		}
	}
}

// libpqChooses returns the port of the server that psql comes to, or "".
func libpqChooses(t *testing.T, order []*pgtest.Server, attrs backend.SessionAttrs) string {
	var hosts, ports []string
	for _, s := range order {
		hosts, ports = append(hosts, s.Host), append(ports, fmt.Sprint(s.Port))
	}
	out, _ := exec.CommandContext(t.Context(), order[0].Bin("psql"), "-XqAt", "-c", portOf,
		fmt.Sprintf("host=%s port=%s user=postgres dbname=postgres target_session_attrs=%s",
			strings.Join(hosts, ","), strings.Join(ports, ","), attrs)).Output()
	return strings.TrimSpace(string(out))
}

// The standby becomes the primary in the middle of load: sessions live on, no row
// that was acknowledged is missing, none is there twice.
func TestFailover(t *testing.T) {
	primary := pgtest.Start(t, pgtest.Restartable())
	standby := pgtest.Start(t, pgtest.StandbyOf(primary))
	run(t, primary, "CREATE TABLE rows (client int, n int)")
	run(t, primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
	run(t, primary, "ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
	run(t, primary, "SELECT pg_reload_conf()")
	p := ahead(t, backend.ReadWrite, func(cfg *Config) { cfg.Log = quiet() }, primary, standby)
	idle := keepers(t, p, 5)
	busy := startWriters(t, p, 8)
	busy.progress(t, 20)
	if err := primary.Down(t.Context(), "immediate"); err != nil {
		t.Fatal(err)
	}
	run(t, standby, "SELECT pg_promote()")
	busy.progress(t, 20)
	busy.stop()
	idle.check(t)
	if got := p.connect(t).value(portOf); got != fmt.Sprint(standby.Port) {
		t.Error("on port", got)
	}
	busy.compare(t, run(t, standby, "SELECT client, n FROM rows"))
}

// A primary that turns read-only while it lives is left for the other.
func TestServerStopsBeingFit(t *testing.T) {
	first, second := pgtest.Start(t), pgtest.Start(t)
	p := ahead(t, backend.ReadWrite, func(cfg *Config) { cfg.Log = quiet() }, first, second)
	c, other := p.connect(t), p.connect(t)
	port := func(c *client) string { return c.value(portOf) }
	if got := port(c); got != fmt.Sprint(first.Port) {
		t.Fatal(got)
	}
	// what a session sets itself is its own affair
	other.must("SET default_transaction_read_only = on")
	for range 3 {
		if got := port(other); got != fmt.Sprint(first.Port) {
			t.Fatal(got)
		}
	}
	other.must("BEGIN")
	run(t, first, "ALTER SYSTEM SET default_transaction_read_only = on")
	run(t, first, "SELECT pg_reload_conf()")
	eventually(t, "the client is on the other server", func() bool { return port(c) == fmt.Sprint(second.Port) })
	other.must("COMMIT")
	run(t, first, "ALTER SYSTEM RESET default_transaction_read_only")
	run(t, first, "SELECT pg_reload_conf()")
	run(t, second, "ALTER SYSTEM SET default_transaction_read_only = on")
	run(t, second, "SELECT pg_reload_conf()")
	eventually(t, "it is back", func() bool { return port(c) == fmt.Sprint(first.Port) })
}

// A server that swallows connections costs the first login its timeout, and not
// those behind it; when it works again it is used again.
func TestDeadServerCostsOnce(t *testing.T) {
	const timeout = 2 * time.Second
	dead, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	lives := postgres(t)
	heard := make(chan string, 10)
	cfg := config("dead", 50).Upstream
	cfg.Addresses, cfg.HealthInterval = []string{dead.Addr().String(), lives.Addr}, time.Millisecond
	cfg.OnHealth = func(address string, err error) { heard <- fmt.Sprint(address == lives.Addr, " ", err == nil) }
	params := []wire.Param{{Name: "user", Value: "postgres"}, {Name: "database", Value: "postgres"}}
	var took []time.Duration
	dialAll := func(n int) {
		for range n {
			began := time.Now()
			conn, err := backend.Dial(t.Context(), cfg, timeout, params)
			if err != nil {
				t.Fatal(err)
			}
			conn.Sock.Close()
			took = append(took, time.Since(began))
		}
	}
	dialAll(6)
	if took[0] < timeout || slices.Max(took[1:]) >= timeout {
		t.Error(took)
	}
	if got := <-heard; got != "false false" {
		t.Error(got)
	}
	go relayTo(dead, lives.Addr) // it lives
	eventually(t, "it is good again", func() bool {
		dialAll(1)
		return len(heard) > 0
	})
	if got := <-heard; got != "false true" {
		t.Error(got)
	}
}

// relayTo copies between the listener's connections and the server.
func relayTo(ln net.Listener, addr string) {
	for {
		in, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			out, err := net.Dial("tcp", addr)
			if err == nil {
				go func() { _, _ = io.Copy(in, out) }()
				_, _ = io.Copy(out, in)
				out.Close()
			}
			in.Close()
		}()
	}
}

// All servers known to be bad are tried all the same.
func TestAllServersBad(t *testing.T) {
	s := pgtest.Start(t, pgtest.Restartable())
	cfg := config("bad", 1).Upstream
	cfg.Addresses, cfg.HealthInterval = []string{"127.0.0.1:1", s.Addr}, time.Hour
	params := []wire.Param{{Name: "user", Value: "postgres"}, {Name: "database", Value: "postgres"}}
	dialOnce := func() error {
		conn, err := backend.Dial(context.Background(), cfg, time.Minute, params)
		if err == nil {
			conn.Sock.Close()
		}
		return err
	}
	if err := errors.Join(dialOnce(), s.Down(t.Context(), "fast")); err != nil {
		t.Fatal(err)
	}
	if err := dialOnce(); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1: ") || !strings.Contains(err.Error(), s.Addr+": ") {
		t.Error(err)
	}
	if err := errors.Join(s.Up(t.Context()), dialOnce()); err != nil {
		t.Error(err)
	}
}
