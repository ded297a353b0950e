package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// A show is the story, and the count of what was checked in it.
type show struct {
	*cluster
	writers       []*writer
	checks, wrong int
}

const numWriters = 6

func (s *show) run(ctx context.Context) error {
	say("A PostgreSQL server, and a standby that streams from it")
	if err := s.startServers(ctx); err != nil {
		return err
	}
	say("Two instances with the same Caddyfile, the same users and the same storage, and one address for both")
	if err := s.startCaddys(ctx); err != nil {
		return err
	}
	if err := s.sameCertificate(ctx); err != nil {
		return err
	}
	return s.underLoad(ctx, s.bothServe, s.cancelAcross, s.promote, s.instanceDies, s.instanceReturns)
}

// underLoad has the writers write meanwhile, and compares their rows with what the server has in the end.
func (s *show) underLoad(ctx context.Context, parts ...func(context.Context) error) error {
	say(fmt.Sprintf("%d clients write through the one address, each in a session with a value of its own", numWriters))
	for i := range numWriters {
		w := &writer{cluster: s.cluster, id: i + 1}
		if err := w.begin(ctx); err != nil {
			return err
		}
		s.writers = append(s.writers, w)
	}
	writing, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	ends := make([]error, numWriters)
	for i, w := range s.writers {
		group.Go(func() { ends[i] = w.run(writing) })
	}
	var err error
	for _, part := range append([]func(context.Context) error{s.advance}, parts...) {
		if err = part(ctx); err != nil {
			break
		}
	}
	stop()
	group.Wait()
	if err = errors.Join(append(ends, err)...); err != nil {
		return err
	}
	return s.compare(ctx)
}

// sameCertificate: the second instance has taken what the first had put into the storage.
func (s *show) sameCertificate(ctx context.Context) error {
	first, err := s.certificate(ctx, 0)
	if err != nil {
		return err
	}
	second, err := s.certificate(ctx, 1)
	s.check("both show the same certificate", second, first)
	return err
}

// bothServe: each has its share of the clients, and knows their addresses, which are not the balancer's.
func (s *show) bothServe(ctx context.Context) error {
	known := 0
	for i := range s.instances {
		there, err := s.sessions(ctx, i, "")
		if err != nil {
			return err
		}
		s.check(fmt.Sprintf("sessions on instance %d", i+1), len(there), numWriters/2)
		for _, session := range there {
			for _, w := range s.writers {
				if w.sofar().address == session.Client {
					known++
				}
			}
		}
	}
	s.check("clients whose own address is known", known, numWriters)
	return nil
}

// cancelAcross: the balancer takes turns, so the request, which is a connection of its own, comes to the instance that
// does not have the session.
func (s *show) cancelAcross(ctx context.Context) error {
	say("Three statements are cancelled; the requests come to the other instance")
	for range 3 {
		conn, err := s.connect(ctx, "sleeper")
		if err != nil {
			return err
		}
		done := make(chan error, 1)
		go func() {
			_, err := ask(ctx, conn, "SELECT pg_sleep(60)")
			done <- err
		}()
		if err := s.await(ctx, "the statement runs", s.sleeps); err != nil {
			return err
		}
		if err := conn.CancelRequest(ctx); err != nil {
			return err
		}
		s.check("its client hears", fmt.Sprint(<-done), "ERROR: canceling statement due to user request (SQLSTATE 57014)")
		if err := conn.Close(ctx); err != nil {
			return err
		}
	}
	forwarded := 0
	for i := range s.instances {
		n, err := s.forwarded(ctx, i)
		if err != nil {
			return err
		}
		forwarded += n
	}
	s.check("requests that were sent on to the other instance", forwarded, 3)
	return nil
}

// sleeps says whether the server runs the statement: a request that came before would be of no effect.
func (s *show) sleeps(ctx context.Context) (bool, error) {
	n, err := s.primary.SQL(ctx, database, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
	return n == "1", err
}

func (s *show) promote(ctx context.Context) error {
	say("The primary crashes, and the standby is promoted")
	before := s.sofar()
	if err := s.primary.Down(ctx, "immediate"); err != nil {
		return err
	}
	if _, err := s.standby.SQL(ctx, database, "SELECT pg_promote()"); err != nil {
		return err
	}
	if err := s.advance(ctx); err != nil {
		return err
	}
	after := s.sofar()
	s.check("clients that had to connect again", after.reconnects-before.reconnects, 0)
	fmt.Printf("   %d rows of which the client had to look whether they were committed\n", after.doubts-before.doubts)
	return nil
}

func (s *show) instanceDies(ctx context.Context) error {
	say("Instance 1 is killed; its clients connect again, to the same address")
	there, err := s.sessions(ctx, 0, "")
	if err != nil {
		return err
	}
	before := s.sofar()
	if err := s.instances[0].Stop(); err != nil {
		return err
	}
	if err := s.advance(ctx); err != nil {
		return err
	}
	s.check("clients that had to connect again", s.sofar().reconnects-before.reconnects, len(there))
	there, err = s.sessions(ctx, 1, "")
	s.check("sessions on instance 2", len(there), numWriters)
	return err
}

func (s *show) instanceReturns(ctx context.Context) error {
	say("Instance 1 comes back")
	if err := s.startInstance(ctx, 0); err != nil {
		return err
	}
	if err := s.sameCertificate(ctx); err != nil {
		return err
	}
	err := s.await(ctx, "a new client comes to it", func(ctx context.Context) (bool, error) {
		conn, err := s.connect(ctx, "newcomer")
		if err != nil {
			return false, err
		}
		there, err := s.sessions(ctx, 0, "?application_name=newcomer")
		return len(there) > 0, errors.Join(err, conn.Close(ctx))
	})
	if err != nil {
		return err
	}
	s.check("it serves new clients", true, true)
	return s.advance(ctx)
}

// compare asks the server for the rows.
func (s *show) compare(ctx context.Context) error {
	say("What the server has, and what the clients know to be there")
	for _, w := range s.writers {
		got, err := s.standby.SQL(ctx, database, fmt.Sprintf(
			"SELECT count(*), count(DISTINCT n), min(n), max(n) FROM rows WHERE client = %d", w.id))
		if err != nil {
			return err
		}
		n := w.sofar().rows
		s.check(fmt.Sprintf("rows of client %d, different ones, first, last", w.id), got, fmt.Sprintf("%d|%d|1|%d", n, n, n))
	}
	got, err := s.standby.SQL(ctx, database, "SELECT count(DISTINCT client) FROM rows")
	s.check("clients in the rows", got, fmt.Sprint(numWriters))
	return err
}

// advance returns when each writer has written 20 rows more.
func (s *show) advance(ctx context.Context) error {
	var from []int
	for _, w := range s.writers {
		from = append(from, w.sofar().rows)
	}
	return s.await(ctx, "each client writes", func(context.Context) (bool, error) {
		for i, w := range s.writers {
			if w.sofar().rows < from[i]+20 {
				return false, nil
			}
		}
		return true, nil
	})
}

func (s *show) sofar() (sum progress) {
	for _, w := range s.writers {
		p := w.sofar()
		sum.rows, sum.reconnects, sum.doubts = sum.rows+p.rows, sum.reconnects+p.reconnects, sum.doubts+p.doubts
	}
	return sum
}

// await asks until the answer is yes.
func (s *show) await(ctx context.Context, what string, ask func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	for {
		if yes, err := ask(ctx); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting in vain until %s: %w", what, ctx.Err())
		case <-time.After(retryTime):
		}
	}
}

// session is the part of GET /pgtxn/sessions that is looked at here.
type session struct {
	Client string `json:"client"`
}

// sessions returns those of an instance.
func (s *show) sessions(ctx context.Context, i int, query string) (there []session, err error) {
	text, err := s.get(ctx, i, "/pgtxn/sessions"+query)
	if err == nil {
		err = json.Unmarshal(text, &there)
	}
	return there, err
}

var forwardedLine = regexp.MustCompile(`(?m)^caddy_pgtxn_cancel_requests_total\{result="forwarded"\} (\d+)`)

// forwarded is how many requests to cancel an instance has sent on.
func (s *show) forwarded(ctx context.Context, i int) (int, error) {
	text, err := s.get(ctx, i, "/metrics")
	if err != nil {
		return 0, err
	}
	m := forwardedLine.FindSubmatch(text)
	if m == nil {
		return 0, errors.New("the metrics have no forwarded requests to cancel")
	}
	return strconv.Atoi(string(m[1]))
}

// get reads the admin API of an instance.
func (s *show) get(ctx context.Context, i int, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.instances[i].admin+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", path, response.Status, body)
	}
	return body, err
}

// check counts one, and says how it went.
func (s *show) check(what string, got, want any) {
	s.checks++
	verdict := "ok"
	if got != want {
		s.wrong++
		verdict = fmt.Sprintf("WRONG: want %v", want)
	}
	fmt.Printf("   %-50s  %v  %s\n", what, got, verdict)
}

func say(text string) { fmt.Printf("\n%s\n", text) }
