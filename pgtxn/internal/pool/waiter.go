package pool

// Waiter says what is wanted and by whom. It belongs to the one who asks and
// is used again for each Acquire; it must not change while it waits.
type Waiter[B any] struct {
	Taker   Taker[B]
	Class   string     // only members of this class will do
	Marks   uint64     // what a member may be marked with
	Last    *Member[B] // the member used last, if any
	Label   Label      // the label that would suit best
	Patient bool       // stays when connecting fails

	prev, next *Waiter[B]
	queued     bool
}

// Taker is told what became of a wait. Neither method is called from within
// Acquire, and the waiter has left the queue when they are.
type Taker[B any] interface {
	// Granted hands over a lent member.
	Granted(m *Member[B])
	// Refused says why there will be none.
	Refused(err error)
}

// queue is a doubly linked list of waiters, first come first.
type queue[B any] struct {
	first, last *Waiter[B]
	n           int
}

func (q *queue[B]) push(w *Waiter[B]) {
	w.prev, w.next, w.queued = q.last, nil, true
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	q.n++
}

func (q *queue[B]) remove(w *Waiter[B]) {
	if !w.queued {
		return
	}
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
	q.n--
}
