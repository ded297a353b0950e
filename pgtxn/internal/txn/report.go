package txn

import (
	"iter"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
)

// report is a ParameterStatus.
type report struct {
	name, value string
	initial     bool
}

// Reported says that a ParameterStatus came during this session's own work. The
// value is what is in force, in the server's own words. PostgreSQL sends it
// just before ReadyForQuery, or up to version 13 before the CommandComplete of
// the very statement, so it is kept until Ready; the last one of a name counts.
// initial says that it is the start-up value, or that nobody can set it.
func (m *Machine) Reported(name, value string, initial bool) {
	m.reports = append(m.reports, report{guc.Fold(name), value, initial})
	if m.queue.empty() {
		m.applyReports()
	}
}

func (m *Machine) applyReports() {
	for _, r := range m.reports {
		m.applyReport(r)
	}
	clear(m.reports)
	m.reports = m.reports[:0]
	if m.hidden {
		m.hidden = false
		m.pins |= PinHidden
	}
}

// applyReport leaves a variable that is at its start-up value alone. If that is not
// what was reported it can't be known for how long it was set.
func (m *Machine) applyReport(r report) {
	v, _ := m.vars.Get(r.name)
	v.Name = r.name
	tracked := v.InForce()
	switch {
	case tracked == nil && r.initial:
		return
	case tracked == nil:
		m.conflict(v)
		return
	case tracked.Known && tracked.Text != r.value:
		m.conflict(v)
	}
	now := &guc.Value{Text: r.value, Known: true}
	if v.Local != nil {
		v.Local = now
	} else {
		v.Session = now
	}
	m.vars = m.vars.With(v)
}

// Learned says what current_setting answered for name while the session was
// idle: that is its session value from now on. It has no effect while a
// transaction is under way, since the answer may be a local value.
func (m *Machine) Learned(name, value string) {
	if m.frames.empty() {
		m.put(guc.Fold(name), &guc.Value{Text: value, Known: true}, false)
	}
}

// Undefined says that current_setting knows no such name while the session was
// idle: an extension that was loaded has dropped it, say.
func (m *Machine) Undefined(name string) {
	if m.frames.empty() {
		m.put(guc.Fold(name), guc.AtDefault(), false)
	}
}

// Inspected says what the server answered when the session was idle and it was
// asked for all: the values that are not the start-up values, and what it holds
// of the Inspectable. What was sent since may pin again.
func (m *Machine) Inspected(vars *guc.Set, holds Pins) {
	if !m.frames.empty() {
		return
	}
	for v := range m.vars.All() {
		if _, ok := vars.Get(v.Name); !ok {
			m.vars = m.vars.Without(v.Name)
		}
	}
	for v := range vars.All() {
		m.put(v.Name, v.Session, false)
	}
	m.pins = m.pins&^Inspectable | holds | m.queue.pins()
	m.kept = m.pins
}

// Unlearned yields the names whose session value is not Known, in order. They
// are to be asked for while the session is idle.
func (m *Machine) Unlearned() iter.Seq[string] { return m.vars.Unlearned() }
