package relay

import (
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// What a session may have the proxy remember. A statement that would pass a limit
// is refused, and the transaction is aborted as after any error: not by us, but by
// the server, which is sent another statement in its place that fails at once. The
// client gets our error instead of that one's.

// refused is a text that fails when it is analysed, with any search_path; behind
// an earlier error it is refused for that, as the statement would have been.
const refused = "VALUES (1), (1, 1) -- a statement that caddy_pgtxn refused"

var (
	refusedQuery = func() []byte {
		buf, at := wire.Begin(nil, 'Q')
		return wire.End(wire.AppendCString(buf, refused), at)
	}()
	refusedParse = wire.AppendParse(nil, ownPrefix+"refused", refused)
)

// over says why a statement is to be refused; nil for no reason.
func (s *Session) over(st *sqlscan.Statement) *wire.Error {
	if limit := s.cfg.MaxSavepoints; limit > 0 && st.Kind == sqlscan.Savepoint && s.machine.Savepoints() >= limit {
		return wire.TooManySavepoints(limit)
	}
	switch st.Kind {
	case sqlscan.Savepoint, sqlscan.Set:
		limit := s.cfg.MaxSessionMemory
		if more := len(st.Name) + len(st.Value); limit > 0 && s.machine.Bytes()+int64(more) > int64(limit) {
			return wire.SessionMemory(limit)
		}
	}
	return nil
}

// overruled is the client's answer to a statement that was refused, in the place
// of the server's error; false if that one came of something else.
func overruled(r *reply, body []byte) ([]byte, bool) {
	if r.refused == nil || string(wire.ParseError(body).Code) == "25P02" {
		return nil, false
	}
	return r.refused.Encode(nil), true
}
