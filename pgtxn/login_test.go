package pgtxn

import (
	"context"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// How clients come in and the proxy at the server, with libpq: what is expected of
// the proxy is what the server itself answers.

// loginServer is a server of a test's own, with these lines of pg_hba.conf and a role
// app whose password is pencil.
func loginServer(t *testing.T, hba []string, options ...pgtest.Option) *pgtest.Server {
	t.Helper()
	s := pgtest.Start(t, append([]pgtest.Option{pgtest.HBA(hba...)}, options...)...)
	serverSQL(t, s, "CREATE ROLE app LOGIN PASSWORD 'pencil'")
	return s
}

func serverSQL(t *testing.T, s *pgtest.Server, statements string) string {
	t.Helper()
	out, err := s.SQL(t.Context(), "postgres", statements)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// rolpassword is what the server has of a role's password.
func rolpassword(t *testing.T, s *pgtest.Server, role string) string {
	t.Helper()
	return serverSQL(t, s, "SELECT rolpassword FROM pg_authid WHERE rolname = '"+role+"'")
}

// psql logs in with libpq and says who it is, or in which words it was refused.
func psql(t *testing.T, addr, conninfo string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	target := fmt.Sprintf("host=localhost hostaddr=%s port=%s dbname=postgres %s", host, port, conninfo)
	cmd := osexec.CommandContext(ctx, postgres.Bin("psql"), "-XqAtw", "-c", "SELECT current_user", target)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PGPASSFILE=/nonexistent", "HOME=/nonexistent")
	out, _ := cmd.CombinedOutput()
	text := strings.ReplaceAll(strings.TrimSpace(string(out)), port, "PORT")
	_, words, refused := strings.Cut(text, "failed: ")
	if !refused {
		return text
	}
	return words
}

// newUsers writes a list of users: names and secrets by turns.
func newUsers(t *testing.T, words ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.txt")
	writeUsers(t, path, words...)
	return path
}

// writeUsers puts another list in the place of the file, as an editor does.
func writeUsers(t *testing.T, path string, words ...string) {
	t.Helper()
	var text strings.Builder
	for ; len(words) > 0; words = words[2:] {
		fmt.Fprintf(&text, "%q %q\n", words[0], words[1])
	}
	if err := os.WriteFile(path+".new", []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

const wrongPassword = `FATAL:  password authentication failed for user "app"`

// With no more than the verifier, clients come in and the proxy logs in as them.
func TestVerifierOnly(t *testing.T) {
	startPostgres(t)
	s := loginServer(t, []string{"host all all 127.0.0.1/32 scram-sha-256"})
	users := newUsers(t, "app", rolpassword(t, s, "app"))
	p := start(t, "upstream "+s.Addr+"\nusers "+users)
	compare := func(conninfo, want string) {
		t.Helper()
		if direct, through := psql(t, s.Addr, conninfo), psql(t, p.addr, conninfo); direct != want || through != want {
			t.Errorf("%s: directly %q, through the proxy %q, want %q", conninfo, direct, through, want)
		}
	}
	compare("user=app password=pencil", "app")
	compare("user=app password=pen", wrongPassword)

	// The pool connects while nobody proves anything, behind a reload too.
	conn := p.mustConnect(t, "user=app password=pencil sslmode=disable")
	kill := "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE usename = 'app'"
	if got := serverSQL(t, s, kill); got == "0" {
		t.Fatal("no backend to end")
	}
	p.load(t, "upstream "+s.Addr+"\nwait_timeout 30s\nusers "+users)
	if got := ask(t, conn, "SELECT current_user::text"); got != "app" {
		t.Errorf("behind the end of the backends: %s", got)
	}

	// Another verifier at the server than in the file.
	serverSQL(t, s, "ALTER ROLE app PASSWORD 'changed'; "+kill)
	compare("user=app password=pencil", wrongPassword)
	if got := psql(t, p.addr, "user=app password=changed"); got != wrongPassword {
		t.Errorf("with a password that the file does not know: %s", got)
	}
	if !strings.Contains(p.log(t), "the server has another SCRAM verifier of the user") {
		t.Error("the log does not say why")
	}

	// And then the file has it, too.
	writeUsers(t, users, "app", rolpassword(t, s, "app"))
	compare("user=app password=changed", "app")
	compare("user=app password=pencil", wrongPassword)
}

// Who has no password at the server does not come in with one that the file has.
func TestNoPasswordAtServer(t *testing.T) {
	startPostgres(t)
	s := loginServer(t, []string{"host all all 127.0.0.1/32 scram-sha-256"})
	serverSQL(t, s, "ALTER ROLE app PASSWORD NULL")
	p := start(t, "upstream "+s.Addr+"\nusers "+newUsers(t, "app", "pencil"))
	for _, addr := range []string{s.Addr, p.addr} {
		if got := psql(t, addr, "user=app password=pencil"); got != wrongPassword {
			t.Errorf("at %s: %s", addr, got)
		}
	}
}
