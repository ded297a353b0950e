package netloop

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
)

// ErrWouldBlock is what Read and Write of an attached Conn return when the
// socket has nothing to read, or no room. It is a temporary net.Error, which
// crypto/tls takes as "try again" without giving up the connection.
var ErrWouldBlock net.Error = wouldBlock{}

type wouldBlock struct{}

func (wouldBlock) Error() string   { return "netloop: the socket is not ready" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

// Handler is called on the loop when its socket becomes ready.
//
// Readiness is told once for each change (epoll's edge): the handler reads
// until Read returns ErrWouldBlock or CanRead says false, or it remembers that
// it did not and comes back by itself.
type Handler interface {
	// Readable: there are bytes to read, or the end of the stream.
	Readable()
	// Writable: a Write that returned ErrWouldBlock can be tried again.
	Writable()
}

// Conn is one stream: a socket, or TLS over one.
//
// Until it is attached it is a blocking net.Conn-like value for one goroutine;
// afterwards its methods never block and belong to the loop.
type Conn struct {
	raw   net.Conn  // the connection it was made of
	early []byte    // bytes of raw that somebody read before us
	tls   *tls.Conn // nil: no TLS
	src   source    // nil until attached

	handler Handler
	loop    *Loop
	sealed  []byte // TLS records that the socket had no room for
	canRead bool
	ending  bool // the other end has closed: an empty socket is not the end of reading
	blocked bool // the last write found no room
	yielded bool // waits in loop.again
	closed  bool
	pumps   sync.WaitGroup // goroutines that still use raw
}

// source is an attached socket.
type source interface {
	// read and write return ErrWouldBlock when not ready; drained says that
	// the next read would find nothing.
	read(p []byte) (n int, drained bool, err error)
	write(p []byte) (n int, err error)
	close()
}

// NewConn makes a Conn of raw. Early holds bytes already read from raw that
// come first; it is not kept longer than until they are read.
func NewConn(raw net.Conn, early []byte) *Conn {
	return &Conn{raw: raw, early: early}
}

// NetConn is the connection that c was made of, for deadlines during start-up
// and for its addresses.
func (c *Conn) NetConn() net.Conn { return c.raw }

// StartTLS puts TLS between the socket and the reader: start is given the
// stream below and returns tls.Client or tls.Server on it. The handshake is
// the caller's, before Attach.
func (c *Conn) StartTLS(start func(net.Conn) *tls.Conn) *tls.Conn {
	c.tls = start((*below)(c))
	return c.tls
}

// TLS is the TLS connection, or nil.
func (c *Conn) TLS() *tls.Conn { return c.tls }

// CanRead says whether Read may find something. It is false after a Read that
// emptied the socket, until the loop hears of more.
func (c *Conn) CanRead() bool { return c.canRead && !c.closed }

// Read reads what is there. Attached, it returns ErrWouldBlock for nothing.
func (c *Conn) Read(p []byte) (int, error) {
	if c.tls == nil {
		return (*below)(c).Read(p)
	}
	n, err := c.tls.Read(p)
	if err == nil {
		c.canRead = true // more plain text may wait inside of crypto/tls
	}
	return n, err
}

// Peek returns the first byte to come without taking it. It is for start-up,
// before TLS and before Attach.
func (c *Conn) Peek() (byte, error) {
	if len(c.early) == 0 {
		var b [1]byte
		if _, err := io.ReadFull(c.raw, b[:]); err != nil {
			return 0, err
		}
		c.early = b[:]
	}
	return c.early[0], nil
}

// Write writes p. Attached, it may write less than all of p, and then returns
// ErrWouldBlock with the number of bytes taken.
func (c *Conn) Write(p []byte) (int, error) {
	if c.tls == nil {
		return (*below)(c).Write(p)
	}
	if c.src == nil {
		return c.tls.Write(p)
	}
	return c.writeSealed(p)
}

// writeSealed encrypts piece by piece: never more than one piece waits for the
// socket, so that a slow reader costs bounded memory.
func (c *Conn) writeSealed(p []byte) (int, error) {
	const piece = 64 << 10
	done := 0
	for done < len(p) {
		if c.blocked {
			return done, ErrWouldBlock
		}
		n, err := c.tls.Write(p[done:min(len(p), done+piece)])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// Unsent says that the socket has not taken yet all that Write has. Handler.Writable
// is called when it has.
func (c *Conn) Unsent() bool { return len(c.sealed) > 0 }

// Yield asks for another call of Readable in the loop's next round, so that
// one busy stream does not keep the others waiting.
func (c *Conn) Yield() {
	if !c.yielded {
		c.yielded = true
		c.loop.again = append(c.loop.again, c)
	}
}

// Close closes the socket. Attached, it is called on the loop; no handler is
// called after it.
func (c *Conn) Close() {
	if c.closed {
		return
	}
	if c.tls != nil {
		_ = c.tls.CloseWrite() // close_notify, if the socket has room for it
	}
	c.closed = true
	if c.src == nil {
		_ = c.raw.Close()
		return
	}
	c.src.close()
}

// Wait returns when nothing uses the net.Conn any more: after Close, for
// owners of the net.Conn who must not have it touched once they go on.
func (c *Conn) Wait() { c.pumps.Wait() }

// Attach makes c non-blocking and has l call h for it from now on, beginning
// with one call of Readable, since bytes may have come meanwhile. It is called
// on the loop. Deadlines set on the net.Conn end to apply.
func (l *Loop) Attach(c *Conn, h Handler) error {
	c.handler, c.loop = h, l
	src, err := l.newSource(c)
	if err != nil {
		return err
	}
	c.src = src
	c.canRead = true
	c.Yield()
	return nil
}

// ready is told by the source of what changed.
func (c *Conn) ready(in, out bool) {
	if c.closed {
		return
	}
	if in {
		c.canRead = true
		c.handler.Readable()
	}
	if out && c.blocked && !c.closed {
		c.blocked = false
		if c.flushSealed() {
			c.handler.Writable()
		}
	}
}

// flushSealed writes waiting TLS records and reports whether none is left. Those
// that can't be written any more are dropped, so that the next write is tried, and
// fails.
func (c *Conn) flushSealed() bool {
	if len(c.sealed) == 0 {
		return true
	}
	n, err := c.src.write(c.sealed)
	if err == ErrWouldBlock {
		c.sealed = c.sealed[:copy(c.sealed, c.sealed[n:])]
		c.blocked = true
		return false
	}
	c.sealed = c.sealed[:0]
	return true
}

// below is the stream under TLS: the bytes of the socket itself.
type below Conn

func (b *below) Read(p []byte) (int, error) {
	if len(b.early) > 0 {
		n := copy(p, b.early)
		b.early = b.early[n:]
		return n, nil
	}
	if b.src == nil {
		return b.raw.Read(p)
	}
	if b.closed {
		return 0, net.ErrClosed
	}
	n, drained, err := b.src.read(p)
	b.canRead = !drained || b.ending
	return n, err
}

func (b *below) Write(p []byte) (int, error) {
	if b.src == nil {
		return b.raw.Write(p)
	}
	if b.closed {
		return 0, net.ErrClosed
	}
	if b.tls == nil {
		n, err := b.src.write(p)
		b.blocked = err == ErrWouldBlock
		return n, err
	}
	return b.writeRecords(p)
}

// writeRecords takes all of p, since crypto/tls cannot write a record in part:
// what the socket has no room for is kept in sealed.
func (b *below) writeRecords(p []byte) (int, error) {
	n := 0
	if len(b.sealed) == 0 {
		var err error
		if n, err = b.src.write(p); err != nil && err != ErrWouldBlock {
			return n, err
		}
	}
	if n < len(p) {
		b.sealed = append(b.sealed, p[n:]...)
		b.blocked = true
	}
	return len(p), nil
}

func (b *below) Close() error { (*Conn)(b).Close(); return nil }
