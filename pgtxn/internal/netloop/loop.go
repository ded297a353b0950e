// Package netloop runs many sockets on one goroutine.
//
// A [Loop] waits for its sockets with epoll (Linux) or through one pair of
// goroutines a socket (elsewhere, and for connections that are not plain
// sockets), and calls their handlers one after another. What a handler reaches
// therefore needs no lock: everything that belongs to a loop is touched by that
// loop alone, and the world outside talks to it with [Loop.Post].
//
// A transaction of a pooled session costs four system calls this way (read and
// write on both sides) plus its share of one epoll_wait; a goroutine for each
// socket pays two failed reads and two goroutine switches more.
//
// A [Conn] begins its life blocking, as the net.Conn it was made of, so that
// start-up (TLS, login) is written in straight lines; [Loop.Attach] makes it
// non-blocking and gives it to the loop for good.
package netloop

import (
	"sync"
	"time"
)

// Loop is an event loop with a goroutine of its own.
type Loop struct {
	poll *poller

	mu     sync.Mutex
	posted []func()
	woken  bool // a wake-up is under way; no second one is needed
	closed bool

	running []func() // owned by the loop: the batch of posted functions being run
	again   []*Conn  // owned by the loop: sockets that gave way with data left
	done    chan struct{}
}

// New starts a loop. Its goroutine ends with Close.
func New() (*Loop, error) {
	poll, err := newPoller()
	if err != nil {
		return nil, err
	}
	l := &Loop{poll: poll, done: make(chan struct{})}
	go l.run()
	return l, nil
}

// Post has f run on the loop, after what was posted before it. It never waits.
// After Close it does nothing and reports false.
func (l *Loop) Post(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.posted = append(l.posted, f)
	if !l.woken {
		l.woken = true
		l.poll.wake()
	}
	return true
}

// Call runs f on the loop and waits for its end. It must not be called from
// the loop itself. It reports false, without running f, after Close.
func (l *Loop) Call(f func()) bool {
	ran := make(chan struct{})
	if !l.Post(func() { f(); close(ran) }) {
		return false
	}
	select {
	case <-ran:
		return true
	case <-l.done:
		return false
	}
}

// After has f run on the loop in d. The function it returns takes that back;
// called on the loop it is certain: f will not run.
func (l *Loop) After(d time.Duration, f func()) (stop func()) {
	stopped := false // owned by the loop
	timer := time.AfterFunc(d, func() {
		l.Post(func() {
			if !stopped {
				f()
			}
		})
	})
	return func() {
		stopped = true
		timer.Stop()
	}
}

// Close ends the loop's goroutine once it has run what was posted before.
// Sockets still attached are left to their owners, who close them first.
func (l *Loop) Close() {
	l.Post(func() {
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()
	})
	<-l.done
}

func (l *Loop) run() {
	defer close(l.done)
	defer l.poll.close()
	for {
		l.poll.wait(len(l.again) == 0)
		if !l.runPosted() {
			return
		}
		l.runAgain()
	}
}

// runPosted runs what was posted up to now and reports whether to go on.
func (l *Loop) runPosted() bool {
	l.mu.Lock()
	l.running, l.posted = l.posted, l.running[:0]
	l.woken = false
	l.mu.Unlock()
	for i, f := range l.running {
		f()
		l.running[i] = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closed || len(l.posted) > 0
}

// runAgain gives each socket that gave way one more turn.
func (l *Loop) runAgain() {
	turn := l.again
	l.again = nil
	for _, c := range turn {
		c.yielded = false
		if !c.closed && c.canRead {
			c.handler.Readable()
		}
	}
}
