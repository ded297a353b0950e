package pgtxn

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestTrust(t *testing.T) {
	p := start(t, "upstream UPSTREAM\npool_size 1\nauth trust")
	first, second := p.mustConnect(t, "user=postgres sslmode=disable"), p.mustConnect(t, "user=postgres sslmode=disable")
	exec(t, first, "SET my.x = 1")
	exec(t, second, "SET my.x = 2")
	for range 3 { // over one server connection
		if a, b := ask(t, first, "SHOW my.x"), ask(t, second, "SHOW my.x"); a != "1" || b != "2" {
			t.Fatalf("my.x is %s and %s", a, b)
		}
	}
	if a, b := ask(t, first, "SELECT pg_backend_pid()::text"), ask(t, second, "SELECT pg_backend_pid()::text"); a != b {
		t.Errorf("two backends, %s and %s, in a pool of one", a, b)
	}
}

// Matchers read ahead: the handler gets what they have read.
func TestBehindMatcher(t *testing.T) {
	p := prepare(t)
	text := caddyfileOf(p.addr, p.globals, "upstream UPSTREAM\nauth trust")
	p.loadCaddyfile(t, strings.Replace(text, "route {", "@postgres postgres\nroute @postgres {", 1))
	if got := ask(t, p.mustConnect(t, "user=postgres sslmode=disable"), "SELECT 'x'"); got != "x" {
		t.Errorf("answer %q", got)
	}
}

func TestUnixSockets(t *testing.T) {
	p := prepare(t)
	upstream := fmt.Sprintf("unix/%s/.s.PGSQL.%d", postgres.SocketDir, postgres.Port)
	p.addr = "unix/" + filepath.Join(p.dir, ".s.PGSQL.5432")
	p.load(t, "auth trust\nupstream "+upstream)
	p.addr = p.dir + ":5432"
	conn := p.mustConnect(t, "user=bob")
	if got := ask(t, conn, "SELECT current_user::text"); got != "bob" {
		t.Errorf("the user is %s", got)
	}
	if got := get[[]struct{ Upstream []string }](t, p, "/pgtxn/pools"); !strings.Contains(fmt.Sprint(got), postgres.SocketDir) {
		t.Errorf("pools: %v", got)
	}
}

// Clients are checked against the file. What the file has of alice is also
// what the server asks for.
func TestSCRAM(t *testing.T) {
	startPostgres(t)
	users := filepath.Join(t.TempDir(), "users.txt")
	verifier := sql(t, "SELECT rolpassword FROM pg_authid WHERE rolname = 'bob'")
	list := fmt.Sprintf("; users\n\"alice\" \"alice's secret\"\n\"bob\" \"%s\"\n\"nobody\" \"\"\n", verifier)
	if err := os.WriteFile(users, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "upstream UPSTREAM\nusers "+users)
	for _, test := range []struct{ user, password, state string }{
		{"alice", "alice's secret", ""},
		{"bob", "bob-secret", ""},
		{"alice", "bob-secret", "28P01"},
		{"bob", "alice's secret", "28P01"},
		{"bob", verifier, "28P01"},
		{"nobody", "x", "28P01"},
		{"stranger", "x", "28P01"},
	} {
		password := strings.ReplaceAll(test.password, "'", `\'`)
		conn, err := p.connect(t, fmt.Sprintf("sslmode=disable user=%s password='%s'", test.user, password))
		if sqlState(err) != test.state || (err != nil) != (test.state != "") {
			t.Errorf("%s with password %q: %v; want SQLSTATE %q", test.user, test.password, err, test.state)
		}
		if err == nil {
			if got := ask(t, conn, "SELECT current_user::text"); got != test.user {
				t.Errorf("%s is %s at the server", test.user, got)
			}
		}
	}
	log := p.log(t)
	if !strings.Contains(log, `"logger":"layer4.handlers.pgtxn"`) || !strings.Contains(log, "authentication failed") {
		t.Errorf("the log has nothing of the refusals:\n%s", log)
	}
	for _, secret := range []string{"alice's secret", "bob-secret", verifier} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func TestUpstreamUser(t *testing.T) {
	t.Setenv("PGTXN_TEST_PASSWORD", "alice's secret")
	p := start(t, "upstream UPSTREAM\nauth trust\nupstream_user alice\nupstream_password {env.PGTXN_TEST_PASSWORD}")
	conn := p.mustConnect(t, "user=somebody sslmode=disable")
	if got := ask(t, conn, "SELECT session_user::text"); got != "alice" {
		t.Errorf("the user at the server is %s", got)
	}
	if _, body := p.request(t, "GET", "/config/"); strings.Contains(body, "alice's secret") {
		t.Error("the configuration has the password")
	}
}

// The server's refusal of the proxy is not the client's own: it gets a general
// error, and the log the reason.
func TestUpstreamRefuses(t *testing.T) {
	p := start(t, "upstream UPSTREAM\nauth trust\nupstream_user alice\nupstream_password wrong")
	_, err := p.connect(t, "user=postgres sslmode=disable")
	if sqlState(err) != "08004" {
		t.Errorf("error %v, want SQLSTATE 08004", err)
	}
	if log := p.log(t); !strings.Contains(log, `password authentication failed for user \"alice\"`) {
		t.Errorf("the log does not say why:\n%s", log)
	}
}

// TLS towards the server, verified both ways.
func TestUpstreamTLS(t *testing.T) {
	startPostgres(t)
	dir := t.TempDir()
	for name, content := range map[string][]byte{"cert": postgres.cert, "key": postgres.key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := strings.ReplaceAll("\nsslrootcert DIR/cert\nsslcert DIR/cert\nsslkey DIR/key", "DIR", dir)
	p := prepare(t)
	for _, test := range []struct{ options, state string }{
		{"\nsslmode verify-full" + files, ""},
		{"\nsslmode verify-ca" + files, ""},
		{"\nsslmode disable", "08004"},     // carol needs TLS
		{"\nsslmode require", "08004"},     // and a certificate
		{"\nsslmode verify-full", "08001"}, // the system does not know the authority
	} {
		p.load(t, "upstream UPSTREAM\nauth trust"+test.options)
		conn, err := p.connect(t, "user=carol sslmode=disable")
		if sqlState(err) != test.state || (err != nil) != (test.state != "") {
			t.Errorf("%q: %v; want SQLSTATE %q", test.options, err, test.state)
		}
		if err == nil {
			if got := ask(t, conn, "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()"); got != "true" {
				t.Errorf("%q: ssl is %s", test.options, got)
			}
		}
	}
}

func TestWaitTimeout(t *testing.T) {
	// With an sslmode of its own, this is no pool of another test's.
	p := start(t, "upstream UPSTREAM\nsslmode disable\npool_size 1\nauth trust\nwait_timeout 3s")
	busy, late := p.mustConnect(t, "user=postgres sslmode=disable"), p.mustConnect(t, "user=postgres sslmode=disable")
	exec(t, busy, "BEGIN")
	_, err := late.Exec(t.Context(), "SELECT 1", pgx.QueryExecModeSimpleProtocol)
	if sqlState(err) != "53300" {
		t.Errorf("error %v, want SQLSTATE 53300", err)
	}
	exec(t, busy, "COMMIT")
	exec(t, late, "SELECT 1") // the session has lived on
}

// A client that says nothing is told why, as PostgreSQL does, and disconnected.
func TestLoginTimeout(t *testing.T) {
	p := start(t, "upstream UPSTREAM\nauth trust\nlogin_timeout 50ms")
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if said, err := io.ReadAll(conn); err != nil || !strings.Contains(string(said), "57014") {
		t.Errorf("read %q, %v; want SQLSTATE 57014 and the end", said, err)
	}
}
