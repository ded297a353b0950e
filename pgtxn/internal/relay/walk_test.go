package relay

import (
	"context"
	"errors"
	"log/slog"
	"math"
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

// The random walk: see package walk. The seed decides the pool that it is played
// on. PGTXN_WALK is how long it takes (30m), PGTXN_WALK_SEED the seed of its first
// walk (the others are the numbers behind it), PGTXN_WALKS how many walks are
// enough, PGTXN_WALK_FAILURES how many differences. scripts/walks is the long run.
func TestRandomWalk(t *testing.T) {
	length := environ(t, "PGTXN_WALK", time.ParseDuration, 20*time.Second)
	seed := environ(t, "PGTXN_WALK_SEED", parseUint, uint64(time.Now().UnixNano()))
	enough := environ(t, "PGTXN_WALKS", strconv.Atoi, math.MaxInt)
	failures := environ(t, "PGTXN_WALK_FAILURES", parseUint, 1)
	t.Logf("PGTXN_WALK_SEED=%d", seed)
	server := pgtest.Start(t, pgtest.Setting("max_connections", "200"), pgtest.Setting("shared_buffers", "4MB")) // shrinking leaves many behind
	direct := story.Target{Addr: server.Addr, Database: "postgres", User: pgtest.Superuser}
	if _, err := server.SQL(t.Context(), direct.Database, strings.Join(walk.Setup, ";\n")); err != nil {
		t.Fatal(err)
	}
	w := walker{t: t, server: direct}
	for deadline := time.Now().Add(length); time.Now().Before(deadline) && w.failures < failures && w.walks < enough; seed++ {
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
	games  [4]*walk.Game // by kind; new after a difference

	walks, unplayable int
	failures          uint64
}

func (w *walker) play(seed uint64) {
	kind := kindOf(seed)
	if w.games[kind] == nil {
		w.games[kind] = game(w.t, w.server, kind)
	}
	g, s := w.games[kind], walk.New(seed)
	switch err := g.Compare(s, seed); {
	case errors.Is(err, walk.ErrUnplayable):
		w.unplayable++
		w.t.Logf("seed %d: %v", seed, err)
		return
	case err != nil:
		w.games[kind] = nil
		w.failures++
		w.t.Errorf("seed %d, pool of %d: %v", seed, g.Proxy.Pool, err)
		w.shrink(s, seed)
		return
	}
	if w.walks++; w.walks%1000 == 0 {
		w.t.Logf("%d walks", w.walks)
	}
}

// kindOf says which pool the walk of a seed is played on.
func kindOf(seed uint64) (kind int) {
	switch {
	case seed%2 == 0:
		return poolOfOne
	case seed%32 == 31:
		return ownCustom
	case seed%8 == 1:
		return verified
	}
	return poolOfTwo
}

const (
	poolOfOne = iota
	poolOfTwo // whose clients change backends all the time
	verified  // a pool of two: drift is a warning, and so a difference
	ownCustom // a pool of two, where nobody finds '' for NULL: much is connected anew
)

// shrink plays on a new proxy each time, alone or behind walks of before. A
// difference that is not found there is printed whole.
func (w *walker) shrink(s *story.Story, seed uint64) {
	deadline := time.Now().Add(time.Minute)
	for _, before := range []uint64{0, 5} {
		var last error
		fails := func(less *story.Story) (fails bool) {
			if time.Now().After(deadline) {
				return false
			}
			w.t.Run("shrink", func(t *testing.T) {
				g := game(t, w.server, kindOf(seed))
				for n := before; n > 0; n-- {
					_ = g.Compare(walk.New(seed-32*n), seed-32*n)
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

func game(t *testing.T, server story.Target, kind int) *walk.Game {
	pool := min(kind+1, 2)
	cfg := config(server.Addr, pool)
	cfg.SharedCustom = kind != ownCustom
	if kind == verified {
		cfg.Verify = VerifyAlways
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
