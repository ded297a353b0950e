// Package relay carries PostgreSQL sessions between clients and the backends
// they share.
//
// A [Hub] owns everything that outlives a configuration: the event loops, the
// pools, the sessions. [Hub.Serve] takes one client connection: start-up, TLS
// and authentication run on the caller's goroutine (startup.go), then the
// session moves to the loop of its pool (session.go) and Serve returns when
// the client has left.
//
// On the loop, client.go and extended.go handle what the client sends, lend.go
// how a session gets a backend and gives it back, server.go what the server
// answers. Both directions write once for each read, hand on what they need not
// know unread, and stop reading when the other side takes no more. What the
// statements mean for the session's variables is package txn's to say, which
// backend is best package pool's, and how a backend's variables are changed
// package backend's.
package relay

import (
	"context"
	"fmt"
	"hash/maphash"
	"net"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Hub is where sessions and backends meet. One serves a whole process.
type Hub struct {
	shards  []*shard
	seed    maphash.Seed
	nextID  atomic.Uint64
	ddl     atomic.Uint64 // how often a client has changed the schema of something
	keys    sync.Map      // pid of a cancelKey → *Session or *Visitor
	entries entries
	door    door
	open    context.Context // until the process is to end: for visitors of consoles
	shut    func()

	pausing sync.Mutex
	pauses  []Selection // of which each shard has a copy
}

// NewHub starts as many loops as Go runs threads at once. A pool lives on one.
func NewHub() (*Hub, error) {
	h := &Hub{seed: maphash.MakeSeed()}
	h.open, h.shut = context.WithCancel(context.Background())
	for range runtime.GOMAXPROCS(0) {
		sh, err := newShard(&h.ddl)
		if err != nil {
			h.Close()
			return nil, fmt.Errorf("starting an event loop: %w", err)
		}
		h.shards = append(h.shards, sh)
	}
	return h, nil
}

// shardOf says where the pool of key lives.
func (h *Hub) shardOf(key lenderKey) *shard {
	return h.shards[maphash.Comparable(h.seed, key)%uint64(len(h.shards))]
}

// admit puts s on its loop, where it greets the client, and waits for its end.
func (h *Hub) admit(s *Session, key lenderKey) error {
	err := net.ErrClosed // should the loop have ended
	s.shard.loop.Call(func() {
		s.lender = s.shard.lender(key, s.cfg)
		if err = s.shard.loop.Attach(s.client.conn, s); err == nil {
			s.lender.sessions[s.id] = s
			s.start()
			if s.Unwelcome() { // since before it was among the sessions
				s.drain("it began unwelcome")
			}
			if s.shard.stopping {
				s.stopAtRest()
			}
		}
	})
	if err == nil {
		<-s.done
		s.logOutcome()
	}
	return err
}

// lender returns the pool of key, made if there is none.
func (sh *shard) lender(key lenderKey, cfg *Config) *lender {
	l := sh.lenders[key]
	if l == nil {
		sh.forgetUnused()
		l = newLender(key, cfg, sh)
		sh.lenders[key] = l
	}
	return l
}

// maxUnused is how many more pools a shard may have until it is looked which of them are of no use.
const maxUnused = 1000

// forgetUnused drops the pools, if they have become many, that nobody uses and that have learned nothing from a backend:
// clients choose the names of databases, also of such as are not there.
func (sh *shard) forgetUnused() {
	if len(sh.lenders) < sh.manyLenders {
		return
	}
	for key, l := range sh.lenders {
		if l.idle() && l.initial == nil {
			l.end()
			delete(sh.lenders, key)
		}
	}
	sh.manyLenders = len(sh.lenders) + maxUnused
}

// Configure applies cfg to the living pools of its identity, and drops those
// that have no work left.
func (h *Hub) Configure(cfg *Config) {
	for _, sh := range h.shards {
		sh.loop.Call(func() {
			for key, l := range sh.lenders {
				switch {
				case l.idle():
					l.end()
					delete(sh.lenders, key)
				case key.identity == cfg.Identity:
					l.configure(cfg)
				}
			}
		})
	}
}

// Close ends all sessions and backends and stops the loops.
func (h *Hub) Close() {
	h.shut()
	for _, sh := range h.shards {
		sh.loop.Call(sh.closeAll)
		sh.loop.Close()
	}
}

func (sh *shard) closeAll() {
	for _, l := range sh.lenders {
		l.stop()
		for _, s := range l.sessions {
			v := s.srv
			s.client.send(wire.AdminShutdown().Encode(nil))
			s.leave("shutting down")
			if v != nil {
				v.close("shutting down")
			}
		}
		l.pool.SetLimit(0)
		l.end()
	}
}
