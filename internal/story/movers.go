package story

import "fmt"

// movers are the company of a pool of two: one of two clients is always in a transaction and so holds one of the backends. Whenever
// the story's clients are at rest the other takes the backend that they just left, then the first gives up its own, and the story
// goes on there. No choice that the pool could make brings the story back to where it was.
type movers struct {
	p       *playing
	hold    [2]*neighbour
	now     int    // which of the two is in a transaction
	freed   string // the backend on which the story must go on
	started string // when that backend last began or ended something
}

func newMovers(p *playing) (company, error) {
	m := &movers{p: p}
	for i := range m.hold {
		n, err := newNeighbour(p, i)
		if err != nil {
			return nil, err
		}
		m.hold[i] = n
	}
	return m, m.take(0)
}

// take begins a transaction on a backend that nobody is using.
func (m *movers) take(i int) error {
	m.now = i
	if _, err := m.hold[i].Query("BEGIN"); err != nil {
		return fmt.Errorf("no free backend, does a client keep one that should not? %w", err)
	}
	return m.hold[i].check()
}

func (m *movers) between() error {
	old := m.hold[m.now]
	if err := m.take(1 - m.now); err != nil {
		return err
	}
	if _, err := old.Query("COMMIT"); err != nil {
		return err
	}
	m.freed = old.pid
	var err error
	m.started, err = m.lastQuery()
	return err
}

// after asks the server itself whether the backend just freed has worked.
func (m *movers) after() error {
	started, err := m.lastQuery()
	if err == nil && started == m.started {
		err = fmt.Errorf("the story did not move to the free backend %s, while %s was held", m.freed, m.hold[m.now].pid)
	}
	return err
}

func (m *movers) lastQuery() (string, error) {
	r, err := m.p.admin.Query("SELECT state_change FROM pg_stat_activity WHERE pid = " + m.freed)
	if err != nil {
		return "", err
	}
	if len(r.row) == 0 {
		return "", fmt.Errorf("backend %s is gone", m.freed)
	}
	return r.row[0], nil
}

func (m *movers) leave() error {
	if _, err := m.hold[m.now].Query("COMMIT"); err != nil {
		return err
	}
	for _, n := range m.hold {
		if err := n.check(); err != nil {
			return err
		}
	}
	return nil
}
