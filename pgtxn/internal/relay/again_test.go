package relay

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// A start-up value that is reset in the middle of a message is back for what comes
// behind it in the same message, and what goes wrong there is what goes wrong on a
// connection of one's own.
func TestResetAmongOthers(t *testing.T) {
	const look = "SELECT current_setting('my.x') || ' ' || current_setting('work_mem') || ' ' || current_setting('TimeZone')"
	both(t, func(t *testing.T, p place) {
		c := p.connect(t, "options", "-c my.x=start -c work_mem=5MB", "TimeZone", "Asia/Tokyo")
		for _, step := range []struct{ sql, want string }{
			{"SET my.x = 'mine'; SET work_mem = '9MB'; SET TimeZone = 'UTC'", "C SET, C SET, C SET, S TimeZone=UTC, Z I"},
			{"BEGIN; SAVEPOINT a", "C BEGIN, C SAVEPOINT, Z T"},
			{"RESET my.x; " + look, "C RESET, D start 9MB UTC, C SELECT 1, Z T"},
			{"SELECT 1; RESET TimeZone; SET work_mem TO DEFAULT; " + look, "D 1, C SELECT 1, C RESET, C SET, D start 5MB Asia/Tokyo, C SELECT 1, S TimeZone=Asia/Tokyo, Z T"},
			{"ROLLBACK TO a; " + look, "C ROLLBACK, D mine 9MB UTC, C SELECT 1, S TimeZone=UTC, Z T"},
			{"SET LOCAL my.x = 'local'; SAVEPOINT b; RESET ALL; SET my.x = 'x'; ROLLBACK TO b; " + look,
				"C SET, C SAVEPOINT, C RESET, C SET, C ROLLBACK, D local 9MB UTC, C SELECT 1, Z T"},
			{"RESET ALL; SELECT 1/0; RESET my.x", "C RESET, E ERROR 22012 division by zero, Z E"},
			{"RESET my.x; SELECT 1", "E ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block, Z E"},
			{"ROLLBACK TO b; RESET work_mem; " + look + "; SELECT 1/0", "C ROLLBACK, C RESET, D local 5MB UTC, C SELECT 1, E ERROR 22012 division by zero, Z E"},
			{"ROLLBACK TO b; RESET my.x; RESET no.such; SELECT nosuch; RESET my.x", `C ROLLBACK, C RESET, C RESET, E ERROR 42703 column "nosuch" does not exist, Z E`},
			{"ROLLBACK", "C ROLLBACK, Z I"},
			{look, "D mine 9MB UTC, C SELECT 1, Z I"},
			{"BEGIN; RESET ALL; " + look, "C BEGIN, C RESET, D start 5MB Asia/Tokyo, C SELECT 1, S TimeZone=Asia/Tokyo, Z T"},
			{"RESET ALL; COMMIT; " + look, "C RESET, C COMMIT, D start 5MB Asia/Tokyo, C SELECT 1, Z I"},
			{"SET my.x = 'mine'", "C SET, Z I"},
			{"BEGIN", "C BEGIN, Z T"},
			{"RESET ALL; " + look + "; COMMIT; SET my.x = 'mine'", "C RESET, D start 5MB Asia/Tokyo, C SELECT 1, C COMMIT, C SET, Z I"},
			{"SELECT 1/0; RESET my.x", "E ERROR 22012 division by zero, Z I"},
			{look, "D mine 5MB Asia/Tokyo, C SELECT 1, Z I"},
			{"SET work_mem = '9MB'", "C SET, Z I"},
			{"BEGIN; COMMIT; RESET work_mem; " + look, "C BEGIN, C COMMIT, C RESET, D mine 5MB Asia/Tokyo, C SELECT 1, Z I"},
			{"SET LOCAL work_mem TO DEFAULT", "N WARNING 25P01 SET LOCAL can only be used in transaction blocks, C SET, Z I"},
			{"RESET work_mem; DISCARD ALL; SELEC 1", `E ERROR 42601 syntax error at or near "SELEC", Z I`},
			{"RESET work_mem; DISCARD ALL", "C RESET, E ERROR 25001 DISCARD ALL cannot run inside a transaction block, Z I"},
			{"RESET ALL; BEGIN ISOLATION LEVEL SERIALIZABLE; RESET my.x; SET TRANSACTION READ ONLY; COMMIT", "C RESET, C BEGIN, C RESET, C SET, C COMMIT, Z I"},
			{"CREATE TEMP TABLE late (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)", "C CREATE TABLE, Z I"},
			{"SET my.x = 'mine'; INSERT INTO late VALUES (1), (1); RESET my.x", `C SET, C INSERT 0 2, E ERROR 23505 duplicate key value violates unique constraint "late_pkey", Z I`},
			{look, "D start 5MB Asia/Tokyo, C SELECT 1, Z I"},
		} {
			if got := c.ask(step.sql); got != step.want {
				t.Errorf("%s\n  got  %s\n  want %s", step.sql, got, step.want)
			}
		}
	})
}

// What was reset has been committed, what was set again has not.
func TestResetBehindChain(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c, other := p.connect(t, "client_encoding", "LATIN1"), p.connect(t)
		c.must("START TRANSACTION; RESET client_encoding; COMMIT AND CHAIN")
		c.must("ROLLBACK")
		for range 2 {
			if got := c.ask("SHOW client_encoding"); got != "D LATIN1, C SHOW, Z I" {
				t.Error(got)
			}
			if got := other.ask("SHOW client_encoding"); got != "D UTF8, C SHOW, Z I" {
				t.Error(got)
			}
		}
	})
}

// What was reset is set for the transaction, of which the message is all.
func TestResetBehindLocal(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t, "client_encoding", "LATIN1")
		c.must("RESET ALL; SET LOCAL NAMES 'LATIN1'")
		if got := c.ask("SHOW client_encoding"); got != "D LATIN1, C SHOW, Z I" {
			t.Error(got)
		}
	})
}

// A message that also drops all prepared statements drops those with which start-up
// values are set again.
func TestResetWithDeallocateAll(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t, "application_name", "start")
		c.must("SELECT pg_advisory_lock(1)") // keeps the backend
		c.must("SET application_name TO DEFAULT; DEALLOCATE ALL; BEGIN")
		if got := c.ask("SHOW application_name"); got != "D start, C SHOW, Z T" {
			t.Error(got)
		}
	})
}

// What the proxy refuses is answered once.
func TestResetRefused(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.MaxSavepoints = 1 })
	c := p.connect(t, "options", "-c my.x=start")
	c.must("BEGIN; SAVEPOINT a")
	got := c.ask("SAVEPOINT b; RESET my.x; SELECT 1")
	if !strings.HasPrefix(got, "E ERROR") || !strings.HasSuffix(got, ", Z E") {
		t.Error(got)
	}
	if got := c.ask("ROLLBACK"); got != "C ROLLBACK, Z I" {
		t.Error(got)
	}
}

// In session mode too.
func TestResetBehindDiscard(t *testing.T) {
	const look = "SELECT current_setting('my.x', true) || ' ' || current_setting('work_mem')"
	test := func(t *testing.T, p place) {
		c := p.connect(t, "options", "-c my.x=start -c work_mem=5MB")
		c.must("SELECT 1")
		c.must("DISCARD ALL")
		if got := c.ask(look + "; RESET work_mem"); got != "D start 5MB, C SELECT 1, C RESET, Z I" {
			t.Error(got)
		}
		if got := c.ask(look); got != "D start 5MB, C SELECT 1, Z I" {
			t.Error(got)
		}
	}
	t.Run("direct", func(t *testing.T) { test(t, database(t)) })
	t.Run("proxy", func(t *testing.T) {
		test(t, database(t).behind(t, 1, inSessionMode))
	})
}

// What only a superuser may set, anybody's RESET ALL resets.
func TestResetPrivileged(t *testing.T) {
	p := database(t)
	p.connect(t).must("CREATE ROLE reset_plain")
	t.Cleanup(func() { p.connect(t).must("DROP ROLE reset_plain") })
	test := func(t *testing.T, p place) {
		c, other := p.connect(t, "options", "-c log_min_duration_statement=1h"), p.connect(t)
		for _, step := range []struct{ sql, want string }{
			{"SET log_min_duration_statement = '2h'; SET ROLE reset_plain", "C SET, C SET, S is_superuser=off, Z I"},
			{"RESET log_min_duration_statement", `E ERROR 42501 permission denied to set parameter "log_min_duration_statement", Z I`},
			{"RESET ALL; SHOW log_min_duration_statement", "C RESET, D 1h, C SHOW, Z I"},
		} {
			if got := c.ask(step.sql); got != step.want {
				t.Errorf("%s\n  got  %s\n  want %s", step.sql, got, step.want)
			}
			if got := other.value("SHOW log_min_duration_statement"); got != "-1" {
				t.Errorf("another client sees %s", got)
			}
		}
	}
	t.Run("direct", func(t *testing.T) { test(t, p) })
	t.Run("proxy", func(t *testing.T) { test(t, p.behind(t, 1)) })
}

// Errors and warnings tell the position in the text that the client sent.
func TestResetKeepsPositions(t *testing.T) {
	p := database(t)
	startup := []string{"options", "-c my.x=start -c work_mem=5MB -c search_path=a,b"}
	direct, proxied := p.connect(t, startup...), p.behind(t, 1).connect(t, startup...)
	positions := 0
	for _, sql := range []string{
		"RESET work_mem; SELECT nosuch",
		"SELECT nosuch; RESET work_mem",
		"RESET ALL /* é */ ; -- €\nRESET my.x;SELECT 'é€', nosuch; RESET ALL",
		"SELECT 'é'; RESET search_path; SELEC 1",
		"RESET search_path; SELECT (1",
		"RESET my.x; SET no.such.name = 1; SELECT 1::nosuch",
		"RESET my.x /* never closed",
		"SET standard_conforming_strings = off",
		`RESET my.x; SELECT 'a\\b', 'é', 'c\\d'; RESET ALL; SELECT 'e\\f'`,
		"SET client_encoding = LATIN1",
		"RESET my.x; SELECT '\xe9', nosuch",
	} {
		got, want := proxied.words(sql), direct.words(sql)
		if !slices.Equal(got, want) {
			t.Errorf("%s\n  got  %q\n  want %q", sql, got, want)
		}
		for _, w := range want {
			if strings.Contains(w, "\x00P") {
				positions++
			}
		}
	}
	if positions < 9 {
		t.Errorf("only %d of the answers have a position", positions)
	}
}

// words are the errors and warnings that a Query gets.
func (c *client) words(sql string) (bodies []string) {
	c.send(query(sql))
	for {
		switch typ, body, err := c.read(); {
		case err != nil:
			c.t.Fatal(err)
		case typ == 'E', typ == 'N':
			bodies = append(bodies, string(body))
		case typ == 'Z':
			return bodies
		}
	}
}

// In a pipeline too nothing of it takes a snapshot, and an error undoes all.
func TestResetInPipeline(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c, err := pgconn.Connect(t.Context(), p.url("&options=-c%20work_mem%3D5MB"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(t.Context()) }()
		run := func(want string, statements ...string) {
			t.Helper()
			batch := &pgconn.Batch{}
			for _, sql := range statements {
				batch.ExecParams(sql, nil, nil, nil, nil)
			}
			results, err := c.ExecBatch(t.Context(), batch).ReadAll()
			got := fmt.Sprint(err)
			if err == nil {
				got = string(results[len(results)-1].Rows[0][0])
			}
			if got != want {
				t.Errorf("%v: %s, want %s", statements, got, want)
			}
		}
		run("9MB", "SET work_mem = '9MB'", "SHOW work_mem")
		run("5MB", "RESET ALL", "BEGIN ISOLATION LEVEL SERIALIZABLE", "SHOW work_mem")
		run("5MB", "SET LOCAL work_mem TO DEFAULT", "SET TRANSACTION READ ONLY", "SHOW work_mem")
		run("ERROR: division by zero (SQLSTATE 22012)", "SET work_mem = '7MB'", "COMMIT", "RESET work_mem", "SELECT 1/0")
		run("7MB", "SHOW work_mem")
		run("5MB", "DISCARD ALL", "SHOW work_mem")
		run("ERROR: division by zero (SQLSTATE 22012)", "DISCARD ALL", "SET work_mem = '7MB'", "SELECT 1/0")
		run("5MB", "SHOW work_mem")
	})
}
