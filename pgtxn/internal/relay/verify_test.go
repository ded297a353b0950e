package relay

import (
	"fmt"
	"sync"
	"testing"
)

// Drift that is planted, by a trigger that nothing else looks for, is found, told
// and healed.
func TestVerify(t *testing.T) {
	for _, verify := range []Verify{VerifyOff, VerifySampled, VerifyAlways} {
		var mu sync.Mutex
		var told []Drift
		p := database(t).behind(t, 1, func(cfg *Config) {
			cfg.Verify, cfg.Log = verify, quiet()
			cfg.OnDrift = func(d Drift) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, d)
			}
		})
		c, other := p.connect(t), p.connect(t)
		other.must(secrets)
		c.must("SET my.x = 'tracked'; SET enable_sort = off; SET application_name = 'FooBar'")
		tries := 1
		if verify == VerifySampled {
			tries = 20 * sampleOf // once in e^20 runs none of them is taken
		}
		for range tries {
			c.must("INSERT INTO t VALUES ('work_mem', '5MB'), ('my.x', 'secret')")
			other.must("SELECT 1")
		}
		want := "tracked|4MB|off"
		if verify == VerifyAlways {
			want = "secret|5MB|off"
		}
		if got := c.value("SELECT concat_ws('|', current_setting('my.x'), current_setting('work_mem'), current_setting('enable_sort'))"); got != want && verify != VerifySampled {
			t.Errorf("verify %d: afterwards the session has %s, not %s", verify, got, want)
		}
		mu.Lock()
		names := ""
		if len(told) > 0 {
			names = fmt.Sprint(told[0].Names)
		}
		mu.Unlock()
		if found := names == "[my.x work_mem]"; found != (verify != VerifyOff) {
			t.Errorf("verify %d: told of %q", verify, names)
		}
		if drifts := p.proxy.Pools()[0].Drifts; (drifts > 0) != (verify != VerifyOff) {
			t.Errorf("verify %d: %d drifts are counted", verify, drifts)
		}
	}
}

// What is tracked rightly is no drift: verifying changes nothing that a client sees.
func TestVerifyFindsNothing(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) {
		cfg.Verify = VerifyAlways
		cfg.OnDrift = func(d Drift) { t.Error("drift of", d.Names) }
	})
	c, other := p.connect(t, "application_name", "mine", "options", "-c work_mem=5MB -c my.y=start"), p.connect(t)
	for _, sql := range []string{
		"SET application_name = 'FooBar'", "SET TimeZone = 'Asia/Tokyo'", "SET DateStyle = 'SQL'", "SET DateStyle = 'DMY'", "SET search_path = a, \"B c\"",
		"SET my.x = 1", "SET work_mem = 65536", "BEGIN; SET LOCAL work_mem = '9MB'; SET my.x = 2; SAVEPOINT a; SET my.x = 3; ROLLBACK TO a; COMMIT",
		"SET ROLE pg_monitor", "RESET ROLE", "SET client_encoding = LATIN1", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "RESET my.y",
		"RESET ALL", "SET enable_sort = off", "DISCARD ALL",
	} {
		c.must(sql)
		other.must("SELECT 1")
	}
}
