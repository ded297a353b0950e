package relay

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// PostgreSQL's own programs.

// program runs psql or pgbench for a place and returns what it prints.
func (p place) program(t *testing.T, stdin string, name string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	host, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, postgres(t).Bin(name), args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "PGHOST="+host, "PGPORT="+port, "PGUSER="+p.user, "PGDATABASE="+p.database, "PGSSLMODE=disable", "PSQLRC=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

const psqlScript = `
\set ON_ERROR_STOP off
CREATE TABLE t (a int PRIMARY KEY, b text);
\copy t FROM stdin
1	one
2	two
\.
\d t
SET my.x = 'mine';
BEGIN;
SET my.x = 'lost';
SAVEPOINT a;
SELECT 1/0;
ROLLBACK TO a;
INSERT INTO t VALUES (1, 'twice');
COMMIT;
SHOW my.x;
COPY (SELECT * FROM t ORDER BY a) TO STDOUT;
SELECT * FROM t ORDER BY a \gx
\set AUTOCOMMIT off
UPDATE t SET b = 'changed' WHERE a = 2;
ROLLBACK;
\set AUTOCOMMIT on
\set FETCH_COUNT 3
SELECT g FROM generate_series(1, 10) g;
\unset FETCH_COUNT
SELECT 'SELECT ' || g FROM generate_series(1, 3) g \gexec
DO $$ BEGIN RAISE NOTICE 'noticed'; END $$;
LISTEN a;
NOTIFY a, 'payload';
\encoding LATIN1
\echo :ENCODING
SHOW client_encoding;
PREPARE q(int) AS SELECT $1 + 1;
EXECUTE q(41);
CREATE TEMP TABLE tt AS SELECT 5 AS five;
TABLE tt;
SELECT current_user, :'USER';
\dt public.*
DISCARD ALL;
TABLE tt;
`

func TestPsql(t *testing.T) {
	direct := database(t)
	// The notification names the process that sent it.
	want := withoutPID(direct.program(t, psqlScript, "psql", "-Xq"))
	if !strings.Contains(want, "noticed") || !strings.Contains(want, `Asynchronous notification "a" with payload "payload"`) {
		t.Fatal(want)
	}
	p := database(t).behind(t, 1)
	for range 2 {
		if got := withoutPID(p.program(t, psqlScript, "psql", "-Xq")); got != want {
			t.Errorf("through the proxy\n%s\ndirectly\n%s", got, want)
		}
		p.program(t, "DROP TABLE t", "psql", "-Xq")
	}
	atRest(t, p)
}

func withoutPID(text string) string {
	before, after, ok := strings.Cut(text, "server process with PID ")
	if !ok {
		return text
	}
	_, after, _ = strings.Cut(after, ".")
	return before + after
}

// 64 clients over four backends: no failed transaction, and the books balance.
// Each has a thread: pgbench waits in PQprepare, and if the clients in a transaction
// were of the same thread, nobody would ever give a backend back.
// Each has a thread: pgbench prepares with calls that block the thread, and one
// that has clients in a transaction as well would wait for itself at any pool.
func TestPgbench(t *testing.T) {
	p := database(t).behind(t, 4)
	p.program(t, "", "pgbench", "-i", "-q", "-s", "2")
	runs := map[string][]string{"select": {"-S", "-t", "60"}, "TPC-B": {"-t", "6"}}
	for _, mode := range []string{"simple", "extended", "prepared"} {
		for name, args := range runs {
			t.Run(mode+" "+name, func(t *testing.T) {
				out := p.program(t, "", "pgbench", append([]string{"-n", "-M", mode, "-c", "64", "-j", "64"}, args...)...)
				if !strings.Contains(out, "number of failed transactions: 0 (0.000%)") || strings.Contains(out, "aborted") {
					t.Error(out)
				}
			})
		}
	}
	const books = `SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history),
		(SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(delta) FROM pgbench_history),
		(SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history), (SELECT count(*) FROM pgbench_history)`
	if got := p.connect(t).ask(books); got != "D t|t|t|1152, C SELECT 1, Z I" {
		t.Error(got)
	}
	atRest(t, p)
}
