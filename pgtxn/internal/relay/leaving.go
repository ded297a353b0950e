package relay

import (
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// When a client leaves, with a goodbye or without, what it has sent is done
// first, as PostgreSQL does, which finds the end of the connection behind all
// that came before it.

// ending is how far a session is with that, and what is told of it.
type ending struct {
	draining  bool   // it ends as soon as it is idle
	leaving   bool   // nothing more is read from the client; it may still hear answers
	parting   func() // what happens when it has heard all
	lingering bool   // only its socket has no room for the last of it
	ended     bool   // the client has left
	cleaned   bool   // what it left open was told to end

	why      string // it did
	last     tally  // as it was then
	leftIn   string // the transaction that was open then, or ""
	sqlstate string // of the error with which the session ended, or ""
}

// depart ends the session when the server has answered what it owes. Words, if
// not nil, are the last that the client hears.
func (s *Session) depart(why string, words *wire.Error) {
	v := s.srv
	switch {
	case s.leaving || s.ended:
		return
	case v == nil || !v.owesClient():
		s.part(why, words)
		return
	}
	s.leaving = true
	s.parting = func() { s.part(why, words) }
	if s.rest > 0 && !s.dropping {
		v.close("client left in the middle of a message")
		return
	}
	if s.unsynced || s.copyIn || s.lender.neverShared(s.waiter.Class) {
		v.retire("client left in the middle of a batch")
	}
}

// part ends the session, once the client has taken all that is for it.
func (s *Session) part(why string, words *wire.Error) {
	if words != nil && !s.ended {
		said := words.Fatal().Encode(nil)
		s.client.send(said)
		s.lender.totals.countError(said)
		s.sqlstate = words.Code
	}
	if (s.client.full() || s.client.conn.Unsent()) && !s.client.dead {
		s.linger(func() { s.part(why, nil) })
		return
	}
	s.leave(why)
}

// lastWords is how long a client that leaves may take to read what is left.
const lastWords = 5 * time.Second

// linger waits for room in the client's socket.
func (s *Session) linger(parting func()) {
	s.leaving, s.parting = true, parting
	if !s.lingering {
		s.lingering = true
		s.shard.loop.After(lastWords, func() { s.leave("client did not read its answers") })
	}
}

// retire has the server end its session when it comes to it, as a client does
// that says goodbye. The backend keeps its place until the server has closed.
func (v *server) retire(reason string) {
	if v.retired == "" {
		v.retired = reason
		v.send([]byte{'X', 0, 0, 0, 4})
	}
}
