package netloop

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller is an epoll instance, edge-triggered: each socket is registered once
// for both directions and never again, so a transaction costs no epoll_ctl.
type poller struct {
	epoll  int
	event  int // eventfd, written by wake
	events [128]unix.EpollEvent
	slots  []slot
	free   []int32
}

// slot is a place for a socket; its generation tells an event for an earlier
// tenant of the place, still in the batch just read, from one for the present.
type slot struct {
	conn       *Conn
	generation int32
}

func newPoller() (*poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(epoll)
		return nil, os.NewSyscallError("eventfd", err)
	}
	p := &poller{epoll: epoll, event: event, slots: make([]slot, 1)} // slot 0 is the eventfd
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, event, &ev); err != nil {
		p.close()
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	return p, nil
}

func (p *poller) close() {
	_ = unix.Close(p.event)
	_ = unix.Close(p.epoll)
}

// wake ends a wait; any goroutine may call it. The counter is never read: with
// an edge each write is an event of its own.
func (p *poller) wake() {
	one := [8]byte{1}
	_, _ = unix.Write(p.event, one[:])
}

// wait hands out what is ready; if there is nothing and block is set, it waits.
func (p *poller) wait(block bool) {
	timeout := 0
	if block {
		timeout = -1
	}
	n, err := unix.EpollWait(p.epoll, p.events[:], timeout)
	if err != nil {
		return // EINTR
	}
	for i := range p.events[:n] {
		ev := &p.events[i]
		s := p.slots[ev.Fd]
		if s.conn == nil || s.generation != ev.Pad {
			continue
		}
		const in = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
		const out = unix.EPOLLOUT | unix.EPOLLHUP | unix.EPOLLERR
		s.conn.ending = s.conn.ending || ev.Events&(in&^unix.EPOLLIN) != 0
		s.conn.ready(ev.Events&in != 0, ev.Events&out != 0)
	}
}

func (p *poller) add(c *Conn, fd int) (place int32, err error) {
	if n := len(p.free); n > 0 {
		place, p.free = p.free[n-1], p.free[:n-1]
	} else {
		place = int32(len(p.slots))
		p.slots = append(p.slots, slot{})
	}
	s := &p.slots[place]
	s.conn = c
	ev := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET,
		Fd:     place, Pad: s.generation,
	}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		p.remove(place)
		return 0, os.NewSyscallError("epoll_ctl", err)
	}
	return place, nil
}

func (p *poller) remove(place int32) {
	s := &p.slots[place]
	s.conn = nil
	s.generation++
	p.free = append(p.free, place)
}

// newSource takes the socket itself where there is one, and pumps else.
func (l *Loop) newSource(c *Conn) (source, error) {
	switch raw := c.raw.(type) {
	case *net.TCPConn:
		return l.takeSocket(c, raw)
	case *net.UnixConn:
		return l.takeSocket(c, raw)
	default:
		return newPump(c), nil
	}
}

// takeSocket gives the socket a descriptor of our own and closes Go's: else
// the runtime's poller, where every socket of package net is registered for
// good, would wake for each packet as well.
func (l *Loop) takeSocket(c *Conn, raw syscall.Conn) (source, error) {
	rc, err := raw.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, dupErr := -1, error(nil)
	err = rc.Control(func(theirs uintptr) {
		fd, dupErr = unix.FcntlInt(theirs, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err == nil {
		err = os.NewSyscallError("fcntl", dupErr)
	}
	if err != nil {
		return nil, err
	}
	_ = c.raw.Close()
	place, err := l.poll.add(c, fd)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &socket{fd: fd, place: place, poll: l.poll}, nil
}

// socket is a source on a descriptor of its own.
type socket struct {
	fd    int
	place int32
	poll  *poller
}

func (s *socket) read(p []byte) (int, bool, error) {
	for {
		n, err := unix.Read(s.fd, p)
		switch {
		case n > 0:
			return n, n < len(p), nil // epoll(7): a short read has emptied the socket
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return 0, true, ErrWouldBlock
		case err != nil:
			return 0, true, os.NewSyscallError("read", err)
		default:
			return 0, false, io.EOF
		}
	}
}

func (s *socket) write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := unix.Write(s.fd, p[done:])
		if n > 0 {
			done += n
		}
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			return done, ErrWouldBlock
		default:
			return done, os.NewSyscallError("write", err)
		}
	}
	return done, nil
}

func (s *socket) close() {
	s.poll.remove(s.place)
	_ = unix.Close(s.fd)
}
