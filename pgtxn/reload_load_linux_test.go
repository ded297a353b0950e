package pgtxn

import (
	"fmt"
	"io"
	"net/http"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// ownValue is a load in which each client has a value of its own, in and out of transactions, and fails (division by
// zero) when it finds another.
const ownValue = `SELECT 1 / (coalesce(nullif(current_setting('my.id', true), ''), ':client_id') = ':client_id')::int;
SET my.id = ':client_id';
BEGIN;
SET LOCAL my.id = 'local :client_id';
UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = 1 + :client_id;
SELECT 1 / (current_setting('my.id') = 'local :client_id')::int;
COMMIT;
SELECT 1 / (current_setting('my.id') = ':client_id')::int;
`

// The configuration is reloaded again and again, each time another, under pgbench with 32 clients and TLS on both sides:
// no client sees an error or loses its session, and nothing is left behind. PGTXN_RELOADS=200 reloads more often.
func TestReloadsUnderLoad(t *testing.T) {
	reloads := 20
	if n, err := strconv.Atoi(os.Getenv("PGTXN_RELOADS")); err == nil {
		reloads = n
	}
	startPostgres(t)
	if _, err := osexec.LookPath(postgres.Bin("pgbench")); err != nil {
		t.Fatal(err)
	}
	l := &reloading{proxy: prepare(t, certificates)}
	l.extra = freeAddress(t)
	l.users = filepath.Join(l.dir, "users.txt")
	l.load(t, 0)
	l.caddy = l.spawn(t, l.options(0))
	incaddy.Await(t, "Caddy's authority is there", func() bool { _, err := os.Stat(l.rootCert()); return err == nil })
	l.awaitCertificate(t)
	sql(t, "DROP DATABASE IF EXISTS reloading; CREATE DATABASE reloading OWNER alice")
	l.bench(t, "-i", "-s", "4", "-q").wait(t)

	l.underLoad(t, 1, 5) // until all is in memory that will be
	before := l.measure(t)
	l.underLoad(t, 6, reloads)
	after := l.measure(t)
	t.Logf("%d reloads: before %v, after %v", reloads, before, after)
	if after.goroutines > before.goroutines || after.files > before.files || after.heap > before.heap+before.heap/4 {
		t.Errorf("left behind by %d reloads: before %v, after %v\n%s", reloads, before, after, l.pprof(t, "goroutine"))
	}
}

// reloading is a proxy whose configuration changes.
type reloading struct {
	*proxy
	caddy *osexec.Cmd
	users string // the file
	extra string // the address of a listener that comes and goes
}

// options are those of configuration n.
func (l *reloading) options(n int) string {
	return fmt.Sprintf("upstream UPSTREAM\nsslmode require\nusers %s\ntls\npool_size %d\nwait_timeout %ds\nidle_timeout %s\nmax_lifetime %s\n"+
		"connect_timeout %ds\nmax_pinned %d\npin_timeout %ds\nlogin_timeout %ds\nlog_min_wait %ds\nshutdown_timeout %ds",
		l.users, 6+n%3*4, 60+n%2, []string{"1s", "200ms"}[n%2], []string{"1h", "300ms", "1s"}[n%3], 20+n%2, 2+n%3, 30+n%2, 30+n%2, 10+n%2, 5+n%2)
}

// load writes the users file of configuration n, and returns its Caddyfile: every second one has a listener more.
func (l *reloading) load(t *testing.T, n int) string {
	t.Helper()
	users := fmt.Sprintf("\"alice\" \"alice's secret\"\n\"user %d\" \"secret\"\n", n)
	if err := os.WriteFile(l.users, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	text := caddyfileOf(l.addr, l.globals, l.options(n))
	if n%2 == 1 {
		text = strings.Replace(text, "layer4 {\n", "layer4 {\n"+l.extra+" {\nroute {\npgtxn {\n"+l.options(n)+"\n}\n}\n}\n", 1)
	}
	return strings.ReplaceAll(text, "UPSTREAM", postgres.Addr)
}

// reload has Caddy run with configuration n, as `caddy reload` does. The admin API is another one then, too, and is away
// for a moment.
func (l *reloading) reload(t *testing.T, n int) {
	t.Helper()
	text := l.load(t, n)
	incaddy.Await(t, "the admin API is there", func() bool {
		response, err := http.Post("http://"+l.admin+"/load", "text/caddyfile", strings.NewReader(text))
		if err != nil {
			return false
		}
		defer response.Body.Close()
		if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
			t.Fatalf("configuration %d: %s\n%s", n, body, text)
		}
		return true
	})
	http.DefaultClient.CloseIdleConnections()
}

// underLoad reloads count times, beginning with configuration first, while 32 clients work, and ends with one that has
// no extra listener.
func (l *reloading) underLoad(t *testing.T, first, count int) {
	t.Helper()
	script := filepath.Join(l.dir, "own_value.sql")
	if err := os.WriteFile(script, []byte(ownValue), 0o600); err != nil {
		t.Fatal(err)
	}
	loads := []*bench{
		l.bench(t, "-n", "-T", "3600", "-c", "16", "-f", script),
		l.bench(t, "-n", "-T", "3600", "-c", "16", "-M", "prepared", "-j", "16"), // it prepares without looking after others of the thread
	}
	var ids []string
	incaddy.Await(t, "all clients are there", func() bool {
		ids = l.sessions(t)
		return len(ids) == 32
	})
	leave := func() {}
	for n := range count {
		l.reload(t, first+n)
		leave()
		leave = l.visit(t, first+n)
	}
	if got := l.sessions(t); !slices.Equal(got, ids) {
		t.Errorf("the sessions were %v, and are %v", ids, got)
	}
	for _, b := range loads {
		if err := b.Process.Signal(syscall.SIGALRM); err != nil { // what ends pgbench when its time is over
			t.Fatal(err)
		}
		t.Logf("%d transactions", b.wait(t))
	}
	l.reload(t, 0)
	leave()
	incaddy.Await(t, "no session is left", func() bool { return len(l.sessions(t)) == 0 })
}

// visit connects anew. By the extra listener, if there is one, two come, who leave when it is removed with the next
// configuration: the idle one at once, the other with its transaction.
func (l *reloading) visit(t *testing.T, n int) (leave func()) {
	t.Helper()
	conn := l.client(t, l.addr)
	if got := ask(t, conn, "SELECT 'x'"); got != "x" {
		t.Errorf("answer %q", got)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n%2 == 0 {
		return func() {}
	}
	idle, busy := l.client(t, l.extra), l.client(t, l.extra)
	exec(t, busy, "SET my.id = 1; BEGIN; SET LOCAL my.id = 2")
	return func() { l.drained(t, idle, busy) }
}

func (l *reloading) drained(t *testing.T, idle, busy *pgx.Conn) {
	t.Helper()
	if err := idle.PgConn().Conn().SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := idle.WaitForNotification(t.Context()); sqlState(err) != "57P01" {
		t.Errorf("the idle client of a listener that was removed got %v", err)
	}
	if got := ask(t, busy, "SHOW my.id"); got != "2" {
		t.Errorf("my.id is %s", got)
	}
	exec(t, busy, "COMMIT")
	if _, err := busy.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("the session goes on without its listener behind its transaction")
	}
}

// client logs alice in.
func (l *reloading) client(t *testing.T, addr string) *pgx.Conn {
	t.Helper()
	_, port, _ := strings.Cut(addr, ":")
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=localhost port=%s user=alice password='alice\\'s secret' dbname=reloading sslmode=require", port))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// sessions returns the ids of pgbench's.
func (l *reloading) sessions(t *testing.T) (ids []string) {
	t.Helper()
	for _, view := range get[[]relay.SessionView](t, l.proxy, "/pgtxn/sessions?application_name=pgbench") {
		ids = append(ids, view.ID)
	}
	return ids
}

// bench is a running pgbench, whose words are kept.
type bench struct {
	*osexec.Cmd
	out strings.Builder
}

func (l *reloading) bench(t *testing.T, args ...string) *bench {
	t.Helper()
	_, port, _ := strings.Cut(l.addr, ":")
	b := &bench{Cmd: osexec.CommandContext(t.Context(), postgres.Bin("pgbench"), args...)}
	b.Env = append(os.Environ(), "PGHOST=localhost", "PGHOSTADDR=127.0.0.1", "PGPORT="+port, "PGUSER=alice", "PGPASSWORD=alice's secret", "PGDATABASE=reloading", "PGSSLMODE=require")
	b.Stdout, b.Stderr = &b.out, &b.out
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	processed = regexp.MustCompile(`(?m)^number of transactions actually processed: (\d+)`)
	failed    = regexp.MustCompile(`(?m)^number of failed transactions: 0 |^done in`)
)

// wait returns how many transactions there were, when pgbench has ended without an error.
func (b *bench) wait(t *testing.T) (transactions int) {
	t.Helper()
	if err := b.Wait(); err != nil || !failed.MatchString(b.out.String()) || strings.Contains(b.out.String(), "error") {
		t.Errorf("pgbench: %v\n%s", err, b.out.String())
	}
	if m := processed.FindStringSubmatch(b.out.String()); m != nil {
		transactions, _ = strconv.Atoi(m[1])
	}
	return transactions
}

// usage is what a process has.
type usage struct {
	goroutines, files int
	heap              uint64 // bytes, behind a collection of garbage
}

func (u usage) String() string {
	return fmt.Sprintf("%d goroutines, %d files, %.1f MB", u.goroutines, u.files, float64(u.heap)/1e6)
}

// measure takes the least of what the process has within some seconds: what ends may take a while.
func (l *reloading) measure(t *testing.T) (least usage) {
	t.Helper()
	for i := range 20 {
		u := usage{goroutines: l.profiled(t, "goroutine", `total (\d+)`), heap: uint64(l.profiled(t, "heap", `(?m)^# HeapAlloc = (\d+)`))}
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", l.caddy.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		u.files = len(files)
		if i == 0 {
			least = u
		}
		least = usage{min(least.goroutines, u.goroutines), min(least.files, u.files), min(least.heap, u.heap)}
		time.Sleep(100 * time.Millisecond)
	}
	return least
}

func (l *reloading) profiled(t *testing.T, profile, value string) int {
	t.Helper()
	m := regexp.MustCompile(value).FindStringSubmatch(l.pprof(t, profile))
	if m == nil {
		t.Fatalf("no %s in the profile", value)
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func (l *reloading) pprof(t *testing.T, profile string) string {
	t.Helper()
	_, text := l.request(t, http.MethodGet, "/debug/pprof/"+profile+"?debug=1&gc=1")
	http.DefaultClient.CloseIdleConnections()
	return text
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := pgtest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}
