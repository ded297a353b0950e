package pgtxn

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/mholt/caddy-l4/modules/l4proxyprotocol"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// What a session says in the log when its configuration is replaced comes where the new one logs: its own file is closed
// by then.
func TestLogOfOldSessions(t *testing.T) {
	p := start(t, "upstream UPSTREAM\nauth trust")
	conn := p.mustConnect(t, "user=bob sslmode=disable application_name=kept")
	exec(t, conn, "SELECT 1")
	other := filepath.Join(p.dir, "other")
	p.globals = strings.Replace(p.globals, "output file "+p.dir+"/log", "output file "+other, 1)
	p.load(t, "upstream UPSTREAM\nauth trust\npool_size 3")
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	incaddy.Await(t, "the end of the session is in the new log", func() bool {
		text, err := os.ReadFile(other)
		return err == nil && strings.Contains(string(text), `"logger":"layer4.handlers.pgtxn","msg":"session ended"`) &&
			strings.Contains(string(text), `"application_name":"kept"`)
	})
}

// Sessions end with their listener, between two transactions, and live on when it is there in the new configuration, be it
// under another name of the same address.
func TestListenerIsRemoved(t *testing.T) {
	p := prepare(t)
	first, second := p.addr, freeAddress(t)
	text := func(listen string) string { return caddyfileOf(listen, p.globals, "upstream UPSTREAM\nauth trust") }
	p.loadCaddyfile(t, text(first+" "+second))
	p.addr = second
	idle, busy := p.mustConnect(t, "user=bob sslmode=disable"), p.mustConnect(t, "user=bob sslmode=disable")
	p.addr = first
	stays := p.mustConnect(t, "user=bob sslmode=disable")
	exec(t, busy, "BEGIN")
	_, port, _ := strings.Cut(first, ":")
	p.loadCaddyfile(t, text(":"+port))
	_, err := idle.WaitForNotification(t.Context())
	if sqlState(err) != "57P01" {
		t.Errorf("the idle session ended with %v", err)
	}
	exec(t, busy, "SELECT 1; COMMIT")
	if _, err := busy.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("the session goes on without a listener")
	}
	exec(t, stays, "SELECT 1")
	if err := caddy.Load([]byte(fmt.Sprintf(`{"admin": {"listen": %q}}`, p.admin)), true); err != nil {
		t.Fatal(err)
	}
	if _, err := stays.WaitForNotification(t.Context()); sqlState(err) != "57P01" {
		t.Errorf("without any pgtxn handler the session ended with %v", err)
	}
}

// That a client is said to come from elsewhere, and to elsewhere, changes nothing.
func TestListenerBehindProxyIsRemoved(t *testing.T) {
	p := prepare(t)
	first, second := p.addr, freeAddress(t)
	text := func(listen string) string {
		return strings.Replace(caddyfileOf(listen, p.globals, "upstream UPSTREAM\nauth trust"), "route {\n", "route {\nproxy_protocol\n", 1)
	}
	p.loadCaddyfile(t, text(first+" "+second))
	config, err := pgx.ParseConfig("user=bob sslmode=disable dbname=postgres host=127.0.0.1 port=" + strings.TrimPrefix(second, "127.0.0.1:"))
	if err != nil {
		t.Fatal(err)
	}
	config.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, conn net.Conn) (net.Conn, error) {
		_, err := conn.Write([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 4000 5432\r\n"))
		return conn, err
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if got := get[[]relay.SessionView](t, p, "/pgtxn/sessions"); len(got) != 1 || got[0].Client != "192.0.2.1:4000" {
		t.Errorf("%+v", got)
	}
	p.loadCaddyfile(t, text(first))
	if _, err := conn.WaitForNotification(t.Context()); sqlState(err) != "57P01" {
		t.Errorf("the session ended with %v", err)
	}
}

// A connection may come in by a new configuration before that has started, and while another is the newest: it has its
// listener as long as its configuration has not stopped.
func TestListenerIsThereBeforeTheStart(t *testing.T) {
	p := start(t, "upstream UPSTREAM\nauth trust")
	p.mustConnect(t, "user=bob sslmode=disable")
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
	listens := listeners{{Network: "tcp", Host: "127.0.0.1", StartPort: 1, EndPort: 1}}
	app := &App{listeners: func() listeners { return listens }, log: process.newest.Load().log}
	gone := app.gone(local)
	if gone() {
		t.Error("it is gone before its configuration has started")
	}
	if err := app.Stop(); err != nil { // as after a reload that failed
		t.Fatal(err)
	}
	if !gone() {
		t.Error("it is there when its configuration has stopped")
	}
}

// What addresses of a configuration cover.
func TestListenersHave(t *testing.T) {
	for listen, wants := range map[string]map[string]bool{
		":6432":                     {"127.0.0.1:6432": true, "[::1]:6432": true, "127.0.0.1:6433": false},
		"0.0.0.0:6432-6433":         {"127.0.0.1:6433": true, "127.0.0.1:6434": false},
		"127.0.0.1:6432":            {"127.0.0.1:6432": true, "127.0.0.2:6432": false, "[::ffff:127.0.0.1]:6432": true},
		"localhost:6432":            {"127.0.0.1:6432": true, "127.0.0.1:1": false},
		"udp/:6432":                 {"127.0.0.1:6432": false},
		"unix//run/pgtxn.sock|0660": {"/run/pgtxn.sock": true, "/run/other.sock": false},
	} {
		address, err := caddy.ParseNetworkAddress(listen)
		if err != nil {
			t.Fatal(err)
		}
		for local, want := range wants {
			var at net.Addr = &net.UnixAddr{Name: local, Net: "unix"}
			if tcp, err := netip.ParseAddrPort(local); err == nil {
				at = net.TCPAddrFromAddrPort(tcp)
			}
			if got := (listeners{address}).have(at); got != want {
				t.Errorf("%s has %s: %t", listen, local, got)
			}
		}
	}
}
