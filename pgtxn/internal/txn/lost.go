package txn

import "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"

// undone are the pins whose cause goes with the transaction that made it. The
// others are made at once, or may have been.
const undone = PinTemp | PinListen | PinHoldCursor | PinSetConfig

// unread are those for which it is not known what was sent, or what it did, or
// what of it lasts: nobody asks.
const unread = PinUncertain | PinOversized | lasting

// Unrestorable are the pins whose cause is lost if the server goes away now:
// those from before the transaction at hand, and those of its answered statements
// that no rollback undoes. What was not answered the client can't count on.
func (m *Machine) Unrestorable() Pins { return m.kept | m.pins&unread }

// Lost says that the server has gone away. Nothing of what was sent will be
// answered any more, and what was not committed is undone: the variables are
// those from before the transaction. If what was sent leaves a transaction open,
// that has failed and waits for its ROLLBACK; its savepoints have gone.
func (m *Machine) Lost() {
	for i := m.queue.next; i < len(m.queue.items); i++ {
		switch st := &m.queue.items[i].st; st.Kind {
		case sqlscan.Begin:
			m.explicit = true
		case sqlscan.Commit, sqlscan.PrepareTransaction, sqlscan.Rollback:
			m.explicit = st.Chain
		}
	}
	vars, explicit := m.vars, m.explicit
	if !m.frames.empty() {
		vars = m.frames[0].vars
	}
	*m = Machine{vars: vars, frames: m.frames, queue: queue{items: m.queue.items[:0]}, last: m.last}
	m.frames.clear()
	if explicit {
		m.frames.open(vars)
		m.explicit, m.failed = true, true
	}
}
