// Package pool lends a bounded number of members to those who ask.
//
// It knows nothing of PostgreSQL or of time. A member is in one state at a time
// (connecting, idle, lent or gone), each state is a list, and move is the one
// function that takes a member from list to list. Who asks says what it wants:
// of the members that suit it the one it had last is best, then one with an
// equal label, then one whose label is clean, then the least recently used.
// Nobody is served before those who asked earlier and could have used the same
// member.
//
// A pool is not safe for concurrent use: it belongs to one event loop.
package pool

// Label names the state that a member carries, for comparison only: members
// with equal labels are interchangeable. The zero Label is clean.
type Label [2]uint64

// State says where a member is.
type State uint8

// The states of a member.
const (
	Connecting State = iota
	Idle
	Lent
	Gone
)

// Member is one place of the pool, with the backend that fills it.
type Member[B any] struct {
	Backend B // meaningful while Idle or Lent
	// Class is what the member was made for. It never serves another class.
	Class string
	// Marks are what the backend can't be rid of, as bits. It serves only those who
	// have all of them.
	Marks uint64

	label      Label
	state      State
	prev, next *Member[B]
}

// forget lets go of the backend: who had it last keeps the member for long.
func (m *Member[B]) forget() {
	var none B
	m.Backend = none
}

// suits says whether m may be lent to w.
func (m *Member[B]) suits(w *Waiter[B]) bool { return m.Class == w.Class && m.Marks&^w.Marks == 0 }

// State tells where the member is.
func (m *Member[B]) State() State { return m.state }

// Hooks are what a pool has done for it.
type Hooks[B any] interface {
	// Connect begins to fill m; Connected or ConnectFailed end it, later.
	Connect(m *Member[B])
	// Evict closes the backend of m, which has left the pool.
	Evict(m *Member[B])
}

// Pool lends members. Make it with New.
type Pool[B any] struct {
	hooks      Hooks[B]
	limit      int
	members    [Gone]list[B] // by state; those gone are in none
	waiting    queue[B]
	backingOff bool // connecting failed; Retry ends it
}

// New returns an empty pool of at most limit members.
func New[B any](limit int, hooks Hooks[B]) *Pool[B] {
	return &Pool[B]{hooks: hooks, limit: limit}
}

// Acquire lends a member to w at once, or returns nil and has w wait: it is
// told later, with Granted or Refused, unless Cancel comes first.
func (p *Pool[B]) Acquire(w *Waiter[B]) *Member[B] {
	m := p.AcquireIdle(w)
	if m == nil {
		p.waiting.push(w)
		p.grow()
	}
	return m
}

// AcquireIdle lends an idle member to w, or returns nil: then w does not wait.
func (p *Pool[B]) AcquireIdle(w *Waiter[B]) *Member[B] {
	m := p.pick(w)
	if m != nil {
		p.move(m, Lent)
	}
	return m
}

// Cancel has w wait no longer. It does nothing if w does not wait.
func (p *Pool[B]) Cancel(w *Waiter[B]) { p.waiting.remove(w) }

// Release takes back a lent member, which now carries label.
func (p *Pool[B]) Release(m *Member[B], label Label) {
	m.label = label
	p.move(m, Idle)
	p.shrink()
	p.serve()
}

// Remove takes m out for good, whatever its state, and gives its place on. Its
// backend is the caller's to close.
func (p *Pool[B]) Remove(m *Member[B]) {
	if m.state == Gone {
		return
	}
	p.move(m, Gone)
	m.forget()
	p.grow()
}

// Connected says that m, once connecting, now has its backend, which is clean.
func (p *Pool[B]) Connected(m *Member[B], backend B) {
	m.Backend = backend
	p.backingOff = false
	p.Release(m, Label{})
}

// ConnectFailed says that m could not be filled. Those who wait for its class
// are refused, or stay if they are patient and it may soon go better: then Retry
// says when to try again. It reports whether anybody stays.
func (p *Pool[B]) ConnectFailed(m *Member[B], err error, hopeless bool) (retry bool) {
	p.move(m, Gone)
	for w := p.waiting.first; w != nil; {
		next := w.next
		if w.Class == m.Class && (hopeless || !w.Patient) {
			p.waiting.remove(w)
			w.Taker.Refused(err)
		}
		w = next
	}
	p.backingOff = p.waiting.first != nil // else there is nobody to call Retry for
	return p.backingOff
}

// Retry connects again for those who wait.
func (p *Pool[B]) Retry() {
	p.backingOff = false
	p.grow()
}

// SetLimit changes the number of members; those above a lower limit leave as
// soon as they are idle.
func (p *Pool[B]) SetLimit(limit int) {
	p.limit = limit
	p.shrink()
	p.grow()
}

// Filled yields the members that have a backend, those idle first.
func (p *Pool[B]) Filled(yield func(*Member[B]) bool) {
	for _, state := range [...]State{Idle, Lent} {
		for m := p.members[state].first; m != nil; m = m.next {
			if !yield(m) {
				return
			}
		}
	}
}

// Oldest returns the idle member that has been idle the longest, or nil.
func (p *Pool[B]) Oldest() *Member[B] { return p.members[Idle].first }

// Next returns the idle member that became idle after m, or nil.
func (p *Pool[B]) Next(m *Member[B]) *Member[B] { return m.next }

// FirstWaiting returns who has waited the longest, or nil.
func (p *Pool[B]) FirstWaiting() *Waiter[B] { return p.waiting.first }

// Counts are the numbers of members by state and of those who wait.
type Counts struct{ Limit, Connecting, Idle, Lent, Waiting int }

// Counts counts.
func (p *Pool[B]) Counts() Counts {
	return Counts{
		Limit: p.limit, Waiting: p.waiting.n,
		Connecting: p.members[Connecting].n, Idle: p.members[Idle].n, Lent: p.members[Lent].n,
	}
}

// pick finds the idle member that suits w best.
func (p *Pool[B]) pick(w *Waiter[B]) *Member[B] {
	if m := w.Last; m != nil && m.state == Idle && m.suits(w) {
		return m
	}
	var clean, oldest *Member[B]
	for m := p.members[Idle].last; m != nil; m = m.prev {
		switch {
		case !m.suits(w):
		case m.label == w.Label:
			return m
		case m.label == Label{} && clean == nil:
			clean = m
		default:
			oldest = m
		}
	}
	if clean != nil {
		return clean
	}
	return oldest
}

// serve lends idle members to those who wait, in their order. A member that who
// is first can't use makes room for one that it can, or those behind would have
// it for ever.
func (p *Pool[B]) serve() {
	without := 0 // of those who wait, how many are not served and do not await Retry
	for w := p.waiting.first; w != nil && p.members[Idle].n > 0; {
		next := w.next
		if m := p.pick(w); m != nil {
			p.waiting.remove(w)
			p.move(m, Lent)
			w.Taker.Granted(m)
			next, without = p.waiting.first, 0 // Granted may have changed the queue
		} else if !p.awaitsRetry(w) {
			if without++; without > p.members[Connecting].n && p.total() >= p.limit {
				p.evictOldest()
				p.connect(w)
			}
		}
		w = next
	}
	p.grow()
}

// grow connects for those who wait and for whom nothing connects yet, while
// there is room: below the limit, or in the place of an idle member that
// nobody who waits can use.
func (p *Pool[B]) grow() {
	coming := p.members[Connecting].n
	for w := p.waiting.first; w != nil; w = w.next {
		switch {
		case p.awaitsRetry(w):
		case coming > 0:
			coming--
		case p.total() >= p.limit && !p.evictOldest():
			return
		default:
			p.connect(w)
		}
	}
}

// awaitsRetry says that nothing is connected for w now.
func (p *Pool[B]) awaitsRetry(w *Waiter[B]) bool { return p.backingOff && w.Patient }

// connect has a place filled for w.
func (p *Pool[B]) connect(w *Waiter[B]) {
	m := &Member[B]{Class: w.Class, state: Connecting}
	p.members[Connecting].push(m)
	p.hooks.Connect(m)
}

// shrink evicts idle members above the limit.
func (p *Pool[B]) shrink() {
	for p.total() > p.limit && p.evictOldest() {
	}
}

func (p *Pool[B]) evictOldest() bool {
	m := p.members[Idle].first
	if m == nil {
		return false
	}
	p.move(m, Gone)
	p.hooks.Evict(m)
	m.forget()
	return true
}

func (p *Pool[B]) total() int {
	return p.members[Connecting].n + p.members[Idle].n + p.members[Lent].n
}

// move is the one place where a member changes its state.
func (p *Pool[B]) move(m *Member[B], to State) {
	p.members[m.state].remove(m)
	m.state = to
	if to != Gone {
		p.members[to].push(m)
	}
}
