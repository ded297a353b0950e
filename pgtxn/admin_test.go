package pgtxn

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// session returns the session of a client. Others of tests before may be there.
func (p *proxy) session(t *testing.T, conn *pgx.Conn) relay.SessionView {
	t.Helper()
	client := conn.PgConn().Conn().LocalAddr().String()
	for _, view := range get[[]relay.SessionView](t, p, "/pgtxn/sessions") {
		if view.Client == client {
			return view
		}
	}
	t.Fatalf("no session of %s", client)
	return relay.SessionView{}
}

func TestAdmin(t *testing.T) {
	p := start(t, "upstream UPSTREAM\npool_size 3\nauth trust")
	conn := p.mustConnect(t, "user=bob sslmode=disable application_name=tester")
	exec(t, conn, "SET my.a = 1")
	exec(t, conn, "BEGIN; SET my.b = 2; SAVEPOINT s; SET LOCAL my.c = 3")

	view := get[relay.SessionView](t, p, "/pgtxn/sessions/"+p.session(t, conn).ID)
	if view.User != "bob" || view.Database != "postgres" || view.ApplicationName != "tester" || view.TLS ||
		view.State != "active" || view.Transaction != "T" || view.Backend == nil || view.Backend.Address != postgres.Addr {
		t.Errorf("session: %+v", view)
	}
	var stack []string
	for _, frame := range view.Frames {
		words := []string{frame.Kind, frame.Name}
		for _, v := range frame.Variables {
			words = append(words, v.Name, v.Value, v.Layer)
		}
		stack = append(stack, strings.Join(words, " "))
	}
	want := []string{"session  my.a 1 session", "transaction  my.b 2 session", "savepoint s my.c 3 local"}
	if strings.Join(stack, "\n") != strings.Join(want, "\n") {
		t.Errorf("frames:\n%s\nwant\n%s", strings.Join(stack, "\n"), strings.Join(want, "\n"))
	}

	var pool *relay.PoolView
	for _, view := range get[[]relay.PoolView](t, p, "/pgtxn/pools") {
		if view.User == "bob" && view.Upstream[0] == postgres.Addr && view.Sessions > 0 {
			pool = &view
		}
	}
	if pool == nil || pool.Database != "postgres" || pool.Size != 3 || pool.Active != 1 {
		t.Errorf("pool: %+v", pool)
	}

	exec(t, conn, "ROLLBACK")
	if view := get[relay.SessionView](t, p, "/pgtxn/sessions/"+view.ID); view.Transaction != "I" {
		t.Errorf("after ROLLBACK: %+v", view)
	}
}

func TestAdminErrors(t *testing.T) {
	p := start(t, "upstream UPSTREAM\nauth trust")
	for _, test := range []struct {
		method, path string
		status       int
		allow, body  string
	}{
		{"GET", "/pgtxn/sessions", 200, "", "["},
		{"HEAD", "/pgtxn/sessions", 200, "", ""},
		{"GET", "/pgtxn/pools", 200, "", "["},
		{"GET", "/pgtxn/log", 200, "", "["},
		{"POST", "/pgtxn/sessions", 405, "GET, HEAD", `{"error":"/pgtxn/sessions takes GET, HEAD, not POST"}`},
		{"PUT", "/pgtxn/sessions/1", 405, "DELETE, GET, HEAD", `{"error":"/pgtxn/sessions/1 takes`},
		{"GET", "/pgtxn/pools/pause", 405, "POST", `{"error":"/pgtxn/pools/pause takes POST, not GET"}`},
		{"DELETE", "/pgtxn/log", 405, "GET, HEAD", `{"error":`},
		{"DELETE", "/pgtxn/sessions/none", 404, "", `{"error":"there is no session none, or it has ended"}`},
		{"GET", "/pgtxn/sessions?state=busy", 400, "", `{"error":"state: expected one of starting, idle, waiting, active, not 'busy'"}`},
		{"GET", "/pgtxn/sessions?limit=-1", 400, "", `{"error":"limit: expected a number, not '-1'"}`},
		{"GET", "/pgtxn/sessions?users=bob", 400, "", `{"error":"unknown parameter users; there are user, database, `},
		{"POST", "/pgtxn/pools/pause?wait=long", 400, "", `{"error":"wait: expected a duration such as 30s, not 'long'"}`},
		{"POST", "/pgtxn/pools/pause?user=nobody", 404, "", `{"error":"pools of user nobody: there is no such pool"}`},
		{"POST", "/pgtxn/pools/reconnect?database=none", 404, "", `{"error":"pools of database none: there is no such pool"}`},
		{"POST", "/pgtxn/pools/pause?database=", 400, "", `{"error":"database: it is empty; leave it out for all"}`},
		{"POST", "/pgtxn/pools/reconnect?user=&database=postgres", 400, "", `{"error":"user: it is empty; leave it out for all"}`},
		{"POST", "/pgtxn/pools/resume", 409, "", `{"error":"all pools: it is not paused"}`},
		{"PUT", "/pgtxn/pools", 405, "GET, HEAD", `{"error":`},
		{"GET", "/pgtxn/sessions/none", 404, "", `{"error":"there is no session none, or it has ended"}`},
		{"GET", "/pgtxn/sessions/", 404, "", `{"error":"there is nothing at /pgtxn/sessions/; see `},
		{"GET", "/pgtxn/sessions/1/frames", 404, "", `{"error":"there is nothing at`},
		{"GET", "/pgtxn/nonsense", 404, "", `{"error":"there is nothing at`},
		{"POST", "/pgtxn/nonsense", 404, "", `{"error":"there is nothing at`},
		{"POST", "/pgtxn/", 405, "GET, HEAD", `{"error":"/pgtxn/ takes GET, HEAD, not POST"}`},
		{"GET", "/pgtxn/backends", 200, "", "["},
		{"GET", "/pgtxn/backends?state=idle", 400, "", `{"error":"unknown parameter state; there are user, database`},
	} {
		response, body := p.request(t, test.method, test.path)
		if response.StatusCode != test.status || response.Header.Get("Allow") != test.allow ||
			!strings.HasPrefix(body, test.body) || response.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %s, Allow %q, %s: %s", test.method, test.path, response.Status,
				response.Header.Get("Allow"), response.Header.Get("Content-Type"), body)
		}
	}
}
