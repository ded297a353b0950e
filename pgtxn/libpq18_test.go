package pgtxn

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/debian"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// psql and pg_dump with libpq 18, of Debian's newest suite: protocol 3.2 with its
// long keys to cancel, TLS without a request for it, and what a client may insist
// upon. They take some 30 MB, so they run when asked for: scripts/drivers.

// libpq18 runs one of the programs for an address and returns what it prints.
type libpq18 struct{ *debian.Programs }

func newLibpq18(t *testing.T) libpq18 {
	t.Helper()
	if !slices.Contains(strings.Fields(os.Getenv("PGTXN_DRIVERS")), "libpq18") {
		t.Skip("only with libpq18 in PGTXN_DRIVERS: scripts/drivers libpq18")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	p, err := debian.Unpack(t.Context(), filepath.Join(cache, "caddy-pgtxn", "libpq18"), "sid", "postgresql-client-18")
	if err != nil {
		t.Fatal(err)
	}
	return libpq18{p}
}

func (l libpq18) command(ctx context.Context, t *testing.T, addr, conninfo, program string, args ...string) *osexec.Cmd {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	target := fmt.Sprintf("host=localhost hostaddr=%s port=%s dbname=postgres user=app password=pencil %s", host, port, conninfo)
	argv := l.Command("usr/lib/postgresql/18/bin/"+program, append(args, "-d", target)...)
	cmd := osexec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PGPASSFILE=/nonexistent", "HOME=/nonexistent")
	cmd.WaitDelay = time.Second
	return cmd
}

func (l libpq18) run(t *testing.T, addr, conninfo, program string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	out, _ := l.command(ctx, t, addr, conninfo, program, args...).CombinedOutput()
	return strings.TrimSpace(string(out))
}

func TestLibpq18(t *testing.T) {
	l := newLibpq18(t)
	startPostgres(t)
	cert, key := testca.SelfSigned(t)
	s := loginServer(t, []string{"hostssl all all 127.0.0.1/32 scram-sha-256", "local all all trust"}, pgtest.TLS(cert, key, nil))
	serverSQL(t, s, "CREATE TABLE t AS SELECT g, md5(g::text) FROM generate_series(1, 5000) g; GRANT ALL ON t TO app")
	p := start(t, "upstream "+s.Addr+"\nsslmode require\nusers "+newUsers(t, "app", rolpassword(t, s, "app"))+"\ntls", certificates)
	p.awaitCertificate(t)

	const who = `SELECT current_user, regexp_replace(current_setting('server_version'), '[. ].*', '') <> ''`
	for _, conninfo := range []string{
		"sslmode=require", "sslmode=require max_protocol_version=latest", "sslmode=require min_protocol_version=3.2",
		"sslmode=require sslnegotiation=direct", "sslmode=require channel_binding=require", "sslmode=require require_auth=scram-sha-256",
		"sslmode=require sslnegotiation=direct channel_binding=require require_auth=scram-sha-256 min_protocol_version=3.2 max_protocol_version=3.2",
	} {
		if got := l.run(t, p.addr, conninfo, "psql", "-XqAtw", "-c", who); got != "app|t" {
			t.Errorf("%s: %s", conninfo, got)
		}
	}
	if got := l.run(t, p.addr, "sslmode=require require_auth=password", "psql", "-XqAtw", "-c", who); !strings.Contains(got, "authentication method requirement") {
		t.Errorf("a client that wants another method: %s", got)
	}
	for _, version := range []string{"3.0", "3.2"} {
		t.Run("cancel with protocol "+version, func(t *testing.T) { l.interrupt(t, s, p, "sslmode=require max_protocol_version="+version) })
	}
	dump := func(addr string) string {
		return restrictKey.ReplaceAllString(l.run(t, addr, "sslmode=require", "pg_dump", "-w"), "")
	}
	if direct, through := dump(s.Addr), dump(p.addr); direct != through || len(direct) < 100000 {
		t.Errorf("pg_dump: %d bytes through the proxy, %d directly", len(through), len(direct))
	}
}

// restrictKey is at random in each dump.
var restrictKey = regexp.MustCompile(`(?m)^\\(un)?restrict .*$`)

// interrupt has psql cancel its query, as Ctrl-C does.
func (l libpq18) interrupt(t *testing.T, s *pgtest.Server, p *proxy, conninfo string) {
	cmd := l.command(t.Context(), t, p.addr, conninfo, "psql", "-XqAtw", "-c", `\conninfo`, "-c", "SELECT 'begun'", "-c", "SELECT pg_sleep(60) /* "+conninfo+" */")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	incaddy.Await(t, "the query", func() bool {
		return serverSQL(t, s, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND usename = 'app' AND query LIKE '%pg_sleep(60)%"+conninfo+"%'") == "1"
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_ = cmd.Wait()
	text := out.String()
	for _, want := range []string{"begun", "canceling statement due to user request", conninfo[len(conninfo)-3:]} {
		if !strings.Contains(text, want) {
			t.Errorf("psql printed\n%s\nwithout %q", text, want)
		}
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}
