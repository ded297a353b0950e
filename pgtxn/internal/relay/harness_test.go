package relay

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// common is the server that most tests share; it starts with the first of them.
var common struct {
	sync.Once
	server *pgtest.Server
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if common.server != nil {
		if err := common.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// postgres is the common server. Whoever uses it leaves no roles and settings behind
// that others would notice, and works in a database of its own (see [database]). No
// worker of autovacuum is ever in one: those are counted as its backends are.
func postgres(tb testing.TB) *pgtest.Server {
	tb.Helper()
	common.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		common.server, common.err = pgtest.Run(ctx, pgtest.Setting("autovacuum", "off"))
	})
	if common.err != nil {
		tb.Fatal(common.err)
	}
	return common.server
}

// place is where a test's clients connect to: PostgreSQL, or a proxy before it.
type place struct {
	addr     string
	database string // the test's own
	user     string
	proxy    *proxy // nil: PostgreSQL itself
}

// behind is p behind a proxy with a pool of size.
func (p place) behind(tb testing.TB, size int, change ...func(*Config)) place {
	tb.Helper()
	cfg := config(p.addr, size)
	for _, f := range change {
		f(cfg)
	}
	p.proxy = start(tb, cfg)
	p.addr = p.proxy.addr
	return p
}

// both runs a test on PostgreSQL and through a proxy with one backend, each in a
// database of its own: what is expected is the same.
func both(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	t.Run("direct", func(t *testing.T) { test(t, database(t)) })
	t.Run("proxy", func(t *testing.T) { test(t, database(t).behind(t, 1)) })
}

// eventually waits for what another process will do without telling us: the
// condition is asked again and again until it holds.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			tb.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// atRest waits until nobody works in the test's database: all backends are idle
// outside of transactions and hold no locks, and there are not more than the pool
// may have.
func atRest(t testing.TB, p place) {
	t.Helper()
	var seen string
	ask := fmt.Sprintf(`SELECT count(*) FILTER (WHERE application_name <> 'caddy_pgtxn listen'), count(*) FILTER (WHERE state <> 'idle' OR backend_xid IS NOT NULL),
		(SELECT count(*) FROM pg_locks JOIN pg_stat_activity b USING (pid) WHERE b.datname = a.datname)
		FROM pg_stat_activity a WHERE datname = '%s' GROUP BY datname`, p.database)
	eventually(t, "all backends idle, and no more than the pool may have", func() bool {
		seen = sql(t, "postgres", ask) // the server takes its time to end a process whose connection is closed
		count, rest, _ := strings.Cut(seen, "|")
		n, _ := strconv.Atoi(count)
		return seen == "" || rest == "0|0" && (p.proxy == nil || n <= p.proxy.cfg.PoolSize)
	})
}

// quiet is a log for tests in which errors are expected.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
