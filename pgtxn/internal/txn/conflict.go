package txn

import "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"

// Conflict is a variable that the server reports with another value than it was
// tracked with, where nothing that was sent explains it: something changed it
// behind the tracker, such as a trigger. The server's value is taken, and the
// session pinned until it is known what else was changed.
type Conflict struct {
	Name  string
	Frame string // where the tracked value was set: "start-up", "session", "implicit", "transaction", or "savepoint" and its name
	Local bool   // by SET LOCAL
}

// Conflicts are those of the batch that was Ready last.
func (m *Machine) Conflicts() []Conflict { return m.conflicts }

// unseen are the pins of what may change variables unseen.
const unseen = PinSetConfig | PinHidden | PinUncertain | PinOversized | PinReplication

// conflict notes that the value in force of v is not what the server reports.
func (m *Machine) conflict(v guc.Var) {
	if m.pins&unseen == 0 {
		m.conflicts = append(m.conflicts, Conflict{Name: v.Name, Frame: m.setIn(v), Local: v.Local != nil})
	}
	m.hidden = true
}

// setIn is the frame in which the value in force of v was set.
func (m *Machine) setIn(v guc.Var) string {
	now := v.InForce()
	if now == nil {
		return "start-up"
	}
	for i := len(m.frames) - 1; i >= 0; i-- {
		if old, _ := m.frames[i].vars.Get(v.Name); old.InForce() != now {
			if i > 0 {
				return Savepoint.String() + " " + m.frames[i].name
			}
			return m.bottom().String()
		}
	}
	return "session"
}
