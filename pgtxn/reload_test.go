package pgtxn

import (
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// poolSize does not ask the admin API, whose server may be in the middle of
// being replaced after a reload.
func poolSize(t *testing.T, user string) int {
	t.Helper()
	hub, err := theHub()
	if err != nil {
		t.Fatal(err)
	}
	for _, view := range hub.Pools() {
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
	if got := poolSize(t, "bob"); got != 2 {
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

	failed := startAnother(t, func(cfg *relay.Config) { cfg.PoolSize = 3 })
	if got := poolSize(t, "bob"); got != 3 {
		t.Errorf("pool size %d while the new configuration starts with 3", got)
	}
	if err := failed.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := poolSize(t, "bob"); got != 2 {
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

// startAnother starts the app of a configuration that differs from the running
// one in this way. Whether it comes to that in a reload that fails is left to
// chance: Caddy starts apps in any order.
func startAnother(t *testing.T, change func(*relay.Config)) *App {
	t.Helper()
	running := process.started[len(process.started)-1]
	another := &App{storage: running.storage, log: running.log, listeners: running.listeners, handlerLog: running.handlerLog}
	for _, cfg := range running.configs {
		changed := *cfg
		change(&changed)
		another.configs = append(another.configs, &changed)
	}
	if err := another.Start(); err != nil {
		t.Fatal(err)
	}
	return another
}
