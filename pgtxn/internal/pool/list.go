package pool

// list is a doubly linked list through the members of one state, in the order
// in which they came into it.
type list[B any] struct {
	first, last *Member[B]
	n           int
}

func (l *list[B]) push(m *Member[B]) {
	m.prev, m.next = l.last, nil
	if l.last == nil {
		l.first = m
	} else {
		l.last.next = m
	}
	l.last = m
	l.n++
}

func (l *list[B]) remove(m *Member[B]) {
	if m.prev == nil {
		l.first = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		l.last = m.prev
	} else {
		m.next.prev = m.prev
	}
	m.prev, m.next = nil, nil
	l.n--
}
