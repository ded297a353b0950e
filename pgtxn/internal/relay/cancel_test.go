package relay

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Cancel requests reach the statement that they are meant for, and nothing else.

const canceled = "E ERROR 57014 canceling statement due to user request"

// requestCancel sends a cancel request and returns when it has been dealt with.
func (p place) requestCancel(t testing.TB, pid uint32, secret []byte) {
	conn, err := net.DialTimeout("tcp", p.addr, patience)
	if err != nil {
		t.Error(err)
		return
	}
	p.requestCancelOn(t, conn, pid, secret)
}

// requestCancelOn does so on a connection.
func (p place) requestCancelOn(t testing.TB, conn net.Conn, pid uint32, secret []byte) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(cancelRequest(pid, secret)); err != nil {
		t.Error(err)
	}
	if got, _ := io.ReadAll(conn); len(got) > 0 {
		t.Errorf("a cancel request was answered: %q", got)
	}
}

func TestCancel(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		for _, m := range [][]byte{query("SELECT pg_sleep(1000)"), append(oneShot("SELECT pg_sleep(1000)"), syncMsg...)} {
			c.send(m)
			eventually(t, "the statement runs", func() bool { return working(t, p) == "1" })
			p.requestCancel(t, c.pid, c.secret)
			if got := strings.Join(c.until("Z"), ", "); !strings.HasSuffix(got, canceled+", Z I") {
				t.Error(got)
			}
		}
		c.send(query("BEGIN"), query("SELECT pg_sleep(1000)"))
		eventually(t, "the statement runs", func() bool { return working(t, p) == "1" })
		p.requestCancel(t, c.pid, c.secret)
		c.expect("C BEGIN", "Z T", "T", canceled, "Z E")
		c.must("ROLLBACK")
		atRest(t, p)
	})
}

func TestCancelHitsNothing(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c, idle := p.connect(t), p.connect(t)
		p.requestCancel(t, idle.pid, idle.secret) // idle: nothing, also not later
		idle.must("SELECT 1")
		c.must("BEGIN")
		p.requestCancel(t, c.pid, c.secret)
		c.must("SELECT 1")
		c.must("COMMIT")
		c.send(query("SELECT pg_sleep(2), 'slept'"))
		eventually(t, "the statement runs", func() bool { return working(t, p) == "1" })
		wrong := []byte{c.secret[0], c.secret[1], c.secret[2], c.secret[3] ^ 1}
		p.requestCancel(t, c.pid, wrong)
		p.requestCancel(t, c.pid+1, c.secret)
		p.requestCancel(t, 0, make([]byte, 4))
		p.requestCancel(t, c.pid, append(c.secret, 0))
		p.requestCancel(t, c.pid, make([]byte, 256))
		p.requestCancel(t, idle.pid, idle.secret) // not the one who works
		c.expect("T", "D |slept", "C SELECT 1", "Z I")
		atRest(t, p)
	})
}

// A statement that still waits for a backend is canceled without ever having one.
func TestCancelWhileWaiting(t *testing.T) {
	p := database(t).behind(t, 1)
	holder, c := p.connect(t), p.connect(t)
	holder.must("BEGIN")
	for _, m := range [][]byte{query("SELECT 1"), append(oneShot("SELECT 1"), syncMsg...)} {
		c.send(m)
		eventually(t, "it waits", func() bool { return p.proxy.Pools()[0].Waiting == 1 })
		p.requestCancel(t, c.pid, c.secret)
		c.expect(canceled, "Z I")
	}
	holder.must("COMMIT")
	c.must("SELECT 1")
	atRest(t, p)
}

// Cancel requests race with short statements: the backend may be another client's
// by the time that the request comes to the server. That one must not feel it.
func TestCancelNeverHitsAnother(t *testing.T) {
	p := database(t).behind(t, 1)
	const requests = 600
	target, innocent := p.connect(t), p.connect(t)
	stop := make(chan struct{})
	var hits, hurt, served int
	var clients sync.WaitGroup
	work := func(c *client, sql, want string, bad, good *int) {
		defer clients.Done()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if got := c.ask(sql); got == want {
				*good++
			} else {
				*bad++
			}
		}
	}
	var fine int
	clients.Add(2)
	go work(target, "SELECT count(*) FROM generate_series(1, 3000)", "D 3000, C SELECT 1, Z I", &hits, &fine)
	go work(innocent, "SELECT count(*) FROM generate_series(1, 3001)", "D 3001, C SELECT 1, Z I", &hurt, &served)
	for range requests {
		p.requestCancel(t, target.pid, target.secret)
	}
	close(stop)
	clients.Wait()
	t.Logf("%d requests hit %d of %d statements; the other client ran %d", requests, hits, hits+fine, served)
	if hurt > 0 {
		t.Errorf("%d statements of another client were canceled", hurt)
	}
	if hits == 0 {
		t.Error("no request hit its target: this test shows nothing")
	}
	atRest(t, p)
}

// With more backends than one, the request finds the one where the client is now.
func TestCancelFollowsTheClient(t *testing.T) {
	p := database(t).behind(t, 2)
	move, c := newMover(t, p), p.connect(t)
	for range 4 {
		pid := c.value(whoServes)
		back := move.away(pid)
		c.send(query(fmt.Sprintf("SELECT pg_backend_pid() = %s, pg_sleep(1000)", pid)))
		eventually(t, "the statement runs", func() bool { return working(t, p) == "1" })
		p.requestCancel(t, c.pid, c.secret)
		c.expect("T", canceled, "Z I")
		back()
	}
	atRest(t, p)
}
