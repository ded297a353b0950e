package relay

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/pool"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// retryAfter is how long nobody connects after a failure, while clients wait.
const retryAfter = 250 * time.Millisecond

// lenderKey tells pools apart.
type lenderKey struct{ identity, user, database string }

// lender is a pool of backends for one user and database, with what the pool
// itself knows nothing of: how to connect, and when a backend is too old.
// It belongs to one shard, with all its sessions.
type lender struct {
	key      lenderKey
	cfg      *Config // of the newest configuration; sizes and times may change
	shard    *shard
	pool     *pool.Pool[*server]
	sessions map[uint64]*Session
	starts   map[string]knownStart // by startup packet

	stopReaping  func()              // of the timer that closes idle backends, or nil
	reapDue      time.Time           // when that is
	stopExpiring func()              // of the timer that ends waits, or nil
	names        map[string]struct{} // of custom settings that sessions may have
	sourcesRead  time.Time           // when functions were searched for more
	initial      map[string]string   // of the last backend that connected without start-up values
	privileged   map[string]bool     // likewise
	marks        map[string]int      // of custom settings, see marks.go
	pinned       int                 // sessions that count for max_pinned
	readsDrawn   bool                // a session asked for what it drew before, see sequences.go
	stopDrawn    func()              // of the timer that has them yield it, or nil
	drawnDue     time.Time           // when that is

	labels PoolLabels // under which totals are counted
	totals *Totals

	renewed        time.Time       // backends of before are to be closed
	awaitingClosed []chan struct{} // who waits for the last backend to be closed

	listener  *listener           // who listens for the sessions, or nil
	listening bool                // it is being connected
	moves     map[string]*Session // those who move to it or from it, by what their markers say
	marker    string              // the channel of its own, see listens
	deafUntil time.Time           // no other is connected before

	failure  error  // of the last attempt to connect, or nil
	retrying bool   // connecting again has its time
	defaults []byte // of the user and the database, as last seen
	ctx      context.Context
	stop     context.CancelFunc
}

func newLender(key lenderKey, cfg *Config, sh *shard) *lender {
	l := &lender{
		key: key, cfg: cfg, shard: sh,
		sessions: make(map[uint64]*Session), starts: make(map[string]knownStart), names: make(map[string]struct{}),
		marks: make(map[string]int), moves: make(map[string]*Session), marker: ownPrefix + strings.ToLower(rand.Text()),
	}
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.pool = pool.New(0, pool.Hooks[*server](l))
	l.setLimit()
	l.labels.Upstream = strings.Join(cfg.Upstream.Addresses, ",")
	l.totals = sh.totalsOf(l.labels)
	return l
}

// configure applies a new configuration to what lives. Timers are set anew, for
// its times.
func (l *lender) configure(cfg *Config) {
	l.cfg = cfg
	l.setLimit()
	if l.stopExpiring != nil {
		l.stopExpiring()
		l.stopExpiring = nil
	}
	l.reap()
	l.watchWaits()
	l.watchPins()
}

// class writes the parameters of a startup packet other than user and database
// down, in an order of its own, since theirs does not matter to the server.
func class(params []wire.Param) string {
	params = slices.Clone(params)
	slices.SortStableFunc(params, func(a, b wire.Param) int { return strings.Compare(a.Name, b.Name) })
	var b strings.Builder
	for _, p := range params {
		if p.Name != "user" && p.Name != "database" && !strings.HasPrefix(p.Name, "_pq_.") {
			b.WriteString(p.Name)
			b.WriteByte(0)
			b.WriteString(p.Value)
			b.WriteByte(0)
		}
	}
	return b.String()
}

func (l *lender) params(class string) []wire.Param {
	params := []wire.Param{{Name: "user", Value: l.key.user}, {Name: "database", Value: l.key.database}}
	for words := strings.Split(class, "\x00"); len(words) >= 2; words = words[2:] {
		params = append(params, wire.Param{Name: words[0], Value: words[1]})
	}
	return params
}

// neverShared says whether a backend of this class is its client's alone: a
// replication connection has no way to be cleaned.
func (l *lender) neverShared(class string) bool {
	for _, p := range l.params(class) {
		if p.Name == "replication" {
			return true
		}
	}
	return false
}

// Connect fills a place of the pool, on a goroutine of its own.
func (l *lender) Connect(m *pool.Member[*server]) {
	cfg, params := l.cfg, l.params(m.Class)
	go func() {
		c, err := backend.Dial(l.ctx, cfg.Upstream, cfg.ConnectTimeout, params)
		taken := l.shard.loop.Post(func() { l.connected(m, c, err) })
		if !taken && err == nil {
			c.Sock.Close()
		}
	}()
}

func (l *lender) connected(m *pool.Member[*server], c *backend.Conn, err error) {
	if err == nil && l.ctx.Err() != nil {
		c.Sock.Close()
		err = l.ctx.Err()
	}
	defer l.reclaimDrawn()
	known := l.failure
	l.failure = err
	if err == nil {
		if c.Defaults != nil {
			l.defaultsAre(c.Defaults)
		}
		if maps.Equal(c.Initial, l.initial) {
			c.Initial, c.Privileged = l.initial, l.privileged
		}
		if m.Class == "" {
			l.initial, l.privileged = c.Initial, c.Privileged
		}
		v := &server{Conn: c, stream: stream{conn: c.Sock}, lender: l, shard: l.shard, member: m}
		if err = l.shard.loop.Attach(c.Sock, v); err == nil {
			l.cfg.Log.Debug("backend connected", "upstream", c.Address, "backend", c.PID, "user", l.key.user, "database", l.key.database)
			v.idleSince = time.Now()
			l.countConnected(v)
			l.watchAge(v)
			l.pool.Connected(m, v)
			return
		}
		c.Sock.Close()
	}
	level := slog.LevelError
	if known != nil && known.Error() == err.Error() || errors.Is(err, context.Canceled) {
		level = slog.LevelDebug // it has been said
	}
	l.cfg.Log.Log(l.ctx, level, "connecting to the server failed", "user", l.key.user, "database", l.key.database, "error", err)
	if !errors.Is(err, context.Canceled) {
		l.totals.ConnectFailures++
	}
	defer l.tellClosed()
	hopeless := wrongPassword(err)
	if hopeless { // who comes next is to hear of it at login, not later
		clear(l.starts)
	}
	if l.pool.ConnectFailed(m, err, hopeless) && !l.retrying {
		l.retrying = true
		l.shard.loop.After(retryAfter, func() {
			l.retrying = false
			l.pool.Retry()
		})
	}
}

// Evict closes a backend that the pool has no place for.
func (l *lender) Evict(m *pool.Member[*server]) { m.Backend.close("its place is needed") }

// takeBack returns a backend to the pool, or closes it if it is too old.
func (l *lender) takeBack(v *server) {
	if l.outdated(v) {
		v.close("ALTER ROLE or ALTER DATABASE has changed its defaults")
		return
	}
	if why := v.Unfit(l.cfg.Upstream.Attrs); why != "" {
		l.leaveServer(v, why)
		return
	}
	if v.Born.Before(l.renewed) {
		v.close("an operator asked for new connections")
		return
	}
	now := time.Now()
	if l.cfg.MaxLifetime > 0 && now.Sub(v.Born) >= l.cfg.MaxLifetime {
		v.close("max_lifetime")
		return
	}
	v.idleSince = now
	l.watchAge(v)
	l.pool.Release(v.member, pool.Label(v.Label.Hash()))
}

// defaultsAre takes note of what a login begins with now. Idle backends that
// began with something else go at once, the others when they are given back.
func (l *lender) defaultsAre(now []byte) {
	if bytes.Equal(l.defaults, now) {
		return
	}
	l.defaults = bytes.Clone(now)
	clear(l.starts)
	for _, v := range l.idleBackends() {
		if l.outdated(v) {
			v.close("ALTER ROLE or ALTER DATABASE has changed its defaults")
		}
	}
}

// leaveServer: a server turns out not to fit any more. Its backends go, those that
// are lent when they are given back and have heard the same.
func (l *lender) leaveServer(v *server, why string) {
	l.cfg.Upstream.Distrust(v.Address, why)
	v.close(why)
	for _, other := range l.idleBackends() {
		if other.Address == v.Address {
			other.close(why)
		}
	}
}

// idleBackends are those that are idle now, for whoever closes some: closing one may close others.
func (l *lender) idleBackends() (idle []*server) {
	for m := l.pool.Oldest(); m != nil; m = l.pool.Next(m) {
		idle = append(idle, m.Backend)
	}
	return idle
}

func (l *lender) outdated(v *server) bool {
	return v.Defaults != nil && l.defaults != nil && !bytes.Equal(v.Defaults, l.defaults)
}

// removed: a backend has been closed.
func (l *lender) removed(v *server, reason string) {
	l.cfg.Log.Debug("backend closed", "upstream", v.Address, "backend", v.PID, "reason", reason)
	l.pool.Remove(v.member)
	l.tellClosed()
}

// left: a session's client has gone.
func (l *lender) left(s *Session) {
	delete(l.sessions, s.id)
	s.unwatch()
	s.endMove()
	l.unlisten(s)
	l.totals.countSession(s)
}

// watchAge sees to it that a backend that is idle from now on goes when its time has
// come: a timer is set for that, unless one is for no later.
func (l *lender) watchAge(v *server) {
	due, reason := l.cfg.due(v)
	if reason == "" || l.stopReaping != nil && !due.Before(l.reapDue) {
		return
	}
	if l.stopReaping != nil {
		l.stopReaping()
	}
	l.reapDue = due
	l.stopReaping = l.shard.loop.After(time.Until(due), l.reap)
}

// reap closes the idle backends that are too old, and sets the timer for the next.
func (l *lender) reap() {
	if l.stopReaping != nil {
		l.stopReaping()
		l.stopReaping = nil
	}
	now := time.Now()
	for _, v := range l.idleBackends() {
		if due, reason := l.cfg.due(v); reason != "" && !now.Before(due) {
			v.close(reason)
		} else {
			l.watchAge(v)
		}
	}
}

// reapLate closes them if the timer should have, which waits for its turn on the loop.
func (l *lender) reapLate() {
	if l.stopReaping != nil && !time.Now().Before(l.reapDue) {
		l.reap()
	}
}

// due is when an idle backend is to be closed, and for what; without a reason never.
func (c *Config) due(v *server) (due time.Time, reason string) {
	if c.IdleTimeout > 0 {
		due, reason = v.idleSince.Add(c.IdleTimeout), "idle_timeout"
	}
	if c.MaxLifetime > 0 {
		if old := v.Born.Add(c.MaxLifetime); reason == "" || old.Before(due) {
			due, reason = old, "max_lifetime"
		}
	}
	return due, reason
}

// watchWaits ends the waits that last too long: a timer is set for who waits
// the longest, unless one is. All wait equally long at most, so the order in
// the queue is the order in which they expire.
func (l *lender) watchWaits() {
	first := l.pool.FirstWaiting()
	if l.stopExpiring != nil || first == nil || l.cfg.WaitTimeout <= 0 {
		return
	}
	left := l.cfg.WaitTimeout - time.Since(first.Taker.(*Session).waitSince)
	l.stopExpiring = l.shard.loop.After(max(left, 0), func() {
		l.stopExpiring = nil
		for w := l.pool.FirstWaiting(); w != nil; w = l.pool.FirstWaiting() {
			s := w.Taker.(*Session)
			if time.Since(s.waitSince) < l.cfg.WaitTimeout {
				break
			}
			s.waitedTooLong()
		}
		l.watchWaits()
	})
}

// idle says whether nothing is left of the lender's work.
func (l *lender) idle() bool {
	c := l.pool.Counts()
	return len(l.sessions) == 0 && c.Connecting+c.Idle+c.Lent == 0
}
