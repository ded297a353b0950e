package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
)

// Cancel requests with long keys, over TLS, and by way of another instance.

// cancels has c sleep, and checks that the request ends that.
func cancels(t *testing.T, p place, c *client, request func()) {
	t.Helper()
	c.send(query("SELECT pg_sleep(1000)"))
	eventually(t, "the statement runs", func() bool { return working(t, p) == "1" })
	request()
	if got := strings.Join(c.until("Z"), ", "); !strings.HasSuffix(got, canceled+", Z I") {
		t.Error(got)
	}
}

// Keys of protocol 3.2: the whole of it counts.
func TestCancelWithLongKey(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		size := 32
		if p.proxy == nil && sql(t, "postgres", "SELECT current_setting('server_version_num')::int < 180000") == "t" {
			size = 4 // it knows no 3.2, and speaks 3.0
		}
		c := p.dial(t)
		c.send(startupMessage(3<<16|2, "user", p.user, "database", p.database))
		c.until("Z I")
		if len(c.secret) != size {
			t.Fatalf("the key has %d bytes, not %d", len(c.secret), size)
		}
		cancels(t, p, c, func() {
			last := size - 1
			p.requestCancel(t, c.pid, c.secret[:size/8])
			p.requestCancel(t, c.pid, append(c.secret[:last:last], c.secret[last]^1))
			p.requestCancel(t, c.pid, append(c.secret[:size:size], 0))
			if working(t, p) != "1" {
				t.Error("canceled with a wrong key")
			}
			p.requestCancel(t, c.pid, c.secret)
		})
		atRest(t, p)
	})
}

// pgx with protocol 3.2.
func TestCancelByDriver(t *testing.T) {
	p := database(t).behind(t, 1)
	conn, err := pgconn.Connect(t.Context(), p.url("&max_protocol_version=3.2"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if got := len(conn.SecretKey()); got != 32 {
		t.Errorf("the key has %d bytes", got)
	}
	done := make(chan error)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT pg_sleep(1000)").ReadAll()
		done <- err
	}()
	eventually(t, "the statement runs", func() bool { return working(t, p) == "1" })
	if err := conn.CancelRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	var told *pgconn.PgError
	if err := <-done; !errors.As(err, &told) || told.Code != "57014" {
		t.Error(err)
	}
}

// A request comes over TLS, asked for or direct; which need not be how the session came.
func TestCancelOverTLS(t *testing.T) {
	offer, handshake := withTLS(t)
	p := database(t).behind(t, 1, offer)
	dialTCP := func() net.Conn {
		conn, err := net.DialTimeout("tcp", p.addr, patience)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	c := p.connect(t)
	cancels(t, p, c, func() { p.requestCancelOn(t, handshake(dialTCP()), c.pid, c.secret) })
	cancels(t, p, c, func() {
		conn := dialTCP()
		var answer [1]byte
		if _, err := conn.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, answer[:]); err != nil || answer[0] != 'S' {
			t.Fatal(answer, err)
		}
		p.requestCancelOn(t, handshake(conn), c.pid, c.secret)
	})
	atRest(t, p)
}

// Several instances behind one address: a request that comes to the wrong one is
// sent on, once.
func TestCancelFindsItsInstance(t *testing.T) {
	db := database(t)
	peers := map[int]string{}
	instance := func(id int) place {
		return db.behind(t, 1, func(cfg *Config) { cfg.PeerID, cfg.Peers = id, peers })
	}
	one, two, last := instance(1), instance(2), instance(MaxPeerID)
	peers[1], peers[2], peers[MaxPeerID] = one.addr, two.addr, last.addr
	for _, home := range []place{one, two, last} {
		for _, minor := range []int{0, 2} {
			c := home.dial(t)
			c.send(startupMessage(3<<16|minor, "user", home.user, "database", home.database))
			c.until("Z I")
			for _, other := range []place{one, two, last} {
				cancels(t, home, c, func() { other.requestCancel(t, c.pid, c.secret) })
			}
			cancels(t, home, c, func() {
				two.requestCancel(t, c.pid, append([]byte{c.secret[0] ^ 1}, c.secret[1:]...))
				if working(t, home) != "1" {
					t.Error("canceled with a wrong key")
				}
				home.requestCancel(t, c.pid, c.secret)
			})
			c.leave()
		}
	}
	atRest(t, db)
}

// Instances that name each other wrongly don't send a request round in circles.
func TestCancelIsSentOnOnce(t *testing.T) {
	peers := map[int]string{}
	db := database(t)
	one := db.behind(t, 1, func(cfg *Config) { cfg.PeerID, cfg.Peers = 1, peers })
	two := db.behind(t, 1, func(cfg *Config) { cfg.PeerID, cfg.Peers = 2, peers })
	var came atomic.Int32
	peers[3] = listen(t, func(conn net.Conn) { // which is two, and would have it at itself
		if came.Add(1) < 10 {
			_ = two.proxy.Serve(context.Background(), conn, nil, two.proxy.cfg, nil)
		}
	})
	for i, p := range []place{one, two} {
		p.requestCancel(t, 3<<peerShift|5, make([]byte, 4))
		if got := came.Load(); got != int32(i+1) {
			t.Errorf("sent on %d times", got)
		}
	}
	one.requestCancel(t, 7<<peerShift|5, make([]byte, 4)) // nobody
}

// While the server is away, who waits for it can give up.
func TestCancelWhileTheServerIsAway(t *testing.T) {
	server := pgtest.Start(t, pgtest.Restartable())
	p := ahead(t, backend.Any, func(cfg *Config) { cfg.Log = quiet() }, server)
	c := p.connect(t)
	if err := server.Down(t.Context(), "fast"); err != nil {
		t.Fatal(err)
	}
	c.send(query("SELECT 1"))
	eventually(t, "it waits", func() bool { return p.waiting() == 1 })
	p.requestCancel(t, c.pid, c.secret)
	c.expect(canceled, "Z I")
	if err := server.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.must("SELECT 1")
}

// A request that comes while the variables are being set, which has to wait for a
// lock here, ends the statement behind that.
func TestCancelInTheMiddleOfASync(t *testing.T) {
	server := pgtest.Start(t)
	p := ahead(t, backend.Any, func(cfg *Config) { cfg.PoolSize, cfg.Log = 1, quiet() }, server)
	direct := place{addr: server.Addr, database: "postgres", user: pgtest.Superuser}.connect(t)
	target, other := p.connect(t), p.connect(t)
	direct.must("CREATE ROLE r")
	for range 3 {
		target.must("SET ROLE r")
		other.must("SELECT 1")
		direct.must("ALTER ROLE r CONNECTION LIMIT 5") // so that it has to be looked up again
		direct.must("BEGIN; LOCK TABLE pg_authid")
		target.send(query("SELECT current_user"))
		eventually(t, "the sync waits for the lock", func() bool {
			return direct.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1"
		})
		p.requestCancel(t, target.pid, target.secret)
		target.answers(canceled, "Z I")
		direct.must("COMMIT")
		if got := target.value("SELECT current_user"); got != "r" {
			t.Error(got)
		}
	}
}
