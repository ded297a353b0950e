package relay

// party says for whom a reply is.
type party uint8

const (
	forClient  party = iota
	forApply         // the sync of variables ahead of the client's message
	forLearn         // the question for values behind a transaction
	forPrepare       // what was put into the client's own pipeline
	forSelf          // an exchange of our own, whose failure is no harm
	forListen        // a move of what the session listens to, see listens
	forReopen        // the failed transaction of a session that has lost its backend in one
)

// reply is a message sent to the server whose answer is still to come: its
// type, and what to do about the client's prepared statement when the answer
// is known.
type reply struct {
	kind  byte // Q, P, B, D, E, C, S or F; or c, which has no answer and is never in front
	begun bool // Q, F: a part of the answer has come
	party party
	stmt  *prepared // P: what is being prepared
	undo  *change   // P, C: how to take back what was noted when it was sent
	name  string    // B: the portal

	ins   *insertions // Q: what is ours in it, or nil
	words []byte      // the error that the client gets instead of the server's
}

// applying says whether the answers to a sync of variables are to come.
func (r *replies) applying() bool { return r.syncs > 0 }

// endsBatch says whether ReadyForQuery answers it.
func (e *reply) endsBatch() bool { return e.kind == 'Q' || e.kind == 'S' || e.kind == 'F' }

// replies is a queue of replies, in a ring that only grows.
type replies struct {
	ring  []reply
	head  int
	n     int
	notes int // how many replies decide about prepared statements in ways that can be taken back
	syncs int // how many are for a sync of variables
}

// notes says whether it can change later what stands behind a name.
func (e *reply) notes() bool {
	return e.undo != nil || e.stmt != nil && (e.stmt.name != "" || e.party == forPrepare)
}

func (r *replies) push(e reply) {
	if r.n == len(r.ring) {
		r.grow()
	}
	r.ring[(r.head+r.n)&(len(r.ring)-1)] = e
	r.n++
	r.count(&e, 1)
}

func (r *replies) count(e *reply, by int) {
	if e.notes() {
		r.notes += by
	}
	if e.party == forApply {
		r.syncs += by
	}
}

// unsettled says whether the server may yet refuse or skip a message of an
// earlier batch that decides what the client calls name, or what the server does
// (own). Behind messages of the same batch nothing is left to know: who comes
// behind one that was refused is skipped.
func (r *replies) unsettled(name []byte, own string) bool {
	if r.notes == 0 {
		return false
	}
	synced := false
	for i := r.n - 1; i >= 0; i-- {
		e := r.at(i)
		switch {
		case e.kind == 'S':
			synced = true
		case !synced:
		case e.undo != nil && e.undo.name == string(name):
			return true
		case e.stmt != nil && e.stmt.name == own && (own != "" || e.party == forPrepare && len(name) == 0):
			return true
		}
	}
	return false
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

// last returns the reply that was pushed last.
func (r *replies) last() *reply { return r.at(r.n - 1) }

// front returns the next reply to come, or nil.
func (r *replies) front() *reply {
	if r.n == 0 {
		return nil
	}
	return r.at(0)
}

// pop takes the front away, and each c behind it.
func (r *replies) pop() {
	for first := true; first || r.n > 0 && r.at(0).kind == 'c'; first = false {
		r.count(r.at(0), -1)
		*r.at(0) = reply{}
		r.head = (r.head + 1) & (len(r.ring) - 1)
		r.n--
	}
}

// readyIsDue says whether ReadyForQuery may come next.
func (r *replies) readyIsDue() bool {
	front := r.front()
	return front != nil && (front.kind == 'S' || front.begun)
}

// dropSyncs takes the Syncs out that are behind the front and before the end of
// the copy data, and that end, if it has been sent.
func (r *replies) dropSyncs() (dropped int, ended bool) {
	kept := 1
	for i := 1; i < r.n; i++ {
		e := *r.at(i)
		switch {
		case ended:
		case e.kind == 'c':
			ended = true
			continue
		case e.kind == 'S':
			dropped++
			continue
		}
		*r.at(kept) = e
		kept++
	}
	for i := kept; i < r.n; i++ {
		*r.at(i) = reply{}
	}
	r.n = kept
	return dropped, ended
}

// reset empties the queue and gives a ring that a long pipeline made large back.
func (r *replies) reset() {
	if len(r.ring) > 64 {
		r.ring = nil
	}
	clear(r.ring)
	r.head, r.n, r.notes, r.syncs = 0, 0, 0, 0
}
