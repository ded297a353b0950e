package relay

import (
	"bytes"
	"cmp"
	"math"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// How a backend comes to have the statement that a client names.
//
// A server refuses a prepared statement that would return other columns than when
// it was prepared: cached plan must not change result type. It knows only what was
// prepared there, by whom and when ever, so each Parse is described too, and what
// the client prepared is compared with what the backend has. Where that has to be
// prepared first, it goes in the client's own flight, unless a client has changed a
// schema since: then the answer is awaited. What was changed past the proxy, it
// sees behind the first use.

// prepare sends the Parse of stmt; what the server has of that name goes first.
func (s *Session) prepare(stmt *prepared, as reply) {
	v, g := s.srv, &s.shard.toServer
	buf := g.own()
	if v.Prepared.Touch(stmt.name) {
		buf = v.closing(buf, stmt.name)
		v.Prepared.Remove(stmt.name)
	}
	limit := s.cfg.MaxPrepared
	if v.Bare() {
		limit = math.MaxInt // or it would not have all of the client's
	}
	if victim, full := v.Prepared.Add(stmt.name, limit); full {
		buf = v.closing(buf, victim)
	}
	stmt.ddl = s.shard.ddl.Load()
	g.setOwn(buf)
	s.reread(stmt, cmp.Or(as.party, forPrepare), func(by party) {
		g.setOwn(wire.AppendDescribe(stmt.appendParse(g.own()), stmt.name))
		if as.party != forClient {
			as.party = by
		}
		s.expect(as)
		s.expect(reply{kind: 'D', party: by, stmt: stmt})
	})
}

// neverAgain is no number of the shard's: what the statement returns is looked at
// wherever it has to be prepared.
const neverAgain = math.MaxUint64

// described takes the answer: RowDescription or NoData.
func (v *server) described(stmt *prepared, typ byte, body []byte) {
	result := backend.NoRows
	if typ == 'T' {
		result = backend.ResultOf(body)
	}
	v.Prepared.Described(stmt.name, result)
	switch stmt.result {
	case 0:
		stmt.result = result
	case result:
	default:
		stmt.ddl = neverAgain
		v.shard.ddl.Add(1) // for the other clients
	}
}

// statement makes sure that the server has what the client calls name, and
// returns the server's name for it and what it runs. A name that the client
// never prepared stays as it is, for the server to refuse. If it is not ok the
// message waits.
func (s *Session) statement(name []byte) (serverName string, st sqlscan.Statement, ok bool) {
	if len(name) == 0 {
		return "", s.unnamed.scan, s.ensureUnnamed()
	}
	if p := s.stmts[string(name)]; p != nil {
		switch s.ensure(string(name), p) {
		case unknown:
			return "", st, false
		case outdated:
			return refusedName, st, true
		}
		return p.name, p.scan, true
	}
	if bytes.HasPrefix(name, []byte(ownPrefix)) {
		return notOurs + string(name), st, true
	}
	return string(name), st, true
}

// fitness says whether what a backend has is what the client prepared.
type fitness uint8

const (
	fits fitness = iota
	unknown
	outdated
)

// ensure: where the statement is not prepared yet, or was when it returned something
// else, it will be with the variables of now.
func (s *Session) ensure(name string, p *prepared) fitness {
	v := s.srv
	if !v.Prepared.Touch(p.name) {
		p.name = s.nameNow(name, p)
	}
	has, asked := v.Prepared.Touch(p.name), s.asked == p
	result := v.Prepared.Result(p.name)
	s.asked = nil
	switch {
	case has && (result == p.result || p.result == 0):
		return fits
	case has && result == 0 && s.awaitAnswers(): // prepared in this pipeline
		s.asked = p
		return unknown
	case has && result == 0:
		return fits
	case has && asked:
		return outdated
	}
	if s.mustAwaitReading(p) {
		return unknown
	}
	doubtful := has || p.ddl != s.shard.ddl.Load()
	s.prepare(p, reply{kind: 'P', party: forPrepare, stmt: p})
	if p.result <= backend.NoRows || !doubtful {
		return fits
	}
	s.asked = p
	s.shard.toServer.put(flush)
	s.held = true
	return unknown
}

// ofDDL says whether a tag is that of a statement after which another may return
// other columns.
func ofDDL(tag []byte) bool {
	for _, verb := range [...]string{"ALTER ", "CREATE ", "DROP "} {
		if bytes.HasPrefix(tag, []byte(verb)) {
			return true
		}
	}
	return false
}

// wordsFor is what the client hears if the name is that of no statement.
func wordsFor(serverName string) []byte {
	if serverName == refusedName {
		return planChanged
	}
	return nil
}

var planChanged = wire.PlanChanged().Encode(nil)
