package txn

import (
	"unsafe"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
)

// frame is what there was when a transaction or a savepoint was opened.
type frame struct {
	name string // of the savepoint; the bottom frame has none
	vars *guc.Set
	held int64 // bytes of memory that the frames below take
}

// stack holds the transaction's frame and above it one for each savepoint. Its
// memory serves the next transaction, unless this one was uncommonly deep.
type stack []frame

const frameBytes = int64(unsafe.Sizeof(frame{}))

// keepFrames is how many frames of memory a session keeps when idle.
const keepFrames = 64

func (s *stack) empty() bool { return len(*s) == 0 }
func (s *stack) top() *frame { return &(*s)[len(*s)-1] }

// open pushes the bottom frame, if there is none yet.
func (s *stack) open(vars *guc.Set) {
	if len(*s) == 0 {
		*s = append(*s, frame{vars: vars})
	}
}

// push opens a savepoint. Drivers that set one before each statement use one
// name and never release it, so a name is kept once for the whole run.
func (s *stack) push(name string, vars *guc.Set) {
	below := s.top()
	held := below.held + frameBytes + below.vars.BytesBeside(vars)
	if below.name == name {
		name = below.name
	} else {
		held += int64(len(name))
	}
	*s = append(*s, frame{name: name, vars: vars, held: held})
}

// find returns the position of the newest savepoint called name, or 0.
func (s *stack) find(name string) int {
	for i := len(*s) - 1; i > 0; i-- {
		if (*s)[i].name == name {
			return i
		}
	}
	return 0
}

// cut keeps the n oldest frames.
func (s *stack) cut(n int) {
	clear((*s)[n:])
	*s = (*s)[:n]
}

// clear forgets all frames.
func (s *stack) clear() {
	s.cut(0)
	if cap(*s) > keepFrames {
		*s = nil
	}
}

// restore goes back to the variables of a frame. Custom names stay defined.
func (m *Machine) restore(vars *guc.Set) { m.vars = vars.KeepDefined(m.vars) }

// commit ends the transaction with its values; a failed one is rolled back.
func (m *Machine) commit(chain bool) {
	if m.failed {
		m.rollback(chain)
		return
	}
	m.vars = m.vars.DropLocals()
	m.end(chain)
}

// rollback ends the transaction with the values from before it.
func (m *Machine) rollback(chain bool) {
	if !m.frames.empty() {
		m.restore(m.frames[0].vars)
	}
	m.end(chain)
}

// end leaves the transaction, and with AND CHAIN enters the next.
func (m *Machine) end(chain bool) {
	m.frames.clear()
	m.explicit, m.failed = chain, false
	if chain {
		m.frames.open(m.vars)
	}
}

// rollbackTo goes back to the newest savepoint called name, which stays.
func (m *Machine) rollbackTo(name string) {
	m.frames.cut(m.frames.find(name) + 1)
	m.restore(m.frames.top().vars)
	m.failed = false
}
