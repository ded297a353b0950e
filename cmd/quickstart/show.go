package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A show is the two clients' story, and the count of what was checked in it.
type show struct {
	admin         *admin
	a, b          *client
	checks, wrong int
}

// stepTime is how long one step may take: nothing here needs a second.
const stepTime = 20 * time.Second

// run tells the story. An error means that it could not be told to its end; what was wrong in it is counted.
func (s *show) run(ctx context.Context, address, user, database string) (err error) {
	if s.a, err = connect(ctx, s.admin, "A", address, user, database); err != nil {
		return err
	}
	defer s.a.close()
	if s.b, err = connect(ctx, s.admin, "B", address, user, database); err != nil {
		return err
	}
	defer s.b.close()
	for _, part := range []func(context.Context) error{
		s.ownValues,
		s.intoTransaction,
		func(ctx context.Context) error { return s.whileWaiting(ctx, user, database, s.outOfTransaction) },
		s.localValues,
		s.stillOneBackend,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *show) ownValues(ctx context.Context) error {
	say("Each sets variables of its own.")
	err := s.steps(ctx,
		step{who: s.a, sql: "SET work_mem = '5MB'"},
		step{who: s.b, sql: "SET work_mem = '7MB'"},
		step{who: s.b, sql: "SET my.x = 'of B'", frames: []string{"session my.x=of B work_mem=7MB"}},
	)
	if err != nil {
		return err
	}
	say("Both are on the same backend, and each finds its own values there.")
	return s.stillOneBackend(ctx)
}

// stillOneBackend asks both for the backend they are on and for the values they must find.
func (s *show) stillOneBackend(ctx context.Context) error {
	pid, err := s.a.ask(ctx, "SELECT pg_backend_pid()")
	if err != nil {
		return err
	}
	line(s.a.name, "SELECT pg_backend_pid()", pid, "")
	return s.steps(ctx,
		step{who: s.b, sql: "SELECT pg_backend_pid()", want: pid},
		step{who: s.a, sql: "SHOW work_mem", want: "5MB"},
		step{who: s.b, sql: "SHOW work_mem", want: "7MB"},
		step{who: s.b, sql: "SHOW my.x", want: "of B"},
	)
}

func (s *show) intoTransaction(ctx context.Context) error {
	say("A's transaction, and below each statement what the proxy holds of A's session: its frames, the outermost\n" +
		"   first, each with the variables changed since it began.")
	return s.steps(ctx,
		step{who: s.a, sql: "BEGIN", frames: []string{"session work_mem=5MB", "transaction"}},
		step{who: s.a, sql: "SET my.x = 1", frames: []string{"session work_mem=5MB", "transaction my.x=1"}},
		step{who: s.a, sql: "SAVEPOINT a", frames: []string{"session work_mem=5MB", "transaction my.x=1", "savepoint a"}},
		step{who: s.a, sql: "SET my.x = 2", frames: []string{"session work_mem=5MB", "transaction my.x=1", "savepoint a my.x=2"}},
		step{who: s.a, sql: "SAVEPOINT b", frames: []string{
			"session work_mem=5MB", "transaction my.x=1", "savepoint a my.x=2", "savepoint b"}},
		step{who: s.a, sql: "SET my.x = 3", frames: []string{
			"session work_mem=5MB", "transaction my.x=1", "savepoint a my.x=2", "savepoint b my.x=3"}},
	)
}

func (s *show) outOfTransaction(ctx context.Context) error {
	say("Back in A: the savepoint b is gone, a is kept, and the variable is what it was at a.")
	return s.steps(ctx,
		step{who: s.a, sql: "ROLLBACK TO a", frames: []string{"session work_mem=5MB", "transaction my.x=1", "savepoint a"}},
		step{who: s.a, sql: "SHOW my.x", want: "1"},
		step{who: s.a, sql: "COMMIT", frames: []string{"session my.x=1 work_mem=5MB"}},
	)
}

// whileWaiting lets B ask in the middle of A's transaction, which has the only backend: B waits. Once that is seen, A
// goes on, and B must get its answer, which is its own value.
func (s *show) whileWaiting(ctx context.Context, user, database string, goOn func(context.Context) error) error {
	say("B asks while A's transaction holds the only backend.")
	type answer struct {
		value string
		err   error
	}
	const question = "SHOW my.x"
	answers := make(chan answer, 1)
	asking, cancel := context.WithCancel(ctx)
	var b sync.WaitGroup
	defer b.Wait() // a connection must not be closed under its user's feet
	defer cancel()
	b.Go(func() {
		value, err := s.b.ask(asking, question)
		answers <- answer{value, err}
	})
	seen, err := s.waiting(ctx, s.b)
	if err != nil {
		return err
	}
	line(s.b.name, question, "no answer yet: "+seen, s.verdict(seen, "waiting"))
	p, err := s.admin.pool(ctx, user, database)
	if err != nil {
		return err
	}
	counts := fmt.Sprintf("size %d, active %d, waiting %d", p.Size, p.Active, p.Waiting)
	line("", "GET /pgtxn/pools", counts, s.verdict(counts, "size 1, active 1, waiting 1"))
	if err := goOn(ctx); err != nil {
		return err
	}
	say("Now B has its turn, and finds its own value.")
	got := <-answers
	if got.err != nil {
		return fmt.Errorf("%s: %s: %w", s.b.name, question, got.err)
	}
	line(s.b.name, question, got.value, s.verdict(got.value, "of B"))
	return nil
}

// waiting returns "waiting" as soon as the client's session does, or else its state at the deadline.
func (s *show) waiting(ctx context.Context, c *client) (string, error) {
	deadline := time.After(stepTime)
	for {
		now, err := s.admin.session(ctx, c.id)
		if err != nil || now.State == "waiting" {
			return now.State, err
		}
		select {
		case <-deadline:
			return now.State, nil
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *show) localValues(ctx context.Context) error {
	say("Another transaction of A, which it rolls back: SET LOCAL covers a value, and both are as before in the end.")
	return s.steps(ctx,
		step{who: s.a, sql: "BEGIN", frames: []string{"session my.x=1 work_mem=5MB", "transaction"}},
		step{who: s.a, sql: "SET LOCAL work_mem = '9MB'", frames: []string{"session my.x=1 work_mem=5MB", "transaction work_mem=9MB(local)"}},
		step{who: s.a, sql: "SHOW work_mem", want: "9MB"},
		step{who: s.a, sql: "ROLLBACK", frames: []string{"session my.x=1 work_mem=5MB"}},
		step{who: s.a, sql: "SHOW my.x", want: "1"},
	)
}

// A step is one statement, and what must come of it.
type step struct {
	who    *client
	sql    string
	want   string   // the answer; "": it has none
	frames []string // the session's stack after it, as storyLines gives it; nil: it is not shown
}

func (s *show) steps(ctx context.Context, steps ...step) error {
	for _, step := range steps {
		got, err := step.who.ask(ctx, step.sql)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", step.who.name, step.sql, err)
		}
		verdict := ""
		if step.want != "" {
			verdict = s.verdict(got, step.want)
		}
		if step.frames == nil {
			line(step.who.name, step.sql, got, verdict)
			continue
		}
		now, err := s.admin.session(ctx, step.who.id)
		if err != nil {
			return err
		}
		line(step.who.name, step.sql, got, s.verdict(strings.Join(storyLines(now.Frames), "; "), strings.Join(step.frames, "; ")))
		if err := printFrames(os.Stdout, now.Frames); err != nil {
			return err
		}
	}
	return nil
}

// storyLines is a stack with the story's variables only: a server may report others, and they are shown too.
func storyLines(frames []frame) []string {
	return lines(frames, func(name string) bool { return name == "my.x" || name == "work_mem" })
}

// verdict counts a check, and says how it went.
func (s *show) verdict(got, want string) string {
	s.checks++
	if got == want {
		return "ok"
	}
	s.wrong++
	return fmt.Sprintf("WRONG: got %q, want %q", got, want)
}

func say(text string) { fmt.Printf("\n   %s\n", text) }

// line shows what a client asked, its answer and whether that was right.
func line(who, question, answer, verdict string) {
	fmt.Println(strings.TrimRight(fmt.Sprintf("   %-1s  %-27s %-28s %s", who, question, answer, verdict), " "))
}

// A client is a connection to the proxy.
type client struct {
	name string
	id   string // of its session, in the admin API
	conn *pgconn.PgConn
}

func connect(ctx context.Context, a *admin, name, address, user, database string) (*client, error) {
	host, port := split(address)
	config, err := pgconn.ParseConfig(fmt.Sprintf("host=%s port=%s sslmode=disable connect_timeout=%d", host, port, int(stepTime.Seconds())))
	if err != nil {
		return nil, err
	}
	config.User, config.Database = user, database
	config.RuntimeParams = map[string]string{"application_name": "quickstart " + name}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	c := &client{name: name, conn: conn}
	session, err := a.sessionOf(ctx, conn.Conn().LocalAddr().(*net.TCPAddr).String())
	if err != nil {
		c.close()
		return nil, err
	}
	c.id = session.ID
	return c, nil
}

// ask sends one statement and returns the first value of its answer, or "".
func (c *client) ask(ctx context.Context, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	results, err := c.conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return "", err
	}
	for _, result := range results {
		if len(result.Rows) > 0 && len(result.Rows[0]) > 0 {
			return string(result.Rows[0][0]), nil
		}
	}
	return "", nil
}

func (c *client) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.conn.Close(ctx) // the show is over
}
