package relay

import (
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// A simple Query of several statements that resets a start-up value: what is behind
// the RESET has to see it, so it must be set again in the middle of the message.
// Ahead of a transaction the session gets a backend on which RESET is right by
// itself (ownStart). Within one the message goes out in pieces, each up to a RESET
// and when the one before it has succeeded. In a transaction block that is the
// same to the server; to the client the pieces have one ReadyForQuery.

// resetsAmong says whether a simple Query of several statements resets a start-up
// value.
func (s *Session) resetsAmong(text []byte) bool {
	n, reset := 0, false
	for scan := sqlscan.New(text, s.scanOptions()); scan.Next(); n++ {
		st := scan.Statement()
		reset = reset || s.resets(&st)
	}
	return reset && n > 1
}

// queryInPieces sends the next piece of a Query. It returns 0 until it is the last.
func (s *Session) queryInPieces(m msg, text []byte) int {
	if s.srv.replies.n > 0 { // to the piece before, or to what was sent before the Query
		s.awaitAnswers()
		s.held = true
		return 0
	}
	if s.pieces > 0 && s.machine.Status() != 'T' { // that piece has failed
		s.pieces = 0
		s.client.send(wire.AppendReady(s.news(), s.machine.Status()))
		return s.drop(m)
	}
	if !s.ready() {
		return 0
	}
	text = text[s.pieces:]
	n := s.piece(text)
	statements := s.scan(text[:n])
	if !s.namesFit(statements) {
		return 0
	}
	if e := s.forbidden(statements...); e != nil {
		s.refuseQuery(e)
		s.srv.replies.last().piece = n < len(text)
	} else {
		again := s.queue(statements, text[:n])
		s.shard.toServer.put(wire.AppendQuery(nil, string(text[:n])))
		s.srv.replies.last().piece = n < len(text)
		s.rebase(again, true)
	}
	if n == len(text) {
		s.pieces, s.held = 0, s.forgetting
		return s.drop(m)
	}
	s.pieces += n
	s.held = true
	return 0
}

// piece returns how much of a Query is sent at once: up to the first statement that
// resets a start-up value. Outside of a transaction block that is all, since the rest
// belongs to the same implicit transaction, and in a failed one if it does not begin
// with a ROLLBACK TO: then all is refused.
func (s *Session) piece(text []byte) int {
	status, end := s.machine.Status(), 0
	for scan := sqlscan.New(text, s.scanOptions()); status != 'I' && scan.Next(); {
		st := scan.Statement()
		switch {
		case end > 0:
			return end
		case status == 'E' && st.Kind != sqlscan.RollbackTo:
			return len(text)
		}
		switch st.Kind {
		case sqlscan.Commit, sqlscan.Rollback, sqlscan.PrepareTransaction:
			return len(text)
		}
		if status = 'T'; s.resets(&st) {
			end = scan.End()
		}
	}
	return len(text)
}
