package relay

import (
	"strings"
	"testing"
	"time"
)

// What a client's own text does not say about its variables, the server does.

const secrets = `
	CREATE FUNCTION hide(name text, value text) RETURNS text LANGUAGE SQL AS 'SELECT set_config(name, value, false)';
	CREATE FUNCTION hide_mine(value text) RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(''my.hidden'', value, false); END';
	CREATE FUNCTION unhide() RETURNS void LANGUAGE plpgsql AS 'BEGIN RESET ALL; END';
	CREATE FUNCTION caught(value text) RETURNS void LANGUAGE plpgsql AS
		'BEGIN PERFORM set_config(''work_mem'', value, false); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END';
	CREATE FUNCTION clause() RETURNS text LANGUAGE plpgsql SET work_mem = '77MB' AS 'BEGIN SET enable_sort = off; RETURN current_setting(''work_mem''); END';
	CREATE PROCEDURE commits() LANGUAGE plpgsql AS 'BEGIN SET my.x = ''kept''; COMMIT; SET my.x = ''lost''; ROLLBACK; END';
	CREATE TABLE t (name text, value text);
	CREATE FUNCTION on_insert() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(new.name, new.value, false); RETURN new; END';
	CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION on_insert();
	CREATE VIEW v AS SELECT set_config('my.view', 'seen', false) AS a, set_config('work_mem', '11MB', false) AS b`

const seen = `SELECT coalesce(current_setting('my.x', true), '') || '|' || coalesce(current_setting('my.hidden', true), '') || '|' ||
	coalesce(current_setting('my.view', true), '') || '|' || current_setting('work_mem') || '|' || current_setting('enable_sort') || '|' ||
	current_setting('search_path') || '|' || current_setting('DateStyle') || '|' || current_setting('client_encoding') || '|' || current_user`

// A hidden change is its owner's wherever it goes, and nobody else's: directly and
// over one backend, which another client uses after each step.
func TestHiddenChangesMove(t *testing.T) {
	steps := []string{
		"SELECT hide('my.x', 'one')",
		"SELECT hide_mine('two')",
		"SELECT hide('work_mem', '5MB'), hide('search_path', 'public, \"My Schema\"')",
		"SELECT hide('DateStyle', 'German')",
		"DO $$BEGIN PERFORM set_config('my.x', 'three', false); SET LOCAL work_mem = '9MB'; END$$",
		"SELECT set_config('my.x', 'it''s \"four\"', false) FROM generate_series(1, 3)",
		"SELECT set_config('my' || '.hidden', 'five', false)",
		"SELECT set_config('my.x', 'local', true)",
		"SELECT caught('99MB')",
		"SELECT clause()",
		"CALL commits()",
		"BEGIN; SELECT hide('my.x', 'six'); SAVEPOINT a; SELECT hide('my.x', 'seven'); ROLLBACK TO a; COMMIT",
		"BEGIN; SELECT hide('my.x', 'eight'); ROLLBACK",
		"SELECT hide('my.x', 'nine'); SELECT 1/0",
		"PREPARE p AS SELECT hide('my.x', $1); EXECUTE p('ten'); DEALLOCATE p",
		"SELECT hide('client_encoding', 'LATIN1')",
		"SELECT hide('role', 'pg_monitor')",
		"RESET ROLE",
		"SELECT unhide()",
	}
	both(t, func(t *testing.T, p place) {
		c, other := p.connect(t), p.connect(t)
		other.must(secrets)
		const clean = `|||4MB|on|"$user", public|ISO, MDY|UTF8|postgres`
		want := reference(t, steps)
		for i, step := range steps {
			c.ask(step)
			if got := other.value(seen); got != clean {
				t.Errorf("behind %s another client sees %s", step, got)
			}
			if got := c.value(seen); got != want[i] {
				t.Errorf("behind %s: %s, not %s", step, got, want[i])
			}
			other.must("SELECT 1")
		}
	})
}

// reference is what a client that is alone with the server sees.
func reference(t *testing.T, steps []string) (want []string) {
	c := database(t).connect(t)
	c.must(secrets)
	for _, step := range steps {
		c.ask(step)
		want = append(want, c.value(seen))
	}
	return want
}

// What triggers and views set moves where the operator asks for it.
func TestInspectChoices(t *testing.T) {
	for _, test := range []struct {
		choice        Inspect
		trigger, view string // what is left of their work when the client comes back
	}{
		{InspectCalls, "", "|4MB"}, {InspectWrites, "set", "|4MB"}, {InspectAlways, "set", "|11MB"}, // my.view stands in no function and no text
	} {
		p := database(t).behind(t, 1, func(cfg *Config) { cfg.Inspect = test.choice })
		c, other := p.connect(t), p.connect(t)
		other.must(secrets)
		c.must("INSERT INTO t VALUES ('my.x', 'set')")
		c.must("SELECT * FROM v")
		c.must("SELECT 1 AS \"my.x\"")
		other.must("SELECT 1")
		if got := c.value("SELECT coalesce(current_setting('my.x', true), '')"); got != test.trigger {
			t.Errorf("choice %d: %q is left of what a trigger set", test.choice, got)
		}
		if got := c.value("SELECT coalesce(current_setting('my.view', true), '') || '|' || current_setting('work_mem')"); got != test.view {
			t.Errorf("choice %d: %q is left of what a view set", test.choice, got)
		}
	}
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.Inspect = InspectNever })
	c := p.connect(t)
	c.must(secrets)
	c.must("SELECT hide('my.x', 'one')")
	if got := pinsOf(p, "hidden changes"); got != 1 {
		t.Errorf("%d sessions are pinned, not the one that called a function", got)
	}
}

// pinsOf counts the sessions that are pinned for a reason.
func pinsOf(p place, reason string) (n int) {
	for _, s := range p.proxy.Sessions() {
		if strings.Contains(strings.Join(s.Pins, ","), reason) {
			n++
		}
	}
	return n
}

// A pin that is lifted and made again is told again, whatever else has pinned the
// session meanwhile.
func TestPinsAreTold(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.must("SELECT pg_advisory_lock(1)")
	eventually(t, "the pin is told", func() bool { return toldOf(p, "session advisory lock") == 1 })
	for n := range 2 {
		c.must("CREATE TEMP TABLE x ()")
		eventually(t, "the pin is told", func() bool { return toldOf(p, "temporary objects") == n+1 })
		c.must("DROP TABLE x")
		eventually(t, "and lifted", func() bool { return pinsOf(p, "temporary objects") == 0 })
	}
}

func toldOf(p place, reason string) (n int) {
	for _, i := range p.proxy.Incidents() {
		if i.Kind == KindPin && i.Reason == reason {
			n++
		}
	}
	return n
}

// A pin is lifted when the server says that its cause is gone.
func TestPinsAreLifted(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.WaitTimeout, cfg.PinListen = time.Minute, true })
	c, other := p.connect(t), p.connect(t)
	for _, test := range []struct{ reason, make, end string }{
		{"temporary objects", "CREATE TEMP TABLE x ()", "DROP TABLE x"},
		{"temporary objects", "SELECT 1 AS a INTO TEMP x", "DROP TABLE x"},
		{"temporary objects", "CREATE TEMP TABLE x () ON COMMIT DROP", ""},
		{"temporary objects", "CREATE FUNCTION pg_temp.x() RETURNS int LANGUAGE SQL AS 'SELECT 1'", "DROP FUNCTION pg_temp.x"},
		{"temporary objects", "BEGIN; CREATE TEMP TABLE x (); ROLLBACK", ""},
		{"LISTEN", "LISTEN x", "UNLISTEN x"},
		{"LISTEN", "LISTEN x; LISTEN y", "UNLISTEN *"},
		{"session advisory lock", "SELECT pg_advisory_lock(7)", "SELECT pg_advisory_unlock(7)"},
		{"session advisory lock", "SELECT pg_advisory_lock(7), pg_advisory_lock(7)", "SELECT pg_advisory_unlock(7); SELECT pg_advisory_unlock(7)"},
		{"session advisory lock", "DO $$BEGIN PERFORM pg_advisory_lock(7); END$$", "SELECT pg_advisory_unlock_all()"},
		{"cursor WITH HOLD", "BEGIN; DECLARE x CURSOR WITH HOLD FOR SELECT 1; COMMIT", "CLOSE x"},
		{"SQL PREPARE", "PREPARE x AS SELECT 1", "DEALLOCATE x"},
		{"SQL PREPARE", "PREPARE x AS SELECT 1; PREPARE y AS SELECT 1", "DEALLOCATE ALL"},
	} {
		c.must(test.make)
		if test.end != "" {
			c.must("SELECT 1")
			eventually(t, test.make+" pins, for "+test.reason, func() bool { return pinsOf(p, test.reason) == 1 })
			c.must(test.end)
		}
		if got := other.value("SELECT 'served'"); got != "served" { // else it waits
			t.Errorf("behind %s the backend is not shared: %s", test.end, got)
		}
	}
}

// What an inspection does not find out it must not lose, and it must not keep
// others from the pool.
func TestInspectionLosesNothing(t *testing.T) {
	t.Run("with scrub writes", func(t *testing.T) {
		p := database(t).behind(t, 1, func(cfg *Config) { cfg.ScrubAlways = false })
		c, other := p.connect(t), p.connect(t)
		for _, sql := range []string{"SELECT set_config('my' || '.secret', 'mine', false)", "DO $$BEGIN PERFORM set_config('my' || '.secret', 'mine', false); END$$"} {
			c.must(sql)
			if got := other.value("SELECT coalesce(current_setting('my.secret', true), '')"); got != "" {
				t.Errorf("behind %s another client sees %q", sql, got)
			}
		}
	})
	t.Run("parameters that are no text", func(t *testing.T) {
		p := database(t).behind(t, 1)
		c, other := p.connect(t), p.connect(t)
		c.must(secrets)
		c.send(parse("", "SELECT hide('my.x', $1)"), bind("", "", "\xc3\xa9x.y é.é a.\xc3"+"\xa9"), execute("", 0), syncMsg)
		c.until("Z")
		other.must("SELECT hide('my.x', 'others')")
		for range 2 {
			if got := other.value("SHOW my.x"); got != "others" {
				t.Errorf("the other client has %q", got)
			}
			if got := c.value("SHOW my.x"); got != "éx.y é.é a.é" {
				t.Errorf("it has %q", got)
			}
		}
	})
	t.Run("a FunctionCall", func(t *testing.T) {
		p := database(t).behind(t, 1)
		c, other := p.connect(t), p.connect(t)
		c.send(functionCall(oidSetConfig, "fast.path", "v", "f"))
		c.expect("V v", "Z I")
		other.must("SELECT 1")
		if got := c.value("SHOW fast.path"); got != "v" {
			t.Errorf("what a FunctionCall set has become %q", got)
		}
	})
	t.Run("a RESET in secret", func(t *testing.T) {
		both(t, func(t *testing.T, p place) {
			c := p.connect(t, "options", "-c work_mem=9MB")
			c.must(secrets)
			for _, value := range []string{"5MB", "4MB"} { // which is the backend's own
				c.must("SET work_mem = '" + value + "'")
				c.send(oneShot("SELECT unhide()"), syncMsg)
				c.until("Z")
				if got := c.value("SHOW work_mem"); got != "9MB" {
					t.Errorf("behind %s its start-up value has become %s", value, got)
				}
			}
		})
	})
	t.Run("a client that never pauses", func(t *testing.T) {
		p := database(t).behind(t, 1)
		c, other := p.connect(t), p.connect(t)
		c.must(secrets)
		const many = 2000
		var all []byte
		for range many {
			all = append(all, query("SELECT hide('my.x', 'y')")...)
		}
		_, sent := c.stuffs(all)
		other.must("SELECT 1") // served before all of them are
		for range many {
			c.until("Z I")
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
	})
}

// A statement behind one that a session without its role is allowed does not run
// without the role.
func TestNothingRunsWithoutTheRole(t *testing.T) {
	p := database(t)
	direct := p.connect(t)
	through := p.behind(t, 1, func(cfg *Config) { cfg.Log = quiet() })
	role := "gone_" + p.database
	direct.must("CREATE ROLE " + role)
	c, other := through.connect(t), through.connect(t)
	c.must("SET ROLE " + role)
	other.must("SET my.x = 1")
	direct.must("DROP ROLE " + role)
	c.ask("SELECT 1")
	c.send(query("SET ROLE no_such_role"), query("SELECT current_user"))
	c.until("Z")
	c.expect(`E ERROR 22023 role "`+role+`" does not exist`, "Z I")
}

// A session without its role is not held up by what it was refused.
func TestNothingStaysOfWhatWasRefused(t *testing.T) {
	p := database(t)
	direct := p.connect(t)
	through := p.behind(t, 1, func(cfg *Config) { cfg.Log = quiet() })
	role := "left_" + p.database
	direct.must("CREATE ROLE " + role)
	c, other := through.connect(t), through.connect(t)
	c.must("SET ROLE " + role)
	other.must("SET my.x = 1")
	direct.must("DROP ROLE " + role)
	if got := c.ask("LOAD 'plpgsql'"); got != `E ERROR 22023 role "`+role+`" does not exist, Z I` {
		t.Error(got)
	}
	c.must("RESET ROLE")
	c.must("SELECT 1")
	other.must("SELECT 1") // the first is not pinned
	c.must("SET search_path = pg_temp")
	c.must("SELECT 1")
}
