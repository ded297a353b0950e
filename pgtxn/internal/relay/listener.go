package relay

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// listener is the connection on which a pool listens for all of its sessions. It has
// nothing else to do, so it hears of each notification at once.
type listener struct {
	*backend.Conn
	stream
	lender  *lender
	hearers map[string]map[*Session]struct{} // by channel
	ready   bool                             // it hears the marker
	closed  bool
	endIdle func() // nil unless it is closed soon since nobody listens: stops the time for that
	in      []byte // the beginning of a message
}

// maxNotification bounds a message to the listener; those of the server are far shorter.
const maxNotification = 1 << 20

// listenerAt returns the listener, or nil and has one connect if it is time.
func (l *lender) listenerAt(address string) *listener {
	switch {
	case l.listener != nil && l.listener.ready:
		return l.listener
	case l.listener == nil && !l.listening && time.Now().After(l.deafUntil):
		l.listening = true
		cfg := l.cfg
		params := append(l.params(""), wire.Param{Name: "application_name", Value: "caddy_pgtxn listen"})
		go func() {
			c, err := backend.Dial(l.ctx, cfg.Upstream.At(address), cfg.ConnectTimeout, params)
			taken := l.shard.loop.Post(func() { l.listenerConnected(c, err) })
			if !taken && err == nil {
				c.Sock.Close()
			}
		}()
	}
	return nil
}

// awaitsListener says whether one may be there soon.
func (l *lender) awaitsListener() bool { return l.listening || l.listener != nil }

func (l *lender) listenerConnected(c *backend.Conn, err error) {
	l.listening = false
	if err == nil && l.ctx.Err() != nil {
		c.Sock.Close()
		err = l.ctx.Err()
	}
	if err == nil {
		li := &listener{
			Conn: c, stream: stream{conn: c.Sock}, lender: l,
			hearers: make(map[string]map[*Session]struct{}),
		}
		if err = l.shard.loop.Attach(c.Sock, li); err == nil {
			l.listener = li
			li.run(noTimeouts + "LISTEN " + l.marker)
			return
		}
		c.Sock.Close()
	}
	if !errors.Is(err, context.Canceled) {
		l.cfg.Log.Warn("connecting to the server to listen for clients failed; they keep their backends",
			"user", l.key.user, "database", l.key.database, "error", err)
	}
	l.withoutListener()
}

// noTimeouts: the listener is idle for as long as its clients are. Not all versions
// have all of these.
const noTimeouts = "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings" +
	" WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout');"

// withoutListener has those who listen keep their backends, and tries again.
func (l *lender) withoutListener() {
	l.deafUntil = time.Now().Add(retryListener)
	l.shard.loop.After(retryListener+time.Millisecond, l.settleListening)
	l.settleListening()
}

// settleListening has those who keep a backend only to listen see whether they must.
func (l *lender) settleListening() {
	for _, s := range l.sessions {
		if s.srv != nil && len(s.listens.heard) > 0 {
			s.settle()
		}
	}
}

// register has the listener listen to what the session does, and to nothing else for
// it.
func (li *listener) register(s *Session) {
	if li.endIdle != nil {
		li.endIdle()
		li.endIdle = nil
	}
	var more []string
	for _, channel := range s.listens.heard {
		if li.hearers[channel] == nil {
			li.hearers[channel] = make(map[*Session]struct{})
			more = append(more, channel)
		}
		li.hearers[channel][s] = struct{}{}
	}
	li.forget(s, s.listens.heard)
	s.listens.known = slices.Clone(s.listens.heard)
	if len(more) > 0 {
		li.run(listenTo(more))
	}
}

// forget has it listen no more for the session, but to those channels.
func (li *listener) forget(s *Session, but []string) {
	var less strings.Builder
	for _, channel := range s.listens.known {
		if slices.Contains(but, channel) {
			continue
		}
		delete(li.hearers[channel], s)
		if len(li.hearers[channel]) == 0 {
			delete(li.hearers, channel)
			less.WriteString("UN" + listenTo([]string{channel}))
		}
	}
	s.listens.known = nil
	if less.Len() > 0 {
		li.run(less.String())
	}
	li.endUnheard()
}

// endUnheard sees to it that it is closed soon if nobody listens.
func (li *listener) endUnheard() {
	if len(li.hearers) == 0 && li.endIdle == nil {
		li.endIdle = li.lender.shard.loop.After(idleListener, func() { li.close("nobody listens") })
	}
}

// end stops what the lender still has going.
func (l *lender) end() {
	l.stop()
	if l.listener != nil {
		l.listener.close("its pool has ended")
	}
}

// idleListener is how long a listener stays for which nobody listens.
const idleListener = time.Minute

// unlisten: the session listens to nothing any more, as far as the pool would do it.
func (l *lender) unlisten(s *Session) {
	if l.listener != nil && len(s.listens.known) > 0 {
		l.listener.forget(s, nil)
	}
}

func (li *listener) run(sql string) { li.send(wire.AppendQuery(nil, sql)) }

// Writable goes on with what waited for room in the socket.
func (li *listener) Writable() { li.flush() }

// Readable hands each notification to those who want it.
func (li *listener) Readable() {
	for turn := 0; !li.closed && li.conn.CanRead(); turn++ {
		if turn == maxTurns {
			li.conn.Yield()
			return
		}
		buf := li.lender.shard.fromServer
		n, err := li.conn.Read(buf)
		if n > 0 {
			li.in = append(li.in, buf[:n]...)
			li.take()
		} else if err != nil {
			if !isWouldBlock(err) {
				li.lost("connection lost: " + err.Error())
			}
			return
		}
	}
}

func (li *listener) take() {
	used := 0
	for !li.closed {
		typ, total, more := wire.Head(li.in[used:])
		if more || total > 0 && total <= maxNotification && total > len(li.in)-used {
			break
		}
		if total == 0 || total > maxNotification {
			li.lost("malformed message")
			return
		}
		li.message(typ, li.in[used+wire.HeadLen:used+total])
		used += total
	}
	if li.in = li.in[:copy(li.in, li.in[used:])]; len(li.in) == 0 {
		li.in = nil
	}
}

func (li *listener) message(typ byte, body []byte) {
	switch typ {
	case 'A':
		li.notified(body)
	case 'E': // a timeout is off, and what it runs needs no rights: the queue of notifications is full, or it is told to end
		li.lost("server: " + string(wire.ParseError(body).Message))
	case 'S':
		name, rest, _ := wire.CString(body)
		value, _, _ := wire.CString(rest)
		li.Report(string(name), string(value))
	case 'Z':
		if !li.ready {
			li.ready = true
			li.lender.settleListening()
			li.endUnheard() // those whom it was made for may have left
		}
	}
}

func (li *listener) notified(body []byte) {
	if token, ok := li.lender.isMarker(body); ok {
		if s := li.lender.moves[token]; s != nil && s.mark(onListener, token) {
			s.client.send(s.arrived())
			s.held = false
			s.resume()
			s.settle()
		}
		return
	}
	if len(body) < 4 {
		return
	}
	channel, _, _ := wire.CString(body[4:])
	for s := range li.hearers[string(channel)] {
		s.hear(body)
	}
}

// isMarker returns what the marker says, if it is one.
func (l *lender) isMarker(body []byte) (token string, ok bool) {
	if len(body) < 4 {
		return "", false
	}
	channel, rest, _ := wire.CString(body[4:])
	payload, _, _ := wire.CString(rest)
	return string(payload), string(channel) == l.marker
}

// lost closes it; another is not tried at once.
func (li *listener) lost(why string) {
	li.close(why)
	li.lender.withoutListener()
}

// close ends the sessions whose notifications are lost with it. The others keep their
// backends until there is another.
func (li *listener) close(why string) {
	if li.closed {
		return
	}
	li.closed = true
	li.conn.Close()
	l := li.lender
	l.listener = nil
	l.cfg.Log.Debug("listener closed", "upstream", li.Address, "backend", li.PID, "reason", why)
	for _, s := range l.sessions {
		at := &s.listens
		at.known = nil
		if (at.at == onListener || at.moving()) && !s.backOut() {
			s.deafen()
		}
	}
}
