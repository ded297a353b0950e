package pgtxn

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
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
