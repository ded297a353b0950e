package relay

import (
	"fmt"
	"testing"
)

// What SQL sees of prepared statements: the client's own, by its own names.

const ownStatements = `SELECT name, statement, parameter_types, from_sql FROM pg_prepared_statements ORDER BY name`

// Directly and over one backend, which another client uses after each step.
func TestPreparedNamesInSQL(t *testing.T) {
	const none = "C SELECT 0, Z I"
	const missing = `E ERROR 26000 prepared statement "%s" does not exist, Z I`
	both(t, func(t *testing.T, p place) {
		c, other := p.connect(t), p.connect(t)
		other.prepare("theirs", "SELECT 'theirs'")
		other.prepare("a", "SELECT 'not mine'")
		alone := false
		step := func(what, want string) {
			t.Helper()
			if got := c.ask(what); got != want {
				t.Errorf("%s\n got %s\nwant %s", what, got, want)
			}
			if !alone {
				other.runs("a", "not mine")
			}
		}
		step(ownStatements, none)
		c.prepare("a", "SELECT $1::int + 1", 20)
		c.prepare("b", "SELECT 'b'")
		step(ownStatements, "D a|SELECT $1::int + 1|{bigint}|f, D b|SELECT 'b'|{}|f, C SELECT 2, Z I")
		c.runs("a", "42", "41")
		step("EXECUTE a (1)", "D 2, C SELECT 1, Z I")
		c.runs("b", "b")
		step("DEALLOCATE b", "C DEALLOCATE, Z I")
		step("DEALLOCATE b", fmt.Sprintf(missing, "b"))
		step("EXECUTE b", fmt.Sprintf(missing, "b"))
		if got := c.run("b"); got != fmt.Sprintf(missing, "b") {
			t.Error(got)
		}
		c.prepare("b", "SELECT 'again'")
		c.runs("b", "again")
		step("PREPARE b AS SELECT 1", `E ERROR 42P05 prepared statement "b" already exists, Z I`)
		alone = true
		step("DEALLOCATE PREPARE B; PREPARE b AS SELECT 'sql'; EXECUTE b", "C DEALLOCATE, C PREPARE, D sql, C SELECT 1, Z I")
		c.runs("b", "sql")
		c.send(parse("b", "SELECT 1"), syncMsg)
		c.expect(`E ERROR 42P05 prepared statement "b" already exists`, "Z I")
		c.prepare("c", "SELECT 'c'")
		step(ownStatements, "D a|SELECT $1::int + 1|{bigint}|f, D b|DEALLOCATE PREPARE B; PREPARE b AS SELECT 'sql'; EXECUTE b|{}|t, D c|SELECT 'c'|{}|f, C SELECT 3, Z I")
		c.send(closeStmt("c"), closeStmt("b"), syncMsg)
		c.expect("3", "3", "Z I")
		alone = false
		step("SELECT name FROM pg_prepared_statements", "D a, C SELECT 1, Z I")
		alone = true
		step("BEGIN; SELECT 1/0", "C BEGIN, E ERROR 22012 division by zero, Z E")
		step("DEALLOCATE a", "E ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block, Z E")
		step(ownStatements, "E ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block, Z E")
		alone = false
		step("ROLLBACK", "C ROLLBACK, Z I")
		step("SELECT 1/0; DEALLOCATE a", "E ERROR 22012 division by zero, Z I")
		c.runs("a", "6", "5")
		step("SELECT name FROM pg_prepared_statements", "D a, C SELECT 1, Z I")
		step("BEGIN; DEALLOCATE a; ROLLBACK", "C BEGIN, C DEALLOCATE, C ROLLBACK, Z I")
		step(ownStatements, none)
		c.prepare("a", "SELECT 'x'")
		step("DEALLOCATE ALL", "C DEALLOCATE ALL, Z I")
		step(ownStatements, none)
		c.prepare("a", "SELECT 'y'")
		step("DISCARD ALL", "C DISCARD ALL, Z I")
		step(ownStatements, none)
	})
}

// The same in the extended protocol, and in pipelines.
func TestPreparedNamesInPipelines(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c, other := p.connect(t), p.connect(t)
		other.prepare("a", "SELECT 'not mine'")
		c.prepare("a", "SELECT 'a'")
		c.prepare("list", "SELECT name FROM pg_prepared_statements ORDER BY name")
		if got := c.run("list"); got != "D a, D list, C SELECT 2, Z I" {
			t.Error(got)
		}
		other.runs("a", "not mine")
		run := func(sql string) []byte { return oneShot(sql) }
		c.must("CREATE TABLE t (a int)")
		c.send(run("INSERT INTO t VALUES (1)"), run("DEALLOCATE a"), run("SELECT name FROM pg_prepared_statements"),
			parse("a", "SELECT 'new'"), bind("", "a"), execute("", 0), run("SELECT count(*) FROM pg_prepared_statements"), run("SELECT 1/0"), syncMsg)
		c.expect("1", "2", "C INSERT 0 1", "1", "2", "C DEALLOCATE", "1", "2", "D list", "C SELECT 1",
			"1", "2", "D new", "C SELECT 1", "1", "2", "D 2", "C SELECT 1", "1", "E ERROR 22012 division by zero", "Z I")
		if got := c.value("SELECT count(*) FROM t"); got != "0" {
			t.Errorf("what the pipeline inserted was committed: %s", got)
		}
		other.runs("a", "not mine")
		c.runs("a", "new")
		c.send(run("SELECT 1/0"), run("DEALLOCATE a"), syncMsg, run("SELECT name FROM pg_prepared_statements ORDER BY 1"), syncMsg)
		c.until("Z")
		c.expect("1", "2", "D a", "D list", "C SELECT 2", "Z I")
	})
}

// A statement that can't be prepared any more does not keep the others from view.
func TestPreparedNamesOfWhatIsGone(t *testing.T) {
	p := database(t).behind(t, 1)
	c, other := p.connect(t), p.connect(t)
	c.must("CREATE TABLE t (a int)")
	c.prepare("gone", "SELECT a FROM t")
	c.prepare("kept", "SELECT 'kept'")
	c.must("DROP TABLE t")
	if got := c.value("SELECT name FROM pg_prepared_statements"); got != "kept" {
		t.Error(got)
	}
	other.must("SELECT 1")
	if got := c.run("gone"); got != `E ERROR 42P01 relation "t" does not exist, Z I` {
		t.Error(got)
	}
	if got := c.ask("DEALLOCATE gone"); got != "C DEALLOCATE, Z I" {
		t.Error(got)
	}
	c.runs("kept", "kept")
	c.leave()
	atRest(t, p)
}
