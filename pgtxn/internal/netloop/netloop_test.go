package netloop

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// echo is a handler that sends back what it reads, keeping at most one read's
// worth: when the peer does not read, it stops reading.
type echo struct {
	c    *Conn
	buf  [16 << 10]byte
	held []byte
	full chan struct{} // closed, if it is not nil, once something is held
	end  chan error
}

func (e *echo) Readable() {
	for turn := 0; len(e.held) == 0 && e.c.CanRead(); turn++ {
		if turn == 3 {
			e.c.Yield()
			return
		}
		n, err := e.c.Read(e.buf[:])
		if err == ErrWouldBlock {
			return
		}
		if err != nil {
			e.c.Close()
			e.end <- err
			return
		}
		e.held = e.buf[:n]
		e.flush()
	}
}

func (e *echo) flush() {
	n, err := e.c.Write(e.held)
	e.held = e.held[n:]
	if len(e.held) > 0 && e.full != nil {
		close(e.full)
		e.full = nil
	}
	if err != nil && err != ErrWouldBlock {
		e.c.Close()
		e.end <- err
	}
}

func (e *echo) Writable() {
	e.flush()
	e.Readable()
}

func newLoop(t *testing.T) *Loop {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// onLoop attaches c to an echo.
func onLoop(t *testing.T, l *Loop, c *Conn) *echo {
	t.Helper()
	e := &echo{c: c, end: make(chan error, 1)}
	l.Call(func() {
		if err := l.Attach(c, e); err != nil {
			t.Error(err)
		}
	})
	return e
}

func tcpPair(t *testing.T) (ours, peer net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if peer, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if ours, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	return ours, peer
}

// hidden keeps netloop from seeing that a connection is a socket.
type hidden struct{ net.Conn }

// ways are the kinds of streams: ours, and its other end.
var ways = map[string]func(t *testing.T) (*Conn, net.Conn){
	"socket": func(t *testing.T) (*Conn, net.Conn) {
		ours, peer := tcpPair(t)
		return NewConn(ours, nil), peer
	},
	"pump": func(t *testing.T) (*Conn, net.Conn) {
		ours, peer := tcpPair(t)
		return NewConn(hidden{ours}, nil), peer
	},
	"pipe": func(*testing.T) (*Conn, net.Conn) {
		ours, peer := net.Pipe()
		return NewConn(ours, nil), peer
	},
	"tls": func(t *testing.T) (*Conn, net.Conn) {
		ours, peer := tcpPair(t)
		return shakeHands(t, NewConn(ours, nil), peer)
	},
	"tls on a pump": func(t *testing.T) (*Conn, net.Conn) {
		ours, peer := tcpPair(t)
		return shakeHands(t, NewConn(hidden{ours}, nil), peer)
	},
}

func TestEcho(t *testing.T) {
	l := newLoop(t)
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			c, peer := way(t)
			e := onLoop(t, l, c)
			exchange(t, peer, 2<<20)
			peer.Close()
			if err := <-e.end; err != io.EOF {
				t.Errorf("the end of the stream came as %v", err)
			}
			c.Wait()
		})
	}
}

// A peer that does not read goes away: writing says so, though no event comes any more.
func TestPeerGoneWithoutReading(t *testing.T) {
	l := newLoop(t)
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			c, peer := way(t)
			e := onLoop(t, l, c)
			full := make(chan struct{})
			l.Call(func() { e.full = full })
			go func() { // until the echo holds what nobody takes
				for p := make([]byte, 1<<20); ; {
					if _, err := peer.Write(p); err != nil {
						return
					}
				}
			}()
			<-full
			reset(peer)
			select {
			case <-e.end:
				c.Wait()
			case <-time.After(30 * time.Second):
				t.Error("it was not noticed")
			}
		})
	}
}

// What a pump under TLS is about to write is still written when the stream is closed.
func TestLastWordsInTLS(t *testing.T) {
	l := newLoop(t)
	ours, far := net.Pipe() // which holds nothing: writing takes until all is read
	c, _ := shakeHands(t, NewConn(ours, nil), far)
	onLoop(t, l, c)
	l.Call(func() {
		if n, err := c.Write([]byte("last words")); err != nil {
			t.Error(n, err)
		}
	})
	var head [5]byte // of the record; its last two bytes are the length of the rest
	if _, err := io.ReadFull(far, head[:]); err != nil {
		t.Fatal(err)
	}
	l.Call(c.Close)
	n, err := io.ReadFull(far, make([]byte, binary.BigEndian.Uint16(head[3:])))
	if err != nil {
		t.Errorf("only %d bytes came of the record % x, and then %v", n, head, err)
	}
	c.Wait()
}

// reset closes a connection so that the other end can't write to it any more.
func reset(peer net.Conn) {
	if secured, ok := peer.(*tls.Conn); ok {
		peer = secured.NetConn()
	}
	if tcp, ok := peer.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = peer.Close()
}

// exchange sends n bytes in pieces of random size and wants the same back,
// reading later than writing, so that both ways fill up.
func exchange(t *testing.T, peer net.Conn, n int) {
	t.Helper()
	sent := make([]byte, n)
	for i := range sent {
		sent[i] = byte(i * 31 >> 3)
	}
	go func() {
		for rest := sent; len(rest) > 0; {
			piece := min(len(rest), 1+mathrand.IntN(100<<10))
			if _, err := peer.Write(rest[:piece]); err != nil {
				return
			}
			rest = rest[piece:]
		}
	}()
	got := make([]byte, n)
	if _, err := io.ReadFull(peer, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sent, got) {
		t.Error("what came back is not what was sent")
	}
}

func shakeHands(t *testing.T, c *Conn, peer net.Conn) (*Conn, net.Conn) {
	t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	client := tls.Client(peer, &tls.Config{InsecureSkipVerify: true})
	shaken := make(chan error, 1)
	go func() { shaken <- client.Handshake() }()
	server := c.StartTLS(func(below net.Conn) *tls.Conn {
		return tls.Server(below, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	})
	if err := server.HandshakeContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	return c, client
}

func TestEarlyBytesComeFirst(t *testing.T) {
	l := newLoop(t)
	ours, peer := tcpPair(t)
	onLoop(t, l, NewConn(ours, []byte("early ")))
	if _, err := peer.Write([]byte("late")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("early late"))
	if _, err := io.ReadFull(peer, got); err != nil || string(got) != "early late" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestPeekTakesNothing(t *testing.T) {
	ours, peer := tcpPair(t)
	if _, err := peer.Write([]byte("xy")); err != nil {
		t.Fatal(err)
	}
	c := NewConn(ours, nil)
	if b, err := c.Peek(); b != 'x' || err != nil {
		t.Fatalf("Peek: %q, %v", b, err)
	}
	got := make([]byte, 2)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "xy" {
		t.Errorf("got %q, %v", got, err)
	}
	c.Close()
}

// A busy stream must not keep the others from their turn.
func TestFairness(t *testing.T) {
	l := newLoop(t)
	busyOurs, busyPeer := tcpPair(t)
	onLoop(t, l, NewConn(busyOurs, nil))
	var stop atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, busyPeer)
	}()
	go func() {
		for p := make([]byte, 1<<20); !stop.Load(); {
			if _, err := busyPeer.Write(p); err != nil {
				return
			}
		}
	}()
	ours, peer := tcpPair(t)
	onLoop(t, l, NewConn(ours, nil))
	for range 100 {
		exchange(t, peer, 10)
	}
	stop.Store(true)
}

func TestPostAndAfter(t *testing.T) {
	l := newLoop(t)
	var order []int
	for i := range 5 {
		l.Post(func() { order = append(order, i) })
	}
	fired := make(chan bool, 2)
	l.Call(func() {
		stop := l.After(0, func() { fired <- false })
		stop()
		l.After(time.Millisecond, func() { fired <- true })
	})
	if !<-fired {
		t.Error("a timer that was stopped fired")
	}
	l.Call(func() {
		for i, n := range order {
			if i != n {
				t.Errorf("posted functions ran in the order %v", order)
			}
		}
	})
	l.Close()
	if l.Post(func() {}) || l.Call(func() {}) {
		t.Error("a closed loop took a function")
	}
}

// The end of the stream may come with the last bytes, as one event.
func TestEndBehindBytes(t *testing.T) {
	l := newLoop(t)
	ours, peer := tcpPair(t)
	e := onLoop(t, l, NewConn(ours, nil))
	exchange(t, peer, 1) // the loop waits for the socket now, and is then kept from it
	said := make(chan struct{})
	l.Post(func() { <-said })
	if _, err := peer.Write([]byte("bye")); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	close(said)
	select {
	case <-e.end:
	case <-time.After(30 * time.Second):
		t.Error("the end of the stream was not noticed")
	}
}
