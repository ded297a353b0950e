package relay

import "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/netloop"

// stream is one socket with the bytes that it had no room for.
type stream struct {
	conn *netloop.Conn
	out  []byte
	sent uint64 // bytes, those in out included
	dead bool   // writing failed: what is written goes nowhere, reading will say why
}

// send writes p, or keeps what the socket does not take now.
func (s *stream) send(p []byte) {
	if len(p) == 0 || s.dead {
		return
	}
	s.sent += uint64(len(p))
	if len(s.out) > 0 {
		s.out = append(s.out, p...)
		return
	}
	n, err := s.conn.Write(p)
	switch err {
	case nil:
	case netloop.ErrWouldBlock:
		s.out = append(s.out, p[n:]...)
	default:
		s.dead = true
	}
}

// flush tries again and reports whether nothing is left.
func (s *stream) flush() bool {
	p := s.out
	s.out = nil
	s.sent -= uint64(len(p)) // it is counted already
	s.send(p)
	return len(s.out) == 0
}

// full says that the socket has no room: whoever feeds it stops reading.
func (s *stream) full() bool { return len(s.out) > 0 }
