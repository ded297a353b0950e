package txn

// In the extended protocol many clients (libpq among them) send the Sync right
// behind the Execute of a COPY … FROM STDIN. The server is reading copy data by
// then and drops it, together with all other Syncs before CopyDone or CopyFail,
// so no ReadyForQuery answers those.

// CopyIn says that CopyInResponse came.
func (m *Machine) CopyIn() {
	dropped, ended := m.queue.dropSyncs()
	m.swallowed = dropped
	m.copying = !ended
}

// CopyEnd says that CopyDone or CopyFail goes to the server.
func (m *Machine) CopyEnd() {
	if m.copying || m.queue.empty() {
		m.copying = false
		return
	}
	m.queue.push(item{what: endOfCopy})
}

// copyDone is told that the server went on to other things.
func (m *Machine) copyDone() { m.copying, m.swallowed = false, 0 }

// copyFailed is told of an error. A COPY may fail before it read anything (into
// a view, say), and then the server answers those Syncs after all. Nothing in
// the protocol tells which it was, so the session keeps its backend.
func (m *Machine) copyFailed() {
	if m.swallowed > 0 {
		m.pins |= PinUncertain
	}
	m.copyDone()
}

// dropSyncs drops the Syncs behind the head, up to the first endOfCopy, and that
// one too. It returns how many there were, and whether there was an endOfCopy.
func (q *queue) dropSyncs() (dropped int, ended bool) {
	kept := q.next
	for i := q.next; i < len(q.items); i++ {
		it := q.items[i]
		switch {
		case ended:
		case it.what == endOfCopy:
			ended = true
			continue
		case it.what == endOfPipeline:
			dropped++
			continue
		}
		q.items[kept] = it
		kept++
	}
	clear(q.items[kept:])
	q.items = q.items[:kept]
	q.pending -= dropped
	return dropped, ended
}
