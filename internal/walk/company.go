package walk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/story"
)

// company are two other clients on the backends of a pool. With one backend they use it whenever the walker is at rest. With two,
// one of them is always in a transaction: the other takes the backend that the walker just left, then the first gives up its own,
// and the walker goes on there.
type company struct {
	pool    int
	members [2]*resident
	now     int  // who is in a transaction
	holds   bool // whether anybody is
}

// A resident stays connected from walk to walk.
type resident struct {
	*story.Client
	who   int
	names []string
	want  []string // the values it must see
}

// others are the company in the pool that serves the target's user.
func (g *Game) others(proxy story.Target) (*company, error) {
	if c := g.company[proxy.User]; c != nil {
		return c, nil
	}
	c := &company{pool: proxy.Pool}
	server := g.Server
	server.User = proxy.User
	for i := range c.members {
		var err error
		if c.members[i], err = moveIn(server, proxy, i); err != nil {
			return nil, err
		}
	}
	if g.company == nil {
		g.company = map[string]*company{}
	}
	g.company[proxy.User] = c
	return c, nil
}

// moveIn connects; the first values that a resident must see are those of a client of the server.
func moveIn(server, proxy story.Target, who int) (*resident, error) {
	startup := []story.Option{{Name: "application_name", Value: fmt.Sprint("resident ", who)}, {Name: "options", Value: "-c geqo=off"}}
	direct, err := story.Connect(server, startup...)
	if err != nil {
		return nil, err
	}
	defer direct.Leave()
	n := &resident{who: who, names: append(lookedAt(), "geqo")}
	r, err := direct.Query(look(n.names))
	if err != nil {
		return nil, err
	}
	n.want = r.Row()
	n.Client, err = story.Connect(proxy, startup...)
	return n, err
}

// between is what they do while the walker is at rest.
func (c *company) between(r *rand.Rand) error {
	if c.pool == 1 {
		n := c.members[r.IntN(2)]
		changes, want := n.changes(r)
		return n.say("", changes, want)
	}
	if !c.holds {
		c.holds = true
		return c.begin()
	}
	old := c.members[c.now]
	c.now = 1 - c.now
	if err := c.begin(); err != nil {
		return err
	}
	changes, want := old.changes(r)
	if r.IntN(4) == 0 {
		return old.say("", changes+"ROLLBACK", old.want)
	}
	return old.say("", changes+"COMMIT", want)
}

// begin takes a backend that nobody is using.
func (c *company) begin() error {
	n := c.members[c.now]
	return n.say("BEGIN ISOLATION LEVEL READ COMMITTED;", "", n.want)
}

// changes set some of the settings to values of its own; want is what it must see then.
func (n *resident) changes(r *rand.Rand) (sql string, want []string) {
	want = slices.Clone(n.want)
	for range r.IntN(5) {
		s := settings[r.IntN(len(settings))]
		value := s.theirs[r.IntN(2)]
		i := slices.Index(n.names, s.name)
		if i < 0 || value == "" || s.name == "log_min_duration_statement" && n.Reported["is_superuser"] != "on" {
			continue
		}
		want[i] = value
		if s.name != "search_path" { // a list
			value = "$n$" + value + "$n$"
		}
		sql += "SET " + s.name + " TO " + value + ";"
	}
	return sql, want
}

// say sends one Query that looks at the settings before it changes them to what it will want.
func (n *resident) say(begin, changes string, want []string) error {
	reply, err := n.Query(begin + look(n.names) + ";" + changes)
	if err != nil {
		return err
	}
	if got := reply.Row(); !slices.Equal(got, n.want) {
		return fmt.Errorf("the values of another client of %v are\n  %q, it sees\n  %q", n.names, n.want, got)
	}
	n.want = want
	for name, told := range n.Reported {
		if i := slices.IndexFunc(n.names, func(s string) bool { return strings.EqualFold(s, name) }); i >= 0 && want[i] != told {
			return fmt.Errorf("%s of another client is %q, it was told %q", name, want[i], told)
		}
	}
	return nil
}

func (c *company) leave() {
	for _, n := range c.members {
		n.Leave()
	}
}
