package relay

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// databases of the common server: those that a test has left are cleaned and used
// again, since making one takes longer than most tests.
var databases struct {
	sync.Mutex
	made int
	free []string
}

// database is an empty database of the common server, for one test.
func database(tb testing.TB) place {
	tb.Helper()
	server := postgres(tb)
	databases.Lock()
	defer databases.Unlock()
	name := ""
	if n := len(databases.free); n > 0 {
		name, databases.free = databases.free[n-1], databases.free[:n-1]
	} else {
		databases.made++
		name = fmt.Sprintf("test%d", databases.made)
		sql(tb, "postgres", "CREATE DATABASE "+name)
	}
	p := place{addr: server.Addr, database: name, user: pgtest.Superuser}
	tb.Cleanup(func() {
		if !tb.Failed() {
			p.clean(tb)
		}
	})
	return p
}

// clean empties a database and makes it free.
func (p place) clean(tb testing.TB) {
	end := func() {
		sql(tb, "postgres", "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '"+p.database+"'")
	}
	end()
	sql(tb, p.database, `SET client_min_messages = error;
		DO $$ DECLARE s name; BEGIN
			FOR s IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
				EXECUTE format('DROP SCHEMA %I CASCADE', s);
			END LOOP;
		END $$; CREATE SCHEMA public`)
	end() // this connection, too: tests ask who is there
	databases.Lock()
	defer databases.Unlock()
	databases.free = append(databases.free, p.database)
}

// admin is a connection of the tests' own to the database postgres.
var admin struct {
	sync.Mutex
	*client
}

// sql runs statements as the superuser, beside whatever the test does, and
// returns their rows as psql -At does.
func sql(tb testing.TB, database, statements string) string {
	tb.Helper()
	if database == "postgres" {
		admin.Lock()
		defer admin.Unlock()
		if admin.client == nil {
			admin.client = connectFor(tb, database)
		}
		return admin.rows(tb, statements)
	}
	c := connectFor(tb, database)
	defer c.drop()
	return c.rows(tb, statements)
}

// connectFor connects to the common server; the connection outlives the test.
func connectFor(tb testing.TB, database string) *client {
	tb.Helper()
	c, err := dial(postgres(tb).Addr)
	if err != nil {
		tb.Fatal(err)
	}
	c.t = tb
	c.login("user", pgtest.Superuser, "database", database)
	return c
}

func (c *client) rows(tb testing.TB, statements string) string {
	tb.Helper()
	c.t = tb
	c.send(query(statements))
	var rows []string
	failed := ""
	for _, line := range c.until("Z") {
		switch line[0] {
		case 'D':
			rows = append(rows, line[2:])
		case 'E':
			failed = line
		}
	}
	if failed != "" {
		tb.Fatalf("%s: %s", statements, failed)
	}
	return strings.Join(rows, "\n")
}
