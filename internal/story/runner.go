package story

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
)

// A Target is a place where stories are played.
type Target struct {
	Addr     string // host:port
	Database string
	User     string
	Pool     int // backends that the proxy at Addr keeps for a user and database; 0: Addr is PostgreSQL itself
}

// version is that of the server, as 15.
func (t Target) version() (int, error) {
	c, err := Connect(t)
	if err != nil {
		return 0, err
	}
	defer c.Leave()
	major, _, _ := strings.Cut(c.Reported["server_version"], ".")
	return strconv.Atoi(major)
}

// A Runner plays stories. It is used by one goroutine.
type Runner struct {
	server    Target
	admin     *Client         // on the server
	confirmed map[*Story]bool // whether the server gives the expected answers
}

// NewRunner makes a runner that lives as long as t. The server is PostgreSQL itself, its user a superuser.
func NewRunner(t testing.TB, server Target) *Runner {
	t.Helper()
	admin, err := Connect(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Leave)
	return &Runner{server: server, admin: admin, confirmed: map[*Story]bool{}}
}

// A way is how a story is played.
type way struct {
	name     string
	pool     int // the size of pool that it is made for
	extended bool
	oneWrite bool                            // a client sends all that it can without an answer to another client
	company  func(*playing) (company, error) // nil: the story's clients are alone
}

// The company is the other clients that share the backends with those of the story.
type company interface {
	// between is called before each step at which no client of the story is in a transaction.
	between() error
	// after is called when the step behind between has been answered.
	after() error
	leave() error
}

var ways = []way{
	{"simple", 0, false, false, nil},
	{"extended", 0, true, false, nil},
	{"one write/simple", 0, false, true, nil},
	{"one write/extended", 0, true, true, nil},
	{"one backend/simple", 1, false, false, nil},
	{"one backend/extended", 1, true, false, nil},
	{"one write, one backend/simple", 1, false, true, nil},
	{"one write, one backend/extended", 1, true, true, nil},
	{"next client/simple", 1, false, false, newVisitors},
	{"next client/extended", 1, true, false, newVisitors},
	{"two backends/simple", 2, false, false, nil},
	{"two backends/extended", 2, true, false, nil},
	{"moved/simple", 2, false, false, newMovers},
	{"moved/extended", 2, true, false, newMovers},
}

// direct are the ways to play a story on the server itself.
var direct = ways[:4]

// fits reports whether the way can play the story: with too few backends its clients would wait for each other, and where it has
// company a client that keeps its backend would keep the others waiting.
func (w way) fits(t Target, s *Story) bool {
	if w.pool != t.Pool {
		return false
	}
	if w.company != nil {
		return s.Pins == "" && s.Backends() == 1
	}
	return t.Pool == 0 || s.Backends() <= t.Pool
}

// Run plays the story in all the ways that fit the target, each as a subtest. On a proxy it asks the server first.
func (r *Runner) Run(t *testing.T, target Target, s *Story) {
	t.Helper()
	if target.Pool > 0 && !r.confirm(t, s) {
		return
	}
	for _, w := range ways {
		if w.fits(target, s) {
			t.Run(w.name, func(t *testing.T) {
				if err := r.play(target, s, w); err != nil {
					t.Errorf("%s\n%v", s, err)
				}
			})
		}
	}
}

// confirm plays the story on the server, once for each runner.
func (r *Runner) confirm(t *testing.T, s *Story) bool {
	t.Helper()
	ok, known := r.confirmed[s]
	if known {
		return ok
	}
	ok = true
	for _, w := range direct {
		if err := r.play(r.server, s, w); err != nil {
			t.Errorf("%s\nthe story is wrong, PostgreSQL does not confirm it (%s)\n%v", s, w.name, err)
			ok = false
		}
	}
	r.confirmed[s] = ok
	return ok
}

// A playing is one story being played in one way.
type playing struct {
	story   *Story
	target  Target // with the story's user
	way     way
	server  Target
	admin   *Client // on the server itself
	clients map[string]*Client
	opened  []*Client // all connections, for the end
	log     []string  // what has been said so far
}

func (r *Runner) play(target Target, s *Story, w way) error {
	p := &playing{story: s, target: target, way: w, server: r.server, admin: r.admin, clients: map[string]*Client{}}
	if s.User != "" {
		p.target.User = s.User
	}
	defer func() {
		for _, c := range p.opened {
			c.Leave()
		}
	}()
	if err := p.setUp(); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	if err := p.login(); err != nil {
		return err
	}
	var others company = nobody{}
	if w.company != nil {
		var err error
		if others, err = w.company(p); err != nil {
			return fmt.Errorf("the other clients: %w", err)
		}
	}
	if err := p.steps(others); err != nil {
		return err
	}
	if err := others.leave(); err != nil {
		return p.failed("at the end the other clients: %w", err)
	}
	return p.epilogue()
}

// open connects, and closes when the playing ends.
func (p *playing) open(t Target, startup ...Option) (*Client, error) {
	c, err := Connect(t, startup...)
	if err == nil {
		p.opened = append(p.opened, c)
	}
	return c, err
}

// setUp clears what a broken playing may have left and runs the story's own preparation.
func (p *playing) setUp() error {
	r, err := p.admin.Query("SELECT coalesce(string_agg(format('ROLLBACK PREPARED %L', gid), ';'), '')" +
		" FROM pg_prepared_xacts WHERE database = current_database() AND gid LIKE 'story%'")
	if err != nil {
		return err
	}
	for _, sql := range append(strings.Split(r.row[0], ";"), p.story.Setup...) {
		if _, err := p.admin.Query(sql); err != nil {
			return err
		}
	}
	return nil
}

// login connects all clients of the story. Through a proxy they must be told the same as on the server.
func (p *playing) login() error {
	var want map[string]string
	if p.target.Pool > 0 {
		direct, err := p.open(p.onServer(), p.story.Startup...)
		if err != nil {
			return err
		}
		want = direct.Reported
	}
	for _, name := range p.story.Clients() {
		c, err := p.open(p.target, p.story.Startup...)
		if err != nil {
			return err
		}
		p.clients[name] = c
		if want != nil && !maps.Equal(c.Reported, want) {
			return fmt.Errorf("at login the client is told %v\nand on the server     %v", c.Reported, want)
		}
	}
	return nil
}

// onServer is the server, for the story's user.
func (p *playing) onServer() Target {
	t := p.server
	t.User, t.Database = p.target.User, p.target.Database
	return t
}

func (p *playing) steps(others company) error {
	for _, steps := range p.writes() {
		free := p.atRest()
		if free {
			if err := others.between(); err != nil {
				return p.failed("before line %d the other clients: %w", steps[0].Statements[0].Line, err)
			}
		}
		if err := p.do(steps); err != nil {
			return err
		}
		if free {
			if err := others.after(); err != nil {
				return p.failed("after line %d: %w", steps[0].Statements[0].Line, err)
			}
		}
	}
	return nil
}

// writes groups the steps by what is sent in one write.
func (p *playing) writes() [][]Step {
	var all [][]Step
	for i, st := range p.story.Steps {
		if p.way.oneWrite && i > 0 && p.story.Steps[i-1].Client == st.Client {
			all[len(all)-1] = append(all[len(all)-1], st)
		} else {
			all = append(all, []Step{st})
		}
	}
	return all
}

// atRest reports whether no client of the story is in a transaction.
func (p *playing) atRest() bool {
	for _, c := range p.clients {
		if c.Status != 'I' {
			return false
		}
	}
	return true
}

func (p *playing) do(steps []Step) error {
	replies, err := p.clients[steps[0].Client].Do(p.way.extended, steps...)
	var stmts []Statement
	for _, st := range steps {
		stmts = append(stmts, st.Statements...)
	}
	for i, r := range replies {
		x := stmts[i]
		if got := r.String(); got != x.Want {
			return p.failed("%s:%d: %s\n  want %s\n  got  %s", p.story.File, x.Line, x.Source, x.Want, got)
		}
		p.log = append(p.log, fmt.Sprintf("  %s -> %s", x.Source, x.Want))
	}
	if err != nil {
		return p.failed("%s:%d: %w", p.story.File, stmts[0].Line, err)
	}
	return nil
}

// failed is an error with what went before.
func (p *playing) failed(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if len(p.log) == 0 {
		return err
	}
	return fmt.Errorf("%w\nafter\n%s", err, strings.Join(p.log, "\n"))
}

// epilogue compares what each client has been told with what is in force where it is now.
func (p *playing) epilogue() error {
	for name, c := range p.clients {
		if c.Status != 'I' {
			if _, err := c.Query("ROLLBACK"); err != nil {
				return p.failed("at the end: %w", err)
			}
		}
		if err := c.told(); err != nil {
			return p.failed("at the end, client %q: %w", name, err)
		}
	}
	return nil
}
