package relay

import (
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// A text is read when the client prepares it: its letters by the client_encoding of
// then, its backslashes by the standard_conforming_strings. A backend that is given it
// later has to read it in the same way.

// reading is what decides how a text is read; the zero one is not known.
type reading struct{ encoding, strings string }

// isSpecial says whether the body of a Parse may be read in several ways.
func isSpecial(body []byte) bool {
	for _, b := range body {
		if b >= 0x80 || b == '\\' {
			return true
		}
	}
	return false
}

// reading is how the backend reads a text, as far as it has answered.
func (s *Session) reading() reading {
	return reading{s.inForce("client_encoding"), s.inForce("standard_conforming_strings")}
}

// inForce is the value of a variable that every login has, and whose changes are reported.
func (s *Session) inForce(name string) string {
	if now, ok := s.srv.Reported.Get(name); ok && s.heard {
		return now.Session.Text
	}
	v, _ := s.machine.Vars().Get(name)
	value := v.Local
	if value == nil {
		value = v.Session
	}
	if value == nil || value.Default {
		if b, ok := s.base.Get(name); ok {
			return b.Session.Text
		}
		return s.srv.Initial[name]
	}
	return value.Text
}

// hears: behind a batch of the client's, the server has reported what is in force, whatever
// has changed it. It reports again behind the next one, so from the first statement on that
// changes how texts are read, the machine knows more.
func (s *Session) hears(done sqlscan.Statement) {
	switch done.Kind {
	case sqlscan.Commit, sqlscan.Rollback, sqlscan.RollbackTo, sqlscan.PrepareTransaction:
		s.heard = false
	default:
		s.heard = s.heard && !says(&done, "client_encoding") && !says(&done, "standard_conforming_strings")
	}
}

// mayReadOtherwise says whether the backend may not read p as when it was prepared.
func (s *Session) mayReadOtherwise(p *prepared) bool {
	return s.rereads && p.special && p.as != reading{}
}

func (s *Session) readsOtherwise(p *prepared) bool {
	return s.mayReadOtherwise(p) && p.as != s.reading()
}

// mustAwaitReading: what was sent may change how p is read, or be the sync of variables, behind
// which only one batch is sent (see mustAwaitSync), and that is the client's.
func (s *Session) mustAwaitReading(p *prepared) bool {
	switch {
	case !s.mayReadOtherwise(p):
		return false
	case s.awaitAnswers():
		return true
	case !s.readsOtherwise(p) || !s.srv.replies.applying():
		return false
	}
	s.held = true
	s.shard.toServer.put(flush)
	return true
}

// parsed takes the answer to a Parse of the client's: what was sent before it has happened.
func (v *server) parsed(r *reply) {
	if r.party == forClient && r.stmt != nil && r.stmt.special {
		r.stmt.as = v.session.reading()
	}
}

// reread calls parse, which sends p's Parse for a party, so that the backend reads p as when it
// was prepared. Outside of transactions that is a batch of its own: of what follows, the server
// would say that it is in a transaction block. If p can't be prepared any more, the server then
// says that there is none.
func (s *Session) reread(p *prepared, by party, parse func(by party)) {
	if !s.readsOtherwise(p) {
		parse(by)
		return
	}
	now, alone := s.reading(), s.machine.Status() == 'I' && !s.unsynced
	if alone {
		by = forSelf
	}
	s.readAs(now, p.as, by)
	parse(by)
	s.readAs(p.as, now, by)
	if alone {
		s.shard.toServer.put(wire.AppendSync(nil))
		s.srv.replies.push(reply{kind: 'S', party: by})
		s.unsynced = false
	}
}

// readAs has the backend read texts in another way, at most until the transaction ends. A SET
// takes no snapshot, and as the second call takes the first back, nothing is reported.
func (s *Session) readAs(now, then reading, by party) {
	set := func(name, now, then string) {
		if now != then {
			s.srv.RunInPipeline(&s.shard.exchange, guc.Assignment(name, then, true))
			s.shard.toServer.put(s.shard.exchange.Bytes)
			s.srv.expect(s.shard.exchange.Replies, by)
		}
	}
	set("client_encoding", now.encoding, then.encoding)
	set("standard_conforming_strings", now.strings, then.strings)
}
