package relay

import (
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/pool"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// How a session comes to a backend and leaves it.

// loan is the backend that a session asks for, or holds.
type loan struct {
	waiter    pool.Waiter[*server]
	waiting   bool
	waitSince time.Time
	srv       *server
	fresh     bool // srv's variables may have to be applied ahead of the next message
	owed      bool // and that is not since srv was just lent: the session may have things on it
	unlearned bool // the last question for values failed
	heard     bool // srv has reported how it reads texts, see reread.go
}

// ready reports whether the session has a backend for the message at hand, its
// variables on the way. If not, it waits: the message is handled again later.
func (s *Session) ready() bool {
	s.unlearned = false
	switch { // the next statement waits for what the last left to be done
	case s.lacking && s.srv != nil && !s.fresh, s.inspecting && s.base != nil, s.srv != nil && s.srv.InQuestion:
		s.held = true
		return false
	}
	if s.srv == nil && !s.acquire(noMarks) {
		return false
	}
	if s.fresh {
		lost := s.machine.Status() == 'E' // its transaction, with the backend before this
		s.apply()
		if lost {
			s.reopen()
		}
	}
	return s.lacking || !s.mustMove() // a statement that sets variables needs no channels
}

// acquire asks for a backend without certain marks and reports whether there was one at once.
func (s *Session) acquire(without uint64) bool {
	s.lender.reapLate()
	s.waiter.Label, s.waiter.Marks = pool.Label(s.want().Hash()), s.marks()|tempMark
	if s.starting || s.cfg.SharedCustom {
		s.waiter.Marks = anyMarks
	}
	s.waiter.Marks &^= without
	if m := s.lender.pool.Acquire(&s.waiter); m != nil {
		s.hold(m.Backend)
		return true
	}
	s.waiting = true
	s.waitSince = time.Now()
	s.lender.watchWaits()
	s.lender.watchDrawn()
	return false
}

func (s *Session) hold(v *server) {
	if v.owner != s.id || s.waiter.Last != v.member {
		v.DoubtRoles()
	}
	s.srv, s.fresh, s.owed = v, true, false
	s.lender.totals.Lent++
	s.waiter.Last = v.member
	v.session = s
}

// Granted is the pool's answer to a wait.
func (s *Session) Granted(m *pool.Member[*server]) {
	s.hold(m.Backend)
	s.endWait()
	if s.starting {
		s.tryStart()
		return
	}
	s.resume()
}

// Refused is the pool's other answer: there is no server to be had.
func (s *Session) Refused(err error) {
	s.endWait()
	if s.starting {
		s.fail(s.upstreamError(err))
		return
	}
	s.refuse(s.upstreamError(err).Encode(nil))
}

// waitedTooLong ends a wait that lasted as long as it may.
func (s *Session) waitedTooLong() {
	l := s.lender
	l.totals.WaitTimeouts++
	switch {
	case l.paused():
		s.stopWaiting(wire.PausedTooLong(l.cfg.WaitTimeout))
	case l.failure != nil:
		s.stopWaiting(s.upstreamError(l.failure))
	default:
		s.stopWaiting(wire.WaitTimeout(l.cfg.WaitTimeout, l.cfg.PoolSize))
	}
}

// stopWaiting answers the message that waits for a backend with e instead.
func (s *Session) stopWaiting(e *wire.Error) {
	s.lender.pool.Cancel(&s.waiter)
	s.endWait()
	if s.starting {
		s.fail(e)
		return
	}
	s.refuse(e.Encode(nil))
}

// refuse answers the message that waited with an ErrorResponse instead of having
// it run. The session goes on, as after an error of the server's.
func (s *Session) refuse(e []byte) {
	s.exemption = sqlscan.Statement{}
	s.client.send(e)
	s.lender.totals.countError(e)
	if typ, total, _ := wire.Head(s.in); typ == 'Q' || typ == 'F' {
		s.client.send(wire.AppendReady(nil, s.machine.Status()))
		s.rest, s.dropping = total, true
	} else {
		s.refusing = true
	}
	s.resume()
}

// apply gives the backend this session's variables, ahead of the client's bytes.
func (s *Session) apply() {
	v := s.srv
	s.fresh, s.heard = false, false
	want := s.want()
	if s.lacking = s.unfit && s.exemption.Kind != sqlscan.Other; s.lacking {
		want = s.exempted(want)
	}
	s.exemption = sqlscan.Statement{}
	scrub := v.dirty && v.owner != s.id
	if !scrub && v.Label.Hash() == want.Hash() {
		if want != nil {
			s.lender.totals.SyncsAvoided++
		}
		return
	}
	s.shard.toServer.put(v.applied(want, scrub))
}

// applied notes that the connection is being given want, and returns the bytes.
func (v *server) applied(want *guc.Set, scrub bool) []byte {
	v.Apply(&v.shard.exchange, want, scrub)
	v.lender.countSync(v.shard.exchange.Variables, scrub)
	v.dirty = v.dirty && !scrub
	v.expect(v.shard.exchange.Replies, forApply)
	return v.shard.exchange.Bytes
}

// news is what the client has to be told of its reported values: those that
// differ from what it knows. The server has reported most of them itself, but
// not a start-up value, nor what the sync changed and the client changed back.
func (s *Session) news() (buf []byte) {
	now := s.seen(s.srv.Reported)
	if s.told.Hash() == now.Hash() {
		return nil
	}
	for from, to := range guc.Diff(s.told, now) {
		if to.Session != nil && from.Session != nil {
			buf = wire.AppendStatus(buf, to.Name, to.Session.Text)
		}
	}
	s.told = now
	return buf
}

// mustYield: while others wait, who sends one batch behind the other without
// waiting for answers gets no further turn before theirs. What it has sent is
// answered first, then the backend goes to the first of them, unless it turns
// out that a transaction is open.
func (s *Session) mustYield(typ byte) bool {
	v := s.srv
	if v == nil || v.replies.n == 0 || s.unsynced || s.lender.pool.FirstWaiting() == nil || s.broughtBack() {
		return false
	}
	switch typ {
	case 'd', 'c', 'f', 'H', 'X':
		return false
	}
	s.yielding = s.machine.Status() == 'I' && (s.machine.Pins()&^txn.Inspectable == 0 || s.drawnIsDue())
	s.held = s.yielding
	return s.yielding
}

// settle gives the backend back if nothing keeps it, and ends a session that is
// to be drained.
func (s *Session) settle() {
	v := s.srv
	switch {
	case v == nil && s.leaving && !s.ended: // the backend that owed it answers is gone
		s.parting()
		return
	case v == nil:
		if (s.draining || s.shard.stopping) && !s.waiting && !s.starting && !s.refusing {
			s.drained()
		}
		return
	case v.replies.n > 0, v.cancels > 0, v.full():
		if s.ended && !s.cleaned && (v.owesClient() || v.replies.applying()) {
			v.close("client left while a statement was running")
		}
		return
	}
	switch {
	case s.ended:
		s.cleanUp()
		return
	case s.leaving:
		s.parting()
		return
	case s.starting:
		s.started()
		return
	}
	busy := v.rest > 0 || s.rest > 0 && !s.dropping || s.held || s.skipping || s.copyIn || s.unsynced
	switch {
	case busy || !s.machine.Idle():
	case s.draining, s.shard.stopping:
		s.drained()
	case s.listens.moving():
	case s.mustInspect():
		s.inspect()
	case s.share():
		s.unused = time.Now() // pin_timeout does not count
	case s.machine.Pins() != 0:
		s.notePins()
		if s.lacking {
			s.lacking = false
			s.owe(nil)
		}
		s.keep()
	case s.mustVerify():
		s.verifying = true
		s.inspect()
	case v.Bare():
		v.unbare()
	case s.learn():
		s.release()
	}
}

// release gives the backend back to the pool. One that was lent and not used is
// as its last owner left it.
func (s *Session) release() {
	v := s.srv
	if !s.fresh {
		s.leaveTraces(s.want())
	}
	s.unpinned()
	if s.listens.at == onBackend {
		s.lender.unlisten(s)
	}
	s.srv, v.session, s.fresh, s.asked = nil, nil, false, nil
	s.pins = 0
	s.lender.takeBack(v)
}

// owe: the backend has fewer of the session's variables than it should, which are those
// of label. They are set ahead of the next message, as if it had been lent just now.
func (s *Session) owe(label *guc.Set) {
	s.leaveTraces(label)
	s.fresh, s.owed = true, true
}

// leaveTraces notes on a backend that was used how it is.
func (s *Session) leaveTraces(label *guc.Set) {
	v := s.srv
	v.Label, v.owner = label, s.id
	v.dirty = v.dirty || s.dirties
	s.dirties = false
	v.member.Marks |= s.marks()
	if s.lacking { // and the statement may have failed
		v.Label, v.dirty, v.owner, s.lacking = nil, true, 0, false
	}
	clear(s.portals)
}

// cleanUp brings the backend of a client that left into a state for others:
// what is open is rolled back, what pinned it is discarded, as if the client
// had said so. What can't be cleaned is closed.
func (s *Session) cleanUp() {
	v := s.srv
	open := s.machine.Status() != 'I'
	pins := s.machine.Pins()
	keeps := pins&^txn.PinSession != 0 && (pins != txn.PinSequence || !s.drawnOnly()) || v.Bare() || s.machine.Vars().Unknown() > 0
	switch {
	case s.rest > 0 && !s.dropping:
		v.close("client left in the middle of a message")
	case s.skipping, s.copyIn, s.unsynced, s.lender.neverShared(s.waiter.Class):
		s.unpinned()
		s.srv, v.session = nil, nil
		v.retire("client left in the middle of a batch")
	case !open && !keeps:
		s.release()
	case s.cleaned:
		v.close("backend could not be cleaned")
	default:
		s.cleaned = true
		if open {
			s.inject("ROLLBACK")
		}
		if keeps {
			s.inject("DISCARD ALL")
		}
	}
}

// inject sends a simple Query as if the client had sent it.
func (s *Session) inject(sql string) {
	s.queue(s.scan([]byte(sql)), []byte(sql))
	s.srv.send(wire.AppendQuery(nil, sql))
}
