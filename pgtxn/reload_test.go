package pgtxn

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

func (p *proxy) poolSize(t *testing.T, user string) int {
	t.Helper()
	for _, view := range get[[]relay.PoolView](t, p, "/pgtxn/pools") {
		if view.User == user && view.Sessions > 0 {
			return view.Size
		}
	}
	t.Fatalf("no pool of %s with sessions", user)
	return 0
}

// A session and its transaction go on over reloads, and the pool gets its new
// size, but keeps the old one if the new configuration does not start.
func TestReload(t *testing.T) {
	p := start(t, "upstream UPSTREAM\npool_size 1\nauth trust")
	conn := p.mustConnect(t, "user=bob sslmode=disable")
	exec(t, conn, "SET my.x = 1; BEGIN; SET LOCAL my.x = 2")
	backend := ask(t, conn, "SELECT pg_backend_pid()::text")

	p.load(t, "upstream UPSTREAM\npool_size 2\nauth trust")
	if got := p.poolSize(t, "bob"); got != 2 {
		t.Errorf("pool size %d after a reload with 2", got)
	}
	if got := ask(t, conn, "SHOW my.x"); got != "2" {
		t.Errorf("my.x is %s in the transaction", got)
	}
	if got := ask(t, conn, "SELECT pg_backend_pid()::text"); got != backend {
		t.Error("the transaction has another backend")
	}
	other := p.mustConnect(t, "user=bob sslmode=disable") // of the new configuration
	if got := ask(t, other, "SELECT pg_backend_pid()::text"); got == backend {
		t.Error("the new client got the backend that is in use")
	}

	p.loadBroken(t, "upstream UPSTREAM\npool_size 3\nauth trust")
	if got := p.poolSize(t, "bob"); got != 2 {
		t.Errorf("pool size %d after a failed reload with 3, want 2 as before", got)
	}
	exec(t, conn, "COMMIT")
	if got := ask(t, conn, "SHOW my.x"); got != "1" {
		t.Errorf("my.x is %s after the transaction", got)
	}
	if got := ask(t, other, "SELECT 'x'"); got != "x" {
		t.Errorf("answer %q", got)
	}
}

// loadBroken loads a configuration of which an app does not start.
func (p *proxy) loadBroken(t *testing.T, options string) {
	t.Helper()
	text := strings.ReplaceAll(caddyfileOf("256.256.256.256:1", p.globals, options), "UPSTREAM", postgres.Addr)
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err == nil {
		t.Fatal("it started")
	}
}
