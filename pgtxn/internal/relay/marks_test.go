package relay

import (
	"fmt"
	"strings"
	"testing"
)

const define = "SELECT coalesce(current_setting('my.x', true), 'NULL') || ' ' || coalesce(current_setting('my.y', true), 'NULL')"

// Whether a custom setting is NULL or ” depends on what the client itself has done,
// directly and wherever others have set it.
func TestCustomSettingsAreOnesOwn(t *testing.T) {
	test := func(t *testing.T, p place) {
		a, b, c, d := p.connect(t), p.connect(t), p.connect(t, "options", "-c my.y=start"), p.connect(t)
		for i, step := range []struct {
			who       *client
			sql, want string
		}{
			{a, "SELECT 1", "NULL NULL"},
			{a, "SET my.x = 1", "1 NULL"},
			{b, "SELECT 1", "NULL NULL"},
			{b, "BEGIN; SET my.y = 2; ROLLBACK", "NULL "},
			{a, "RESET ALL", " NULL"},
			{c, "SELECT 1", "NULL start"},
			{d, "SELECT set_config('my.' || 'x', '3', true) WHERE 'my.x' <> ''", " NULL"},
			{b, "DISCARD ALL", "NULL "},
			{c, "SET my.x = 4", "4 start"},
			{c, "DISCARD ALL", " start"},
			{d, "BEGIN; SAVEPOINT a; SET my.y = 5; ROLLBACK TO a; COMMIT", " "},
			{a, "DO $$BEGIN PERFORM set_config('my.y', '6', false); END$$", " 6"},
			{b, "SELECT 1", "NULL "},
			{p.connect(t), "SELECT 1", "NULL NULL"},
		} {
			step.who.must(step.sql)
			for range 2 {
				if got := step.who.value(define); got != step.want {
					t.Errorf("step %d, %s: %q, want %q", i, step.sql, got, step.want)
				}
			}
		}
	}
	t.Run("direct", func(t *testing.T) { test(t, database(t)) })
	for _, size := range []int{1, 2, 8} {
		t.Run(fmt.Sprint("pool of ", size), func(t *testing.T) {
			test(t, database(t).behind(t, size, func(cfg *Config) { cfg.SharedCustom = false }))
		})
	}
}

// It also does if the client has discarded all before anybody could ask what was set in secret.
func TestCustomSettingsDiscarded(t *testing.T) {
	test := func(t *testing.T, p place, extended bool) {
		for _, start := range [][]string{nil, {"client_encoding", "LATIN1", "TimeZone", "Asia/Tokyo"}, {"my.z", "start"}} {
			c, other := p.connect(t, start...), p.connect(t)
			const startValues = "SELECT current_setting('client_encoding'), current_setting('TimeZone'), current_setting('my.z', true)"
			before := c.ask(startValues)
			do := oneShot("DO $$BEGIN PERFORM set_config('my.x', '1', true), set_config('my.z', 'hidden', true); END$$")
			if extended {
				c.send(do, syncMsg, oneShot("DISCARD ALL"), syncMsg)
				c.expect("1", "2", "C DO", "Z I", "1", "2", "C DISCARD ALL", "Z I")
			} else {
				c.send(do, syncMsg, query("DISCARD ALL"))
				c.expect("1", "2", "C DO", "Z I", "C DISCARD ALL", "Z I")
			}
			for range 2 { // on the same backend, and on others
				if got := other.value(define); got != "NULL NULL" {
					t.Errorf("%s: another client: %q", start, got)
				}
				if got := c.value(define); got != " NULL" {
					t.Errorf("%s: %q", start, got)
				}
			}
			if got := c.ask(startValues); got != strings.Replace(before, "NULL", "", 1) {
				t.Errorf("%s, before %s", got, before)
			}
		}
	}
	for _, extended := range []bool{false, true} {
		t.Run(fmt.Sprintf("direct, extended %t", extended), func(t *testing.T) { test(t, database(t), extended) })
		for _, size := range []int{1, 2} {
			t.Run(fmt.Sprintf("pool of %d, extended %t", size, extended), func(t *testing.T) {
				test(t, database(t).behind(t, size, func(cfg *Config) { cfg.SharedCustom = false }), extended)
			})
		}
	}
}

// Clients that set the same custom settings share their backends.
func TestCustomSettingsAreShared(t *testing.T) {
	p := database(t).behind(t, 2, func(cfg *Config) { cfg.SharedCustom = false })
	pids := map[string]bool{}
	for i := range 10 {
		c := p.connect(t)
		c.must(fmt.Sprintf("SET my.x = %d", i))
		other := p.connect(t)
		other.must("SET my.x = 'other'")
		for range 10 {
			pids[c.value("SELECT pg_backend_pid()")] = true
			other.must("SELECT 1")
			if got := c.value("SHOW my.x"); got != fmt.Sprint(i) {
				t.Errorf("my.x is %s", got)
			}
		}
	}
	t.Logf("%d backends", len(pids))
	if len(pids) > 22 {
		t.Errorf("%d backends served 20 clients", len(pids))
	}
}

// What a session began with is no sign that each login begins with it.
func TestMarksBesideOwnStart(t *testing.T) {
	p := database(t).behind(t, 3, func(cfg *Config) { cfg.SharedCustom = false })
	setter, reader := p.connect(t), p.connect(t)
	setter.must("BEGIN") // c begins on another backend
	c := p.connect(t, "options", "-c my.x=start")
	c.must("SELECT 1; RESET my.x; SELECT 1")
	setter.must("SET my.x = 'mine'; COMMIT")
	if got := reader.value("SELECT current_setting('my.x', true) IS NULL"); got != "t" {
		t.Error(got)
	}
}
