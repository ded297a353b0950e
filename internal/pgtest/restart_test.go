package pgtest

import (
	"testing"
	"time"
)

func TestRestart(t *testing.T) {
	s := Start(t, Restartable())
	since := func() string {
		got, err := s.SQL(t.Context(), "postgres", "SELECT pg_postmaster_start_time()")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, mode := range []string{"fast", "immediate"} {
		before := since()
		if err := s.Down(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SQL(t.Context(), "postgres", "SELECT 1"); err == nil {
			t.Error("it is up")
		}
		if err := s.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		if since() == before {
			t.Error("it was not down")
		}
	}
}

func TestStandby(t *testing.T) {
	primary := Start(t)
	standby := Start(t, StandbyOf(primary))
	ask := func(s *Server, sql, want string) {
		t.Helper()
		for deadline := time.Now().Add(startTime); ; time.Sleep(retryTime) { // what the primary has written comes a little later
			got, err := s.SQL(t.Context(), "postgres", sql)
			if err == nil && got == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatal(sql, got, err)
			}
		}
	}
	ask(standby, "SELECT pg_is_in_recovery()", "t")
	ask(primary, "CREATE TABLE t AS SELECT 1 AS a", "")
	ask(standby, "SELECT a FROM t", "1")
	ask(standby, "SELECT pg_promote()", "t")
	ask(standby, "INSERT INTO t VALUES (2) RETURNING a", "2")
}
