package relay

import (
	"context"
	"net"
	"testing"
)

// Connections that are not plain sockets: such as come out of TLS that Caddy has
// ended, or from a wrapper. They are pumped, and that must not show.

// wrapped hides what a connection is.
type wrapped struct{ net.Conn }

// behindWrapper is a second listener of the proxy's, whose connections are wrapped.
func (p place) behindWrapper(t testing.TB) place {
	t.Helper()
	p.addr = listen(t, func(conn net.Conn) { _ = p.proxy.Serve(context.Background(), wrapped{conn}, nil, p.proxy.cfg, nil) })
	return p
}

func TestWrappedConnections(t *testing.T) {
	p := database(t).behind(t, 1).behindWrapper(t)
	one, two := p.connect(t), p.connect(t)
	one.must("SET my.x = '1'")
	two.must("SET my.x = '2'")
	for range 3 {
		bigAnswers(t, one, 20000)
		pipeline(t, two, 200)
		if got := one.value("SHOW my.x") + two.value("SHOW my.x"); got != "12" {
			t.Error(got)
		}
	}
	one.must("BEGIN; SET my.x = 'left'")
	one.drop()
	two.must("SELECT 1")
	three := p.connect(t)
	three.send(query("SELECT repeat('x', 1000000)"), message('X'))
	if n := three.skim('D', 'Z'); n != 1000006 {
		t.Error(n, "bytes")
	}
	three.expect(closedLine)
	two.must("SELECT 1")
	atRest(t, p)
}

// A connection of which some bytes were read already, as Caddy's matchers do, and
// one over a pipe.
func TestEarlyBytes(t *testing.T) {
	p := database(t).behind(t, 1)
	hello := startupMessage(3<<16, "user", p.user, "database", p.database)
	hello = append(hello, query("SELECT 'at once'")...)
	for _, early := range []int{0, 1, 8, len(hello) - 1, len(hello)} {
		near, far := net.Pipe()
		go func() { _ = p.proxy.Serve(context.Background(), far, hello[:early], p.proxy.cfg, nil) }()
		c := newClient(near)
		c.t = t
		go func() { _, _ = near.Write(hello[early:]) }() // a pipe holds nothing: who writes waits for the reader
		c.until("Z I")
		c.expect("T", "D at once", "C SELECT 1", "Z I")
		c.leave()
	}
	atRest(t, p)
}
