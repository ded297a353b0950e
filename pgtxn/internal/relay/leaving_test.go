package relay

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// withTLS has a proxy offer TLS, which is then begun on a connection to it.
func withTLS(t *testing.T) (offer func(*Config), begin func(net.Conn) net.Conn) {
	t.Helper()
	ca := testca.New(t, "ca")
	pair := ca.Issue(t, []string{"db.example"})
	cert, err := tls.X509KeyPair(pair.Chain, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	offer = func(cfg *Config) {
		cfg.TLS = func() *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{ALPN}}
		}
	}
	return offer, func(conn net.Conn) net.Conn {
		return tls.Client(conn, &tls.Config{RootCAs: ca.Pool(), ServerName: "db.example", NextProtos: []string{ALPN}})
	}
}

// inTLS is c, before its login, in TLS.
func (c *client) inTLS(begin func(net.Conn) net.Conn) *client {
	secured := newClient(begin(c.conn))
	secured.t = c.t
	return secured
}

// A client is killed in the middle of a large result that it reads no further: the
// rest of it is drawn from the server, whose place is free again.
func TestKilledInLargeResult(t *testing.T) {
	offer, begin := withTLS(t)
	p := database(t).behind(t, 1, offer)
	for _, secure := range []bool{false, true} {
		tcp := p.dial(t)
		c := tcp
		if secure {
			c = tcp.inTLS(begin)
		}
		c.login("user", p.user, "database", p.database)
		s := p.session(c)
		c.send(query("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 50000)) TO STDOUT"))
		eventually(t, "the client takes no more", func() (full bool) {
			s.shard.loop.Call(func() { full = s.client.full() })
			return full
		})
		_ = tcp.conn.(*net.TCPConn).SetLinger(0)
		tcp.drop()
		eventually(t, "its backend is given back", func() bool { return p.proxy.Pools()[0].Idle == 1 })
	}
	atRest(t, p)
}

// A client says goodbye behind its query, and reads slowly: it still hears the answer.
func TestGoodbyeBeforeReading(t *testing.T) {
	offer, begin := withTLS(t)
	p := database(t).behind(t, 1, offer)
	var taken sync.RWMutex
	p.addr = listen(t, func(conn net.Conn) {
		_ = p.proxy.Serve(context.Background(), slow{conn, &taken}, nil, p.proxy.cfg, nil)
	})
	for _, secure := range []bool{false, true} {
		c := p.dial(t)
		if secure {
			c = c.inTLS(begin)
		}
		c.login("user", p.user, "database", p.database)
		s := p.session(c)
		answered := func(n uint64) {
			eventually(t, "the query is answered", func() (is bool) {
				s.shard.loop.Call(func() { is = s.srv == nil && s.transactions == n })
				return is
			})
		}
		taken.Lock()
		c.send(query("SELECT 1"))
		answered(1)
		c.send(query("SELECT 2"))
		answered(2)
		c.send(message('X'))
		eventually(t, "the goodbye is taken", func() (is bool) {
			s.shard.loop.Call(func() { is = s.lingering || s.ended })
			return is
		})
		taken.Unlock()
		c.expect("T", "D 1", "C SELECT 1", "Z I", "T", "D 2", "C SELECT 1", "Z I", closedLine)
	}
	atRest(t, p)
}
