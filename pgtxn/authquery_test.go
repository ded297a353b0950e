package pgtxn

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// Users who are in no file are asked for at the server.
func TestAuthQuery(t *testing.T) {
	startPostgres(t)
	s := loginServer(t, []string{"host all asker,weak 127.0.0.1/32 trust", "host all all 127.0.0.1/32 scram-sha-256"})
	serverSQL(t, s, `CREATE ROLE asker SUPERUSER LOGIN; CREATE ROLE weak LOGIN; CREATE ROLE "o'b""x" LOGIN PASSWORD 'pencil';
		CREATE ROLE old LOGIN PASSWORD 'pencil' VALID UNTIL '2020-01-01'; CREATE ROLE nobody LOGIN; CREATE ROLE people PASSWORD 'pencil'`)
	p := start(t, "upstream "+s.Addr+"\nauth_user asker")
	both := func(conninfo, want string) {
		t.Helper()
		if direct, through := psql(t, s.Addr, conninfo), psql(t, p.addr, conninfo); direct != want || through != want {
			t.Errorf("%s:\ndirectly %q, through the proxy %q,\nwant %q", conninfo, direct, through, want)
		}
	}
	failed := `FATAL:  password authentication failed for user "%s"`
	both("user=app password=pencil", "app")
	both(`user=o\'b"x password=pencil`, `o'b"x`)
	both("user=app password=pen", fmt.Sprintf(failed, "app"))
	both("user=old password=pencil", fmt.Sprintf(failed, "old"))
	both("user=nobody password=pencil", fmt.Sprintf(failed, "nobody"))
	both("user=stranger password=pencil", fmt.Sprintf(failed, "stranger"))
	both("user=\xff password=pencil", fmt.Sprintf(failed, "\xff"))

	// What the server has now counts, for clients and for the pool.
	serverSQL(t, s, "ALTER ROLE app PASSWORD 'changed'; SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename IN ('app', 'asker')")
	both("user=app password=pencil", wrongPassword)
	both("user=app password=changed", "app")

	// All at once, over one connection.
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if got := psql(t, p.addr, "user=app password=changed"); got != "app" {
				t.Error(got)
			}
		})
	}
	group.Wait()
	if got := serverSQL(t, s, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'asker'"); got != "1" {
		t.Errorf("%s connections ask", got)
	}
}

// MD5 hashes, which a server has from of old: the query's and, with a query, the file's.
func TestAuthQueryMD5(t *testing.T) {
	startPostgres(t)
	s := loginServer(t, []string{"host all asker 127.0.0.1/32 trust", "host all all 127.0.0.1/32 md5"}, pgtest.Setting("password_encryption", "md5"))
	serverSQL(t, s, "CREATE ROLE asker SUPERUSER LOGIN; CREATE ROLE filed LOGIN PASSWORD 'pencil'")
	p := start(t, "upstream "+s.Addr+"\nauth md5\nauth_user asker\nusers "+newUsers(t, "filed", rolpassword(t, s, "filed")))
	same := func(conninfo, want string) {
		t.Helper()
		if direct, through := psql(t, s.Addr, conninfo), psql(t, p.addr, conninfo); direct != want || through != want {
			t.Errorf("%s: directly %q, through the proxy %q", conninfo, direct, through)
		}
	}
	same("user=filed password=pencil", "filed")
	same("user=app password=pencil", "app")
	same("user=app password=pen", wrongPassword)
	serverSQL(t, s, "ALTER ROLE app PASSWORD 'changed'; SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'app'")
	same("user=app password=pencil", wrongPassword)
	same("user=app password=changed", "app")
	serverSQL(t, s, "SET password_encryption = 'scram-sha-256'; ALTER ROLE app PASSWORD 'modern'; SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'app'")
	same("user=app password=modern", "app")
}

// Who may not ask, or asks wrongly, is for the log; the client's password may be right.
func TestAuthQueryFails(t *testing.T) {
	startPostgres(t)
	s := loginServer(t, []string{"host all weak 127.0.0.1/32 trust", "host all all 127.0.0.1/32 scram-sha-256"})
	serverSQL(t, s, `CREATE ROLE weak LOGIN;
		CREATE FUNCTION lookup(name, OUT name, OUT text) RETURNS SETOF record LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
		AS 'SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1'`)
	p := prepare(t)
	for options, reason := range map[string]string{
		"auth_user weak": "permission denied for table pg_authid",
		"auth_user weak\nauth_query \"SELECT $1\"":                                                       "it has to return two columns",
		"auth_user weak\nauth_query \"SELECT 'other', $1::text\"":                                        "it returned another user",
		"auth_user weak\nauth_query \"SELECT $1::text, 'x' FROM generate_series(1, 3)\"":                 "more than one row",
		"auth_user weak\nauth_query \"SELECT $1::text, 'SCRAM-SHA-256$x'\"":                              "malformed SCRAM-SHA-256 verifier",
		"auth_user weak\nauth_query \"SELECT $1::text, 'x' FROM pg_sleep(3600)\"\nconnect_timeout 200ms": "auth_query: ",
		"auth_user weak\nauth_dbname missing":                                                            `database \"missing\" does not exist`,
		"auth_user app":                                                                                  "neither the password nor the SCRAM key",
	} {
		p.load(t, "upstream "+s.Addr+"\n"+options)
		want := "FATAL:  could not connect to the upstream server"
		if got := psql(t, p.addr, "user=app password=pencil"); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", options, got)
		}
		if log := p.log(t); !strings.Contains(log, reason) {
			t.Errorf("%s: the log does not say %q", options, reason)
		}
	}
	p.load(t, "upstream "+s.Addr+"\nauth_user weak\nauth_query \"SELECT * FROM lookup($1)\"")
	if got := psql(t, p.addr, "user=app password=pencil"); got != "app" {
		t.Error(got)
	}
}
