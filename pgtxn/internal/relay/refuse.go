package relay

import (
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// What the proxy itself refuses, while the client has a backend, goes there in a
// form that the server refuses: so the transaction fails, what follows is skipped,
// and the status is told as behind any error. The client gets the proxy's words.

// notAllowed is what the server's log shows of it; it is no SQL.
const notAllowed = "refused by caddy_pgtxn"

func (s *Session) refuseQuery(e *wire.Error) {
	g := &s.shard.toServer
	g.setOwn(wire.AppendQuery(g.own(), notAllowed))
	s.sent(sqlscan.Statement{})
	s.endQuery()
	s.srv.replies.at(s.srv.replies.n - 1).words = e.Encode(nil)
}

func (s *Session) refuseParse(name string, e *wire.Error) {
	g := &s.shard.toServer
	g.setOwn(wire.AppendParse(g.own(), name, notAllowed))
	s.expect(reply{kind: 'P', words: e.Encode(nil)})
}

func (s *Session) refuseExecute(e *wire.Error) {
	g := &s.shard.toServer
	g.setOwn(wire.AppendExecute(g.own(), notAllowed)) // a portal that does not exist
	s.sent(sqlscan.Statement{})
	s.expect(reply{kind: 'E', words: e.Encode(nil)})
}
