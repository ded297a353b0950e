package relay

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Between its transactions a session that listens holds no backend: the pool's
// listener (listener.go) hears for it. While it has a backend, that listens itself,
// so all that LISTEN, UNLISTEN, ROLLBACK TO and functions do with channels is the
// server's own work, and so is the moment at which a notification comes.
//
// A move from one place to the other loses nothing and tells nothing twice, because
// all who listen in a database read one queue, in one order. While both places
// listen, a notification that is for the proxy alone is sent: the marker. What comes
// ahead of it is the old place's to tell, what comes behind it the new one's.

// ear is where a session's notifications come from.
type ear uint8

const (
	onBackend  ear = iota // its own, while it has one
	onListener            // the pool's
)

// listens is what a session listens to, and where.
type listens struct {
	at      ear
	endTime func()   // nil unless it is moving to the other place, for which there is a time
	marked  [2]bool  // the marker has come there
	token   string   // what the marker says
	later   []byte   // from the new place, for behind what the old one has still to tell
	heard   []string // the channels, as the server named them last
	known   []string // those that the listener has for the session
	refused bool     // it can't be moved: it keeps its backend
}

func (l *listens) moving() bool { return l.endTime != nil }

// verdict says what becomes of a notification from a place.
type verdict uint8

const (
	drop verdict = iota // the other place tells it
	tell
	tellLater // when the other place has told what came before
)

func (l *listens) verdict(from ear) verdict {
	switch {
	case from == l.at && (!l.moving() || !l.marked[from]):
		return tell
	case l.moving() && from != l.at && l.marked[from]:
		return tellLater
	}
	return drop
}

// beginMove: a move has to end within connect_timeout.
func (s *Session) beginMove() {
	l := &s.listens
	l.marked, l.token = [2]bool{}, rand.Text()
	s.lender.moves[l.token] = s
	l.endTime = s.shard.loop.After(s.cfg.ConnectTimeout, func() {
		s.cfg.Log.Error("a session that listens could not be moved: are there several servers behind one address?",
			"session", s.id, "user", s.user, "database", s.database, "hint", "set the option listen to pin")
		if !s.backOut() {
			s.deafen()
			return
		}
		s.listens.refused = true
		s.lender.unlisten(s)
		s.srv.goOn()
	})
}

// backOut takes back a move to the listener, and reports whether the backend can still tell all.
func (s *Session) backOut() bool {
	l := &s.listens
	if !l.moving() || l.at == onListener || l.marked[onBackend] {
		return false
	}
	s.endMove()
	s.srv.runForListen("UNLISTEN " + s.lender.marker)
	return true
}

// endMove ends a move that is complete, or as far as it has come.
func (s *Session) endMove() {
	l := &s.listens
	if l.moving() {
		l.endTime()
		delete(s.lender.moves, l.token)
	}
	l.endTime, l.later = nil, nil
}

// sendMarker is the statement that sends the marker.
func (s *Session) sendMarker() string {
	return "NOTIFY " + s.lender.marker + ", '" + s.listens.token + "'"
}

// deafen ends a session that can't be told any more what it listens to.
func (s *Session) deafen() { s.fail(wire.BackendLost().CantGoOn(txn.PinListen.String())) }

// sharesListen says whether the pool may listen for its sessions: where a backend may
// be of another server than the listener, it can't.
func (s *Session) sharesListen() bool {
	up := s.cfg.Upstream
	return !s.cfg.PinListen && (len(up.Addresses) == 1 || up.Attrs == backend.Primary || up.Attrs == backend.ReadWrite) &&
		!s.lender.neverShared(s.waiter.Class)
}

// share begins the move of a session that nothing but LISTEN pins, to the listener.
// It reports whether the session waits for that.
func (s *Session) share() bool {
	s.leaveDrawn()
	l, v := &s.listens, s.srv
	if s.machine.Pins() != txn.PinListen || s.uninspected || l.refused || len(l.heard) == 0 || !s.sharesListen() {
		return false
	}
	li := s.lender.listenerAt(v.Address)
	switch {
	case li == nil:
		return s.lender.awaitsListener()
	case li.Address != v.Address, !s.hasEncodingOf(li.Conn), s.isHurried():
		return false
	}
	s.beginMove()
	v.runForListen("LISTEN " + s.lender.marker)
	return true
}

// hasEncodingOf: the listener's notifications reach the client as they come.
func (s *Session) hasEncodingOf(c *backend.Conn) bool {
	told, _ := s.told.Get("client_encoding")
	has, _ := c.Reported.Get("client_encoding")
	return told.Session != nil && has.Session != nil && told.Session.Text == has.Session.Text
}

// isHurried: a move runs under the session's own timeouts, which could end it on the way
// back. Those of less than a second, or of parts of one, the server shows in milliseconds.
func (s *Session) isHurried() bool {
	want := s.want()
	for _, name := range [...]string{"statement_timeout", "lock_timeout", "transaction_timeout"} {
		value := s.srv.Initial[name]
		if v, ok := want.Get(name); ok && v.Session != nil && !v.Session.Default {
			value = v.Session.Text
		}
		if strings.HasSuffix(value, "ms") {
			return true
		}
	}
	return false
}

// bringBack begins the move to the backend at hand, ahead of the client's message.
func (s *Session) bringBack() {
	v, li := s.srv, s.lender.listener
	s.held = true
	if v.Address != li.Address {
		s.flushTurn()
		s.deafen()
		return
	}
	s.beginMove()
	s.machine.Regain(txn.PinListen)
	v.unnamedOf = 0 // a simple Query drops the unnamed statement
	g := &s.shard.toServer
	for _, sql := range [...]string{listenTo(append(slices.Clone(s.listens.known), s.lender.marker)), s.sendMarker()} {
		g.setOwn(wire.AppendQuery(g.own(), sql))
		v.replies.push(reply{kind: 'Q', party: forListen})
	}
}

// mustMove reports whether the message at hand waits for a move, which it may begin.
func (s *Session) mustMove() bool {
	switch {
	case s.listens.moving():
		s.held = true
	case s.listens.at == onListener:
		s.bringBack()
	default:
		return false
	}
	return true
}

// broughtBack says whether the backend begins to listen, or just has, for the message
// at hand: who would give it back for others now might never come to it.
func (s *Session) broughtBack() bool {
	l := &s.listens
	return l.moving() && l.at == onListener || l.at == onBackend && s.srv.replies.front().party == forListen
}

func (v *server) runForListen(sql string) {
	v.unnamedOf = 0
	v.send(wire.AppendQuery(nil, sql))
	v.replies.push(reply{kind: 'Q', party: forListen})
}

// listenDone: a statement of a move, on the backend, has been answered. Once the
// backend hears the marker, the listener can send it.
func (s *Session) listenDone() {
	l := &s.listens
	if !l.moving() || l.at != onBackend || l.marked != [2]bool{} {
		return
	}
	li := s.lender.listener
	li.register(s)
	li.run(s.sendMarker())
}

// listenFailed: what listens already goes on.
func (s *Session) listenFailed(body []byte) {
	s.cfg.Log.Warn("a session that listens could not be moved",
		"session", s.id, "backend", s.srv.PID, "error", string(wire.ParseError(body).Message))
	if s.listens.at == onListener {
		s.deafen()
		return
	}
	s.endMove()
	s.listens.refused = true
}

// notified takes a NotificationResponse of the session's backend and reports whether
// it is for the client.
func (v *server) notified(body []byte) bool {
	s := v.session
	if token, ok := v.lender.isMarker(body); ok {
		if s.mark(onBackend, token) {
			v.shard.toClient.put(s.arrived())
		}
		return false
	}
	s.knowItself(body)
	switch s.listens.verdict(onBackend) {
	case tellLater:
		s.listens.later = appendNotification(s.listens.later, body)
		return false
	case drop:
		return false
	}
	// Who listens is pinned, and may be notified while we prepare something. If that is
	// the backend, it was another's who listened there.
	return s.machine.Unrestorable()&txn.PinListen != 0 || s.machine.Pins() != 0 && v.party() != forApply
}

// hear takes one of the pool's listener.
func (s *Session) hear(body []byte) {
	switch s.listens.verdict(onListener) {
	case tell:
		s.client.send(appendNotification(nil, body))
		if len(s.client.out) > maxUnheard {
			s.part("client does not read its notifications", nil)
		}
	case tellLater:
		s.listens.later = appendNotification(s.listens.later, body)
	}
}

// maxUnheard is how many bytes are kept for a client that does not read them: to a
// listener of its own the server would not send any more.
const maxUnheard = 16 << 20

func appendNotification(dst, body []byte) []byte {
	dst, at := wire.Begin(dst, 'A')
	return wire.End(append(dst, body...), at)
}

// mark notes that the marker has come, and reports whether the move is complete.
func (s *Session) mark(from ear, token string) bool {
	l := &s.listens
	if !l.moving() || l.token != token {
		return false
	}
	l.marked[from] = true
	return l.marked[onBackend] && l.marked[onListener]
}

// arrived completes the move. It returns what the client is to be told now.
func (s *Session) arrived() (later []byte) {
	l, v := &s.listens, s.srv
	later = l.later
	s.endMove()
	if l.at == onBackend {
		l.at = onListener
		s.machine.Lift(txn.PinListen)
		v.runForListen("UNLISTEN *")
		return later
	}
	l.at, l.heard = onBackend, slices.Clone(l.known)
	v.runForListen("UNLISTEN " + s.lender.marker)
	return later
}

// listenTo is the text that listens to channels.
func listenTo(channels []string) string {
	var b strings.Builder
	for _, channel := range channels {
		b.WriteString(`LISTEN "` + strings.ReplaceAll(channel, `"`, `""`) + `";`)
	}
	return b.String()
}

// retryListener is how long a pool does without a listener after one was lost.
const retryListener = 5 * time.Second

// channels are those that the pool listens to for the session.
func (s *Session) channels() []string {
	if s.listens.at == onListener {
		return slices.Clone(s.listens.known)
	}
	return nil
}
