package pgtxn

import (
	"context"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

const consoleOptions = "upstream UPSTREAM\nauth trust\nadmin_users root\nstats_users watcher"

// psql runs the real one and returns what it prints, notices and errors included.
func (p *proxy) psql(t *testing.T, user string, args ...string) string {
	t.Helper()
	host, port, _ := strings.Cut(p.addr, ":")
	args = append([]string{"-X", "-h", host, "-p", port, "-U", user, "-d", "pgtxn"}, args...)
	out, _ := osexec.CommandContext(t.Context(), "psql", args...).CombinedOutput()
	return strings.TrimSpace(string(out))
}

// The columns that PgBouncer 1.26.1 shows for these, as it was asked.
var pgbouncerColumns = map[string]string{
	"POOLS": "database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active sv_active_cancel sv_being_canceled " +
		"sv_idle sv_used sv_tested sv_login maxwait maxwait_us pool_mode load_balance_hosts",
	"CLIENTS": "type user database replication state addr port local_addr local_port connect_time request_time wait wait_us close_needed " +
		"ptr link remote_pid tls application_name prepared_statements id",
	"SERVERS": "type user database replication state addr port local_addr local_port connect_time request_time wait wait_us close_needed " +
		"ptr link remote_pid tls application_name prepared_statements id",
	"DATABASES": "name host port database force_user pool_size min_pool_size reserve_pool_size server_lifetime pool_mode load_balance_hosts " +
		"max_connections current_connections max_client_connections current_client_connections paused disabled",
	"STATS": "database total_server_assignment_count total_xact_count total_query_count total_received total_sent total_xact_time " +
		"total_query_time total_wait_time",
	"LISTS":   "list items",
	"CONFIG":  "key value default changeable",
	"VERSION": "version",
}

// Columns that PgBouncer has too are in its order, and ours behind them.
func TestConsoleColumns(t *testing.T) {
	p := start(t, consoleOptions)
	for what, theirs := range pgbouncerColumns {
		header, _, _ := strings.Cut(p.psql(t, "watcher", "-A", "-c", "SHOW "+what), "\n")
		last, own := -1, false
		for name := range strings.SplitSeq(header, "|") {
			at := slices.Index(strings.Fields(theirs), name)
			if own = own || at < 0; at >= 0 && (at < last || own) {
				t.Errorf("SHOW %s: %s is not where PgBouncer has it, in %s", what, name, header)
			}
			last = at
		}
		if !strings.HasPrefix(theirs, strings.SplitN(header, "|", 2)[0]) {
			t.Errorf("SHOW %s: %s", what, header)
		}
	}
}

// What the console shows is what the admin API says.
func TestConsoleShows(t *testing.T) {
	params := role(t, "shown")
	sql(t, "CREATE DATABASE shown")
	p := start(t, consoleOptions+"\npool_size 7")
	conn := p.mustConnect(t, params+" dbname=shown application_name='the app'")
	exec(t, conn, "BEGIN; SET LOCAL my.x = 'a|b'; SAVEPOINT \"S\"; SELECT pg_advisory_lock(1)")
	view, pool := p.session(t, conn), p.pool(t, "shown")
	backend := get[[]relay.PooledView](t, p, "/pgtxn/backends?user=shown")[0]
	_, port, _ := strings.Cut(view.Client, ":")
	upstream, upstreamPort, _ := strings.Cut(postgres.Addr, ":")
	pid := fmt.Sprint(view.Backend.PID)
	for command, want := range map[string]string{
		"SHOW POOLS": fmt.Sprintf("shown|shown|1|0|1|0|0|0|0|transaction|7|0|%s", postgres.Addr),
		"show clients;": strings.Join([]string{"C", "shown", "shown", "active", "127.0.0.1", port, view.Since, "0", "0", "0", pid, "",
			"the app", view.ID}, "|"),
		"SHOW SERVERS": strings.Join([]string{"S", "shown", "shown", "active", upstream, upstreamPort, backend.Since, "0",
			view.ID, pid, "TLS", "0"}, "|"),
		"SHOW SESSIONS": strings.Join([]string{view.ID, view.Client, "shown", "shown", "the app", "active", "T", view.ID + ".1", "2", "session advisory lock", pid,
			"0", "4", fmt.Sprint(view.Received), fmt.Sprint(view.Sent), ""}, "|"),
		"SHOW DATABASES":                       strings.Join([]string{"shown", upstream, upstreamPort, "shown", "7", "1", "1", "0", "1"}, "|"),
		"SHOW STATS":                           fmt.Sprintf("shown|%d|0|%d|%d|%d|", pool.Lent, pool.Statements, pool.Received, pool.Sent),
		"SHOW CONFIG":                          "pool_size|7|20\n",
		"SHOW VERSION":                         "pgtxn (devel), Caddy ",
		"SHOW LISTS":                           "used_clients|1",
		"SHOW FRAMES " + view.ID:               "0|session|||||\n1|transaction||my.x|a|b|local|0\n2|savepoint|S||||",
		"SHOW client_encoding":                 "UTF8",
		"SHOW POOLS; SHOW DATABASES -- both\n": "|1|0|1\n",
		"/* nothing */":                        "",
	} {
		if got := p.psql(t, "root", "-A", "-t", "-c", command) + "\n"; !strings.Contains(got, want) {
			t.Errorf("%s:\n%swant %s", command, got, want)
		}
	}
	expanded := p.psql(t, "watcher", "-x", "-c", "SHOW POOLS")
	if !strings.Contains(expanded, "-[ RECORD 1 ]") || !strings.Contains(expanded, "cl_active  | 1") {
		t.Errorf("expanded:\n%s", expanded)
	}
	exec(t, conn, "COMMIT")
	incaddy.Await(t, "the pin is in the log", func() bool {
		return strings.Contains(p.psql(t, "root", "-A", "-t", "-c", "SHOW LOG"), "|pin|"+view.ID+"|")
	})
}

// Who may do what, and what is said to those who may not or mistype.
func TestConsoleRefuses(t *testing.T) {
	p := start(t, consoleOptions)
	for _, test := range []struct{ user, command, want string }{
		{"nobody", "SHOW POOLS", `user "nobody" may not use the console`},
		{"watcher", "PAUSE", "PAUSE is for users in admin_users"},
		{"watcher", "SHOW FRAMES 1", "SHOW FRAMES is for users in admin_users"},
		{"root", "SHOW POOL", "Did you mean SHOW POOLS?"},
		{"root", "SELECT 1", "there is no command \"SELECT 1\"\nHINT:  This is the console of the connection pool."},
		{"root", "SELECT a, b FROM c", `there is no command "SELECT a, b …"`},
		{"root", "PAUSE a b", "the command is: PAUSE [<database>]"},
		{"root", "PAUSE nowhere", `there is no pool of a database "nowhere"`},
		{"root", `PAUSE ""`, "the name of the database is empty\nHINT:  Leave it out for all pools."},
		{"root", `KILL ""`, "the name of the database is empty"},
		{"root", "RESUME ''", "the name of the database is empty"},
		{"root", "RESUME", "all pools: it is not paused"},
		{"root", "KILL_CLIENT 0", "there is no session 0, or it has ended"},
		{"root", "SET pool_size = 3", `"pool_size" can't be set here`},
		{"root", "SET extra_float_digits=3", "SET"},
	} {
		if got := p.psql(t, test.user, "-c", test.command); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s: %s\nwant %s", test.user, test.command, got, test.want)
		}
	}
	off := start(t, "upstream UPSTREAM\nauth trust")
	if got := off.psql(t, "postgres", "-c", "SHOW POOLS"); !strings.Contains(got, `database "pgtxn" does not exist`) {
		t.Errorf("without the options: %s", got)
	}
}

// A console of another name leaves the database pgtxn to the server, and asks for passwords as all clients are asked.
func TestConsoleName(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(users, []byte(`"alice" "alice's secret"`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "upstream UPSTREAM\nusers "+users+"\nadmin_users alice\nconsole_dbname pgbouncer")
	host, port, _ := strings.Cut(p.addr, ":")
	for secret, want := range map[string]string{"alice's secret": "pgtxn ", "wrong": "password authentication failed"} {
		psql := osexec.CommandContext(t.Context(), "psql", "-X", "-h", host, "-p", port, "-U", "alice", "-d", "pgbouncer", "-Atc", "SHOW VERSION")
		psql.Env = append(psql.Environ(), "PGPASSWORD="+secret)
		out, _ := psql.CombinedOutput()
		if !strings.Contains(string(out), want) {
			t.Errorf("%s", out)
		}
	}
}

// PAUSE returns when all server connections are closed; who gives it up takes it back.
func TestConsoleSteers(t *testing.T) {
	params := role(t, "steered")
	p := start(t, consoleOptions)
	conn := p.mustConnect(t, params)
	exec(t, conn, "BEGIN")
	console := p.mustConnect(t, "user=root dbname=pgtxn sslmode=disable")
	paused := make(chan error, 1)
	ctx, giveUp := context.WithCancel(t.Context())
	go func() {
		_, err := console.Exec(ctx, "PAUSE postgres")
		paused <- err
	}()
	incaddy.Await(t, "it is paused", func() bool { return p.pool(t, "steered").Paused })
	if err := console.PgConn().CancelRequest(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-paused; sqlState(err) != "57014" || p.pool(t, "steered").Paused {
		t.Errorf("cancelled: %v, paused %v", err, p.pool(t, "steered").Paused)
	}
	giveUp()
	go func() { paused <- errorOf(p.psql(t, "root", "-c", "PAUSE postgres")) }()
	incaddy.Await(t, "it is paused", func() bool { return p.pool(t, "steered").Paused })
	select {
	case err := <-paused:
		t.Errorf("in a transaction: %v", err)
	default:
	}
	exec(t, conn, "COMMIT")
	if err := <-paused; err != nil {
		t.Error(err)
	}
	if got := p.psql(t, "root", "-c", "PAUSE postgres"); !strings.Contains(got, "it is paused already") {
		t.Error(got)
	}
	for _, command := range []string{"RESUME postgres", "RECONNECT", "RELOAD"} {
		if got := p.psql(t, "root", "-c", command); got != strings.Fields(command)[0] {
			t.Errorf("%s: %s", command, got)
		}
	}
	incaddy.Await(t, "the log says who did it", func() bool {
		return strings.Contains(p.log(t), `"user":"root","command":"RECONNECT"`)
	})
	exec(t, conn, "SELECT 1")
	if got := p.psql(t, "root", "-c", "KILL_CLIENT "+p.session(t, conn).ID); got != "KILL_CLIENT" {
		t.Error(got)
	}
	if _, err := conn.Exec(t.Context(), "SELECT 1"); sqlState(err) != "57P01" {
		t.Errorf("killed: %v", err)
	}
	conn = p.mustConnect(t, params)
	if got := p.psql(t, "root", "-c", "KILL postgres"); got != "KILL" {
		t.Error(got)
	}
	if _, err := conn.Exec(t.Context(), "SELECT 1"); sqlState(err) != "57P01" || !p.pool(t, "steered").Paused {
		t.Errorf("killed: %v", err)
	}
	if got := p.psql(t, "root", "-c", "RESUME postgres"); got != "RESUME" {
		t.Error(got)
	}
}

// What is sent in front of a goodbye is done first.
func TestConsoleGoodbye(t *testing.T) {
	p := start(t, consoleOptions)
	console := p.mustConnect(t, "user=root dbname=pgtxn sslmode=disable")
	var last []byte
	for range 60 { // the goodbye is read while these are answered
		last, _ = (&pgproto3.Query{String: "SHOW HELP"}).Encode(last)
	}
	last, _ = (&pgproto3.Query{String: "RESUME"}).Encode(last)
	last, _ = (&pgproto3.Terminate{}).Encode(last)
	for range 5 {
		exec(t, console, "PAUSE")
		leaving, err := p.mustConnect(t, "user=root dbname=pgtxn sslmode=disable").PgConn().Hijack()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := leaving.Conn.Write(last); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, leaving.Conn); err != nil {
			t.Fatal(err)
		}
		if _, err := console.Exec(t.Context(), "RESUME"); sqlState(err) != "55000" {
			t.Fatalf("it was still paused: %v", err)
		}
	}
}

// errorOf is psql's error, if it is one.
func errorOf(out string) error {
	if strings.Contains(out, "ERROR") {
		return fmt.Errorf("%s", out)
	}
	return nil
}

// Drivers ask in the extended protocol, with numbers in binary, and in each of pgx's other ways.
func TestConsoleExtended(t *testing.T) {
	params := role(t, "driven")
	p := start(t, consoleOptions+"\npool_size 9")
	exec(t, p.mustConnect(t, params), "SELECT 1")
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec,
		pgx.QueryExecModeSimpleProtocol,
	} {
		console := p.mustConnect(t, "user=watcher dbname=pgtxn sslmode=disable")
		for range 2 {
			rows, _ := console.Query(t.Context(), "SHOW POOLS", mode)
			pools, err := pgx.CollectRows(rows, pgx.RowToMap)
			if err != nil || !slices.ContainsFunc(pools, func(p map[string]any) bool { return p["pool_size"] == int64(9) && p["user"] == "driven" }) {
				t.Errorf("%s: %v %v", mode, pools, err)
			}
			_, err = console.Exec(t.Context(), "PAUSE", mode)
			if sqlState(err) != "42501" {
				t.Errorf("%s: %v", mode, err)
			}
			if _, err = console.Exec(t.Context(), "SHOW FOO", mode); sqlState(err) != "42601" {
				t.Errorf("%s: %v", mode, err)
			}
			if err := console.Ping(t.Context()); err != nil {
				t.Errorf("%s: %v", mode, err)
			}
		}
	}
	console := p.mustConnect(t, "user=watcher dbname=pgtxn sslmode=disable")
	if _, err := console.Exec(t.Context(), "SHOW POOLS", pgx.QueryExecModeExec, 7); sqlState(err) != "08P01" {
		t.Errorf("with a parameter: %v", err)
	}
}

// What CONFIG calls the defaults is what options that are left out stand for.
func TestDefaults(t *testing.T) {
	start(t, consoleOptions)
	left, written := &Handler{Upstreams: []string{postgres.Addr}, Auth: "trust", AuthUser: "postgres"}, defaults()
	written.Upstreams, written.Auth, written.AuthUser, written.StatsUsers = left.Upstreams, left.Auth, left.AuthUser, []string{"somebody"}
	written.TCPKeepalivesIdle, written.TCPKeepalivesInterval, written.TCPKeepalivesCount = 0, 0, 0 // nothing is set then
	for _, h := range []*Handler{left, &written} {
		if err := h.Provision(caddy.ActiveContext()); err != nil {
			t.Fatal(err)
		}
	}
	written.config.Identity = left.config.Identity // which is of what was written
	a, b := reflect.ValueOf(*left.config), reflect.ValueOf(*written.config)
	for i := range a.NumField() {
		if f := a.Field(i); f.Comparable() && f.Kind() != reflect.Pointer && f.Kind() != reflect.Interface && !f.Equal(b.Field(i)) {
			t.Errorf("%s is %v, by default %v", a.Type().Field(i).Name, b.Field(i), f)
		}
	}
}

// Stopping Caddy ends visits, with a word.
func TestConsoleShutdown(t *testing.T) {
	p, caddy := startProcess(t, consoleOptions)
	console := p.mustConnect(t, "user=watcher dbname=pgtxn sslmode=disable")
	if err := caddy.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := console.PgConn().Conn().SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := console.WaitForNotification(t.Context()); sqlState(err) != "57P01" {
		t.Errorf("the visitor got %v", err)
	}
	if err := caddy.Wait(); err != nil {
		t.Error(err)
	}
}
