package txn

import "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"

// apply makes a statement happen that the server has completed.
func (m *Machine) apply(it *item) {
	st := &it.st
	if why := m.impossible(st); why != "" {
		m.disagree(why)
		return
	}
	switch st.Kind {
	case sqlscan.Begin:
		m.explicit = true
	case sqlscan.Commit, sqlscan.PrepareTransaction:
		m.commit(st.Chain)
	case sqlscan.Rollback:
		m.rollback(st.Chain)
	case sqlscan.Savepoint:
		m.frames.push(st.Name, m.vars)
		m.deepest = max(m.deepest, m.Depth())
	case sqlscan.Release:
		m.frames.cut(m.frames.find(st.Name))
	case sqlscan.RollbackTo:
		m.rollbackTo(st.Name)
	case sqlscan.Set, sqlscan.Reset:
		m.set(st.Name, valueOf(st), st.Local)
	case sqlscan.SetCharacteristics:
		m.setCharacteristics(st)
	case sqlscan.ResetAll:
		m.resetAll()
	case sqlscan.DiscardAll:
		m.discardAll(it.pins)
	}
}

// impossible says why PostgreSQL can't have completed st in the status that the
// machine is in; "" when it can. A completion of the impossible means that the
// machine missed something earlier. In an implicit transaction DISCARD ALL and
// its like pass: they are refused there unless nothing ran before, but what ran
// may have committed at once, as VACUUM does.
func (m *Machine) impossible(st *sqlscan.Statement) string {
	kind := st.Kind
	switch kind {
	case sqlscan.Other: // in a failed transaction: the empty statement
		return ""
	case sqlscan.PrepareTransaction:
		return ""
	case sqlscan.Commit, sqlscan.Rollback:
		if st.Chain && !m.explicit {
			return kind.String() + " AND CHAIN outside a transaction"
		}
		return ""
	case sqlscan.RollbackTo:
	default:
		if m.failed {
			return kind.String() + " in a failed transaction"
		}
	}
	switch kind {
	case sqlscan.Savepoint, sqlscan.Release, sqlscan.RollbackTo:
		if !m.explicit {
			return kind.String() + " outside a transaction"
		}
		if kind != sqlscan.Savepoint && m.frames.find(st.Name) == 0 {
			return kind.String() + " a savepoint that does not exist"
		}
	case sqlscan.CommitPrepared, sqlscan.RollbackPrepared, sqlscan.DiscardAll:
		if m.explicit {
			return kind.String() + " in a transaction"
		}
	}
	return ""
}
