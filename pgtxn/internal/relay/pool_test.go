package relay

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// The pool as clients see it: limits, order, waiting, and which backend one gets.

// backends is the number of backends that the server has for the test's database.
func (p place) backends(t testing.TB) string {
	t.Helper()
	return sql(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = '"+p.database+"'")
}

// waiting is the number of clients that wait.
func (p place) waiting() (n int) {
	for _, view := range p.proxy.Pools() {
		n += view.Waiting
	}
	return n
}

// First come, first served.
func TestWaitingInOrder(t *testing.T) {
	p := database(t).behind(t, 1)
	holder := p.connect(t)
	holder.must("CREATE TABLE t (n serial, who int)")
	holder.must("BEGIN")
	const many = 20
	var clients []*client
	for i := range many {
		c := p.connect(t)
		if i%2 == 0 {
			c.send(query(fmt.Sprintf("INSERT INTO t (who) VALUES (%d)", i)))
		} else {
			c.send(oneShot(fmt.Sprintf("INSERT INTO t (who) VALUES (%d)", i)), syncMsg)
		}
		eventually(t, "it waits", func() bool { return p.waiting() == i+1 })
		clients = append(clients, c)
	}
	holder.must("COMMIT")
	holder.must("INSERT INTO t (who) VALUES (-1)") // behind those who wait already
	for _, c := range clients {
		c.until("Z")
	}
	if got := holder.value("SELECT string_agg(who::text, ' ' ORDER BY n) FROM t"); got != "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 -1" {
		t.Error(got)
	}
}

// A client that sends batch after batch without waiting for answers does not keep
// the others from theirs.
func TestPipelinerYields(t *testing.T) {
	p := database(t).behind(t, 1)
	greedy, modest := p.connect(t), p.connect(t)
	modest.must("CREATE TABLE t ()")
	const many = 4000
	var all []byte
	insert := "INSERT INTO t DEFAULT VALUES --" + strings.Repeat("x", 4000) // more than is taken in one turn
	for range many / 2 {
		all = append(all, query(insert)...)
		all = append(append(all, oneShot(insert)...), syncMsg...)
	}
	_, sent := greedy.stuffs(all)
	for range 10 {
		if got := modest.value("SELECT count(*) FROM t"); got == fmt.Sprint(many) {
			t.Fatal("served behind all of another client's statements")
		}
	}
	for range many {
		greedy.until("Z I")
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	atRest(t, p)
}

// Who waits too long gets an error in place of the answer, and goes on.
func TestWaitTimeout(t *testing.T) {
	p := database(t).behind(t, 1)
	holder, c := p.connect(t), p.connect(t)
	holder.must("BEGIN")
	p.reconfigure(func(cfg *Config) { cfg.WaitTimeout = 500 * time.Millisecond }) // behind the logins, which wait too
	const tooLong = "E ERROR 53300 no server connection became free within 500ms"
	tests := []struct {
		name string
		send [][]byte
		want []string
	}{
		{"Query", [][]byte{query("SELECT 1")}, []string{tooLong, "Z I"}},
		{"two", [][]byte{query("SELECT 1"), query("SELECT 2")}, []string{tooLong, "Z I", tooLong, "Z I"}},
		{"pipeline", [][]byte{oneShot("SELECT 1"), oneShot("SELECT 2"), syncMsg}, []string{tooLong, "Z I"}},
		{"pipelines", [][]byte{oneShot("SELECT 1"), syncMsg, parse("s", "SELECT 1"), describeStmt("s"), flushMsg, syncMsg}, []string{tooLong, "Z I", tooLong, "Z I"}},
		{"FunctionCall", [][]byte{functionCall(oidInt4Inc, "1")}, []string{tooLong, "Z I"}},
		{"Sync alone", [][]byte{syncMsg}, []string{tooLong, "Z I"}},
		{"COPY and its data", [][]byte{query("COPY t FROM STDIN"), copyData("1\n"), copyDone}, []string{tooLong, "Z I"}},
		{"oversized", [][]byte{query("SELECT 1 --" + strings.Repeat("x", 5<<20)), query("SELECT 1")}, []string{tooLong, "Z I", tooLong, "Z I"}},
		{"oversized Parse", [][]byte{parse("", "SELECT 1 --"+strings.Repeat("x", 5<<20)), bind("", ""), syncMsg}, []string{tooLong, "Z I"}},
	}
	for _, test := range tests {
		t.Log(test.name)
		c.send(test.send...)
		c.expect(test.want...)
	}
	p.reconfigure(func(*Config) {})
	holder.must("COMMIT")
	if got := c.run("s"); got != `E ERROR 26000 prepared statement "s" does not exist, Z I` {
		t.Error(got)
	}
	c.must("SELECT 1")
	atRest(t, p)
}

// The server has no room for another backend: that is the server's word, but it does
// not end a session.
func TestServerIsFull(t *testing.T) {
	p := database(t)
	sql(t, "postgres", "CREATE ROLE limited_role LOGIN CONNECTION LIMIT 1")
	t.Cleanup(func() { sql(t, "postgres", "DROP ROLE limited_role") })
	p.user = "limited_role"
	p = p.behind(t, 2, func(cfg *Config) { cfg.WaitTimeout, cfg.Log = 500*time.Millisecond, quiet() })
	holder, c := p.connect(t), p.connect(t)
	holder.must("BEGIN")
	c.send(query("SELECT 1"))
	c.expect(`E ERROR 53300 too many connections for role "limited_role"`, "Z I")
	holder.must("COMMIT")
	c.must("SELECT 1")
}

// A client that can't be greeted for want of a backend is told so.
func TestWaitTimeoutAtLogin(t *testing.T) {
	p := database(t).behind(t, 1)
	holder := p.connect(t)
	holder.must("BEGIN")
	p.reconfigure(func(cfg *Config) { cfg.WaitTimeout = 500 * time.Millisecond })
	c := p.dial(t)
	c.send(startupMessage(3<<16, "user", p.user, "database", p.database, "work_mem", "1MB")) // nobody came with this before
	c.expect("R 0", "E FATAL 53300 no server connection became free within 500ms", closedLine)
	p.reconfigure(func(*Config) {})
	holder.must("COMMIT")
	p.connect(t, "work_mem", "1MB").must("SELECT 1")
}

// There are never more backends than the pool may have, whatever happens to
// clients and backends.
func TestPoolLimit(t *testing.T) {
	const size, clients, rounds = 3, 24, 25
	p := database(t).behind(t, size, func(cfg *Config) { cfg.IdleTimeout, cfg.MaxLifetime = 10*time.Millisecond, 50*time.Millisecond })
	var all sync.WaitGroup
	for i := range clients {
		all.Add(1)
		go func() {
			defer all.Done()
			var c *client
			for round := range rounds {
				if c == nil {
					c = p.connect(t)
				}
				switch (i + round) % 6 {
				case 0:
					c.ask("SELECT 1")
				case 1:
					c.ask("BEGIN; SET my.x = 1")
					c.drop()
					c = nil
				case 2:
					c.ask("BEGIN; SELECT 1/0")
					c.ask("ROLLBACK")
				case 3:
					c.send(oneShot("SELECT pg_sleep(0.001)"))
					c.drop()
					c = nil
				case 4:
					c.ask("CREATE TEMP TABLE tt (a int)")
					c.leave()
					c = nil
				case 5:
					c.send(query("SELECT pg_terminate_backend(pg_backend_pid())"))
					c.until("E ERROR 57P01")
					c.until("Z I")
				}
			}
			if c != nil {
				c.leave()
			}
		}()
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	most, looks := 0, 0 // of the pool: the server may take a moment to see that one was closed
	for running := true; running; looks++ {
		select {
		case <-done:
			running = false
		default:
		}
		for _, v := range p.proxy.Pools() {
			most = max(most, v.Active+v.Idle+v.Connecting)
		}
	}
	t.Logf("looked %d times, at most %d backends", looks, most)
	if most > size {
		t.Errorf("%d backends in a pool of %d", most, size)
	}
	atRest(t, p)
}

// A session that comes back gets the backend that it had.
func TestAffinity(t *testing.T) {
	p := database(t).behind(t, 3)
	var clients []*client
	for range 3 {
		c := p.connect(t)
		c.must("BEGIN")
		clients = append(clients, c)
	}
	var pids []string
	for i, c := range clients {
		pids = append(pids, c.value(whoServes))
		c.must(fmt.Sprintf("SET my.x = '%d'", i))
	}
	for _, c := range clients {
		c.must("COMMIT")
	}
	for range 20 {
		for i, c := range clients {
			if got := c.value(whoServes); got != pids[i] {
				t.Fatalf("client %d was on %s and is on %s", i, pids[i], got)
			}
		}
	}
}

// Backends go when they were idle too long, and are not used again when too old.
func TestPoolAges(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		p := database(t).behind(t, 4, func(cfg *Config) { cfg.IdleTimeout = 30 * time.Millisecond })
		var clients []*client
		for range 4 {
			c := p.connect(t)
			c.must("BEGIN")
			clients = append(clients, c)
		}
		for _, c := range clients {
			c.must("COMMIT")
		}
		eventually(t, "all are closed", func() bool { return p.backends(t) == "0" })
		for _, c := range clients {
			c.must("SELECT 1")
		}
	})
	t.Run("lifetime", func(t *testing.T) {
		p := database(t).behind(t, 1, func(cfg *Config) { cfg.MaxLifetime = 50 * time.Millisecond })
		c := p.connect(t)
		c.must("SET my.x = 'mine'")
		c.must("BEGIN")
		first := c.value(whoServes)
		eventually(t, "its time has come", func() bool {
			return c.value("SELECT clock_timestamp() - backend_start > '100ms' FROM pg_stat_activity WHERE pid = pg_backend_pid()") == "t"
		})
		if got := c.value(whoServes); got != first {
			t.Error("it went in a transaction")
		}
		c.must("COMMIT")
		if got := c.value(whoServes); got == first {
			t.Error("it was used again")
		}
		if got := c.value("SHOW my.x"); got != "mine" {
			t.Error(got)
		}
	})
}

// Without a server, clients are told why; those who were there wait for it.
func TestNoServer(t *testing.T) {
	p := place{addr: "127.0.0.1:1", database: "d", user: "u"}.behind(t, 1, func(cfg *Config) { cfg.Log = quiet() })
	c := p.dial(t)
	c.send(startupMessage(3<<16, "user", "u", "database", "d"))
	c.expect("R 0", "E FATAL 08001 could not connect to the upstream server", closedLine)
}
