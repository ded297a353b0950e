package pgtxn

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// beside is a server and a proxy with the same rules for clients. The proxy's own
// server trusts it.
type beside struct {
	server *pgtest.Server
	proxy  *proxy
}

func besides(t *testing.T, rules []string, tls, options string, more ...pgtest.Option) beside {
	t.Helper()
	startPostgres(t)
	const roles = `CREATE ROLE bad LOGIN; CREATE ROLE team_a LOGIN PASSWORD 'pencil'; CREATE ROLE "CN=app,O=Example\, Inc." LOGIN`
	s := loginServer(t, rules, more...)
	serverSQL(t, s, roles)
	behind := loginServer(t, nil)
	serverSQL(t, behind, roles)
	users := newUsers(t, "app", rolpassword(t, s, "app"), "team_a", "pencil", "bad", "")
	text := fmt.Sprintf("upstream %s\nsslmode disable\nusers %s\n%s\n%s\nhba {\n%s\n}", behind.Addr, users, tls, options, strings.Join(rules, "\n"))
	p := start(t, text, certificates)
	p.awaitCertificate(t)
	return beside{s, p}
}

// same logs in at both and wants the same answer, which begins with want.
func (b beside) same(t *testing.T, conninfo, want string) {
	t.Helper()
	direct, through := psql(t, b.server.Addr, conninfo), psql(t, b.proxy.addr, conninfo)
	if direct != through || !strings.HasPrefix(direct, want) {
		t.Errorf("%s:\n     directly %q\nthrough proxy %q\n         want %q", conninfo, direct, through, want)
	}
}

// The rules mean what they mean to PostgreSQL.
func TestHBA(t *testing.T) {
	cert, key := testca.SelfSigned(t)
	b := besides(t, []string{
		"host all bad all reject",
		"hostssl all app all scram-sha-256",
		"hostnossl postgres app,none 127.0.0.0/8 md5",
		"hostssl sameuser team_a all trust",
		"hostssl all team_a 10.0.0.0/8 trust",
	}, "tls", "", pgtest.TLS(cert, key, nil))
	b.same(t, "user=app password=pencil sslmode=require", "app")
	b.same(t, "user=app password=pencil sslmode=disable", "app")
	b.same(t, "user=app password=pen sslmode=disable", wrongPassword)
	b.same(t, "user=app password=pencil sslmode=disable dbname=template1",
		`FATAL:  no pg_hba.conf entry for host "127.0.0.1", user "app", database "template1", no encryption`)
	b.same(t, "user=team_a sslmode=require",
		`FATAL:  no pg_hba.conf entry for host "127.0.0.1", user "team_a", database "postgres", SSL encryption`)
	b.same(t, "user=bad sslmode=require",
		`FATAL:  pg_hba.conf rejects connection for host "127.0.0.1", user "bad", database "postgres", SSL encryption`)
	b.same(t, "user=bad sslmode=disable",
		`FATAL:  pg_hba.conf rejects connection for host "127.0.0.1", user "bad", database "postgres", no encryption`)
	b.same(t, "user=bad sslmode=disable replication=true",
		`FATAL:  no pg_hba.conf entry for replication connection from host "127.0.0.1", user "bad", no encryption`)
	b.same(t, "user=bad sslmode=disable replication=database",
		`FATAL:  pg_hba.conf rejects connection for host "127.0.0.1", user "bad", database "postgres", no encryption`)
	// libpq tries again without TLS, or with it, by what it is told.
	b.same(t, "user=app password=pencil sslmode=prefer dbname=template1", "app")
	b.same(t, "user=app password=pencil sslmode=allow dbname=template1", "app")
}

// clientCertificate writes a certificate for name and returns libpq's words for it.
func clientCertificate(t *testing.T, ca *testca.Authority, name string) string {
	t.Helper()
	pair := ca.Issue(t, []string{name + ".example.com"}, func(c *x509.Certificate) {
		c.Subject.CommonName, c.Subject.Organization = name, []string{"Example, Inc."}
	})
	dir := t.TempDir()
	for file, text := range map[string][]byte{"cert": pair.Chain, "key": pair.Key} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf(" sslmode=require sslcert=%s/cert sslkey=%s/key", dir, dir)
}

// checking is the option tls with a policy that checks certificates where there are any.
func checking(t *testing.T, ca *testca.Authority) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return "tls {\nconnection_policy {\nclient_auth {\nmode verify_if_given\ntrust_pool file " + path + "\n}\n}\n}"
}

func TestCert(t *testing.T) {
	ca := testca.New(t, "ca")
	cert, key := testca.SelfSigned(t)
	b := besides(t, []string{
		"hostssl template1 all all cert clientname=CN",
		`hostssl postgres "CN=app,O=Example\, Inc." all cert clientname=DN`,
		"hostssl postgres app all scram-sha-256 clientname=CN,clientcert=verify-full",
		"hostssl postgres team_a all trust clientcert=verify-full",
		"hostssl postgres bad all trust clientcert=verify-ca",
	}, checking(t, ca), "", pgtest.TLS(cert, key, ca.PEM()))
	app, other, none := clientCertificate(t, ca, "app"), clientCertificate(t, ca, "other"), " sslmode=require"
	const missing = "FATAL:  connection requires a valid client certificate"
	b.same(t, "dbname=template1 user=app"+app, "app")
	b.same(t, "dbname=template1 user=app"+other, `FATAL:  certificate authentication failed for user "app"`)
	b.same(t, "dbname=template1 user=app"+none, missing)
	b.same(t, `user='CN=app,O=Example\\, Inc.'`+app, `CN=app,O=Example\, Inc.`)
	b.same(t, `user='CN=app,O=Example\\, Inc.'`+other, `FATAL:  certificate authentication failed for user "CN=app,O=Example\, Inc."`)
	b.same(t, "user=app password=pencil"+app, "app")
	b.same(t, "user=app password=pen"+app, wrongPassword)
	b.same(t, "user=app password=pencil"+other, wrongPassword)
	b.same(t, "user=app password=pencil"+none, missing)
	b.same(t, "user=team_a"+app, `FATAL:  "trust" authentication failed for user "team_a"`)
	b.same(t, "user=bad"+other, "bad")
	b.same(t, "user=bad"+none, missing)
	if log := b.proxy.log(t); !strings.Contains(log, `"reason":"the certificate (CN) is of [\"other\"]"`) {
		t.Errorf("the log does not say why:\n%s", log)
	}
}

// A map from the certificate's names to users; and who checks the certificate.
func TestCertMap(t *testing.T) {
	ca := testca.New(t, "ca")
	startPostgres(t)
	app := clientCertificate(t, ca, "robot")
	const options = "upstream UPSTREAM\nauth cert map=m clientname=SAN\nuser_map {\nm robot.example.com bob\nm /^([a-z]+)\\.example\\.com$ \\1_role\n}\n"
	p := start(t, options+checking(t, ca), certificates)
	p.awaitCertificate(t)
	for user, want := range map[string]string{
		"bob": "bob", "alice": `FATAL:  certificate authentication failed for user "alice"`,
		"robot": `FATAL:  certificate authentication failed for user "robot"`,
	} {
		if got := psql(t, p.addr, "user="+user+app); got != want {
			t.Errorf("%s: %s", user, got)
		}
	}
	if got, want := psql(t, p.addr, "user=bob sslmode=disable"), `FATAL:  no pg_hba.conf entry for host "127.0.0.1", user "bob", database "postgres", no encryption`; got != want {
		t.Errorf("without TLS: %s", got)
	}

	// A certificate that nobody has checked proves nothing.
	p.load(t, options+"tls {\nconnection_policy {\nclient_auth {\nmode require\n}\n}\n}")
	if got, want := psql(t, p.addr, "user=bob"+app), "FATAL:  connection requires a valid client certificate"; got != want {
		t.Errorf("unchecked: %s", got)
	}

	// Behind the stock tls handler.
	text := caddyfileOf(p.addr, p.globals, options)
	before := strings.Replace(checking(t, ca), "connection_policy {", "connection_policy {\nalpn postgresql", 1)
	p.loadCaddyfile(t, strings.Replace(text, "pgtxn {", before+"\npgtxn {", 1))
	pair := ca.Issue(t, []string{"robot.example.com"})
	if got := overStockTLS(t, p, pair, "bob"); got != "R" {
		t.Errorf("behind the tls handler: %q", got)
	}
	if got := overStockTLS(t, p, pair, "alice"); got != "E" {
		t.Errorf("another user: %q", got)
	}
	// The handler's own policy has a verifier, but is not the one of the connection.
	text = caddyfileOf(p.addr, p.globals, options+"tls {\nconnection_policy {\nclient_auth {\nverifier tlsreload\n}\n}\n}")
	p.loadCaddyfile(t, strings.Replace(text, "pgtxn {", "tls {\nconnection_policy {\nalpn postgresql\nclient_auth {\nmode require\n}\n}\n}\npgtxn {", 1))
	if got := overStockTLS(t, p, pair, "bob"); got != "E" {
		t.Errorf("a certificate that nobody has checked, behind the tls handler: %q", got)
	}
}

// Passwords in clear text, over TLS only.
func TestPassword(t *testing.T) {
	cert, key := testca.SelfSigned(t)
	b := besides(t, []string{"hostssl all all all password"}, "tls", "", pgtest.TLS(cert, key, nil))
	b.same(t, "user=app password=pencil sslmode=require", "app")
	b.same(t, "user=team_a password=pencil sslmode=require", "team_a")
	b.same(t, "user=app password=pen sslmode=require", wrongPassword)
	b.same(t, "user=bad password=pencil sslmode=require", `FATAL:  password authentication failed for user "bad"`)
	b.same(t, "user=stranger password=pencil sslmode=require", `FATAL:  password authentication failed for user "stranger"`)

	// With the option auth, too; and the key of the verifier logs in at the server.
	s := loginServer(t, []string{"host all all all scram-sha-256"})
	b.proxy.load(t, "upstream "+s.Addr+"\nauth password\ntls\nusers "+newUsers(t, "app", rolpassword(t, s, "app")))
	if got := psql(t, b.proxy.addr, "user=app password=pencil sslmode=require"); got != "app" {
		t.Error(got)
	}
	if got := psql(t, b.proxy.addr, "user=app password=pencil sslmode=disable"); !strings.Contains(got, "no pg_hba.conf entry") {
		t.Errorf("without TLS: %s", got)
	}
}

// Hashes of old files: clients are asked by MD5, and so is the proxy.
func TestMD5(t *testing.T) {
	startPostgres(t)
	s := loginServer(t, []string{"host all all all md5"}, pgtest.Setting("password_encryption", "md5"))
	serverSQL(t, s, "SET password_encryption = 'scram-sha-256'; CREATE ROLE modern LOGIN PASSWORD 'pencil'")
	users := newUsers(t, "app", rolpassword(t, s, "app"), "modern", rolpassword(t, s, "modern"))
	p := start(t, "upstream "+s.Addr+"\nauth md5\nusers "+users)
	for conninfo, want := range map[string]string{
		"user=app password=pencil":     "app",
		"user=modern password=pencil":  "modern",
		"user=app password=pen":        wrongPassword,
		"user=stranger password=pen":   `FATAL:  password authentication failed for user "stranger"`,
		"user=modern password=pencil2": `FATAL:  password authentication failed for user "modern"`,
	} {
		if direct, through := psql(t, s.Addr, conninfo), psql(t, p.addr, conninfo); direct != want || through != want {
			t.Errorf("%s: directly %q, through the proxy %q", conninfo, direct, through)
		}
	}
	if !strings.Contains(p.log(t), "the users file has MD5 hashes") {
		t.Error("no warning")
	}
	p.load(t, "upstream "+s.Addr+"\nauth scram-sha-256\nusers "+users)
	if got := psql(t, p.addr, "user=app password=pencil"); got != wrongPassword {
		t.Errorf("by SCRAM with a hash: %s", got)
	}
	if !strings.Contains(p.log(t), "the user's password is an MD5 hash") {
		t.Error("the log does not say why")
	}
}

// Guessing is slow, and one line in the log each.
func TestFailedLogins(t *testing.T) {
	startPostgres(t)
	const stranger = `FATAL:  password authentication failed for user "stranger"`
	p := start(t, "upstream UPSTREAM\nmax_failed_logins 3\nusers "+newUsers(t, "bob", "bob-secret", "nobody", ""))
	for conninfo, want := range map[string]string{
		"user=stranger password=x": stranger,
		"user=bob password=x":      strings.ReplaceAll(stranger, "stranger", "bob"),
		"user=nobody password=x":   strings.ReplaceAll(stranger, "stranger", "nobody"),
	} {
		if got := psql(t, p.addr, conninfo); got != want {
			t.Errorf("%s: %s", conninfo, got)
		}
	}
	for _, password := range []string{"x", "bob-secret"} {
		want := "FATAL:  too many failed logins from host \"127.0.0.1\"\nHINT:  Try again in a minute, with the right password."
		if got := psql(t, p.addr, "user=bob password="+password); got != want {
			t.Errorf("then: %s", got)
		}
	}
	log := p.log(t)
	for reason, times := range map[string]int{
		"no such user": 1, "wrong password": 1, "the user has no password": 1, "too many failed logins from this address": 2, "": 5,
	} {
		want := `"msg":"authentication failed"`
		if reason != "" {
			want = `"reason":"` + reason + `"`
		}
		if got := strings.Count(log, want); got != times {
			t.Errorf("%d lines of the log have %s, want %d:\n%s", got, want, times, log)
		}
	}
	if strings.Contains(log, "was not let in") {
		t.Errorf("two lines for one failure:\n%s", log)
	}
	p.load(t, "upstream UPSTREAM\nmax_failed_logins 0\nusers "+newUsers(t, "bob", "bob-secret"))
	for range 5 {
		if got := psql(t, p.addr, "user=bob password=x"); got != strings.ReplaceAll(stranger, "stranger", "bob") {
			t.Errorf("without a limit: %s", got)
		}
	}
}

// overStockTLS begins a session by direct TLS, with a certificate, and returns the type of
// the first answer.
func overStockTLS(t *testing.T, p *proxy, pair testca.Pair, user string) string {
	t.Helper()
	cfg := p.clientConfig(t)
	cert, err := tls.X509KeyPair(pair.Chain, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	cfg.NextProtos, cfg.Certificates = []string{"postgresql"}, []tls.Certificate{cert}
	conn, err := tls.Dial("tcp", p.addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(startup(user)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(conn, answer); err != nil {
		t.Fatal(err)
	}
	return string(answer)
}
