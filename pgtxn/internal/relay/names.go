package relay

import (
	"slices"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// SQL knows prepared statements too, by the names that the client gave them: it
// lists them in pg_prepared_statements, EXECUTE and DEALLOCATE name them, and
// PREPARE must not use one again. For DEALLOCATE, which drivers send, a stand-in
// is enough. For the rest the backend is made bare (see backend.Conn.Bare) and
// stays so as long as the session holds it.

// namesFit sees to it that the server knows the client's names if one of the
// statements needs that, and reports whether they can be sent.
func (s *Session) namesFit(statements []sqlscan.Statement) bool {
	return !slices.ContainsFunc(statements, s.needsNames) || s.ownNames()
}

func (s *Session) needsNames(st sqlscan.Statement) bool {
	switch st.Kind {
	case sqlscan.Execute:
		return s.stmts[st.Name] != nil
	case sqlscan.Prepare:
		return s.stmts[st.Name] != nil || st.Traits&sqlscan.Prepared != 0
	}
	return st.Traits&sqlscan.Prepared != 0
}

// runs is what the statement runs that the client calls name, if it has it.
func (s *Session) runs(name []byte) []sqlscan.Statement {
	p := s.stmts[string(name)]
	switch {
	case len(name) == 0 && s.hasUnnamed:
		p = &s.unnamed
	case p == nil:
		return nil
	}
	return append(s.shard.statements[:0], p.scan)
}

// ownNames makes the backend bare, and reports whether it is: until the server
// has answered, the message waits. In a failed transaction what it needs the
// names for is refused anyway.
//
// Each statement has a Sync of its own: one that can't be prepared any more is
// missing until the client uses it, and then the server says why. In a pipeline,
// which a Sync would end, it is an error of the pipeline's.
func (s *Session) ownNames() bool {
	v, g := s.srv, &s.shard.toServer
	switch {
	case s.awaitAnswers():
		return false
	case v.Bare(), s.machine.Status() == 'E':
		return true
	}
	by, pipeline := forSelf, s.unsynced
	if pipeline {
		by = forPrepare
	}
	sync := func() {
		if !pipeline {
			g.setOwn(wire.AppendSync(g.own()))
			v.replies.push(reply{kind: 'S', party: by})
			s.unsynced = false
		}
	}
	v.SetBare(&s.shard.exchange, true)
	g.put(s.shard.exchange.Bytes)
	v.expect(s.shard.exchange.Replies, by)
	sync()
	for name, p := range s.stmts {
		p.name = s.nameNow(name, p)
		s.prepare(p, reply{kind: 'P', party: by, stmt: p})
		sync()
	}
	s.held = !pipeline
	return pipeline
}

// unbare closes what the client has prepared on a backend that others get next.
func (v *server) unbare() {
	e := &v.shard.exchange
	v.SetBare(e, false)
	v.send(wire.AppendSync(e.Bytes))
	v.expect(append(e.Replies, 'S'), forSelf)
}

// A stand-in is an empty statement under the client's name for one of its own, put
// ahead of a DEALLOCATE of that name.
func (s *Session) standIn(name string) {
	v, g := s.srv, &s.shard.toServer
	s.forgetting = true
	if v.Bare() {
		return
	}
	g.setOwn(wire.AppendParse(wire.AppendClose(g.own(), name), name, ""))
	v.replies.push(reply{kind: 'C', party: forPrepare, stmt: &prepared{}})
	v.replies.push(reply{kind: 'P', party: forPrepare, stmt: &prepared{}})
	v.standIns = append(v.standIns, name)
}

// deallocated: a statement has been completed that may have been a DEALLOCATE.
func (s *Session) deallocated(st sqlscan.Statement) {
	if st.Kind != sqlscan.Deallocate || st.All || strings.HasPrefix(st.Name, ownPrefix) {
		return
	}
	delete(s.stmts, st.Name)
	s.srv.Prepared.Remove(st.Name)
	s.srv.standIns = slices.DeleteFunc(s.srv.standIns, func(name string) bool { return name == st.Name })
}

// dropStandIns closes those whose DEALLOCATE failed, or was not reached.
func (v *server) dropStandIns() {
	if len(v.standIns) == 0 {
		return
	}
	var buf []byte
	for _, name := range v.standIns {
		buf = wire.AppendClose(buf, name)
		v.replies.push(reply{kind: 'C', party: forSelf, stmt: &prepared{}})
	}
	v.standIns = v.standIns[:0]
	v.send(wire.AppendSync(buf))
	v.replies.push(reply{kind: 'S', party: forSelf})
}
