package relay

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/story"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/walk"
)

// The random walk: see package walk. Seeds that are even play on a pool of one,
// the others on a pool of two. PGTXN_WALK is how long it takes (30m),
// PGTXN_WALK_SEED the seed of its first walk (the others are the numbers behind
// it), PGTXN_WALK_FAILURES how many differences it looks for.
func TestRandomWalk(t *testing.T) {
	length := environ(t, "PGTXN_WALK", time.ParseDuration, 20*time.Second)
	seed := environ(t, "PGTXN_WALK_SEED", parseUint, uint64(time.Now().UnixNano()))
	failures := environ(t, "PGTXN_WALK_FAILURES", parseUint, 1)
	t.Logf("PGTXN_WALK_SEED=%d", seed)
	server := pgtest.Start(t, pgtest.Setting("max_connections", "1000")) // shrinking leaves many behind
	direct := story.Target{Addr: server.Addr, Database: "postgres", User: pgtest.Superuser}
	if _, err := server.SQL(t.Context(), direct.Database, strings.Join(walk.Setup, ";\n")); err != nil {
		t.Fatal(err)
	}
	w := walker{t: t, server: direct}
	for deadline := time.Now().Add(length); time.Now().Before(deadline) && w.failures < failures; seed++ {
		w.play(seed)
	}
	t.Logf("%d walks, %d more that the server does not play", w.walks, w.unplayable)
	if w.unplayable > w.walks/20 {
		t.Error("too many walks that the server does not play")
	}
}

func parseUint(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) }

// environ is a value from the environment.
func environ[T any](t *testing.T, name string, parse func(string) (T, error), otherwise T) T {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	value, err := parse(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}

type walker struct {
	t      *testing.T
	server story.Target
	games  []*walk.Game // by their pool's size less 1, new after a difference

	walks, unplayable int
	failures          uint64
}

func (w *walker) play(seed uint64) {
	if w.games == nil {
		w.games = []*walk.Game{game(w.t, w.server, 1), game(w.t, w.server, 2)}
	}
	g, s := w.games[seed%2], walk.New(seed)
	switch err := g.Compare(s, seed); {
	case errors.Is(err, walk.ErrUnplayable):
		w.unplayable++
		w.t.Logf("seed %d: %v", seed, err)
		return
	case err != nil:
		w.games = nil
		w.failures++
		w.t.Errorf("seed %d, pool of %d: %v", seed, g.Proxy.Pool, err)
		w.shrink(s, seed, g.Proxy.Pool)
		return
	}
	w.walks++
}

// shrink plays on a new proxy each time, alone or behind some of the
// walks before on a pool of that size. A
// difference that is not found there is printed whole.
func (w *walker) shrink(s *story.Story, seed uint64, pool int) {
	deadline := time.Now().Add(time.Minute)
	for _, before := range []uint64{0, 5} {
		var last error
		fails := func(less *story.Story) (fails bool) {
			if time.Now().After(deadline) {
				return false
			}
			w.t.Run("shrink", func(t *testing.T) {
				g := game(t, w.server, pool)
				for n := before; n > 0; n-- {
					_ = g.Compare(walk.New(seed-2*n), seed-2*n)
				}
				err := g.Compare(less, seed)
				if fails = err != nil && !errors.Is(err, walk.ErrUnplayable); fails {
					last = err
				}
			})
			return fails
		}
		if fails(s) {
			s = walk.Shrink(s, fails)
			w.t.Errorf("shrunk, behind %d others: %v\n%s", before, last, walk.Text(s))
			return
		}
	}
	w.t.Errorf("not shrunk:\n%s", walk.Text(s))
}

func game(t *testing.T, server story.Target, pool int) *walk.Game {
	cfg := config(server.Addr, pool)
	cfg.SharedCustom = pool == 1 // or nobody would use a backend after the others
	if pool == 2 {
		cfg.Verify = VerifyAlways // drift is a warning, and so a difference
	}
	alarm := &alarm{Handler: cfg.Log.Handler()}
	cfg.Log = slog.New(alarm)
	proxy := server
	proxy.Addr, proxy.Pool = start(t, cfg).addr, pool
	g := &walk.Game{Server: server, Proxy: proxy, Shared: cfg.SharedCustom, Alarm: alarm.take}
	t.Cleanup(g.Close)
	return g
}

// alarm keeps what the proxy warns of: a tracker that disagrees with the server is
// a difference before a client sees one.
type alarm struct {
	slog.Handler
	sync.Mutex
	text string
}

func (a *alarm) Enabled(context.Context, slog.Level) bool { return true }

func (a *alarm) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		a.Lock()
		defer a.Unlock()
		a.text += r.Message + "\n"
		r.Attrs(func(attr slog.Attr) bool {
			a.text += "  " + attr.String() + "\n"
			return true
		})
	}
	if a.Handler.Enabled(ctx, r.Level) {
		return a.Handler.Handle(ctx, r)
	}
	return nil
}

func (a *alarm) take() string {
	a.Lock()
	defer a.Unlock()
	text := a.text
	a.text = ""
	return text
}
