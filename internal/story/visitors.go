package story

import (
	"fmt"
	"strings"
)

// visitors are the company of a pool of one: whenever the story's clients are at rest, others use the backend that they just left.
// A resident comes back each time to values of its own; a visitor is new each time, must find a session in its start-up state,
// changes all it can, and leaves, every second time without a goodbye in the middle of a transaction.
type visitors struct {
	p        *playing
	resident *neighbour
	startup  []string // what a new client must see
	visits   int
	pid      string // of the one backend, "" when the last visitor was dropped and the pool may have closed it
}

func newVisitors(p *playing) (company, error) {
	direct, err := p.open(p.onServer())
	if err != nil {
		return nil, err
	}
	onServer := neighbour{Client: direct, names: variables(p.story.Text())}
	v := &visitors{p: p}
	if v.startup, err = onServer.sees(); err != nil {
		return nil, err
	}
	v.resident, err = newNeighbour(p, 0)
	return v, err
}

func (v *visitors) between() error {
	if err := v.resident.check(); err != nil {
		return fmt.Errorf("resident: %w", err)
	}
	if v.pid != "" && v.pid != v.resident.pid {
		return fmt.Errorf("a pool of one has the backends %s and %s", v.pid, v.resident.pid)
	}
	if err := v.visit(); err != nil {
		return fmt.Errorf("visitor: %w", err)
	}
	return nil
}

func (v *visitors) visit() error {
	c, err := v.p.open(v.p.target)
	if err != nil {
		return err
	}
	n := &neighbour{Client: c, names: v.resident.names}
	v.visits++
	if err := v.unpack(n); err != nil {
		return err
	}
	if n.pid != v.resident.pid {
		return fmt.Errorf("a pool of one has the backends %s and %s", v.resident.pid, n.pid)
	}
	v.pid = n.pid
	if v.visits%2 == 1 {
		n.Leave()
		return nil
	}
	v.pid = ""
	defer n.Drop()
	if _, err := n.Query("BEGIN; SAVEPOINT neighbour"); err != nil {
		return err
	}
	return n.set(own(n.names, 2))
}

// unpack compares what a new client sees with a new session on the server, and sets values of its own.
func (v *visitors) unpack(n *neighbour) error {
	got, err := n.sees()
	if err != nil {
		return err
	}
	for i, name := range n.names {
		neverSet := strings.HasPrefix(name, "my.") && got[i] == "" // fact 19: '' on a backend where it was once set
		if got[i] != v.startup[i] && !neverSet {
			return fmt.Errorf("a new client sees %s = %q, on the server %q", name, got[i], v.startup[i])
		}
	}
	if err := n.told(); err != nil {
		return err
	}
	return n.set(own(n.names, 1))
}

func (v *visitors) after() error { return nil }

func (v *visitors) leave() error { return v.resident.check() }
