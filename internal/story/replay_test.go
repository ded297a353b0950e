package story

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// A replayer is the simplest pool that keeps sessions as they are: each time a client gets a backend, it runs DISCARD ALL there and
// then everything that this client has ever said. It shows that the ways of playing can be passed, and, with one of its
// faults, that they are not passed by just anything.
type replayer struct {
	server string
	free   chan *peer // backends
	leaks  bool       // fault: changes nothing on the backend that it lends

	mu    sync.Mutex
	peers []*peer
}

// A peer is a client or a backend.
type peer struct {
	net.Conn
	startup []byte   // of a client: its startup packet
	history [][]byte // of a client: all that it has sent, each up to a ReadyForQuery
}

func startReplayer(t *testing.T, server Target, size int, leaks bool) Target {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &replayer{server: server.Addr, free: make(chan *peer, size), leaks: leaks}
	for range size {
		r.free <- nil // connected when first needed, as the user of the client that needs it
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c := r.own(&peer{Conn: conn})
			running.Go(func() { r.serve(c) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		r.mu.Lock()
		for _, p := range r.peers {
			p.Close()
		}
		r.mu.Unlock()
		running.Wait()
	})
	server.Addr = ln.Addr().String()
	return server
}

func (r *replayer) own(p *peer) *peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.peers = append(r.peers, p)
	return p
}

// serve ends at the first error: the client has left, or the test is over.
func (r *replayer) serve(c *peer) {
	defer c.Close()
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:])-4)
	if _, err := io.ReadFull(c, body); err != nil {
		return
	}
	c.startup = append(size[:], body...)
	login, err := r.connect(c, c)
	if err != nil {
		return
	}
	login.Close()
	for r.transaction(c) == nil {
	}
}

// connect opens a backend with the client's startup packet; what it says goes to w.
func (r *replayer) connect(c *peer, w io.Writer) (*peer, error) {
	conn, err := net.Dial("tcp", r.server)
	if err != nil {
		return nil, err
	}
	b := r.own(&peer{Conn: conn})
	if _, err := b.Write(c.startup); err != nil {
		return nil, err
	}
	_, err = b.answer(w)
	return b, err
}

// transaction takes a backend for as long as the client is in a transaction.
func (r *replayer) transaction(c *peer) error {
	batch, err := c.batch()
	if err != nil {
		return err
	}
	b := <-r.free
	if b == nil {
		if b, err = r.connect(c, io.Discard); err != nil {
			return err
		}
	}
	defer func() { r.free <- b }()
	if err := r.prepare(b, c); err != nil {
		return err
	}
	for {
		if _, err := b.Write(batch); err != nil {
			return err
		}
		status, err := b.answer(c)
		if err != nil {
			return err
		}
		c.history = append(c.history, batch)
		if status == 'I' {
			return nil
		}
		if batch, err = c.batch(); err != nil {
			b.Close()
			b = nil // in a transaction: a new one takes its place
			return err
		}
	}
}

func (r *replayer) prepare(b, c *peer) error {
	if r.leaks {
		return nil
	}
	for _, batch := range append([][]byte{query("DISCARD ALL")}, c.history...) {
		if _, err := b.Write(batch); err != nil {
			return err
		}
		if _, err := b.answer(io.Discard); err != nil {
			return err
		}
	}
	return nil
}

// batch reads messages up to the one that ReadyForQuery will answer.
func (p *peer) batch() ([]byte, error) {
	var all []byte
	for {
		msg, err := p.message()
		if err != nil {
			return nil, err
		}
		all = append(all, msg...)
		switch msg[0] {
		case 'Q', 'S':
			return all, nil
		case 'X':
			return nil, errors.New("terminated")
		}
	}
}

// answer passes messages on, up to ReadyForQuery.
func (p *peer) answer(w io.Writer) (status byte, err error) {
	for {
		msg, err := p.message()
		if err != nil {
			return 0, err
		}
		if _, err := w.Write(msg); err != nil {
			return 0, err
		}
		if msg[0] == 'Z' {
			return msg[5], nil
		}
	}
}

func (p *peer) message() ([]byte, error) {
	msg := make([]byte, 5)
	if _, err := io.ReadFull(p, msg); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(msg[1:])-4)
	_, err := io.ReadFull(p, body)
	return append(msg, body...), err
}

func query(sql string) []byte {
	msg := binary.BigEndian.AppendUint32([]byte{'Q'}, uint32(len(sql)+5))
	return append(append(msg, sql...), 0)
}
