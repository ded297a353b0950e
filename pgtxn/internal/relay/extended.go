package relay

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Parse, Bind, Describe and Close: the messages that name prepared statements.

// parse prepares under a name of our own. The unnamed statement stays unnamed.
func (s *Session) parse(m msg) int {
	if m.total > s.cfg.MaxStatement {
		return s.parseOversized(m)
	}
	if !m.whole() {
		return 0
	}
	name, body, ok := wire.CString(m.body())
	if !ok {
		return s.malformed()
	}
	text, _, _ := wire.CString(body)
	if !s.ready() || s.ambiguous(text) || s.tempIsOthers() && !s.tempFits(s.scan(text)) {
		return 0
	}
	if len(name) == 0 {
		undo := s.keepUnnamed()
		s.unnamed.setUnnamed(body, s.scanOptions())
		if mayHide(&s.unnamed.scan) {
			s.learnNames(body)
		}
		s.hasUnnamed, s.srv.unnamedOf = true, s.id
		s.expect(reply{kind: 'P', stmt: &s.unnamed, undo: undo})
		return s.pass(m)
	}
	stmt := newPrepared(s.nameOf(string(name), body, reading{}), body, s.scanOptions())
	if s.unsettled(name, stmt) || s.machine.Pins()&txn.PinPrepare != 0 && !s.ownNames() {
		return 0
	}
	if known := s.stmts[string(name)]; known != nil {
		s.parseAgain(name, known, stmt)
		return m.total
	}
	if limit := s.cfg.MaxClientPrepared; len(s.stmts) >= limit {
		s.refuseParse(stmt.name, wire.TooMany("prepared statements", limit, "max_client_prepared"))
		return m.total
	}
	s.prepare(stmt, reply{kind: 'P', stmt: stmt, undo: s.note(name, stmt)})
	return m.total
}

// parseAgain is the Parse of a name that the client has in use. That is an
// error, but not the first that there may be in the text, so the server is asked
// for it: it gets the text twice under one name.
func (s *Session) parseAgain(name []byte, known, stmt *prepared) {
	s.ensure(string(name), stmt)
	g := &s.shard.toServer
	g.setOwn(stmt.appendParse(g.own()))
	s.expect(reply{kind: 'P', undo: &change{name: string(name), before: known, own: stmt.name}})
}

// parseOversized passes a text that is too long to be read, under the client's
// own name for it; the session is pinned, so nobody else meets the name.
func (s *Session) parseOversized(m msg) int {
	if !s.ready() {
		return 0
	}
	s.machine.Pin(txn.PinOversized)
	s.hasUnnamed, s.unnamed.scan, s.srv.unnamedOf = false, sqlscan.Statement{}, s.id
	s.expect(reply{kind: 'P'})
	return s.pass(m)
}

// bind notes what the portal will run and names the statement as the server
// knows it. The parameters pass unread, however long they are, but to a function that
// may set what they name.
func (s *Session) bind(m msg) int {
	portal, rest, ok := wire.CString(m.body())
	name, rest, ok2 := wire.CString(rest)
	if !ok || !ok2 {
		if m.whole() || len(m.b) > maxNames {
			return s.malformed()
		}
		return 0
	}
	hides := func(st sqlscan.Statement) bool { return mayHide(&st) }
	if !m.whole() && slices.ContainsFunc(s.runs(name), hides) && s.mustRead(m) {
		return 0
	}
	if !s.ready() || s.unsettled(name, s.stmts[string(name)]) || !s.namesFit(s.runs(name)) {
		return 0
	}
	serverName, st, ok := s.statement(name)
	if !ok {
		return 0
	}
	if mayHide(&st) {
		s.learnNames(m.body()) // of the parameters
		if p := s.stmts[string(name)]; p != nil {
			s.learnNames([]byte(p.shared.Value()))
		}
	}
	s.expect(reply{kind: 'B', name: s.setPortal(portal, st), words: wordsFor(serverName)})
	if serverName == string(name) {
		return s.pass(m)
	}
	g := &s.shard.toServer
	buf, at := wire.Begin(g.own(), 'B')
	buf = append(append(buf, portal...), 0)
	buf = append(append(buf, serverName...), 0)
	binary.BigEndian.PutUint32(buf[at+1:], uint32(m.total-1+len(serverName)-len(name)))
	g.setOwn(buf)
	read := len(m.b) - len(rest)
	g.pass(m.at+read, m.at+len(m.b))
	s.rest = m.total - len(m.b)
	return len(m.b)
}

// maxPortals is how many named portals are remembered.
const maxPortals = 10_000

// setPortal notes what a portal runs and returns its name.
func (s *Session) setPortal(portal []byte, st sqlscan.Statement) string {
	if len(portal) == 0 {
		s.bound = st
		return ""
	}
	if s.portals == nil {
		s.portals = make(map[string]sqlscan.Statement)
	}
	name := string(portalName(portal))
	if delete(s.portals, name); len(s.portals) < maxPortals {
		s.portals[name] = st
	}
	return name
}

// portal is what a portal runs. One that is not remembered may run anything.
func (s *Session) portal(portal []byte) sqlscan.Statement {
	if len(portal) == 0 {
		return s.bound
	}
	if st, ok := s.portals[string(portalName(portal))]; ok {
		return st
	}
	return sqlscan.Statement{Traits: sqlscan.Calls}
}

// portalName is as much of a name as PostgreSQL tells portals apart by (MAX_PORTALNAME_LEN).
func portalName(name []byte) []byte { return name[:min(len(name), 63)] }

// spoilPortal: a Bind was refused or skipped, so the portal may still run what it
// ran before.
func (s *Session) spoilPortal(name string) {
	if name == "" {
		s.bound = sqlscan.Statement{Traits: sqlscan.Calls}
	}
	delete(s.portals, name)
}

// describeOrClose: Close frees the client's name; what the server has under
// ours stays, for others who prepared the same.
func (s *Session) describeOrClose(m msg) int {
	if !m.whole() || !s.ready() {
		return 0
	}
	if len(m.body()) < 2 {
		return s.malformed()
	}
	typ, kind := m.b[0], m.b[wire.HeadLen]
	name, _, _ := wire.CString(m.body()[1:])
	if kind == 'S' && s.unsettled(name, s.stmts[string(name)]) {
		return 0
	}
	switch {
	case kind == 'P' || typ == 'C' && len(name) == 0:
		r := reply{kind: typ}
		if typ == 'C' && kind == 'P' {
			delete(s.portals, string(portalName(name)))
		}
		if typ == 'C' && kind == 'S' {
			r.stmt, r.undo = &s.unnamed, s.keepUnnamed()
			s.hasUnnamed, s.srv.unnamedOf = false, 0
		}
		s.expect(r)
	case typ == 'C':
		r := reply{kind: 'C', undo: s.note(name, nil)}
		if s.srv.Bare() && r.undo.before != nil {
			r.stmt = r.undo.before
			s.srv.Prepared.Remove(r.stmt.name)
		}
		s.expect(r)
		if bytes.HasPrefix(name, []byte(ownPrefix)) {
			s.shard.toServer.setOwn(wire.AppendClose(s.shard.toServer.own(), notOurs+string(name)))
			return m.total
		}
	default:
		serverName, _, ok := s.statement(name)
		if !ok {
			return 0
		}
		words, g := wordsFor(serverName), &s.shard.toServer
		if words != nil { // the parameters' types come first
			s.expect(reply{kind: 'D', words: words})
			g.setOwn(wire.AppendDescribe(g.own(), s.stmts[string(name)].name))
		}
		s.expect(reply{kind: 'D', words: words})
		if serverName != string(name) {
			g.setOwn(wire.AppendDescribe(g.own(), serverName))
			return m.total
		}
	}
	return s.pass(m)
}

// unsettled has the message wait for the answers to earlier batches if these
// decide what stands behind the name of a prepared statement.
func (s *Session) unsettled(name []byte, known *prepared) bool {
	if s.held = false; s.srv.replies.notes == 0 {
		return false
	}
	own := ""
	if known != nil {
		own = known.name
		if !s.srv.Prepared.Touch(own) {
			own = s.nameNow(string(name), known) // as ensure will call it
		}
	}
	s.held = s.srv.replies.unsettled(name, own)
	return s.held
}

// ensureUnnamed gives the server this client's unnamed statement, or takes
// another client's away. It reports whether that is done; if not the message waits.
func (s *Session) ensureUnnamed() bool {
	v, g := s.srv, &s.shard.toServer
	switch {
	case v.unnamedOf == s.id, v.unnamedOf == 0 && !s.hasUnnamed:
	case !s.hasUnnamed:
		v.unnamedOf = s.id
		g.setOwn(wire.AppendClose(g.own(), ""))
		v.replies.push(reply{kind: 'C', party: forPrepare, stmt: &s.unnamed})
	case s.mustAwaitReading(&s.unnamed):
		return false
	default:
		v.unnamedOf = s.id
		s.reread(&s.unnamed, forPrepare, func(by party) {
			g.setOwn(s.unnamed.appendParse(g.own()))
			v.replies.push(reply{kind: 'P', party: by, stmt: &s.unnamed})
		})
	}
	return true
}

func (s *Session) malformed() int { return s.violation("invalid message format") }
