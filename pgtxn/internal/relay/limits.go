package relay

import (
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// over says whether statements would have the proxy remember more of the session
// than it may: savepoints, or variables.
func (s *Session) over(statements []sqlscan.Statement) *wire.Error {
	savepoints, more := -1, int64(0)
	for i := range statements {
		st := &statements[i]
		switch st.Kind {
		case sqlscan.Set, sqlscan.Savepoint:
		case sqlscan.Release, sqlscan.RollbackTo, sqlscan.Commit, sqlscan.Rollback:
			savepoints = 0 // at least
			continue
		default:
			continue
		}
		if savepoints < 0 {
			savepoints = s.machine.Savepoints()
		}
		if st.Kind == sqlscan.Savepoint {
			savepoints++
		}
		more += int64(len(st.Name) + len(st.Value))
		if limit := s.cfg.MaxSavepoints; limit > 0 && savepoints > limit {
			return wire.TooMany("savepoints", limit, "max_savepoints")
		}
	}
	limit := s.cfg.MaxSessionMemory
	if room := int64(limit) - more; limit > 0 && more > 0 && s.machine.BytesAtMost() > room && s.machine.Bytes() > room {
		return wire.SessionMemory(limit)
	}
	return nil
}
