package txn

import "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"

// FrameKind says what opened a frame.
type FrameKind uint8

// The kinds of frames.
const (
	Implicit    FrameKind = iota // a message or a pipeline without BEGIN
	Transaction                  // BEGIN, or AND CHAIN
	Savepoint                    // SAVEPOINT
)

func (k FrameKind) String() string {
	return [...]string{"implicit", "transaction", "savepoint"}[k]
}

// Frame is one frame of the stack, for people to look at.
type Frame struct {
	Kind    FrameKind
	Name    string   // of the savepoint
	Vars    *guc.Set // as they were when it was opened
	Changed []string // what changed since, until the next frame was opened
}

// Frames is the stack, oldest first; it is empty when the session is idle.
func (m *Machine) Frames() []Frame {
	view := make([]Frame, len(m.frames))
	for i, f := range m.frames {
		view[i] = Frame{Kind: Savepoint, Name: f.name, Vars: f.vars}
		after := m.vars
		if i+1 < len(m.frames) {
			after = m.frames[i+1].vars
		}
		for v := range guc.Diff(f.vars, after) {
			view[i].Changed = append(view[i].Changed, v.Name)
		}
	}
	if len(view) > 0 {
		view[0].Kind = m.bottom()
	}
	return view
}

// bottom is what the bottom frame was opened by.
func (m *Machine) bottom() FrameKind {
	if m.explicit {
		return Transaction
	}
	return Implicit
}
