package relay

import (
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// When the server goes away under a session, the session goes on if all that it
// has left can be given to another backend. What was under way is answered with an
// error and never sent again. Its transaction is one that has failed: the next
// backend is put into a failed transaction, so that it is a server that refuses
// everything (25P02) up to the ROLLBACK, and knows what a ROLLBACK is.

// wentAway says whether the server ended the connection for a reason of its own:
// it shuts down, has crashed, was told to, or nobody has used the connection for its
// idle_session_timeout. Other errors that end a connection, such as the timeouts in
// a transaction, are meant for the session.
func wentAway(words []byte) bool {
	switch string(wire.ParseError(words).Code) {
	case "57P01", "57P02", "57P03", "57P05":
		return true
	}
	return words == nil
}

// lose has the session go on without v, or ends it. Words are the body of the
// server's last ErrorResponse, or nil.
func (s *Session) lose(v *server, words []byte) {
	cut := v.rest > 0 && v.passing // in the middle of an answer: nothing more can be said
	pins, idle := s.unrestorable(), s.machine.Idle()
	s.machine.Lost()
	if !idle && s.machine.Idle() { // a transaction of its own, which may have been committed
		s.transactions++
	}
	unknown := s.machine.Vars().Unknown() > 0
	open := s.machine.Status() != 'I'
	e := lostError(words, open)
	switch {
	case cut || !wentAway(words):
		s.abandon(v)
		if !cut {
			s.client.send(errorMessage(words))
		}
		s.leave("server ended the connection")
	case pins != 0 || unknown || s.lender.neverShared(s.waiter.Class):
		s.abandon(v)
		s.fail(e.CantGoOn(pins.String()))
	default:
		s.warn("connection to the server lost; the session goes on", "backend", v.PID, "in_transaction", open)
		told := s.answerAll(v, e.Encode(nil))
		switch {
		case told:
		case open:
			s.loss = e.Encode(nil)
		}
		s.abandon(v)
		s.resume()
		s.settle() // it may be that it is to be drained
	}
}

// unrestorable is what no other backend can be given.
func (s *Session) unrestorable() txn.Pins {
	pins := s.machine.Unrestorable()
	if s.cfg.Sequences == SequencesAuto {
		pins &^= txn.PinSequence
	}
	if s.listens.verdict(onListener) == tell { // the channels were still to come to the backend
		pins &^= txn.PinListen
	}
	return pins
}

// lostError is what the client is told: in the server's words, if it had any.
func lostError(words []byte, open bool) *wire.Error {
	e := wire.BackendLost()
	if open {
		e = wire.BackendLostInTransaction()
	}
	if words != nil {
		f := wire.ParseError(words)
		e.Code, e.Message = string(f.Code), string(f.Message)
	}
	return e
}

// answerAll gives e as the answer to each batch that the server has not answered,
// and reports whether there was one.
func (s *Session) answerAll(v *server, e []byte) (told bool) {
	unended := s.unsynced
	for i := range v.replies.n {
		r := v.replies.at(i)
		if r.kind == 'c' || r.party != forClient && r.party != forPrepare {
			continue
		}
		unended = !r.endsBatch()
		if !unended {
			s.client.send(e)
			s.client.send(wire.AppendReady(nil, s.machine.Status()))
			told = true
		}
	}
	if unended {
		if !s.skipping {
			s.client.send(e)
		}
		s.refusing = true // to the Sync that has not come yet
	}
	return told || unended
}

// abandon lets go of a backend that is done with, whatever it still has to
// answer: what was noted when that was sent is taken back.
func (s *Session) abandon(v *server) {
	n := v.replies.n
	for i := n - 1; i >= 0; i-- {
		v.undo(v.replies.at(i))
	}
	v.undoBinds(n)
	v.undoUnnamed(n)
	v.replies.reset()
	clear(s.portals)
	s.held, s.yielding, s.forgetting, s.unsynced, s.skipping, s.copyIn, s.swallowed = false, false, false, false, false, false, 0
	s.inspecting, s.verifying, s.uninspected, s.found, s.unbased = false, false, false, (*guc.Set)(nil), nil
	s.endMove()
	s.fresh, s.lacking, s.dirties = false, false, false
	s.dropping = s.rest > 0
	s.unpinned()
	s.srv, v.session = nil, nil
}

// tellLoss answers the client's next message with the loss of its transaction,
// of which it does not know yet. Who comes with a ROLLBACK need not know.
func (s *Session) tellLoss(m msg) int {
	if m.total <= s.cfg.MaxStatement && !m.whole() {
		return 0
	}
	e := s.loss
	s.loss = nil
	if s.rollsBack(m) {
		return s.message(m.b, m.at)
	}
	s.client.send(e)
	switch m.b[0] {
	case 'Q', 'F', 'S':
		s.client.send(wire.AppendReady(nil, s.machine.Status()))
	default:
		s.refusing = true
	}
	return s.drop(m)
}

// rollsBack says whether the message is a ROLLBACK and nothing else.
func (s *Session) rollsBack(m msg) bool {
	var scan sqlscan.Scanner
	switch body := m.body(); m.b[0] {
	case 'Q':
		text, _, _ := wire.CString(body)
		scan = sqlscan.New(text, s.scanOptions())
	case 'P':
		_, body, _ = wire.CString(body)
		text, _, _ := wire.CString(body)
		scan = sqlscan.New(text, s.scanOptions())
	case 'B':
		_, body, _ = wire.CString(body)
		name, _, _ := wire.CString(body)
		p := s.stmts[string(name)]
		return p != nil && p.scan.Kind == sqlscan.Rollback
	default:
		return false
	}
	return scan.Next() && scan.Statement().Kind == sqlscan.Rollback && !scan.Next()
}

// failTransaction is a transaction that has failed, in words for the server's log.
var failTransaction = wire.AppendQuery(nil, `BEGIN; ROLLBACK TO "connection lost, transaction must be rolled back"`)

// reopen puts the backend where the session is: in a transaction that has failed.
func (s *Session) reopen() {
	s.shard.toServer.put(failTransaction)
	s.srv.replies.push(reply{kind: 'Q', party: forReopen})
}
