package pgtxn

import (
	"fmt"
	"strings"
	"testing"
)

// Rules for the members of roles: the same logins fail and succeed as at the server
// with the same lines.
func TestRolesInRules(t *testing.T) {
	startPostgres(t)
	rules := []string{"host postgres +staff 127.0.0.1/32 trust", "host samerole all 127.0.0.1/32 trust", `host postgres "+odd" 127.0.0.1/32 trust`}
	s := loginServer(t, append([]string{"host all asker 127.0.0.1/32 trust"}, rules...))
	serverSQL(t, s, `CREATE ROLE asker LOGIN; CREATE ROLE staff LOGIN; CREATE ROLE team; CREATE ROLE direct LOGIN; CREATE ROLE indirect LOGIN;
		CREATE ROLE outsider LOGIN; CREATE ROLE boss SUPERUSER LOGIN; CREATE ROLE "+odd" LOGIN; CREATE ROLE shop;
		GRANT staff TO direct, team; GRANT team TO indirect; GRANT shop TO outsider`)
	serverSQL(t, s, "CREATE DATABASE shop")
	p := start(t, "upstream "+s.Addr+"\nauth_user asker\nhba {\n"+strings.Join(rules, "\n")+"\n}")
	for _, test := range []struct {
		user, database string
		in             bool
	}{
		{"staff", "postgres", true}, {"direct", "postgres", true}, {"indirect", "postgres", true}, {"outsider", "postgres", false},
		{"boss", "postgres", false}, {"+odd", "postgres", true}, {"stranger", "postgres", false},
		{"outsider", "shop", true}, {"direct", "shop", false}, {"boss", "shop", false},
	} {
		conninfo := fmt.Sprintf("user=%s dbname=%s", test.user, test.database)
		direct, through := psql(t, s.Addr, conninfo), psql(t, p.addr, conninfo)
		if direct != through || (direct == test.user) != test.in {
			t.Errorf("%s: directly %q, through the proxy %q", conninfo, direct, through)
		}
	}
	serverSQL(t, s, "REVOKE staff FROM direct") // which counts at once
	if got := psql(t, p.addr, "user=direct"); !strings.Contains(got, "no pg_hba.conf entry") {
		t.Error(got)
	}
	serverSQL(t, s, "ALTER ROLE asker NOLOGIN; SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'asker'")
	if got := psql(t, p.addr, "user=staff"); !strings.HasPrefix(got, "FATAL:  could not connect to the upstream server") {
		t.Error(got)
	}
	if log := p.log(t); !strings.Contains(log, "the user's roles could not be asked for") {
		t.Error("the log does not say why")
	}
}
