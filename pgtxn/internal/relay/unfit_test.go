package relay

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// What a session that no backend fits any more meets on its way out.

// unfit is a session whose role is gone, which it knows. Another client had its backend.
func (p place) unfit(t *testing.T, role string) (c, other *client) {
	t.Helper()
	sql(t, "postgres", "CREATE ROLE "+role)
	c, other = p.connect(t), p.connect(t)
	c.must("SET ROLE " + role)
	other.must("SELECT 1")
	sql(t, "postgres", "DROP ROLE "+role)
	if got := c.ask("SELECT 1"); got != noRole(role)+", Z I" {
		t.Fatal(got)
	}
	return c, other
}

func noRole(role string) string { return `E ERROR 22023 role "` + role + `" does not exist` }

// The statement that would have helped was never run: what follows gets no backend without the role.
func TestWayOutIsNotTaken(t *testing.T) {
	p := database(t).behind(t, 1)
	c, other := p.unfit(t, "untaken_role")
	other.must("BEGIN")
	c.send(query("DISCARD ALL"))
	eventually(t, "it waits for a backend", func() bool { return p.waiting() == 1 })
	p.requestCancel(t, c.pid, c.secret)
	c.expect(canceled, "Z I")
	other.must("COMMIT")
	c.send(oneShot("SELECT current_user"), syncMsg)
	c.expect(noRole("untaken_role"), "Z I")
	c.must("RESET ROLE")
	atRest(t, p)
}

// In the failed transaction that it was left in, only its end helps.
func TestWayOutOfLostTransaction(t *testing.T) {
	p := database(t).behind(t, 1)
	const role = "transaction_role"
	sql(t, "postgres", "CREATE ROLE "+role)
	c := p.connect(t)
	c.must("SET ROLE " + role)
	c.must("BEGIN")
	terminate(t, c.value(whoServes))
	sql(t, "postgres", "DROP ROLE "+role)
	if got := c.ask("SELECT 1"); got != lived+", Z E" {
		t.Error(got)
	}
	for _, text := range []string{"RESET ROLE", "DISCARD ALL", "ROLLBACK AND CHAIN", "COMMIT AND CHAIN"} {
		if got := c.ask(text); got != noRole(role)+", Z E" {
			t.Errorf("%s: %s", text, got)
		}
	}
	c.must("ROLLBACK")
	c.must("RESET ROLE")
	c.must("SELECT 1")
	atRest(t, p)
}

// A cancel request is on its way when it gets out: what it has sent behind waits for the end of that.
func TestWayOutIsCancelled(t *testing.T) {
	p := database(t)
	g, near := newGate(t, p.addr)
	near, release := holdsCancels(t, near)
	p.addr = near
	p = p.behind(t, 1)
	c, other := p.unfit(t, "cancelled_role")
	other.must("SELECT 1") // so that there is a backend
	g.arm("nothing, so that answers are held")
	c.send(query("RESET ROLE"), query("SELECT 1"))
	s := p.session(c)
	cancels := func() (n int) {
		s.shard.loop.Call(func() {
			if s.srv != nil {
				n = s.srv.cancels
			}
		})
		return n
	}
	done := make(chan struct{})
	eventually(t, "the statement is under way", func() (owes bool) {
		s.shard.loop.Call(func() { owes = s.srv != nil && s.srv.owesClient() })
		return owes
	})
	go func() {
		p.requestCancel(t, c.pid, c.secret)
		close(done)
	}()
	eventually(t, "the cancel request is on its way", func() bool { return cancels() == 1 })
	g.disarm()
	c.expect("C RESET", "S is_superuser=on", "Z I")
	close(release)
	<-done
	c.expect("T", "D 1", "C SELECT 1", "Z I")
	atRest(t, p)
}

// session is the proxy's for the client.
func (p place) session(c *client) *Session {
	found, _ := p.proxy.keys.Load(c.pid)
	return found.(*Session)
}

// holdsCancels forwards connections to addr, but cancel requests not before release is closed.
func holdsCancels(t *testing.T, addr string) (near string, release chan struct{}) {
	release = make(chan struct{})
	return between(t, addr, func(near, far net.Conn) {
		head := make([]byte, 8)
		if _, err := io.ReadFull(near, head); err == nil && binary.BigEndian.Uint32(head[4:]) == 80877102 {
			<-release
		}
		_, _ = far.Write(head)
		go pieces(far, near, 1<<16)
		go pieces(near, far, 1<<16)
	}), release
}

// Who leaves with a message under way whose variables can't be set has left.
func TestUnfitLeaves(t *testing.T) {
	p := database(t).behind(t, 1)
	c, _ := p.unfit(t, "leaving_role")
	c.send(query("SELECT 1"), []byte{'X', 0, 0, 0, 4})
	c.expect(noRole("leaving_role"), "Z I", closedLine)
	eventually(t, "its session has ended", func() bool { return len(p.proxy.Sessions()) == 1 })
	atRest(t, p)
}

// A session that has something on its backend ends with it, and is told why.
func TestUnfitAndPinned(t *testing.T) {
	p := database(t).behind(t, 1)
	sql(t, p.database, "CREATE TEXT SEARCH CONFIGURATION public.gone (COPY = simple)")
	c := p.connect(t, "default_text_search_config", "public.gone")
	c.must("SELECT pg_advisory_lock(1)")
	sql(t, p.database, "DROP TEXT SEARCH CONFIGURATION public.gone")
	c.must("DO $$BEGIN SET default_text_search_config = 'simple'; RESET default_text_search_config; END$$")
	const gone = `22023 invalid value for parameter "default_text_search_config": "public.gone"`
	if got := c.ask("SELECT 1"); got != "E ERROR "+gone+", Z I" {
		t.Error(got)
	}
	c.expect("E FATAL "+gone, closedLine)
	atRest(t, p)
}
