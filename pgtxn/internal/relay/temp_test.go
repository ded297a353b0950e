package relay

import (
	"fmt"
	"testing"
)

// A client does not find the schema pg_temp that another one made on the backend.
func TestTempSchemaOfOthers(t *testing.T) {
	const refused = "E ERROR 0A000 cannot PREPARE a transaction that has operated on temporary objects, Z I"
	both(t, func(t *testing.T, p place) {
		c, other := p.connect(t), p.connect(t)
		c.must("CREATE TEMP TABLE x (a int)")
		c.must("DROP TABLE x")
		other.must("SELECT 1")
		other.must("SET search_path = pg_temp")
		other.must("BEGIN; SELECT current_schema()")
		if got := other.ask("PREPARE TRANSACTION 'p'"); got != refused {
			t.Error(got)
		}
		other.must("CREATE TABLE t (a int); DROP TABLE t; RESET search_path")
		c.must("SELECT 1")
		c.must("BEGIN; CREATE TEMP TABLE x (a int) ON COMMIT DROP; COMMIT")
	})
}

// It is not closed for who has made one before, here or elsewhere.
func TestTempSchemaIsKept(t *testing.T) {
	p := database(t).behind(t, 1)
	c, other := p.connect(t), p.connect(t)
	use := func(c *client) string {
		c.send(oneShot("CREATE TEMP TABLE x ON COMMIT DROP AS SELECT 1"), syncMsg)
		c.until("Z")
		return c.value("SELECT pg_backend_pid()")
	}
	use(c)
	pid := use(other)
	for range 3 {
		for _, c := range []*client{c, other} {
			if got := use(c); got != pid {
				t.Errorf("backend %s instead of %s", got, pid)
			}
		}
	}
}

// One backend that has it is closed for who makes its first temporary object, not all.
func TestTempSchemaTakesOneBackend(t *testing.T) {
	for _, own := range []bool{true, false} {
		t.Run(fmt.Sprint("custom settings own: ", own), func(t *testing.T) {
			p := database(t).behind(t, 4, func(cfg *Config) { cfg.SharedCustom = !own })
			c := p.connect(t)
			var makers []*client
			for range 4 {
				m := p.connect(t)
				m.must("BEGIN; CREATE TEMP TABLE x () ON COMMIT DROP")
				makers = append(makers, m)
			}
			pids := map[string]bool{}
			for _, m := range makers {
				pids[m.value(whoServes)] = true
				m.must("COMMIT")
			}
			eventually(t, "all are idle", func() bool { return p.proxy.Pools()[0].Idle == 4 })
			c.must("CREATE TEMP TABLE y ()")
			if pids[c.value(whoServes)] {
				t.Error("it has another's")
			}
			kept := 0
			p.proxy.eachLender(func(l *lender) {
				for m := range l.pool.Filled {
					if pids[fmt.Sprint(m.Backend.PID)] {
						kept++
					}
				}
			})
			if kept != 3 {
				t.Errorf("%d of 4 backends are kept", kept)
			}
		})
	}
}
