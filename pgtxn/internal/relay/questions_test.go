package relay

import (
	"strings"
	"testing"
)

// What the proxy asks does not wait for a safe snapshot, though the session's own
// transactions would; so neither does the client that asks nothing of the kind.
func TestQuestionsDoNotWait(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		admin := database(t).connect(t)
		role := "safe_" + p.database
		admin.must("CREATE ROLE " + role + " LOGIN")
		defer admin.must("DROP ROLE " + role)
		writer := place{addr: postgres(t).Addr, database: p.database, user: admin.value("SELECT current_user")}.connect(t)
		writer.must("CREATE TABLE t (a int)")
		writer.must("BEGIN ISOLATION LEVEL SERIALIZABLE")
		writer.must("INSERT INTO t VALUES (1)")
		defer writer.leave()

		p.user = role
		for _, own := range []bool{true, false} {
			if !own {
				for _, name := range []string{"isolation = serializable", "read_only = on", "deferrable = on"} {
					admin.must("ALTER ROLE " + role + " SET default_transaction_" + name)
				}
			}
			c := p.connect(t, "application_name", "x", "work_mem", "6MB")
			if own {
				c.must("SET default_transaction_isolation = serializable; SET default_transaction_read_only = on; SET default_transaction_deferrable = on")
			}
			c.must("SET work_mem = '5MB'")
			c.must("BEGIN ISOLATION LEVEL READ COMMITTED")
			if got := c.value("SELECT set_config('work_mem', '7MB', false)"); got != "7MB" {
				t.Errorf("set_config: %s", got)
			}
			c.must("COMMIT")
			if got := c.value("SHOW work_mem"); got != "7MB" {
				t.Errorf("work_mem is %s", got)
			}
			c.leave()
		}
	})
}

// A question that takes too long because of the sources of functions leaves no
// transaction open, and is put without them next.
func TestQuestionThatFails(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.must("SET check_function_bodies = off")
	c.must("CREATE FUNCTION long() RETURNS void LANGUAGE sql AS 'set " + strings.Repeat("a.b ", 1000000) + "'")
	c.must("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$BEGIN PERFORM set_config('search_path', 'x', false); END$$")
	c.must("SET default_transaction_deferrable = on; SET statement_timeout = '1s'")
	for _, pins := range []int{1, 0} {
		c.must("SELECT public.f()")
		if got := c.ask("COMMIT"); got != "N WARNING 25P01 there is no transaction in progress, C COMMIT, Z I" {
			t.Errorf("COMMIT: %s", got)
		}
		if got := pinsOf(p, "hidden changes"); got != pins {
			t.Errorf("%d sessions are pinned, not %d", got, pins)
		}
	}
}

// What a question that failed was to find out is asked by the next.
func TestFailedQuestionIsAskedAgain(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.must("CREATE FUNCTION hide(text) RETURNS text LANGUAGE sql AS $$SELECT set_config($1, 'hidden', false)$$")
	c.must("SELECT public.hide('my.x'), set_config('statement_timeout', '1', false)") // too short for a question
	for c.ask("SET statement_timeout = 0") != "C SET, Z I" {
	}
	c.must("SELECT public.hide('my.y')")
	eventually(t, "it is known what was set", func() bool { return pinsOf(p, "hidden changes") == 0 })
	p.connect(t).must("SELECT 1")
	if got := c.value("SELECT current_setting('my.x', true), current_setting('my.y', true)"); got != "hidden|hidden" {
		t.Error(got)
	}
}

// Whether defaults have changed does not depend on the encoding in which a client
// has asked to be spoken to.
func TestDefaultsInEncodings(t *testing.T) {
	p := database(t).behind(t, 3)
	admin := p.connect(t)
	role := "encodings_" + p.database
	admin.must("CREATE ROLE " + role + " LOGIN")
	defer admin.must("DROP ROLE " + role)
	admin.must("ALTER ROLE " + role + " SET my.x = 'é'")
	p.user = role
	first := p.connect(t).value("SELECT pg_backend_pid()")
	for range 2 {
		p.connect(t, "role", role, "client_encoding", "LATIN1").must("SELECT 1") // has a backend that logged in so
		if got := p.connect(t).value("SELECT pg_backend_pid()"); got != first {
			t.Errorf("another backend is used, %s and not %s", got, first)
		}
	}
}
