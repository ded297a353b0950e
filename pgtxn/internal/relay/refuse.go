package relay

import (
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// What the proxy itself refuses, while the client has a backend, is replaced by what
// the server refuses: so the transaction fails, what follows is skipped, and the
// status is told as behind any error. The client gets the proxy's words.

// refused is a text that fails when it is analysed, with any search_path; behind an
// earlier error it is refused for that, as the client's own would have been.
const refused = "VALUES (1), (1, 1) -- refused by caddy_pgtxn"

// refusedName is a name that nothing has on the server.
const refusedName = "refused by caddy_pgtxn"

// forbidden says why statements are to be refused; nil for no reason. It counts what
// may be limited, so they must be sent or refused.
func (s *Session) forbidden(statements ...sqlscan.Statement) *wire.Error {
	if e := s.over(statements); e != nil {
		return e
	}
	return s.mayPin(statements)
}

func (s *Session) refuseQuery(e *wire.Error) {
	g := &s.shard.toServer
	g.setOwn(wire.AppendQuery(g.own(), refused))
	s.sent(sqlscan.Statement{})
	s.endQuery()
	s.srv.replies.last().words = e.Encode(nil)
}

func (s *Session) refuseParse(name string, e *wire.Error) {
	g := &s.shard.toServer
	g.setOwn(wire.AppendParse(g.own(), name, refused))
	s.expect(reply{kind: 'P', words: e.Encode(nil)})
}

func (s *Session) refuseExecute(e *wire.Error) {
	g := &s.shard.toServer
	g.setOwn(wire.AppendParse(g.own(), ownPrefix+"refused", refused))
	s.sent(sqlscan.Statement{})
	s.expect(reply{kind: 'E', words: e.Encode(nil)})
}
