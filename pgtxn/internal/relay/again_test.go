package relay

import (
	"strings"
	"testing"
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

// A piece that the proxy refuses is answered once.
func TestPieceRefused(t *testing.T) {
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
func TestDiscardedAheadOfPieces(t *testing.T) {
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
