package txn

import (
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

const (
	role          = "role"
	authorization = "session_authorization"
)

var noRole = &guc.Value{Text: "none", Known: true}

// transient reports whether a setting has no value that outlives its
// transaction: StartTransaction sets the first three anew, whatever SET made
// them, and SET seed is a call of setseed, which has its pin.
func transient(name string) bool {
	switch name {
	case "transaction_isolation", "transaction_read_only", "transaction_deferrable", "seed":
		return true
	}
	return false
}

func valueOf(st *sqlscan.Statement) *guc.Value {
	if st.Default || st.Kind == sqlscan.Reset {
		return guc.AtDefault()
	}
	return &guc.Value{Text: st.Value}
}

// set is SET and SET LOCAL. SET SESSION AUTHORIZATION sets the role as well
// (set_config_option in guc.c, since the fix of CVE-2024-10978): to none, or
// with DEFAULT to its own default.
func (m *Machine) set(name string, v *guc.Value, local bool) {
	if transient(name) {
		return
	}
	m.put(name, v, local)
	if name == authorization {
		if !v.Default {
			v = noRole
		}
		m.put(role, v, local)
	}
}

// put changes one layer of one variable. A SET ends a SET LOCAL before it.
func (m *Machine) put(name string, v *guc.Value, local bool) {
	now, _ := m.vars.Get(name)
	now.Name = name
	if local {
		now.Local = v
	} else {
		now.Session, now.Local = v, nil
	}
	m.vars = m.vars.With(now)
}

func (m *Machine) setCharacteristics(st *sqlscan.Statement) {
	for name, value := range st.Modes.All {
		m.put(name, &guc.Value{Text: value, Known: true}, st.Local)
	}
}

// resetAll is RESET ALL (ResetAllOptions in guc.c). It leaves the two variables
// that are GUC_NO_RESET_ALL, and those that a SET LOCAL TO DEFAULT masks: what
// is at its default already is not reset, so the masked value comes back.
func (m *Machine) resetAll() {
	for v := range m.vars.All() {
		masked := v.Local != nil && v.Local.Default
		if v.Name != role && v.Name != authorization && !masked {
			m.vars = m.vars.Without(v.Name)
		}
	}
}

// discardAll is DISCARD ALL. It commits at once, also in a pipeline, and drops
// all that pins the session, except what was sent behind it: late are the pins
// that were made after it was sent and before the next statement.
func (m *Machine) discardAll(late Pins) {
	for v := range m.vars.All() {
		m.vars = m.vars.Without(v.Name)
	}
	m.end(false)
	m.pins = m.pins&lasting | late | m.queue.pins()
}
