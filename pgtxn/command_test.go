package pgtxn

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// caddyCommand runs caddy pgtxn.
func caddyCommand(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := osexec.CommandContext(t.Context(), os.Args[0], append([]string{"pgtxn"}, args...)...)
	cmd.Env = append(os.Environ(), incaddy.AsCaddy+"=1")
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func (p *proxy) command(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return caddyCommand(t, append(args, "--address", p.admin)...)
}

// What the command prints is what the admin API says.
func TestCommand(t *testing.T) {
	params := role(t, "commanded")
	p := start(t, "upstream UPSTREAM\npool_size 7\nauth trust")
	conn := p.mustConnect(t, params+" application_name='the\ttab'")
	exec(t, conn, "BEGIN; SAVEPOINT s")
	view := p.session(t, conn)
	out, _, code := p.command(t, "sessions", "--user", "commanded", "--state", "active")
	for _, want := range []string{view.ID + " ", view.Client, "the?tab", " active ", " T ", fmt.Sprint(view.Backend.PID)} {
		if code != 0 || strings.Count(out, "\n") != 2 || !strings.Contains(out, want) {
			t.Errorf("%d, no %q in\n%s", code, want, out)
		}
	}
	var views []relay.SessionView
	out, _, _ = p.command(t, "sessions", "-u", "commanded", "--json")
	if err := json.Unmarshal([]byte(out), &views); err != nil || len(views) != 1 || views[0].ID != view.ID {
		t.Errorf("%v\n%s", err, out)
	}
	if _, errs, code := p.command(t, "puase"); code != 1 || !strings.Contains(errs, "unknown command 'puase'") {
		t.Errorf("%d %s", code, errs)
	}
	if _, errs, code := p.command(t, "sessions", "--state", "busy"); code != 1 || !strings.Contains(errs, "state: expected one of starting, idle") {
		t.Errorf("%d %s", code, errs)
	}

	if out, _, code := p.command(t, "pools", "-u", "commanded"); code != 0 || !strings.Contains(out, postgres.Addr+"  7     1       0") {
		t.Errorf("%d\n%s", code, out)
	}
	if _, errs, code := p.command(t, "pause", "-d", ""); code != 1 || !strings.Contains(errs, "database: it is empty; leave it out for all") {
		t.Errorf("%d %s", code, errs)
	}
	out, errs, code := p.command(t, "pause", "-u", "commanded", "--wait", "10ms")
	if code != 1 || !strings.Contains(out, "PAUSED") || !strings.Contains(errs, "server connections are not closed yet: 1;") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if _, errs, code := p.command(t, "pause", "-u", "commanded"); code != 1 || !strings.Contains(errs, "pools of user commanded: it is paused already") {
		t.Errorf("%d %s", code, errs)
	}
	for _, verb := range []string{"resume", "reconnect"} {
		if out, errs, code := p.command(t, verb, "-u", "commanded"); code != 0 || strings.Contains(out, "PAUSED") {
			t.Errorf("%s: %d\n%s%s", verb, code, out, errs)
		}
	}
	if out, _, code := p.command(t, "kill", view.ID); code != 0 || !strings.Contains(out, view.Client) {
		t.Errorf("%d\n%s", code, out)
	}
	if _, errs, code := p.command(t, "kill", view.ID); code != 1 || !strings.Contains(errs, "there is no session "+view.ID) || strings.Contains(errs, "HTTP") {
		t.Errorf("%d %s", code, errs)
	}
}

// The rates of top are what happened between two tables.
func TestTop(t *testing.T) {
	params := role(t, "topped")
	p := start(t, "upstream UPSTREAM\nauth trust")
	conn := p.mustConnect(t, params)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = conn.Exec(t.Context(), "SELECT 1")
			}
		}
	}()
	out, errs, code := p.command(t, "top", "-u", "topped", "--json", "-n", "1s", "--count", "2")
	close(stop)
	<-stopped
	decoder := json.NewDecoder(strings.NewReader(out))
	var first, second top
	if err := decoder.Decode(&first); err != nil || code != 0 {
		t.Fatalf("%d %v %s %s", code, err, out, errs)
	}
	if err := decoder.Decode(&second); err != nil {
		t.Fatal(err)
	}
	a, b := first.Pools[0], second.Pools[0]
	rate := float64(b.Transactions-a.Transactions) / second.Time.Sub(first.Time).Seconds()
	if b.TransactionRate <= 0 || b.TransactionRate < rate*0.99 || b.TransactionRate > rate*1.01 || b.SentRate <= 0 {
		t.Errorf("rate %v, and %d transactions became %d", b.TransactionRate, a.Transactions, b.Transactions)
	}
	out, _, code = p.command(t, "top", "-u", "topped", "-n", "10ms", "--count", "1")
	if code != 0 || !strings.Contains(out, "TXN/S") || !strings.Contains(out, "topped") || strings.Contains(out, "\x1b") {
		t.Errorf("%d\n%q", code, out)
	}
}

// The page that the command serves reads the API of a Caddy that browsers may not ask, and nothing but that.
func TestPageCommand(t *testing.T) {
	p := start(t, "upstream UPSTREAM\nauth trust")
	cmd := osexec.CommandContext(t.Context(), os.Args[0], "pgtxn", "page", "--address", p.admin)
	cmd.Env = append(os.Environ(), incaddy.AsCaddy+"=1")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	base, _, _ := strings.Cut(said, "/pgtxn/ ")
	for _, test := range []struct {
		method, path, host string
		status             int
		want               string
	}{
		{"GET", "/pgtxn/", "", 200, "<!doctype html>"},
		{"GET", "/pgtxn/main.js", "", 200, "import"},
		{"GET", "/pgtxn/sessions?limit=1", "", 200, "["},
		{"GET", "/pgtxn/sessions/0", "", 404, `{"error":"there is no session 0, or it has ended"}`},
		{"GET", "/tlsreload/status", "", 404, "no app tlsreload"},
		{"GET", "/config/", "", 404, "see /pgtxn/"},
		{"GET", "/pgtxn/../config/", "", 404, "see /pgtxn/"},
		{"GET", "/pgtxn/sessions/../../debug/pprof/", "", 404, "see /pgtxn/"},
		{"GET", "/pgtxn/%2e%2e/config/", "", 404, "see /pgtxn/"},
		{"GET", "/pgtxn//../../config/", "", 404, "see /pgtxn/"},
		{"GET", "/pgtxn/config", "", 404, "there is nothing at /pgtxn/config"},
		{"POST", "/pgtxn/pools/pause", "", 405, "only reads"},
		{"GET", "/pgtxn/pools", "rebound.example", 403, "this is http://127.0.0.1:"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), test.method, base+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = test.host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != test.status || !strings.Contains(string(body), test.want) {
			t.Errorf("%s %s: %s %s", test.method, test.path, response.Status, body)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// In a terminal nothing is wider or longer than it, the busiest is first, and what has no rate yet has none.
func TestTopScreen(t *testing.T) {
	var now top
	for i := range 10 {
		view := relay.PoolView{User: fmt.Sprintf("user%d", i), Database: "ö", Sessions: i, Paused: i == 3}
		now.Pools = append(now.Pools, rated{PoolView: view, StatementRate: float64(i), SentRate: 20480, known: i > 0})
	}
	var out strings.Builder
	if err := (screen{width: 70, height: 8}).draw(&out, &now); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("\x1b[H", "", "\x1b[K", "", "\x1b[J", "").Replace(out.String())
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 7 || !strings.HasPrefix(lines[3], "user9  ö               9") || lines[6] != "… and 7 more" {
		t.Errorf("%d lines:\n%s", len(lines), text)
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > 70 {
			t.Errorf("%d wide: %s", n, line)
		}
	}
	out.Reset()
	if err := (screen{}).draw(&out, &now); err != nil || strings.Contains(out.String(), "\x1b") ||
		!strings.Contains(out.String(), "0 B  20 kB\n") || !strings.Contains(out.String(), "  -       -     -     -      -\n") ||
		!strings.Contains(out.String(), "  PAUSED\n") {
		t.Errorf("%v:\n%s", err, out.String())
	}
}

// Each thing that is wrong with a configuration is named.
func TestCheck(t *testing.T) {
	startPostgres(t)
	sql(t, "CREATE ROLE limited LOGIN CONNECTION LIMIT 3 PASSWORD 'x'")
	users := userList(t, "\"alice\" \"alice's secret\"\n\"bob\" \"x\"\n")
	hash := userList(t, "\"alice\" \"md50123456789abcdef0123456789abcdef\"\n\"bob\" \"md50123456789abcdef0123456789abcdef\"\n")
	wrong := userList(t, "\"alice\" \"wrong\"\n")
	for _, test := range []struct {
		name, options string
		code          int
		want          []string // each is in a line of the output, as words in this order
	}{
		{"all is well", "upstream UPSTREAM\nusers " + users, 0, []string{
			"alice login ok to database postgres", "bob login ok", "alice version ok PostgreSQL", "bob limits ok pool_size 20 of",
			"alice tls warning sslmode prefer does not protect",
		}},
		{"nobody listens", "upstream 127.0.0.1:1\nauth trust", 1, []string{"127.0.0.1:1 postgres connect ERROR refused"}},
		{"one of two", "upstream UPSTREAM 127.0.0.1:1\nauth trust", 1, []string{"postgres login ok", "127.0.0.1:1 postgres connect ERROR"}},
		{"TLS not trusted", "upstream UPSTREAM\nauth trust\nsslmode verify-full", 1, []string{"tls ERROR certificate"}},
		{"a wrong password", "upstream UPSTREAM\nusers " + wrong, 1, []string{"alice login ERROR password authentication failed"}},
		{"MD5, where it is not asked for", "upstream UPSTREAM\nusers " + hash, 1, []string{"alice login ERROR asks for one (SASL)", "bob login ok"}},
		{"no file", "upstream UPSTREAM\nusers /none", 1, []string{"users ERROR /none"}},
		{"a larger pool than the server has", "upstream UPSTREAM\nauth trust\npool_size 5000", 1, []string{"limits ERROR pool_size 5000 is more than max_connections"}},
		{"several that are too many", "upstream UPSTREAM\npool_size 100\nusers " + users, 0, []string{"limits warning 100 for each of 2 users is 200"}},
		{"the role's limit", "upstream UPSTREAM\nauth trust\nupstream_user limited", 1, []string{"limited limits ERROR the role's CONNECTION LIMIT, 3"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			checks(t, test.options, test.code, test.want)
		})
	}
}

// A file of verifiers lets nobody be tried without a client: --user is, and finds what does not depend on who it is.
func TestCheckVerifiers(t *testing.T) {
	startPostgres(t)
	options := "users " + userList(t, "\"alice\" \""+sql(t, "SELECT rolpassword FROM pg_authid WHERE rolname = 'alice'")+"\"\n\"dave\" \"\"\n") + "\nupstream "
	const untried = "alice users warning own login"
	checks(t, options+"UPSTREAM\npool_size 150", 0, []string{
		untried, "dave users warning empty password", "postgres login ok", "postgres limits warning 150 for each of 2 users is 300",
	})
	checks(t, options+"127.0.0.1:1", 1, []string{untried, "127.0.0.1:1 postgres connect ERROR refused"})
	checks(t, options+"UPSTREAM\nsslmode verify-full", 1, []string{untried, "postgres tls ERROR certificate"})
	checks(t, options+"UPSTREAM", 1, []string{untried, "postgres login ERROR 3D000"}, "--database", "missing")
	checks(t, options+"UPSTREAM", 0, []string{untried, "alice login warning not checked asks for one (SASL)"}, "--user", "alice")
	checks(t, options+"UPSTREAM\nsslmode disable", 0, []string{untried, "carol login warning not checked pg_hba.conf rejects"}, "--user", "carol")
}

// checks runs caddy pgtxn check, and looks for its exit code and for lines with these words.
func checks(t *testing.T, options string, wantCode int, lines []string, flags ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Caddyfile")
	text := strings.ReplaceAll(caddyfileOf("127.0.0.1:6432", "", options), "UPSTREAM", postgres.Addr)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := caddyCommand(t, append([]string{"check", "--config", file}, flags...)...)
	if code != wantCode {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	for _, line := range lines {
		if !hasLine(out, line) {
			t.Errorf("no line %q in\n%s", line, out)
		}
	}
	if wantCode == 0 && strings.Contains(out, checkError) {
		t.Error(out)
	}
}

// hasLine says whether a line has these words, in this order.
func hasLine(text, words string) bool {
lines:
	for line := range strings.Lines(text) {
		for _, word := range strings.Fields(words) {
			_, rest, found := strings.Cut(line, word)
			if !found {
				continue lines
			}
			line = rest
		}
		return true
	}
	return false
}
