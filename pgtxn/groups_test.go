package pgtxn

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
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

// The members of roles in user_map, as PostgreSQL has them from 16 on; the server of a version before takes no part.
func TestRolesInUserMap(t *testing.T) {
	startPostgres(t)
	ca := testca.New(t, "ca")
	cert, key := testca.SelfSigned(t)
	rules := []string{"hostnossl all all 127.0.0.1/32 trust", "hostssl all all 127.0.0.1/32 cert map=m"}
	mappings := strings.Join([]string{"m robot +staff", `m robot "+odd"`, `m /^(.*)bot$ "+\1"`}, "\n") + "\n"
	s := loginServer(t, rules, pgtest.TLS(cert, key, ca.PEM()))
	serverSQL(t, s, `CREATE ROLE asker LOGIN; CREATE ROLE staff LOGIN; CREATE ROLE team; CREATE ROLE direct LOGIN; CREATE ROLE indirect LOGIN;
		CREATE ROLE boss SUPERUSER LOGIN; CREATE ROLE odd; CREATE ROLE "+odd" LOGIN; CREATE ROLE oddly LOGIN; CREATE ROLE ro; CREATE ROLE "+ro" LOGIN;
		CREATE ROLE reader LOGIN; GRANT staff TO direct, team; GRANT team TO indirect; GRANT odd TO oddly; GRANT ro TO reader`)
	loadIdent(t, s, mappings)
	p := start(t, "upstream "+s.Addr+"\nsslmode disable\nauth_user asker\nhba {\n"+strings.Join(rules, "\n")+"\n}\nuser_map {\n"+mappings+"}\n"+
		checking(t, ca), certificates)
	p.awaitCertificate(t)
	robot := clientCertificate(t, ca, "robot")
	known := serverSQL(t, s, "SELECT current_setting('server_version_num')::int >= 160000") == "t"
	for user, in := range map[string]bool{
		"staff": true, "direct": true, "indirect": true, "boss": false, "stranger": false, "robot": false,
		"+odd": true, "oddly": false, "+ro": true, "reader": false,
	} {
		want := user
		if !in {
			want = fmt.Sprintf(`FATAL:  certificate authentication failed for user "%s"`, user)
		}
		if got := psql(t, p.addr, "user="+user+robot); got != want {
			t.Errorf("%s: %s", user, got)
		}
		if !known {
			continue
		}
		if got := psql(t, s.Addr, "user="+user+robot); got != want {
			t.Errorf("directly, %s: %s", user, got)
		}
	}
	serverSQL(t, s, "ALTER ROLE asker NOLOGIN; SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'asker'")
	if got := psql(t, p.addr, "user=direct"+robot); !strings.HasPrefix(got, "FATAL:  could not connect to the upstream server") {
		t.Error(got)
	}
	if log := p.log(t); !strings.Contains(log, "the user's roles could not be asked for") {
		t.Error("the log does not say why")
	}
}

// A line of user_map whose group took no part in the match lets nobody in, nor does any behind it.
func TestGroupsInUserMap(t *testing.T) {
	startPostgres(t)
	ca := testca.New(t, "ca")
	cert, key := testca.SelfSigned(t)
	rules := []string{"hostnossl all all 127.0.0.1/32 trust", "hostssl all all 127.0.0.1/32 cert map=m"}
	mappings := strings.Join([]string{
		`other /^robot(er)?$ \1staff`, `m /^robot(er)?$ first`, `m /^robot(|er)$ second\1`, `m /^robot(er)?$ third\1`, "m robot fourth",
	}, "\n") + "\n"
	s := loginServer(t, rules, pgtest.TLS(cert, key, ca.PEM()))
	serverSQL(t, s, `CREATE ROLE first LOGIN; CREATE ROLE second LOGIN; CREATE ROLE third LOGIN; CREATE ROLE fourth LOGIN`)
	loadIdent(t, s, mappings)
	p := start(t, "upstream "+s.Addr+"\nsslmode disable\nhba {\n"+strings.Join(rules, "\n")+"\n}\nuser_map {\n"+mappings+"}\n"+
		checking(t, ca), certificates)
	p.awaitCertificate(t)
	robot := clientCertificate(t, ca, "robot")
	for user, in := range map[string]bool{"first": true, "second": true, "third": false, "fourth": false} {
		direct, through := psql(t, s.Addr, "user="+user+robot), psql(t, p.addr, "user="+user+robot)
		if direct != through || (direct == user) != in {
			t.Errorf("%s: directly %q, through the proxy %q", user, direct, through)
		}
	}
}

// loadIdent gives a server another pg_ident.conf.
func loadIdent(t *testing.T, s *pgtest.Server, text string) {
	t.Helper()
	const loaded = "SELECT pg_conf_load_time()"
	before := serverSQL(t, s, loaded)
	if err := os.WriteFile(serverSQL(t, s, "SHOW ident_file"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	serverSQL(t, s, "SELECT pg_reload_conf()")
	incaddy.Await(t, "the server has read it", func() bool { return serverSQL(t, s, loaded) != before })
}
