package relay

import (
	"strings"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// A session outlives its backend, with a transaction or a statement under way: the
// client is told, nothing is sent again, and its values are those from before.

// loser is a client that has values, a prepared statement and a table to write to,
// and loses its backend.
func loser(t *testing.T, p place) *client {
	c := p.connect(t, "application_name", "loser", "my.base", "base")
	c.must("SET my.x = 'before'; SET work_mem = '5MB'; SET DateStyle = 'SQL, DMY'")
	c.prepare("s", "SELECT current_setting('my.x')")
	return c
}

// isAsBefore checks that what the loser has is what it had.
func isAsBefore(t *testing.T, c *client) {
	t.Helper()
	const values = "SELECT concat_ws(',', current_setting('my.x'), current_setting('work_mem'), current_setting('DateStyle'), current_setting('my.base'), current_setting('application_name'))"
	if got := c.value(values); got != "before,5MB,SQL, DMY,base,loser" {
		t.Error(got)
	}
	c.runs("s", "before")
	if got := c.reported["DateStyle"]; got != "SQL, DMY" {
		t.Error("reported", got)
	}
}

const changes = "BEGIN; SET my.x = 'in it'; SET DateStyle = 'ISO'; SAVEPOINT a; SET work_mem = '7MB'"

// The next message is answered with the loss, whatever it is, and from then on a
// server refuses all up to the ROLLBACK.
func TestTransactionLost(t *testing.T) {
	p := database(t).behind(t, 1)
	c := loser(t, p)
	p.connect(t).must("CREATE TABLE t (a int)")
	next := []struct {
		send [][]byte
		want []string
	}{
		{[][]byte{query("SELECT 1")}, []string{lived, "Z E"}},
		{[][]byte{query("COMMIT")}, []string{lived, "Z E"}},
		{[][]byte{query("ROLLBACK TO a")}, []string{lived, "Z E"}},
		{[][]byte{query("ROLLBACK; SELECT 1")}, []string{lived, "Z E"}},
		{[][]byte{query("SELECT 1"), query("SELECT 2")}, []string{lived, "Z E", inE, "Z E"}},
		{[][]byte{oneShot("SELECT 1"), oneShot("SELECT 2"), syncMsg}, []string{lived, "Z E"}},
		{[][]byte{bind("", "s"), execute("", 0), syncMsg, bind("", "s"), execute("", 0), syncMsg}, []string{lived, "Z E", inE, "Z E"}},
		{[][]byte{syncMsg}, []string{lived, "Z E"}},
		{[][]byte{functionCall(oidInt4Inc, "1")}, []string{lived, "Z E"}},
		{[][]byte{query("SELECT 1 --" + strings.Repeat("x", 5<<20))}, []string{lived, "Z E"}},
		{[][]byte{query("COPY t FROM STDIN"), copyData("1\n"), copyDone}, []string{lived, "Z E"}},
	}
	for _, test := range next {
		c.must(changes)
		c.must("INSERT INTO t VALUES (1)")
		terminate(t, c.value(whoServes))
		c.send(test.send...)
		c.answers(test.want...)
		for _, sql := range []string{"SELECT 1", "SAVEPOINT b", "RELEASE a", "SET my.x = 'late'"} {
			c.send(query(sql))
			c.answers(inE, "Z E")
		}
		if got := c.ask("ROLLBACK TO a"); got != `E ERROR 3B001 savepoint "a" does not exist, Z E` {
			t.Error(got)
		}
		end := "ROLLBACK"
		if test.want[0] == lived {
			end = "COMMIT"
		}
		if got := c.ask(end); got != "C ROLLBACK, Z I" {
			t.Error(end, got)
		}
		isAsBefore(t, c)
	}
	if got := c.value("SELECT count(*) FROM t"); got != "0" {
		t.Error(got, "rows")
	}
	atRest(t, p)
}

// answers is expect for what has no fixed place: a server that is terminated may or
// may not have sent a RowDescription, and reports come with any ReadyForQuery.
func (c *client) answers(want ...string) {
	c.t.Helper()
	for i, line := range want {
		got := c.line()
		for got == "T" || strings.HasPrefix(got, "S ") {
			got = c.line()
		}
		if got != line {
			c.t.Fatalf("answer %d of %q is %s", i, want, got)
		}
	}
}

// Who gives the transaction up anyhow is not bothered.
func TestTransactionLostAndRolledBack(t *testing.T) {
	p := database(t).behind(t, 1)
	c := loser(t, p)
	c.prepare("r", "ROLLBACK")
	for _, rollback := range [][]byte{
		query("ROLLBACK"), query("/* enough */ abort work;"),
		append(oneShot("ROLLBACK"), syncMsg...),
		append(append(bind("", "r"), execute("", 0)...), syncMsg...),
	} {
		c.must(changes)
		terminate(t, c.value(whoServes))
		c.send(rollback)
		if got := strings.Join(c.until("Z"), ", "); !strings.Contains(got, "C ROLLBACK, ") || !strings.HasSuffix(got, "Z I") || strings.Contains(got, "E ") {
			t.Error(got)
		}
		isAsBefore(t, c)
	}
	c.must(changes)
	terminate(t, c.value(whoServes))
	c.leave()
	atRest(t, p)
}

// A lost transaction loses the next backend, too.
func TestTransactionLostTwice(t *testing.T) {
	p := database(t).behind(t, 1)
	c := loser(t, p)
	for range 3 {
		c.must(changes)
		terminate(t, c.value(whoServes))
		for range 3 {
			if got := c.ask("SELECT 1"); got != lived+", Z E" {
				t.Error(got)
			}
			c.send(query("SELECT 1"))
			c.answers(inE, "Z E")
			terminate(t, sql(t, "postgres", "SELECT pid FROM pg_stat_activity WHERE datname = '"+p.database+"'"))
		}
		c.must("ROLLBACK")
		isAsBefore(t, c)
	}
}

// The statement under way is answered with the loss, and those sent behind it.
func TestStatementLost(t *testing.T) {
	const sleep = "SELECT pg_sleep(1000)"
	tests := []struct {
		name  string
		begin string
		send  [][]byte
		want  []string
		then  [][]byte
		after []string
	}{
		{"Query", "", [][]byte{query(sleep)}, []string{lived, "Z I"}, nil, nil},
		{"Queries", "", [][]byte{query(sleep), query("INSERT INTO t VALUES (1)")}, []string{lived, "Z I", lived, "Z I"}, nil, nil},
		{"several statements", "", [][]byte{query("SET my.x = 'lost'; INSERT INTO t VALUES (1); " + sleep)},
			[]string{"C SET", "C INSERT 0 1", lived, "Z I"}, nil, nil},
		{"in a transaction", changes, [][]byte{query(sleep)}, []string{lived, "Z E"}, nil, nil},
		{"with the transaction", "", [][]byte{query("BEGIN; INSERT INTO t VALUES (1); " + sleep)},
			[]string{"C BEGIN", "C INSERT 0 1", lived, "Z E"}, nil, nil},
		{"the rest is still to be sent", "", [][]byte{query(sleep), query("BEGIN"), query("INSERT INTO t VALUES (1)")},
			[]string{lived, "Z E", lived, "Z E", lived, "Z E"},
			[][]byte{query("INSERT INTO t VALUES (1)"), query("COMMIT")}, []string{inE, "Z E", "C ROLLBACK", "Z I"}},
		{"ended by what was sent", changes, [][]byte{query(sleep), query("ROLLBACK"), query("SELECT 1")},
			[]string{lived, "Z I", lived, "Z I", lived, "Z I"}, nil, nil},
		{"pipeline", "", [][]byte{oneShot("INSERT INTO t VALUES (1)"), oneShot(sleep), syncMsg},
			[]string{"1", "2", "C INSERT 0 1", "1", "2", lived, "Z I"}, nil, nil},
		{"pipelines", changes, [][]byte{oneShot("INSERT INTO t VALUES (1)"), oneShot(sleep), syncMsg, oneShot("SELECT 1"), syncMsg},
			[]string{"1", "2", "C INSERT 0 1", "1", "2", lived, "Z E", lived, "Z E"}, nil, nil},
		{"no Sync yet", "", [][]byte{oneShot("INSERT INTO t VALUES (1)"), oneShot(sleep), flushMsg},
			[]string{"1", "2", "C INSERT 0 1", "1", "2", lived}, [][]byte{oneShot("SELECT 1"), syncMsg}, []string{"Z I"}},
		{"no Sync yet in a transaction", changes, [][]byte{oneShot(sleep), flushMsg},
			[]string{"1", "2", lived}, [][]byte{oneShot("COMMIT"), syncMsg}, []string{"Z E"}},
		{"prepared in what is lost", "", [][]byte{query(sleep), parse("new", "SELECT 1"), syncMsg},
			[]string{lived, "Z I", lived, "Z I"},
			[][]byte{bind("", "new"), syncMsg}, []string{`E ERROR 26000 prepared statement "new" does not exist`, "Z I"}},
		{"closed in what is lost", "", [][]byte{query(sleep), closeStmt("s"), syncMsg}, []string{lived, "Z I", lived, "Z I"}, nil, nil},
	}
	p := database(t).behind(t, 1)
	p.connect(t).must("CREATE TABLE t (a int)")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := loser(t, p)
			if test.begin != "" {
				c.must(test.begin)
			}
			c.send(test.send...)
			eventually(t, "the server sleeps", func() bool {
				return sql(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = '"+p.database+"' AND wait_event = 'PgSleep'") == "1"
			})
			terminate(t, sql(t, "postgres", "SELECT pid FROM pg_stat_activity WHERE datname = '"+p.database+"'"))
			c.answers(test.want...)
			c.send(test.then...)
			c.answers(test.after...)
			if last := append(test.want, test.after...); last[len(last)-1] == "Z E" {
				c.must("ROLLBACK")
			}
			isAsBefore(t, c)
			if got := c.value("SELECT count(*) FROM t"); got != "0" {
				t.Error(got, "rows")
			}
		})
	}
	atRest(t, p)
}

// A COPY that is lost half-way: what the client still sends of it goes nowhere.
func TestCopyLost(t *testing.T) {
	p := database(t).behind(t, 1)
	c := loser(t, p)
	c.must("CREATE TABLE t (a int)")
	kill := func() {
		terminate(t, sql(t, "postgres", "SELECT pid FROM pg_stat_activity WHERE datname = '"+p.database+"'"))
	}
	for _, begin := range []string{"", "BEGIN"} {
		z := "Z I"
		if begin != "" {
			c.must(begin)
			z = "Z E"
		}
		c.send(query("COPY t FROM STDIN"), copyData("1\n"))
		c.expect("G")
		kill()
		c.expect(lived, z)
		c.send(copyData("2\n"), copyDone)
		if begin != "" {
			c.must("ROLLBACK; BEGIN")
		}
		c.send(oneShot("COPY t FROM STDIN"), syncMsg, copyData("1\n"))
		c.expect("1", "2", "G")
		kill()
		c.expect(lived)
		c.send(copyData("2\n"), copyDone, syncMsg)
		c.expect(z)
		if begin != "" {
			c.must("ROLLBACK")
		}
		isAsBefore(t, c)
	}
	if got := c.value("SELECT count(*) FROM t"); got != "0" {
		t.Error(got, "rows")
	}
	atRest(t, p)
}

// The client has the beginning of a row whose end nobody knows: nothing can be
// said behind it.
func TestLostInTheMiddleOfARow(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.send(query("SELECT pg_backend_pid(), repeat('x', 100000000)"))
	c.expect("T")
	eventually(t, "the server has no more room", func() bool {
		return sql(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = '"+p.database+"' AND wait_event = 'ClientWrite'") == "1"
	})
	terminate(t, sql(t, "postgres", "SELECT pid FROM pg_stat_activity WHERE datname = '"+p.database+"'"))
	if typ, _, err := c.read(); err == nil {
		t.Errorf("%c", typ)
	}
	p.connect(t).must("SELECT 1")
}

// While the server is away who waits for a failed transaction is told so in it.
func TestTransactionLostWhileWaiting(t *testing.T) {
	p := database(t).behind(t, 1)
	c, other := loser(t, p), p.connect(t)
	c.must(changes)
	other.send(query("BEGIN"))
	eventually(t, "it waits", func() bool { return p.waiting() == 1 })
	terminate(t, c.value(whoServes))
	other.expect("C BEGIN", "Z T")
	if got := c.ask("SELECT 1"); got != lived+", Z E" {
		t.Error(got)
	}
	c.send(query("SELECT 1"))
	eventually(t, "it waits", func() bool { return p.waiting() == 1 })
	p.requestCancel(t, c.pid, c.secret)
	c.expect(canceled, "Z E")
	c.send(query("ROLLBACK"))
	other.must("COMMIT")
	c.until("Z I")
	isAsBefore(t, c)
	atRest(t, p)
}

// A session that can't get its values any more gets out of the transaction.
func TestTransactionLostWithItsRole(t *testing.T) {
	p := database(t).behind(t, 1)
	sql(t, "postgres", "CREATE ROLE lost_role")
	c := p.connect(t)
	c.must("SET ROLE lost_role")
	c.must("BEGIN")
	terminate(t, c.value(whoServes))
	sql(t, "postgres", "DROP ROLE lost_role")
	const noRole = `E ERROR 22023 role "lost_role" does not exist`
	for _, want := range []string{lived, noRole, noRole} {
		if got := c.ask("SELECT 1"); got != want+", Z E" {
			t.Error(got)
		}
	}
	c.must("ROLLBACK")
	c.must("RESET ROLE")
	c.must("SELECT 1")
	atRest(t, p)
}

// What a client reads of the loss.
func TestLossInWords(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.must("BEGIN")
	terminate(t, c.value(whoServes))
	c.send(query("SELECT 1"))
	typ, body, err := c.read()
	if err != nil || typ != 'E' {
		t.Fatal(typ, err)
	}
	want := (&wire.Error{
		Severity: "ERROR", Code: "57P01", Message: "terminating connection due to administrator command",
		Detail: "The server has rolled the transaction back.", Hint: "Send ROLLBACK, then repeat the transaction.",
	}).Encode(nil)
	if got := string(body); got != string(want[5:]) {
		t.Errorf("%q", got)
	}
}

// The server's idle_session_timeout counts while nobody has the backend: it may end
// it at the very moment at which a session gets it, which is no reason to end that.
func TestIdleBackendTimesOut(t *testing.T) {
	p := database(t)
	sql(t, "postgres", "ALTER DATABASE "+p.database+" SET idle_session_timeout = '20ms'")
	t.Cleanup(func() { sql(t, "postgres", "ALTER DATABASE "+p.database+" RESET ALL") })
	p = p.behind(t, 1, func(cfg *Config) { cfg.Log = quiet() })
	c := p.connect(t)
	for i := range 60 {
		time.Sleep(18*time.Millisecond + time.Duration(i)*60*time.Microsecond) // about as long
		switch got := c.ask("SELECT 'answer'"); got {
		case "D answer, C SELECT 1, Z I", "E ERROR 57P05 terminating connection due to idle-session timeout, Z I":
		default:
			t.Error(got)
		}
	}
}
