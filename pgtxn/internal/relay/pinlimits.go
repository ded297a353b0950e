package relay

import (
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// How many sessions may be pinned, and for how long. A session counts from the
// statement that pins it until it gives its backend back.

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
	if after := s.lender.cfg.PinTimeout; after > 0 {
		s.unused = time.Now()
		s.watchPin(after)
	}
}

// watchPin ends the session when it has kept its backend unused for too long.
func (s *Session) watchPin(after time.Duration) {
	if s.watched {
		return
	}
	s.watched = true
	s.shard.loop.After(after, func() {
		s.watched = false
		limit := s.lender.cfg.PinTimeout
		switch left := limit - time.Since(s.unused); {
		case s.ended || !s.pinned || limit <= 0:
		case left > 0:
			s.watchPin(left)
		case s.machine.Idle() && s.srv.replies.n == 0 && !s.unsynced && s.rest == 0:
			s.fail(wire.PinnedTooLong(s.machine.Pins().String(), limit))
		}
	})
}
