package relay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Prepared statements of the protocol: each client has its own names, whatever
// the others call theirs and wherever it is.

// prepare is Parse and Sync.
func (c *client) prepare(name, text string, types ...int) {
	c.t.Helper()
	c.send(parse(name, text, types...), syncMsg)
	if got := c.until("Z"); got[0] != "1" {
		c.t.Fatalf("%s: %s", text, got)
	}
}

// run is Bind, Execute and Sync. It returns the answer but BindComplete.
func (c *client) run(stmt string, params ...string) string {
	c.t.Helper()
	c.send(bind("", stmt, params...), execute("", 0), syncMsg)
	return strings.TrimPrefix(strings.Join(c.until("Z"), ", "), "2, ")
}

// runs expects one row.
func (c *client) runs(stmt, want string, params ...string) {
	c.t.Helper()
	if got := c.run(stmt, params...); got != "D "+want+", C SELECT 1, Z I" {
		c.t.Errorf("%s: %s, want %s", stmt, got, want)
	}
}

func TestPreparedOfManyClients(t *testing.T) {
	for _, size := range []int{1, 2} {
		t.Run(fmt.Sprint("pool of ", size), func(t *testing.T) {
			p := database(t).behind(t, size)
			var clients []*client
			for i := range 8 {
				c := p.connect(t)
				c.prepare("s", fmt.Sprintf("SELECT 'client %d ' || $1", i))
				c.prepare("t", "SELECT 'the same text ' || $1")
				clients = append(clients, c)
			}
			holder := p.connect(t)
			for round := range 20 {
				for i, c := range clients {
					if hold := size > 1 && (i+round)%3 == 0; hold {
						holder.must("BEGIN") // on one backend, so that the next go to the other
					} else if size > 1 {
						holder.must("COMMIT")
					}
					c.runs("s", fmt.Sprintf("client %d %d", i, round), fmt.Sprint(round))
					c.runs("t", fmt.Sprintf("the same text %d", round), fmt.Sprint(round))
				}
			}
		})
	}
}

func TestPreparedNames(t *testing.T) {
	const inUse = `E ERROR 42P05 prepared statement "a" already exists`
	const missing = `E ERROR 26000 prepared statement "a" does not exist`
	const unnamedMissing = `E ERROR 26000 unnamed prepared statement does not exist`
	const syntax = `E ERROR 42601 syntax error at or near "selec"`
	a1 := parse("a", "SELECT 1")
	runA := append(bind("", "a"), execute("", 0)...)
	tests := []struct {
		name string
		send [][]byte
		want []string
	}{
		{"missing", [][]byte{runA, syncMsg}, []string{missing, "Z I"}},
		{"prepared and run", [][]byte{a1, runA, syncMsg}, []string{"1", "2", "D 1", "C SELECT 1", "Z I"}},
		{"in use", [][]byte{parse("a", "SELECT 2"), syncMsg}, []string{inUse, "Z I"}},
		{"the same again", [][]byte{a1, syncMsg}, []string{inUse, "Z I"}},
		{"and still there", [][]byte{runA, syncMsg}, []string{"2", "D 1", "C SELECT 1", "Z I"}},
		{"twice in a pipeline", [][]byte{parse("b", "SELECT 1"), parse("b", "SELECT 1"), parse("c", "SELECT 1"), syncMsg},
			[]string{"1", `E ERROR 42P05 prepared statement "b" already exists`, "Z I"}},
		{"what was behind it is not", [][]byte{closeStmt("b"), bind("", "c"), syncMsg}, []string{"3", `E ERROR 26000 prepared statement "c" does not exist`, "Z I"}},
		{"closed and prepared anew in a pipeline", [][]byte{closeStmt("a"), parse("a", "SELECT 3"), runA, closeStmt("a"), a1, runA, syncMsg},
			[]string{"3", "1", "2", "D 3", "C SELECT 1", "3", "1", "2", "D 1", "C SELECT 1", "Z I"}},
		{"closed behind an error: it is not", [][]byte{parse("x", "selec"), closeStmt("a"), parse("a", "SELECT 4"), syncMsg, runA, syncMsg},
			[]string{syntax, "Z I", "2", "D 1", "C SELECT 1", "Z I"}},
		{"closed before an error: it is", [][]byte{closeStmt("a"), parse("x", "selec"), syncMsg, runA, syncMsg},
			[]string{"3", syntax, "Z I", missing, "Z I"}},
		{"prepared before an error: it is", [][]byte{a1, parse("x", "selec"), syncMsg, runA, syncMsg},
			[]string{"1", syntax, "Z I", "2", "D 1", "C SELECT 1", "Z I"}},
		{"closed what is not there", [][]byte{closeStmt("nope"), closePortal("nope"), syncMsg}, []string{"3", "3", "Z I"}},
		{"refused text frees its name", [][]byte{parse("e", "selec"), syncMsg, parse("e", "SELECT 5"), bind("", "e"), execute("", 0), syncMsg},
			[]string{syntax, "Z I", "1", "2", "D 5", "C SELECT 1", "Z I"}},
		{"refused text under a name closed before", [][]byte{closeStmt("e"), parse("e", "selec"), syncMsg, parse("e", "SELECT 6"), bind("", "e"), execute("", 0), syncMsg},
			[]string{"3", syntax, "Z I", "1", "2", "D 6", "C SELECT 1", "Z I"}},
		{"described", [][]byte{parse("d", "SELECT $1::int"), describeStmt("d"), describeStmt("a"), syncMsg, describeStmt("d"), flushMsg},
			[]string{"1", "t", "T", "t", "T", "Z I", "t", "T"}},
		{"described what is not there", [][]byte{describeStmt("nope"), syncMsg}, []string{`E ERROR 26000 prepared statement "nope" does not exist`, "Z I"}},
		{"no rows, empty text", [][]byte{parse("n", "SET my.x = 1"), describeStmt("n"), parse("m", ""), bind("", "m"), execute("", 0), syncMsg},
			[]string{"1", "t", "n", "1", "2", "I", "Z I"}},
		{"unnamed", [][]byte{parse("", "SELECT 10"), syncMsg}, []string{"1", "Z I"}},
		{"outlives its Sync, and its use", [][]byte{bind("", ""), execute("", 0), syncMsg, bind("", ""), execute("", 0), syncMsg},
			[]string{"2", "D 10", "C SELECT 1", "Z I", "2", "D 10", "C SELECT 1", "Z I"}},
		{"but not a Query", [][]byte{query("SELECT 1"), bind("", ""), syncMsg}, []string{"T", "D 1", "C SELECT 1", "Z I", unnamedMissing, "Z I"}},
		{"nor Close", [][]byte{parse("", "SELECT 10"), closeStmt(""), bind("", ""), syncMsg}, []string{"1", "3", unnamedMissing, "Z I"}},
		{"nor a refused Parse", [][]byte{parse("", "SELECT 10"), syncMsg, parse("", "selec"), syncMsg, bind("", ""), syncMsg},
			[]string{"1", "Z I", syntax, "Z I", unnamedMissing, "Z I"}},
		{"but one that was skipped", [][]byte{parse("", "SELECT 10"), syncMsg, bind("", "nope"), parse("", "SELECT 11"), syncMsg, bind("", ""), execute("", 0), syncMsg},
			[]string{"1", "Z I", `E ERROR 26000 prepared statement "nope" does not exist`, "Z I", "2", "D 10", "C SELECT 1", "Z I"}},
		{"in a failed transaction", [][]byte{query("BEGIN"), query("SELECT 1/0"), parse("f", "SELECT 1"), syncMsg, parse("g", "ROLLBACK"), bind("", "g"), execute("", 0), syncMsg, bind("", "f"), syncMsg},
			[]string{"C BEGIN", "Z T", "E ERROR 22012 division by zero", "Z E",
				"E ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block", "Z E",
				"1", "2", "C ROLLBACK", "Z I", `E ERROR 26000 prepared statement "f" does not exist`, "Z I"}},
		{"a rollback does not take it back", [][]byte{query("BEGIN"), parse("h", "SELECT 12"), syncMsg, query("ROLLBACK"), bind("", "h"), execute("", 0), syncMsg},
			[]string{"C BEGIN", "Z T", "1", "Z T", "C ROLLBACK", "Z I", "2", "D 12", "C SELECT 1", "Z I"}},
	}
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		for _, test := range tests {
			t.Log(test.name)
			c.send(test.send...)
			c.expect(test.want...)
		}
		c.send(syncMsg)
		c.expect("Z I")
		atRest(t, p)
	})
}

// What drops all prepared statements, in each place where it can be said.
func TestPreparedForgotten(t *testing.T) {
	const missing = `E ERROR 26000 prepared statement "a" does not exist`
	runs := []string{"2", "D 1", "C SELECT 1", "Z I"}
	a := parse("a", "SELECT 1")
	run := append(bind("", "a"), execute("", 0)...)
	tests := []struct {
		name string
		send [][]byte
		want []string
	}{
		{"DEALLOCATE ALL", [][]byte{a, syncMsg, query("DEALLOCATE ALL"), run, syncMsg}, []string{"1", "Z I", "C DEALLOCATE ALL", "Z I", missing, "Z I"}},
		{"DISCARD ALL", [][]byte{a, syncMsg, query("DISCARD ALL"), run, syncMsg}, []string{"1", "Z I", "C DISCARD ALL", "Z I", missing, "Z I"}},
		{"and prepared anew", [][]byte{a, run, syncMsg}, append([]string{"1"}, runs...)},
		{"one of several statements", [][]byte{query("SELECT 2; DEALLOCATE PREPARE ALL; SELECT 3"), a, run, syncMsg},
			append([]string{"T", "D 2", "C SELECT 1", "C DEALLOCATE ALL", "T", "D 3", "C SELECT 1", "Z I", "1"}, runs...)},
		{"refused, not forgotten", [][]byte{query("BEGIN"), query("DISCARD ALL"), query("ROLLBACK"), run, syncMsg},
			append([]string{"C BEGIN", "Z T", "E ERROR 25001 DISCARD ALL cannot run inside a transaction block", "Z E", "C ROLLBACK", "Z I"}, runs...)},
		{"in a pipeline, and prepared anew behind it", [][]byte{oneShot("DEALLOCATE ALL"), a, run, syncMsg, run, syncMsg},
			append(append([]string{"1", "2", "C DEALLOCATE ALL", "1"}, runs...), runs...)},
		{"in a pipeline, and missed behind it", [][]byte{oneShot("DISCARD ALL"), run, syncMsg}, []string{"1", "2", "C DISCARD ALL", missing, "Z I"}},
		{"in a pipeline, skipped", [][]byte{a, syncMsg, bind("", "nope"), oneShot("DEALLOCATE ALL"), syncMsg, run, syncMsg},
			append([]string{"1", "Z I", `E ERROR 26000 prepared statement "nope" does not exist`, "Z I"}, runs...)},
	}
	both(t, func(t *testing.T, p place) {
		c, other := p.connect(t), p.connect(t)
		if p.proxy != nil {
			other.prepare("a", "SELECT 1")
			other.prepare("b", "SELECT 'mine'")
		}
		for _, test := range tests {
			t.Log(test.name)
			c.send(test.send...)
			c.expect(test.want...)
			if p.proxy != nil {
				other.runs("a", "1")
				other.runs("b", "mine")
			}
		}
	})
}

// A pool keeps a bounded number of statements on each backend.
func TestPreparedEviction(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.MaxPrepared = 3 })
	var clients []*client
	for i := range 5 {
		c := p.connect(t)
		c.prepare("same", "SELECT 'same'")
		c.prepare("own", fmt.Sprintf("SELECT 'own %d'", i))
		clients = append(clients, c)
	}
	for range 4 {
		for i, c := range clients {
			c.runs("own", fmt.Sprintf("own %d", i))
			c.runs("same", "same")
			c.send(bind("p1", "same"), bind("p2", "own"), parse("x", "SELECT 'x'"), parse("y", "SELECT 'y'"), execute("p1", 0), execute("p2", 0),
				closeStmt("x"), closeStmt("y"), syncMsg)
			c.expect("2", "2", "1", "1", "D same", "C SELECT 1", fmt.Sprintf("D own %d", i), "C SELECT 1", "3", "3", "Z I")
		}
	}
	const kept = "DO $$ BEGIN IF (SELECT count(*) FROM pg_prepared_statements WHERE name ~ '^caddy_pgtxn_[0-9a-f]{32}$') <> 3 THEN RAISE division_by_zero; END IF; END $$"
	clients[0].must(kept) // in a text that the proxy does not read
}

// A statement follows its client to another backend, the unnamed one too.
func TestPreparedMoves(t *testing.T) {
	p := database(t).behind(t, 2)
	move, c := newMover(t, p), p.connect(t)
	c.prepare("pid", whoServes)
	c.prepare("typed", "SELECT $1", 23)
	c.prepare("", "SELECT 'unnamed', pg_backend_pid()")
	seen := map[string]bool{}
	for range 6 {
		got := c.run("")
		_, pid, _ := strings.Cut(strings.TrimSuffix(got, ", C SELECT 1, Z I"), "|")
		seen[pid] = true
		back := move.away(pid)
		c.send(describeStmt("typed"), describeStmt(""), syncMsg)
		c.expect("t", "T", "t", "T", "Z I")
		c.runs("typed", "7", "7")
		back()
	}
	if len(seen) != 2 {
		t.Errorf("the unnamed statement ran on %v", seen)
	}
}

// One client's unnamed statement is not another's.
func TestPreparedUnnamedIsOnesOwn(t *testing.T) {
	p := database(t).behind(t, 1)
	one, two := p.connect(t), p.connect(t)
	one.prepare("", "SELECT 'one'")
	const missing = "E ERROR 26000 unnamed prepared statement does not exist, Z I"
	if got := two.run(""); got != missing {
		t.Error(got)
	}
	one.runs("", "one")
	two.prepare("", "SELECT 'two'")
	one.runs("", "one")
	two.runs("", "two")
	three := p.connect(t) // whose Bind is skipped, and with it what the proxy put before it
	three.send(bind("", "nope"), bind("", ""), syncMsg, bind("", ""), execute("", 0), syncMsg)
	three.expect(`E ERROR 26000 prepared statement "nope" does not exist`, "Z I", "E ERROR 26000 unnamed prepared statement does not exist", "Z I")
	one.send(bind("", "nope"), bind("", ""), syncMsg, bind("", ""), execute("", 0), syncMsg)
	one.expect(`E ERROR 26000 prepared statement "nope" does not exist`, "Z I", "2", "D one", "C SELECT 1", "Z I")
	one.must("SELECT 1")
	two.runs("", "two")
	if got := one.run(""); got != missing {
		t.Error(got)
	}
}

// What a text means depends on the variables with which it was prepared: clients
// that differ in these don't share it.
func TestPreparedUnderOnesOwnVariables(t *testing.T) {
	p := database(t)
	direct := p.connect(t)
	direct.must("CREATE SCHEMA s1; CREATE TABLE s1.t AS SELECT 1 AS a; CREATE SCHEMA s2; CREATE TABLE s2.t AS SELECT 'text' AS a")
	p = p.behind(t, 1)
	one, two := p.connect(t), p.connect(t)
	one.must("SET search_path = s1")
	two.must("SET search_path = s2")
	one.must("SET DateStyle = 'ISO, MDY'")
	two.must("SET DateStyle = 'ISO, DMY'")
	for _, c := range []*client{one, two} {
		c.prepare("t", "SELECT a FROM t WHERE a = $1")
		c.prepare("d", "SELECT date '02/01/2020'")
	}
	for range 3 {
		one.runs("t", "1", "1")
		two.runs("t", "text", "text")
		one.runs("d", "2020-02-01")
		two.runs("d", "2020-01-02")
	}
}

// The proxy's own statements are nobody's to use or to break.
func TestPreparedOwnNames(t *testing.T) {
	p := database(t).behind(t, 1)
	two := p.connect(t)
	two.must("SET my.x = 'two'")
	for _, name := range []string{"caddy_pgtxn_begin", "caddy_pgtxn_set", "caddy_pgtxn_get", "caddy_pgtxn_commit"} {
		one := p.connect(t)
		one.must("SET my.x = 'one'")
		one.send(closeStmt(name), syncMsg)
		one.expect("3", "Z I")
		two.must("SHOW my.x")
		if got := one.run(name); got != fmt.Sprintf(`E ERROR 26000 prepared statement "%s" does not exist, Z I`, name) {
			t.Error(got)
		}
		one.prepare(name, "SELECT 'mine'")
		one.runs(name, "mine")
		one.send(query("DEALLOCATE " + name))
		one.until("Z")
		one.leave()
		if got := two.value("SHOW my.x"); got != "two" {
			t.Error(got)
		}
	}
}

// DDL makes a statement invalid for whoever prepared it, as on a backend of its own.
func TestPreparedInvalidated(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		c.must("CREATE TABLE t AS SELECT 1 AS a")
		c.prepare("s", "SELECT * FROM t")
		c.runs("s", "1")
		c.must("ALTER TABLE t ADD b int")
		if got := c.run("s"); got != "E ERROR 0A000 cached plan must not change result type, Z I" {
			t.Error(got)
		}
		c.send(closeStmt("s"), parse("s", "SELECT * FROM t"), bind("", "s"), execute("", 0), syncMsg)
		c.expect("3", "1", "2", "D 1|NULL", "C SELECT 1", "Z I")
	})
}

// A statement that would return other columns than when its client prepared it is
// refused, on whichever backend, whoever else prepared the same before or since;
// one that was prepared since is not.
func TestPreparedChangesResult(t *testing.T) {
	const refused = "E ERROR 0A000 cached plan must not change result type, Z I"
	all := func(t *testing.T, move func(), before, since *client, ddl *client) {
		ddl.must("CREATE TABLE t AS SELECT 1 AS a")
		for _, c := range []*client{before, ddl} { // on all backends, if there are two
			c.prepare("s", "SELECT * FROM t")
			c.prepare("n", "UPDATE t SET a = a")
			for range 3 {
				c.runs("s", "1")
				move()
			}
		}
		ddl.must("ALTER TABLE t ADD b int")
		for range 4 {
			for _, c := range []*client{before, ddl} {
				if got := c.run("s"); got != refused {
					t.Error(got)
				}
				c.send(describeStmt("s"), syncMsg)
				c.expect("t", "E ERROR 0A000 cached plan must not change result type", "Z I")
				if got := c.run("n"); got != "C UPDATE 1, Z I" {
					t.Error(got)
				}
				move()
			}
			since.prepare("s", "SELECT * FROM t")
			for range 3 {
				since.runs("s", "1|NULL")
				move()
			}
			since.send(closeStmt("s"), syncMsg)
			since.until("Z")
		}
		before.must("BEGIN")
		before.send(oneShot("SELECT 1"), bind("", "s"), execute("", 0), oneShot("SELECT 2"), syncMsg)
		before.expect("1", "2", "D 1", "C SELECT 1", "E ERROR 0A000 cached plan must not change result type", "Z E")
		before.must("ROLLBACK")
		ddl.must("ALTER TABLE t DROP b")
		before.runs("s", "1")
		move()
		before.runs("s", "1")
	}
	t.Run("direct", func(t *testing.T) {
		p := database(t)
		all(t, func() {}, p.connect(t), p.connect(t), p.connect(t))
	})
	t.Run("pool of 1", func(t *testing.T) {
		p := database(t).behind(t, 1)
		all(t, func() {}, p.connect(t), p.connect(t), p.connect(t))
	})
	t.Run("pool of 2", func(t *testing.T) {
		p := database(t).behind(t, 2)
		holder, inside := p.connect(t), false
		move := func() { // the others get the other backend
			if holder.must("SELECT 1"); inside {
				holder.must("COMMIT")
			} else {
				holder.must("BEGIN")
			}
			inside = !inside
		}
		all(t, move, p.connect(t), p.connect(t), p.connect(t))
	})
}

// A Parse that the server skips leaves the unnamed statement as it was read, in the
// encoding of then: é is two letters in LATIN1.
func TestUnnamedBehindSkippedParse(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		const inLatin1, inUTF8 = `E ERROR 3B001 savepoint "é" does not exist`, `E ERROR 3B001 savepoint "Ã©" does not exist`
		c := p.connect(t)
		c.must("BEGIN; SAVEPOINT é")
		c.must("SAVEPOINT a; SET client_encoding TO LATIN1")
		c.send(oneShot("ROLLBACK TO é"), parse("", "ROLLBACK"), syncMsg)
		got := c.until("Z")
		c.send(bind("", ""), execute("", 0), syncMsg)
		got = append(got, c.until("Z")...)
		if want := []string{"1", "2", inLatin1, "S client_encoding=UTF8", "Z E", "2", inUTF8, "Z E"}; !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

// What changed unseen in the transaction at hand decides how a backend reads a text
// that it lacks, and by which rules one was prepared.
func TestPreparedReadAsThen(t *testing.T) {
	test := func(t *testing.T, p place) {
		c, other := p.connect(t), p.connect(t)
		hide := func(name, value string) {
			t.Helper()
			c.must("DO $$BEGIN PERFORM set_config('" + name + "', '" + value + "', false); END$$")
		}
		elsewhere := func() { other.must("DEALLOCATE ALL") } // in the proxy's pool, as good as a move
		c.must("SET escape_string_warning = off")
		c.prepare("plain", `SELECT 'a\\b'`)
		elsewhere()
		c.must("BEGIN")
		hide("standard_conforming_strings", "off")
		if got := c.run("plain"); got != `D a\\b, C SELECT 1, Z T` {
			t.Error(got)
		}
		c.prepare("escaped", `SELECT 'a\\b'`)
		c.must("COMMIT; SET standard_conforming_strings = on")
		elsewhere()
		c.runs("escaped", `a\b`)

		c.must("BEGIN")
		hide("standard_conforming_strings", "off")
		c.send(parse("", "ROLLBACK"), bind("", ""), execute("", 0), parse("undone", `SELECT 'a\\b'`), syncMsg)
		c.expect("1", "2", "C ROLLBACK", "1", "S standard_conforming_strings=on", "Z I")
		c.must("SET standard_conforming_strings = off")
		elsewhere()
		c.runs("undone", `a\\b`)

		c = p.connect(t, "options", "-c standard_conforming_strings=off -c escape_string_warning=off")
		c.must("SET standard_conforming_strings = on")
		c.prepare("plain", `SELECT 'a\\b'`)
		elsewhere()
		c.must("SELECT pg_advisory_lock(1)") // so it keeps its backend
		c.must("DO $$BEGIN EXECUTE 'RESET standard_conforming_strings'; END$$")
		if got := c.run("plain"); !strings.HasPrefix(got, `D a\\b, C SELECT 1, `) {
			t.Error(got)
		}
	}
	t.Run("direct", func(t *testing.T) { test(t, database(t)) })
	t.Run("proxy", func(t *testing.T) { test(t, database(t).behind(t, 1)) })
}
