package pgtxn

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/mholt/caddy-l4/modules/l4proxyprotocol"

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
	await(t, "the end of the session is in the new log", func() bool {
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
