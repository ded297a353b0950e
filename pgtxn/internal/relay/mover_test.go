package relay

import "testing"

// mover sends clients of a pool of two from one backend to the other.
type mover struct{ a, b *client }

func newMover(t testing.TB, p place) *mover {
	t.Helper()
	return &mover{p.connect(t), p.connect(t)}
}

const whoServes = "SELECT pg_backend_pid()"

// away makes the backend pid unavailable, and the other one free, until the
// function it returns is called. Nobody else may be in a transaction.
func (m *mover) away(pid string) (back func()) {
	m.a.t.Helper()
	m.a.must("BEGIN")
	m.b.must("BEGIN")
	keep, free := m.a, m.b
	if m.b.value(whoServes) == pid {
		keep, free = m.b, m.a
	}
	free.must("COMMIT")
	return func() { keep.must("COMMIT") }
}
