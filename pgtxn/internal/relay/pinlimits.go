package relay

import (
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// How many sessions may be pinned, and for how long. A session counts from the
// statement that pins it until it gives its backend back.

// pinning is a session's part in that.
type pinning struct {
	pinned       bool      // it keeps its backend between transactions, or may
	unused       time.Time // since when it does so without using it
	stopWatching func()    // of the timer that looks after that, or nil
}

// mayPin counts the session if the statements pin it. It returns the error with
// which they are refused if it would be one too many.
func (s *Session) mayPin(statements []sqlscan.Statement) *wire.Error {
	if s.pinned || s.lender.cfg.MaxPinned <= 0 {
		return nil
	}
	var pins txn.Pins
	for i := range statements {
		pins |= txn.PinsOf(&statements[i])
		if s.cfg.Sequences == SequencesOn && s.pinsForSequences(&statements[i]) {
			pins |= txn.PinSequence
		}
	}
	if pins&txn.PinListen != 0 && s.sharesListen() {
		pins &^= txn.PinListen
	}
	if pins == 0 {
		return nil
	}
	return s.countPinned(pins)
}

func (s *Session) countPinned(pins txn.Pins) *wire.Error {
	l := s.lender
	if limit := l.cfg.MaxPinned; limit > 0 && l.pinned >= limit {
		return wire.TooManyPinned(pins.String(), limit)
	}
	s.pinned = true
	l.pinned++
	return nil
}

// unpinned: the session has no backend any more, or does not count for having it.
func (s *Session) unpinned() {
	if s.pinned {
		s.pinned = false
		s.lender.pinned--
	}
}

// keep is told that the session is idle and keeps its backend. What no text says,
// such as a temporary table that a function made, counts from here.
func (s *Session) keep() {
	if s.drawnOnly() {
		s.unpinned()
		s.lender.watchDrawn()
		return
	}
	if !s.pinned {
		if e := s.countPinned(s.machine.Pins()); e != nil {
			s.fail(e)
			return
		}
	}
	s.unused = time.Now()
	s.watchPin()
}

// watchPin sees to it that the session ends when it has kept its backend unused
// for too long: a timer is set, unless one is.
func (s *Session) watchPin() {
	limit := s.lender.cfg.PinTimeout
	if s.stopWatching != nil || limit <= 0 {
		return
	}
	s.stopWatching = s.shard.loop.After(max(limit-time.Since(s.unused), 0), func() {
		s.stopWatching = nil
		switch {
		case s.ended || !s.pinned:
		case time.Since(s.unused) < limit:
			s.watchPin()
		case s.machine.Idle() && s.srv.replies.n == 0 && !s.unsynced && s.rest == 0:
			s.fail(wire.PinnedTooLong(s.machine.Pins().String(), limit))
		}
	})
}

// unwatch ends that.
func (s *Session) unwatch() {
	if s.stopWatching != nil {
		s.stopWatching()
		s.stopWatching = nil
	}
}

// watchPins is for a new pin_timeout.
func (l *lender) watchPins() {
	for _, s := range l.sessions {
		s.unwatch()
		if s.pinned {
			s.watchPin()
		}
	}
}
