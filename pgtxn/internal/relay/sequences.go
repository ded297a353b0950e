package relay

import (
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
)

// currval and lastval answer with what this very connection has drawn from a
// sequence; no other can be told. In the transaction that drew they always do. Few
// applications ask later, in a transaction of their own. What was drawn is discarded
// before another session gets the backend, so nobody is told of another's.

// drawnValues says what a session may have drawn.
type drawnValues struct {
	drew      bool // in a transaction that is over, or this one
	drewHere  bool // in this one
	asksDrawn bool // it has asked for what it drew in one that was over
}

// Sequences says which sessions keep their backend for currval and lastval.
type Sequences uint8

// The choices. To define what will ask, such as a column's default, counts as asking.
const (
	SequencesAuto Sequences = iota // who may draw, once a session of the pool has asked for what it drew before
	SequencesOn                    // who may draw, or asks
	SequencesOff                   // nobody
)

// How long somebody waits while SequencesAuto keeps backends for sessions that have
// drawn: most likely they never ask, unless they have done so before.
const (
	drawnAtMost = time.Second
	askedAtMost = 10 * time.Second
)

// mayDraw says whether the statement may draw from a sequence, be it in a column's
// default, a trigger or a function.
func mayDraw(st *sqlscan.Statement) bool {
	switch st.Kind {
	case sqlscan.Do, sqlscan.Call, sqlscan.Execute:
		return true
	}
	return st.Traits&(sqlscan.Draws|sqlscan.Writes|sqlscan.Calls) != 0
}

// followSequences notes that the statement, which is being sent, may draw, or ask for
// what was drawn before.
func (s *Session) followSequences(st *sqlscan.Statement) {
	asks := st.Traits&sqlscan.Sequence != 0 && s.drew && !s.drewHere
	switch {
	case st.Kind == sqlscan.DiscardAll:
		s.drew = false
	case mayDraw(st):
		s.drew, s.drewHere = true, true
	}
	if asks && s.cfg.Sequences == SequencesAuto {
		s.asksDrawn = true
		s.lender.askedForDrawn()
		s.machine.Pin(txn.PinSequence)
	}
	if s.pinsForSequences(st) {
		s.machine.Pin(txn.PinSequence)
	}
}

func (s *Session) pinsForSequences(st *sqlscan.Statement) bool {
	switch s.cfg.Sequences {
	case SequencesOn:
		return mayDraw(st) || st.Traits&sqlscan.Sequence != 0
	case SequencesAuto:
		return s.lender.readsDrawn && mayDraw(st)
	}
	return false
}

func (l *lender) askedForDrawn() {
	if l.readsDrawn {
		return
	}
	l.readsDrawn = true
	l.cfg.Log.Info("a client has asked for currval or lastval in another transaction than it drew in:"+
		" from now on sessions of this pool that may draw from a sequence keep their backend while nobody waits for it",
		"user", l.key.user, "database", l.key.database)
}

// drawnOnly says whether nothing but SequencesAuto binds the session to its backend, or
// what it listens to besides, which the listener can have: it does not count for the
// limits of pins, since it makes room by itself.
func (s *Session) drawnOnly() bool {
	pins := s.machine.Pins()
	if s.cfg.Sequences != SequencesAuto || pins&txn.PinSequence == 0 {
		return false
	}
	return pins == txn.PinSequence || pins == txn.PinSequence|txn.PinListen && s.sharesListen()
}

// leaveDrawn lifts the pin if that is all, and it is time.
func (s *Session) leaveDrawn() {
	if s.drawnIsDue() {
		s.machine.Lift(txn.PinSequence)
	}
}

// yieldDrawn does the same with a session that is idle. Until another session gets
// the backend what was drawn is still there.
func (s *Session) yieldDrawn() {
	if s.srv != nil && s.drawnIsDue() && s.machine.Idle() && s.srv.replies.n == 0 && !s.unsynced && s.rest == 0 {
		s.settle()
	}
}

// drawnIsDue says whether somebody has waited for longer than the session may keep
// its backend for that alone.
func (s *Session) drawnIsDue() bool {
	limit := drawnAtMost
	if s.asksDrawn {
		limit = askedAtMost
	}
	return s.drawnOnly() && s.lender.waitedForDrawn() >= limit
}

// waitedForDrawn is how long somebody has waited while backends may be kept, and not
// for a connection that is being made; 0 if nobody does.
func (l *lender) waitedForDrawn() time.Duration {
	if c := l.pool.Counts(); !l.readsDrawn || c.Waiting <= c.Connecting {
		return 0
	}
	return max(time.Since(l.pool.FirstWaiting().Taker.(*Session).waitSince), 1)
}

// watchDrawn has idle sessions yield when it will be time: a timer is set, unless one
// is for no later. Those that are not idle yield when they are.
func (l *lender) watchDrawn() {
	waited := l.waitedForDrawn()
	left := drawnAtMost - waited
	if left <= 0 {
		left = askedAtMost - waited
	}
	due := time.Now().Add(left)
	if waited == 0 || left <= 0 || l.stopDrawn != nil && !due.Before(l.drawnDue) {
		return
	}
	if l.stopDrawn != nil {
		l.stopDrawn()
	}
	l.drawnDue = due
	l.stopDrawn = l.shard.loop.After(left, func() {
		l.stopDrawn = nil
		l.reclaimDrawn()
	})
}

// reclaimDrawn has idle sessions yield, if it is time.
func (l *lender) reclaimDrawn() {
	for _, s := range l.sessions {
		s.yieldDrawn()
	}
	l.watchDrawn()
}
