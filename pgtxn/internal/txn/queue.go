package txn

import "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"

// item is one thing that was sent.
type item struct {
	st   sqlscan.Statement // with what == statement
	what what
	pins Pins // made by Pin while this was the last thing sent
	amid bool // endOfQuery: in a pipeline, ahead of its Sync
}

type what uint8

const (
	statement     what = iota
	endOfQuery         // one ReadyForQuery answers it
	endOfPipeline      // Sync: the same
	endOfCopy          // CopyDone or CopyFail: nothing answers it
)

// commits reports whether it ends the transaction by work that can fail.
func (it *item) commits() bool {
	return it.what == statement &&
		(it.st.Kind == sqlscan.Commit || it.st.Kind == sqlscan.PrepareTransaction)
}

func (it *item) endsBatch() bool { return it.what == endOfQuery || it.what == endOfPipeline }

// queue is what was sent and not answered, oldest first. It is never led by an
// endOfCopy. Its memory is used again, unless it was uncommonly long.
type queue struct {
	items   []item
	next    int // position of the head
	pending int // items but endOfCopy

	bytes      int64 // of the statements' names and values
	ends       int   // statements that may end savepoints
	savepoints int   // those behind the last of them, or all if there is none
}

// keepItems is how many items of memory a session keeps when all is answered.
const keepItems = 64

func (q *queue) empty() bool { return q.next == len(q.items) }

// head is the oldest item; nil when there is none. It is good until push or pop.
func (q *queue) head() *item {
	if q.empty() {
		return nil
	}
	return &q.items[q.next]
}

// push makes room at the front once half of the memory lies idle there.
func (q *queue) push(it item) {
	if len(q.items) == cap(q.items) && q.next > len(q.items)/2 {
		n := copy(q.items, q.items[q.next:])
		clear(q.items[n:])
		q.items, q.next = q.items[:n], 0
	}
	q.items = append(q.items, it)
	q.count(&it, 1)
}

func (q *queue) count(it *item, by int) {
	if it.what != endOfCopy {
		q.pending += by
	}
	if it.what != statement {
		return
	}
	q.bytes += int64(by * (len(it.st.Name) + len(it.st.Value)))
	switch it.st.Kind {
	case sqlscan.Release, sqlscan.RollbackTo, sqlscan.Commit, sqlscan.Rollback, sqlscan.PrepareTransaction:
		if q.ends += by; by > 0 {
			q.savepoints = 0
		}
	case sqlscan.Savepoint:
		if by > 0 || q.ends == 0 {
			q.savepoints += by
		}
	}
}

// pop drops the head, and any endOfCopy behind it.
func (q *queue) pop() {
	q.drop()
	for !q.empty() && q.items[q.next].what == endOfCopy {
		q.drop()
	}
}

func (q *queue) drop() {
	q.count(&q.items[q.next], -1)
	q.items[q.next] = item{}
	q.next++
	if !q.empty() {
		return
	}
	q.items, q.next = q.items[:0], 0
	if cap(q.items) > keepItems {
		q.items = nil
	}
}

// dropBatch drops all up to the end of the batch, which becomes the head. It
// returns false when that has not been sent yet.
func (q *queue) dropBatch() bool {
	for !q.empty() && !q.head().endsBatch() {
		q.pop()
	}
	return !q.empty()
}

// pins are those of all that is still queued.
func (q *queue) pins() Pins {
	var p Pins
	for i := q.next; i < len(q.items); i++ {
		p |= q.items[i].pins
		if q.items[i].what == statement {
			p |= pinsOf(&q.items[i].st)
		}
	}
	return p
}
