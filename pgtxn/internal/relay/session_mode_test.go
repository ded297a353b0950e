package relay

import (
	"strings"
	"testing"
)

// The option pool_mode session.

func inSessionMode(cfg *Config) {
	cfg.SessionMode = func(string, string) bool { return true }
}

// A session has one backend from its first statement on, until it leaves; then it
// is another's, as new.
func TestSessionMode(t *testing.T) {
	p := database(t).behind(t, 1, inSessionMode)
	first, second := p.connect(t), p.connect(t) // neither has a backend yet
	pid := first.value(whoServes)
	first.must("SET work_mem = '5MB'")
	first.must("CREATE TEMP TABLE t AS SELECT 1 AS a")
	first.must("PREPARE p AS SELECT 2")
	first.must("LISTEN a; NOTIFY a")
	first.must("SELECT pg_advisory_lock(1)")
	first.must("DISCARD PLANS")
	second.send(query("SHOW work_mem"))
	eventually(t, "it waits", func() bool { return p.waiting() == 1 })
	if got := first.value("SELECT a FROM t") + first.value("EXECUTE p") + first.value(whoServes); got != "12"+pid {
		t.Error(got)
	}
	first.must("DISCARD ALL")
	if got := first.value(whoServes); got != pid || p.waiting() != 1 {
		t.Error("the backend was given away after DISCARD ALL")
	}
	first.must("CREATE TEMP TABLE t (); SELECT pg_advisory_lock(1); BEGIN")
	first.drop()
	second.expect("T", "D 4MB", "C SHOW", "Z I")
	if got := second.value(whoServes); got != pid {
		t.Errorf("backend %s, not %s", got, pid)
	}
	if got := second.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"); got != "0" {
		t.Error(got, "locks")
	}
	second.must("CREATE TEMP TABLE t ()")
	second.leave()
	atRest(t, p)
}

// What a function may have done is not asked for: nobody else will notice.
func TestSessionModeDoesNotInspect(t *testing.T) {
	p := database(t).behind(t, 1, inSessionMode)
	c := p.connect(t)
	c.must("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT set_config('my.x', 'mine', false)$$")
	c.must("SELECT f()")
	if got := c.value("SELECT count(*) FROM pg_prepared_statements WHERE name ~ 'inspect'"); got != "0" {
		t.Error("asked")
	}
	if got := c.value("SHOW my.x"); got != "mine" {
		t.Error(got)
	}
	c.leave()
	other := p.connect(t)
	if got := other.value("SELECT coalesce(current_setting('my.x', true), '')"); got != "" {
		t.Error(got)
	}
}

// Its state is on one backend: the session ends with that, but outlives what came
// before it had one.
func TestSessionModeLosesItsBackend(t *testing.T) {
	p := database(t).behind(t, 1, inSessionMode)
	idle, c := p.connect(t), p.connect(t)
	terminate(t, c.value(whoServes))
	c.expect(terminated, closedLine)
	idle.must("SELECT 1")
}

// It can be chosen by user and database.
func TestSessionModeForSome(t *testing.T) {
	db := database(t)
	p := db.behind(t, 2, func(cfg *Config) {
		cfg.SessionMode = func(user, database string) bool { return user == "postgres" && database == db.database }
	})
	c, elsewhere := p.connect(t), p
	elsewhere.database = "postgres"
	other := elsewhere.connect(t)
	c.must("SELECT 1")
	other.must("SELECT 1")
	for _, view := range p.proxy.Sessions() {
		want := 0
		if view.Database == db.database {
			want = 1
		}
		if len(view.Pins) != want || want == 1 && view.Pins[0] != "pool_mode session" {
			t.Error(view.Database, view.Pins)
		}
	}
}

// In session mode a session keeps the backend that it gets behind one that it could not use.
func TestSessionModeBehindUnfit(t *testing.T) {
	p := database(t).behind(t, 1, inSessionMode)
	values := []string{"options", "-c default_text_search_config=public.mine"}
	const create = "CREATE TEXT SEARCH CONFIGURATION public.mine (COPY = pg_catalog.simple)"
	first := p.connect(t)
	first.must(create)
	first.leave()
	p.connect(t, values...).leave()
	other := p.connect(t)
	other.must("SELECT 1")
	c := p.connect(t, values...)
	other.must("DROP TEXT SEARCH CONFIGURATION public.mine")
	other.leave()
	if got := c.ask("SELECT 1"); !strings.HasPrefix(got, "E ERROR") {
		t.Fatal(got)
	}
	other = p.connect(t)
	other.must(create)
	other.leave()
	c.must("SELECT 1")
	other = p.connect(t)
	other.send(query("SELECT 1"))
	eventually(t, "it waits", func() bool { return p.waiting() == 1 })
}
