package story

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// nobody is the company of the ways that have none.
type nobody struct{}

func (nobody) between() error { return nil }
func (nobody) after() error   { return nil }
func (nobody) leave() error   { return nil }

// A neighbour is another client with its own values for the settings of the story.
type neighbour struct {
	*Client
	names []string // what it looks at
	want  []string // what it must see
	pid   string   // of the backend that it was on last
}

// newNeighbour connects and sets the values of number who.
func newNeighbour(p *playing, who int) (*neighbour, error) {
	c, err := p.open(p.target)
	if err != nil {
		return nil, err
	}
	n := &neighbour{Client: c, names: variables(p.story.Text())}
	return n, n.set(own(n.names, who))
}

// set changes settings and expects to see what it has set, and what it saw before in the others.
func (n *neighbour) set(values []Option) error {
	for _, o := range values {
		if _, err := n.Query("SET " + o.Name + " TO " + quoted(o.Value)); err != nil {
			return err
		}
	}
	before, err := n.sees()
	if err != nil {
		return err
	}
	for _, o := range values {
		if got := before[slices.Index(n.names, o.Name)]; got != o.Value {
			return fmt.Errorf("set %s to %q and sees %q", o.Name, o.Value, got)
		}
	}
	n.want = before
	return nil
}

// sees asks for the values and for the backend's process in one query, so that they belong together.
func (n *neighbour) sees() ([]string, error) {
	r, err := n.Query(look(n.names) + ", pg_backend_pid()")
	if err != nil {
		return nil, err
	}
	if len(r.row) < 1 {
		return nil, fmt.Errorf("no row: %s", r)
	}
	last := len(r.row) - 1
	n.pid = r.row[last]
	return r.row[:last], nil
}

// check makes sure that its own values are still its own.
func (n *neighbour) check() error {
	got, err := n.sees()
	if err != nil {
		return err
	}
	if !slices.Equal(got, n.want) {
		return fmt.Errorf("the values of another client of %v are %q, it sees %q", n.names, n.want, got)
	}
	return n.told()
}

// told compares what the client has been told of the reported settings with what they are.
func (c *Client) told() error {
	names, query := c.reported()
	r, err := c.Query(query)
	if err != nil {
		return err
	}
	var wrong []string
	for i, name := range names {
		if r.row[i] != c.Reported[name] {
			wrong = append(wrong, fmt.Sprintf("%s is %q, was told %q", name, r.row[i], c.Reported[name]))
		}
	}
	if wrong != nil {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}
