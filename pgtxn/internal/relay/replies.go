package relay

// party says for whom a reply is.
type party uint8

const (
	forClient  party = iota
	forApply         // the sync of variables ahead of the client's message
	forLearn         // the question for values behind a transaction
	forCleanup       // ROLLBACK and DISCARD ALL behind a client that left
	forPrepare       // what was put into the client's own pipeline
	forBase          // start-up values set again behind a simple Query that reset
)

// reply is a message sent to the server whose answer is still to come: its
// type, and what to do about the client's prepared statement when the answer
// is known.
type reply struct {
	kind  byte // Q, P, B, D, E, C, S or F
	party party
	stmt  *prepared // P: what is being prepared
	undo  *change   // P, C: how to take back what was noted when it was sent
}

// replies is a queue of replies, in a ring that only grows.
type replies struct {
	ring []reply
	head int
	n    int
}

func (r *replies) push(e reply) {
	if r.n == len(r.ring) {
		r.grow()
	}
	r.ring[(r.head+r.n)&(len(r.ring)-1)] = e
	r.n++
}

func (r *replies) grow() {
	ring := make([]reply, max(8, 2*len(r.ring)))
	for i := range r.n {
		ring[i] = *r.at(i)
	}
	r.ring, r.head = ring, 0
}

// at returns the i-th reply to come.
func (r *replies) at(i int) *reply { return &r.ring[(r.head+i)&(len(r.ring)-1)] }

// front returns the next reply to come, or nil.
func (r *replies) front() *reply {
	if r.n == 0 {
		return nil
	}
	return r.at(0)
}

func (r *replies) pop() {
	*r.at(0) = reply{}
	r.head = (r.head + 1) & (len(r.ring) - 1)
	r.n--
}

// removeSecond takes out the reply behind the next one.
func (r *replies) removeSecond() {
	front := *r.at(0)
	r.pop()
	*r.at(0) = front
}

// reset empties the queue and gives a ring that a long pipeline made large back.
func (r *replies) reset() {
	if len(r.ring) > 64 {
		r.ring = nil
	}
	clear(r.ring)
	r.head, r.n = 0, 0
}
