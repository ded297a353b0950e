package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Pausing and renewing pools, in PgBouncer's terms. A paused pool lends nothing: transactions end, each backend is
// closed when it comes free, and clients wait, those that log in too.

// Selection names pools by user and database; an empty one is any.
type Selection struct{ User, Database string }

// covers says whether all that o names is named by s too.
func (s Selection) covers(o Selection) bool {
	return (s.User == "" || s.User == o.User) && (s.Database == "" || s.Database == o.Database)
}

// String names the pools in a sentence.
func (s Selection) String() string {
	switch {
	case s.User != "" && s.Database != "":
		return fmt.Sprintf("pool of user %s in database %s", s.User, s.Database)
	case s.User != "":
		return "pools of user " + s.User
	case s.Database != "":
		return "pools of database " + s.Database
	}
	return "all pools"
}

// Why pools can't be paused, resumed or reconnected.
var (
	ErrNoPool    = errors.New("there is no such pool")
	ErrPaused    = errors.New("it is paused already")
	ErrNotPaused = errors.New("it is not paused")
)

// Pause pauses the pools of sel, those to come included, until Resume.
func (h *Hub) Pause(sel Selection) error {
	h.pausing.Lock()
	defer h.pausing.Unlock()
	switch {
	case slices.ContainsFunc(h.pauses, func(p Selection) bool { return p.covers(sel) }):
		return ErrPaused
	case !h.hasPool(sel):
		return ErrNoPool
	}
	h.applyPauses(append(h.pauses, sel))
	return nil
}

// Resume takes back all pauses of what sel names.
func (h *Hub) Resume(sel Selection) error {
	h.pausing.Lock()
	defer h.pausing.Unlock()
	left := slices.DeleteFunc(slices.Clone(h.pauses), sel.covers)
	if len(left) == len(h.pauses) {
		if i := slices.IndexFunc(h.pauses, func(p Selection) bool { return p.covers(sel) }); i >= 0 {
			return fmt.Errorf("%w by itself, but with %s: resume those", ErrNotPaused, h.pauses[i])
		}
		return ErrNotPaused
	}
	h.applyPauses(left)
	return nil
}

// Unpause takes back the pause of sel, and no other.
func (h *Hub) Unpause(sel Selection) {
	h.pausing.Lock()
	defer h.pausing.Unlock()
	h.applyPauses(slices.DeleteFunc(slices.Clone(h.pauses), func(p Selection) bool { return p == sel }))
}

func (h *Hub) applyPauses(pauses []Selection) {
	h.pauses = pauses
	for _, sh := range h.shards {
		sh.loop.Call(func() {
			sh.pauses = slices.Clone(pauses)
			for _, l := range sh.lenders {
				l.setLimit()
			}
		})
	}
}

// hasPool says whether sel names a pool that is there; all pools may be none.
func (h *Hub) hasPool(sel Selection) bool {
	found := sel == Selection{}
	h.eachLender(func(l *lender) { found = found || sel.covers(l.selection()) })
	return found
}

// Reconnect has each backend of the pools closed that is there now: when it comes free.
func (h *Hub) Reconnect(sel Selection) error {
	if !h.hasPool(sel) {
		return ErrNoPool
	}
	h.eachLender(func(l *lender) {
		if sel.covers(l.selection()) {
			l.renew()
		}
	})
	return nil
}

// AwaitClosed returns when the pools of sel, which are paused, have no backends left, or when ctx is done.
func (h *Hub) AwaitClosed(ctx context.Context, sel Selection) {
	var closed []chan struct{}
	h.eachLender(func(l *lender) {
		if sel.covers(l.selection()) && !l.empty() {
			ch := make(chan struct{})
			l.awaitingClosed = append(l.awaitingClosed, ch)
			closed = append(closed, ch)
		}
	})
	for _, ch := range closed {
		select {
		case <-ch:
		case <-ctx.Done():
			return
		}
	}
}

func (l *lender) selection() Selection { return Selection{User: l.key.user, Database: l.key.database} }

func (l *lender) paused() bool {
	return slices.ContainsFunc(l.shard.pauses, func(p Selection) bool { return p.covers(l.selection()) })
}

// setLimit: a pool without places closes what comes free and opens nothing.
func (l *lender) setLimit() {
	if l.paused() {
		l.pool.SetLimit(0)
	} else {
		l.pool.SetLimit(l.cfg.PoolSize)
	}
}

// renew closes the idle backends, and notes that those which are lent are to be closed.
func (l *lender) renew() {
	l.renewed = time.Now()
	for _, v := range l.idleBackends() {
		v.close("an operator asked for new connections")
	}
}

// empty says whether the pool has no backends.
func (l *lender) empty() bool {
	c := l.pool.Counts()
	return c.Connecting+c.Idle+c.Lent == 0
}

// tellClosed tells those who wait for the last backend to be closed.
func (l *lender) tellClosed() {
	if l.awaitingClosed != nil && l.empty() {
		for _, ch := range l.awaitingClosed {
			close(ch)
		}
		l.awaitingClosed = nil
	}
}
