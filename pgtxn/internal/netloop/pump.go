package netloop

import (
	"io"
	"sync"
	"time"
)

// pumpSize bounds the bytes that wait in a pump, each way.
const pumpSize = 64 << 10

// lastWords is how long a closed pump goes on to write what it had taken.
const lastWords = 5 * time.Second

// pump is a source for a net.Conn that is not a plain socket (TLS that
// somebody else terminated, a PROXY protocol wrapper, net.Pipe) or on systems
// without epoll: two goroutines do the blocking reads and writes.
type pump struct {
	conn *Conn

	mu     sync.Mutex
	moved  sync.Cond // one of the fields below changed
	in     []byte    // read, not yet taken by the loop
	inErr  error
	out    []byte // taken from the loop, not yet written
	outErr error
	closed bool
}

func newPump(c *Conn) *pump {
	p := &pump{conn: c}
	p.moved.L = &p.mu
	c.pumps.Add(2)
	go p.readAll()
	go p.writeAll()
	return p
}

// readAll fills in, one read at a time; the loop empties it.
func (p *pump) readAll() {
	defer p.conn.pumps.Done()
	buf := make([]byte, pumpSize)
	for {
		n, err := p.conn.raw.Read(buf)
		p.mu.Lock()
		p.in, p.inErr = buf[:n], err
		p.tell(true, false)
		for len(p.in) > 0 && !p.closed {
			p.moved.Wait()
		}
		ended := err != nil || p.closed
		p.mu.Unlock()
		if ended {
			return
		}
	}
}

// writeAll empties out; the loop fills it when it is empty.
func (p *pump) writeAll() {
	defer p.conn.pumps.Done()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.outErr == nil {
		for len(p.out) == 0 && !p.closed {
			p.moved.Wait()
		}
		if len(p.out) == 0 {
			break
		}
		out := p.out
		p.mu.Unlock()
		_, err := p.conn.raw.Write(out)
		p.mu.Lock()
		p.out, p.outErr = p.out[:0], err
		p.tell(false, true)
	}
	if p.closed {
		_ = p.conn.raw.Close() // after the last bytes are out
	}
}

func (p *pump) tell(in, out bool) {
	if !p.closed {
		p.conn.loop.Post(func() { p.conn.ready(in, out) })
	}
}

func (p *pump) read(b []byte) (int, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.in) == 0 {
		switch p.inErr {
		case nil:
			return 0, true, ErrWouldBlock
		case io.EOF:
			return 0, false, io.EOF
		default:
			return 0, true, p.inErr
		}
	}
	n := copy(b, p.in)
	p.in = p.in[n:]
	if len(p.in) == 0 {
		p.moved.Broadcast()
	}
	return n, len(p.in) == 0 && p.inErr == nil, nil
}

func (p *pump) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outErr != nil {
		return 0, p.outErr
	}
	if len(p.out) > 0 || p.closed {
		return 0, ErrWouldBlock
	}
	n := min(len(b), pumpSize)
	p.out = append(p.out, b[:n]...)
	p.moved.Broadcast()
	if n < len(b) {
		return n, ErrWouldBlock
	}
	return n, nil
}

// close lets what was taken for writing go out, if the other end still reads.
func (p *pump) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	_ = p.conn.raw.SetWriteDeadline(time.Now().Add(lastWords))
	if p.outErr != nil || len(p.out) == 0 {
		_ = p.conn.raw.Close()
	}
	p.moved.Broadcast()
}
