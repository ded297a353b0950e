//go:build !linux

package netloop

// poller without a system call for many sockets: each has a pump, and what the
// pumps have to say arrives as posted functions.
type poller struct{ woken chan struct{} }

func newPoller() (*poller, error) { return &poller{woken: make(chan struct{}, 1)}, nil }

func (p *poller) close() {}

func (p *poller) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

func (p *poller) wait(block bool) {
	if block {
		<-p.woken
		return
	}
	select {
	case <-p.woken:
	default:
	}
}

func (l *Loop) newSource(c *Conn) (source, error) { return newPump(c), nil }
