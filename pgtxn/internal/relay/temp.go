package relay

import (
	"slices"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

// The schema pg_temp that a backend makes for its first temporary object stays as
// long as the backend. A session of its own has none before it makes one, and can
// tell: by PREPARE TRANSACTION, which a transaction that made the schema is refused.
// So a session that is about to make its first gets a backend that has none.

// tempMark marks the backends that have it.
const tempMark = 1 << maxMarks

func (v *server) temp() bool { return v.member.Marks&tempMark != 0 }

// madeTemp: the backend has the schema. If it was not there before, it is of this
// session's making.
func (s *Session) madeTemp() {
	if !s.srv.temp() {
		s.srv.member.Marks |= tempMark
		s.temp = true
	}
}

// tempIsOthers says whether the backend has the schema, and the session has not made
// one yet.
func (s *Session) tempIsOthers() bool { return s.srv.temp() && !s.temp }

// tempFits reports whether the backend, to which nothing but the variables has
// been sent yet, will do for the statements. If not it is closed, and the session
// waits for another unless one is there.
func (s *Session) tempFits(statements []sqlscan.Statement) bool {
	makesTemp := func(st sqlscan.Statement) bool { return st.Traits&sqlscan.Temp != 0 }
	if !s.tempIsOthers() {
		return true
	}
	v := s.srv
	busy := v.replies.n > v.replies.syncs || s.unsynced || !s.machine.Idle() || s.machine.Pins() != 0
	if busy || !slices.ContainsFunc(statements, makesTemp) {
		return true
	}
	s.shard.toServer.drop() // what there is for it are the variables
	s.unpinned()
	s.srv, v.session = nil, nil
	v.close("the schema pg_temp is another session's")
	return s.acquire(tempMark) && s.ready()
}
