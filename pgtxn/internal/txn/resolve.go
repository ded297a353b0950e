package txn

import "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"

// Disagreement says why Ready last returned false; "" when it never did.
func (m *Machine) Disagreement() string { return m.last }

// disagree notes that the server did what the machine thought impossible. The
// session keeps its backend, for its values can't be trusted any more. Of
// several reasons in a batch the first is told: the others follow from it.
func (m *Machine) disagree(why string) {
	if m.wrong == "" {
		m.wrong = why
	}
	m.doubt = true
	m.pins |= PinUncertain
}

// adopt takes the server's status instead of the machine's own.
func (m *Machine) adopt(status byte) {
	if status == 'I' {
		// Committed or rolled back, who knows: keep the names of both.
		for old, now := range guc.Diff(m.frames[0].vars, m.vars) {
			if now.Session == nil {
				m.vars = m.vars.With(old)
			}
		}
		m.vars = m.vars.DropLocals()
		m.end(false)
		return
	}
	m.frames.open(m.vars)
	m.explicit, m.failed = true, status == 'E'
	if m.failed {
		m.restore(m.frames.top().vars)
	}
}

// forget marks all values as not Known, so that the server is asked for them.
func (m *Machine) forget() {
	for v := range m.vars.All() {
		if v.Session != nil {
			v.Session = &guc.Value{Text: v.Session.Text, Default: v.Session.Default}
			m.vars = m.vars.With(v)
		}
	}
	m.doubt = false
}
