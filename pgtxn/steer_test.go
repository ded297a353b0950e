package pgtxn

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// do asks the admin API for something and expects a status.
func (p *proxy) do(t *testing.T, method, path string, status int) string {
	t.Helper()
	response, body := p.request(t, method, path)
	if response.StatusCode != status {
		t.Fatalf("%s %s: %s, want %d: %s", method, path, response.Status, status, body)
	}
	return body
}

// role makes a user for one test, whose pool nobody else has.
func role(t *testing.T, name string) string {
	t.Helper()
	startPostgres(t)
	sql(t, "CREATE ROLE "+name+" LOGIN")
	return "user=" + name + " sslmode=disable"
}

func (p *proxy) pool(t *testing.T, user string) relay.PoolView {
	t.Helper()
	for _, view := range get[[]relay.PoolView](t, p, "/pgtxn/pools?user="+user) {
		if view.Upstream[0] == postgres.Addr {
			return view
		}
	}
	t.Fatal("no pool of " + user)
	return relay.PoolView{}
}

func TestFiltersAndPages(t *testing.T) {
	params := role(t, "filtered")
	p := start(t, "upstream UPSTREAM\nauth trust\nlisten pin")
	var conns []*pgx.Conn
	for _, name := range []string{"a", "b", "b"} {
		conns = append(conns, p.mustConnect(t, params+" application_name="+name))
	}
	exec(t, conns[0], "BEGIN")
	exec(t, conns[1], "LISTEN x")
	for filter, want := range map[string]int{
		"": 3, "&state=active": 2, "&state=idle": 1, "&pinned": 1, "&pinned=false": 2, "&application_name=b": 2,
		"&application_name=a&application_name=b": 3, "&database=none": 0, "&limit=2": 2, "&state=idle&pinned=true": 0,
	} {
		if got := get[[]relay.SessionView](t, p, "/pgtxn/sessions?user=filtered"+filter); len(got) != want {
			t.Errorf("%s: %d sessions, want %d", filter, len(got), want)
		}
	}
	first := get[[]relay.SessionView](t, p, "/pgtxn/sessions?user=filtered&limit=2")
	rest := get[[]relay.SessionView](t, p, "/pgtxn/sessions?user=filtered&limit=2&after="+first[1].ID)
	if len(rest) != 1 || rest[0].ID != p.session(t, conns[2]).ID {
		t.Errorf("behind %s: %+v", first[1].ID, rest)
	}
}

// Who is killed hears what pg_terminate_backend says; what was open is rolled back, what ran is cancelled, and nobody
// else notices.
func TestKill(t *testing.T) {
	params := role(t, "killed")
	p := start(t, "upstream UPSTREAM\npool_size 2\nauth trust")
	other := p.mustConnect(t, params)
	for _, running := range []bool{false, true} {
		conn := p.mustConnect(t, params)
		exec(t, conn, "BEGIN; SELECT pg_advisory_xact_lock(4711)")
		id := p.session(t, conn).ID
		failed := make(chan error, 1)
		if running {
			go func() {
				_, err := conn.Exec(t.Context(), "SELECT pg_sleep(600)")
				failed <- err
			}()
			incaddy.Await(t, "it runs", func() bool {
				return sql(t, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'killed' AND state = 'active'") == "1"
			})
		}
		var view relay.SessionView
		if err := json.Unmarshal([]byte(p.do(t, "DELETE", "/pgtxn/sessions/"+id, 200)), &view); err != nil || view.ID != id || view.User != "killed" {
			t.Errorf("%v %+v", err, view)
		}
		if !running {
			_, err := conn.Exec(t.Context(), "SELECT 1")
			failed <- err
		}
		if err := <-failed; sqlState(err) != "57P01" {
			t.Errorf("running %v: the client got %v", running, err)
		}
		p.do(t, "GET", "/pgtxn/sessions/"+id, 404)
		exec(t, other, "SELECT pg_advisory_lock(4711); SELECT pg_advisory_unlock(4711)") // waits for the rollback
	}
	incaddy.Await(t, "the log says it", func() bool {
		return strings.Count(p.log(t), `"sqlstate":"57P01"`) == 2
	})
}

// A paused pool lets transactions end, has its backends closed, and clients wait, new ones too, until it is resumed.
func TestPause(t *testing.T) {
	params := role(t, "paused")
	p := start(t, "upstream UPSTREAM\nauth trust")
	one, two := p.mustConnect(t, params), p.mustConnect(t, params)
	exec(t, one, "SET my.x = 1")
	exec(t, one, "BEGIN")
	exec(t, two, "SELECT 1") // another backend
	p.do(t, "POST", "/pgtxn/pools/pause?user=paused", 202)
	p.do(t, "POST", "/pgtxn/pools/pause?user=paused", 409)
	p.do(t, "POST", "/pgtxn/pools/pause?user=paused&database=postgres", 409)
	if view := p.pool(t, "paused"); !view.Paused || view.Active != 1 || view.Idle != 0 {
		t.Errorf("paused in a transaction: %+v", view)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := two.Exec(t.Context(), "SELECT 1")
		answered <- err
	}()
	incaddy.Await(t, "the other waits", func() bool { return p.pool(t, "paused").Waiting == 1 })
	exec(t, one, "COMMIT")
	incaddy.Await(t, "no backend is left", func() bool { return p.pool(t, "paused").Active == 0 })
	if got := sql(t, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'paused' AND state <> 'idle'"); got != "0" {
		t.Errorf("%s backends work", got)
	}
	p.load(t, "upstream UPSTREAM\nauth trust\npool_size 3") // it is still paused
	if view := p.pool(t, "paused"); !view.Paused || view.Waiting != 1 || view.Size != 3 {
		t.Errorf("after a reload: %+v", view)
	}
	if p.scrape(t).value("pools_paused", "user=paused") != 1 {
		t.Error("the metrics don't have it")
	}
	p.do(t, "POST", "/pgtxn/pools/resume?user=paused", 200)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if got := ask(t, one, "SHOW my.x"); got != "1" {
		t.Errorf("my.x is %s", got)
	}
	p.do(t, "POST", "/pgtxn/pools/resume?user=paused", 409)

	p.do(t, "POST", "/pgtxn/pools/pause?user=paused&wait=10s", 200)
	p.do(t, "POST", "/pgtxn/pools/pause?wait=10s", 200)
	process.hub.Unpause(relay.Selection{}) // as who gives PAUSE up in the console
	if !p.pool(t, "paused").Paused {
		t.Error("another pause is taken back, too")
	}
	p.do(t, "POST", "/pgtxn/pools/resume?user=paused", 200)
}

// A pause of all pools is for those to come too, and resuming all takes back each.
func TestPauseAll(t *testing.T) {
	params := role(t, "pausedlater")
	p := start(t, "upstream UPSTREAM\nauth trust\nwait_timeout 2s")
	p.do(t, "POST", "/pgtxn/pools/pause?wait=10s", 200)
	t.Cleanup(func() { _ = process.hub.Resume(relay.Selection{}) }) // should the test have failed
	if _, err := p.connect(t, params); sqlState(err) != "53300" || !strings.Contains(err.Error(), "no server connection became free") {
		t.Errorf("logging in: %v", err)
	}
	if answer := p.do(t, "POST", "/pgtxn/pools/resume?user=pausedlater", 409); !strings.Contains(answer, "not paused by itself, but with all pools: resume those") {
		t.Error(answer)
	}
	p.do(t, "POST", "/pgtxn/pools/resume", 200)
	p.mustConnect(t, params)
}

// Each backend is closed when it comes free, and the session goes on with a new one.
func TestReconnect(t *testing.T) {
	params := role(t, "reconnected")
	p := start(t, "upstream UPSTREAM\nauth trust")
	one, two := p.mustConnect(t, params), p.mustConnect(t, params)
	exec(t, one, "BEGIN")
	pid := ask(t, one, "SELECT pg_backend_pid()::text")
	idle := ask(t, two, "SELECT pg_backend_pid()::text")
	p.do(t, "POST", "/pgtxn/pools/reconnect?user=reconnected&database=postgres", 200)
	if got := ask(t, one, "SELECT pg_backend_pid()::text"); got != pid {
		t.Error("another backend in the middle of a transaction")
	}
	if got := ask(t, two, "SELECT pg_backend_pid()::text"); got == idle {
		t.Error("the idle backend is still there")
	}
	exec(t, one, "COMMIT")
	exec(t, two, "BEGIN") // has the other one
	if got := ask(t, one, "SELECT pg_backend_pid()::text"); got == pid {
		t.Error("the same backend behind the transaction")
	}
}

// The log has the pin and the drift, with the ids that the session's view and Caddy's log have.
func TestIncidents(t *testing.T) {
	params := role(t, "incidents")
	p := start(t, "upstream UPSTREAM\nauth trust\nlisten pin\nverify always\nlog_min_wait 0s")
	conn := p.mustConnect(t, params)
	exec(t, conn, "SELECT 1")
	exec(t, conn, "BEGIN; LISTEN x; COMMIT")
	var entries []relay.Incident
	incaddy.Await(t, "an entry", func() bool {
		entries = get[[]relay.Incident](t, p, "/pgtxn/log?user=incidents&kind=pin")
		return len(entries) > 0
	})
	view := p.session(t, conn)
	if e := entries[0]; len(entries) != 1 || e.Session != view.ID || e.Transaction != view.ID+".2" || e.Transaction != view.TransactionID ||
		e.Reason != "LISTEN" || e.Client != view.Client || e.Backend != view.Backend.PID {
		t.Errorf("%+v of %+v", entries, view)
	}
	if log := p.log(t); !strings.Contains(log, `"transaction":"`+view.TransactionID+`"`) || !strings.Contains(log, "slow wait for a backend") {
		t.Errorf("Caddy's log has neither pin nor wait")
	}
	exec(t, conn, "SELECT 2") // pinned as before: no news
	if got := get[[]relay.Incident](t, p, "/pgtxn/log?session="+view.ID+"&limit=10"); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}
