package txn

import (
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

// Machine is the state of one session. The zero value is a session just
// started: idle, with every variable at its start-up value.
type Machine struct {
	vars   *guc.Set // as they are now
	frames stack    // empty when idle
	queue  queue    // sent, not answered yet

	explicit bool // the bottom frame is a BEGIN's: status T or E
	failed   bool // status E
	skipping bool // an error came before the Sync: the server ignores all up to it
	ending   bool // what failed in this batch may have been the COMMIT itself
	answered int  // statements of the batch at the head that were answered

	copying   bool // the server reads copy data
	swallowed int  // Syncs that the server takes for part of the copy

	reports   []report   // of the batch at the head
	conflicts []Conflict // of the last batch
	hidden    bool       // one of its reports says that something was changed unseen
	pins      Pins
	deepest   int  // most savepoints since Deepest was asked
	kept      Pins // those when the last transaction was over, and since made by what no rollback undoes

	doubt bool   // the values may be wrong; settled when idle
	wrong string // why the batch at the head does not fit; "" when it does
	last  string // the last wrong that Ready told
}

// Sent says that a statement goes to the server: each one of a simple Query's
// text, or what one Execute executes, be it empty (Other). A FunctionCall is
// Sent as a statement of trait Calls, with EndQuery and Completed like others.
func (m *Machine) Sent(st sqlscan.Statement) {
	if m.skipping {
		return
	}
	m.pins |= pinsOf(&st)
	m.queue.push(item{st: st})
}

// EndQuery says that all statements of a simple Query were Sent. One
// ReadyForQuery will follow, also when there were none. Amid says that the Query
// is one of the messages of a pipeline, ahead of its Sync.
func (m *Machine) EndQuery(amid bool) {
	if !m.skipping {
		m.queue.push(item{what: endOfQuery, amid: amid})
	}
}

// Sync says that a Sync goes to the server. One ReadyForQuery will follow,
// unless the server is in the middle of a COPY.
func (m *Machine) Sync() {
	if m.copying {
		m.swallowed++
		return
	}
	m.skipping = false
	m.queue.push(item{what: endOfPipeline})
}

// Completed says that CommandComplete, EmptyQueryResponse or
// FunctionCallResponse came: the statement at the head of the queue happened.
func (m *Machine) Completed() {
	if it, ok := m.answer(); ok {
		m.apply(&it)
	}
}

// Suspended says that PortalSuspended came: the Execute at the head of the
// queue is answered, and its statement is not finished.
func (m *Machine) Suspended() { m.answer() }

// answer takes the statement at the head of the queue, in whose transaction
// the session is from now on.
func (m *Machine) answer() (item, bool) {
	head := m.queue.head()
	if head == nil || head.what != statement {
		// The EmptyQueryResponse to a Query without statements is no answer.
		if head == nil || head.what != endOfQuery || m.answered > 0 {
			m.disagree("more answers than statements")
		}
		return item{}, false
	}
	it := *head
	m.queue.pop()
	m.answered++
	m.kept |= (it.pins | pinsOf(&it.st)) &^ undone
	m.copyDone()
	m.frames.open(m.vars)
	return it, true
}

// Failed says that ErrorResponse came: nothing more of this batch will happen,
// and the variables go back at once, as PostgreSQL's do.
func (m *Machine) Failed() {
	if head := m.queue.head(); head != nil && head.commits() && m.explicit && !m.failed {
		m.ending = true
	}
	m.skipping = !m.queue.dropBatch()
	m.copyFailed()
	if m.frames.empty() {
		return
	}
	m.restore(m.frames.top().vars)
	if m.explicit {
		m.failed = true
	} else {
		m.frames.clear()
	}
}

// Ready says that ReadyForQuery came, with status 'I', 'T' or 'E': the batch at
// the head of the queue is over. It returns false when the machine expected
// something else. Then the server is right: the status is its own, the values
// are not Known until they are asked for, and the session is pinned.
func (m *Machine) Ready(status byte) bool {
	goesOn := m.goesOn(status)
	m.endBatch()
	if m.ending && status == 'I' {
		m.rollback(false)
	}
	if !m.explicit && !goesOn {
		m.commit(false)
	}
	if m.Status() != status && !goesOn {
		m.disagree("ReadyForQuery " + string(status) + ", expected " + string(m.Status()))
		m.adopt(status)
	}
	m.ending, m.skipping = false, false
	m.conflicts = m.conflicts[:0]
	if m.doubt && !m.explicit {
		m.forget()
	}
	m.applyReports()
	if !m.explicit {
		m.kept = m.pins
	}
	ok := m.wrong == ""
	if !ok {
		m.last, m.wrong = m.wrong, ""
	}
	return ok
}

// goesOn says whether the implicit transaction of a pipeline goes on behind a Query in
// it, up to the Sync. It does since PostgreSQL 18, which then tells the status T.
func (m *Machine) goesOn(status byte) bool {
	head := m.queue.head()
	return status == 'T' && !m.explicit && head != nil && head.amid && !m.frames.empty()
}

// endBatch takes the batch's end from the queue, where it should be the head.
func (m *Machine) endBatch() {
	m.answered = 0
	head := m.queue.head()
	switch {
	case head == nil:
		m.disagree("ReadyForQuery that nobody asked for")
		return
	case head.what == statement:
		m.disagree("ReadyForQuery before the answer to " + head.st.Kind.String())
		if !m.queue.dropBatch() {
			return
		}
	}
	m.queue.pop()
}

// Status is the transaction status after all that was answered so far: 'I',
// 'T' or 'E'. Within an implicit transaction it is 'I'.
func (m *Machine) Status() byte {
	switch {
	case !m.explicit:
		return 'I'
	case m.failed:
		return 'E'
	default:
		return 'T'
	}
}

// Head is the statement that the server answers next, or Other if it has none to
// answer in this batch.
func (m *Machine) Head() sqlscan.Statement {
	if head := m.queue.head(); head != nil && head.what == statement {
		return head.st
	}
	return sqlscan.Statement{}
}

// Pending is the number of statements and of batch ends that the server still
// has to answer.
func (m *Machine) Pending() int { return m.queue.pending }

// Savepoints is the number of savepoints when all that was sent is answered, or
// less: how many a statement ends is not known before.
func (m *Machine) Savepoints() int {
	n := m.queue.savepoints
	if m.queue.ends == 0 {
		n += max(0, len(m.frames)-1)
	}
	return n
}

// Bytes is about what the variables take in memory: those in force, those that
// frames will bring back, and those that the server has not answered for yet.
func (m *Machine) Bytes() int64 {
	n := m.BytesAtMost()
	if !m.frames.empty() {
		top := m.frames.top().vars
		n += top.BytesBeside(m.vars) - top.Bytes()
	}
	return n
}

// BytesAtMost is no less than Bytes, and costs the same however many variables the
// transaction has changed.
func (m *Machine) BytesAtMost() int64 {
	n := m.vars.Bytes() + m.queue.bytes
	if !m.frames.empty() {
		top := m.frames.top()
		n += top.held + top.vars.Bytes()
	}
	return n
}

// Idle reports whether the session is between transactions with nothing under
// way. It can't see a Parse, Bind or Describe without Execute: until its Sync
// is answered those keep a transaction open too.
func (m *Machine) Idle() bool {
	return m.queue.empty() && m.frames.empty() && !m.skipping
}

// Depth is the number of savepoints that are open.
func (m *Machine) Depth() int { return max(0, len(m.frames)-1) }

// Deepest is the greatest Depth since it was asked last.
func (m *Machine) Deepest() int {
	deepest := m.deepest
	m.deepest = m.Depth()
	return deepest
}

// Vars are the variables after all that was answered so far.
func (m *Machine) Vars() *guc.Set { return m.vars }
