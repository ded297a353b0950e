package relay

import (
	"bytes"
	"errors"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/netloop"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/pool"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// server is a backend on the loop: its socket, who has it, and what it still
// has to answer.
type server struct {
	*backend.Conn
	stream
	lender  *lender
	shard   *shard
	member  *pool.Member[*server]
	session *Session // who holds it, or nil

	owner     uint64 // the session that used it last
	dirty     bool   // the owner ran what may have changed variables in secret
	unnamedOf uint64 // the session whose unnamed statement it has; 0: none
	replies   replies
	applying  bool // the answer to Apply is to come
	cancels   int  // cancel requests on their way to it: it must not change hands
	idleSince time.Time
	spoke     bool // the client has the server's own word on why the connection ends
	closed    bool

	in      []byte // the beginning of a message that is needed whole
	rest    int    // bytes to come of a message that is not
	passing bool   // those bytes are for the client
}

// expect notes the answers to an exchange of our own.
func (v *server) expect(kinds []byte, by party) {
	for _, k := range kinds {
		v.replies.push(reply{kind: k, party: by})
	}
}

// closing appends the Close of a client's statement, ahead of what the client sends.
func (v *server) closing(buf []byte, name string) []byte {
	v.replies.push(reply{kind: 'C', party: forPrepare, stmt: &prepared{name: name}})
	return wire.AppendClose(buf, name)
}

// owesClient says whether the client waits for an answer.
func (v *server) owesClient() bool {
	for i := range v.replies.n {
		if p := v.replies.at(i).party; p == forClient || p == forPrepare {
			return true
		}
	}
	return false
}

// Readable reads from the server and hands on, as long as the client takes it.
func (v *server) Readable() {
	for turn := 0; v.mayRead() && v.conn.CanRead(); turn++ {
		if turn == maxTurns {
			v.conn.Yield()
			return
		}
		n, err := v.conn.Read(v.shard.fromServer)
		if n > 0 {
			v.take(v.shard.fromServer[:n])
		} else if err != nil {
			if !isWouldBlock(err) {
				v.lost(err)
			}
			return
		}
	}
}

// Writable goes on with what waited for room in the server's socket.
func (v *server) Writable() {
	if v.flush() && v.session != nil {
		v.session.resume()
	}
}

func (v *server) mayRead() bool {
	return !v.closed && (v.session == nil || !v.session.client.full())
}

// take handles bytes just read: it writes to the client once, and then sees
// what that made possible.
func (v *server) take(data []byte) {
	if len(v.in) > 0 {
		v.in = append(v.in, data...)
		data = v.in
	}
	s := v.session
	used := v.step(data)
	switch {
	case used < len(data):
		v.in = append(v.in[:0], data[used:]...)
	case v.in != nil:
		v.in = nil
	}
	if s != nil {
		s.client.send(v.shard.toClient.take())
	}
	if reason := v.Tainted(); reason != "" {
		v.close(reason)
		switch { // if only the sync failed, the session goes on without this backend
		case s == nil || s.ended:
		case s.starting:
			s.startRefused()
		default:
			s.resume()
		}
		return
	}
	if s == nil || v.session != s {
		return
	}
	if s.held && !v.applying && !s.forgetting {
		s.held = false
		s.resume()
	}
	s.settle()
}

// step handles the messages in data and returns how many bytes it handled.
func (v *server) step(data []byte) (used int) {
	g := &v.shard.toClient
	g.begin(data)
	for used < len(data) && v.Tainted() == "" {
		if v.rest > 0 {
			n := min(v.rest, len(data)-used)
			if v.passing {
				g.pass(used, used+n)
			}
			v.rest -= n
			used += n
			continue
		}
		typ, total, more := wire.Head(data[used:])
		if total == 0 && !more {
			v.Taint("malformed message")
		}
		have := min(total, len(data)-used)
		if more || have < total && v.neededWhole(typ) {
			break
		}
		v.passing = v.message(typ, data[used+wire.HeadLen:used+have])
		if v.passing {
			g.pass(used, used+have)
		}
		used += have
		v.rest = total - have
	}
	return used
}

// neededWhole says whether a message is looked into. The others stream.
func (v *server) neededWhole(typ byte) bool {
	switch typ {
	case 'S', 'E', 'Z', 'C':
		return true
	case 'D':
		r := v.replies.front()
		return r != nil && r.party == forLearn
	}
	return false
}

// message handles one message and reports whether it is for the client.
func (v *server) message(typ byte, body []byte) bool {
	if v.session == nil {
		v.unasked(typ, body)
		return false
	}
	switch typ {
	case 'S':
		return v.reported(body)
	case 'N', 'A':
		return v.party() == forClient
	case 'E':
		return v.failed(body)
	}
	r := v.replies.front()
	if r == nil {
		v.Taint("a message that nobody waits for")
		return false
	}
	mine := r.party
	switch typ {
	case '1', '2', '3':
		v.replies.pop()
	case 'T', 'n':
		if r.kind == 'D' {
			v.replies.pop()
		}
	case 'C', 'I', 's', 'V':
		v.finished(typ, r)
		if typ == 'C' && mine == forClient {
			v.forget(body)
		}
	case 'G':
		v.copyIn()
	case 'D':
		if mine == forLearn {
			v.learned(body)
		}
	case 'Z':
		return v.ready(body[0])
	}
	return mine == forClient
}

func (v *server) party() party {
	if r := v.replies.front(); r != nil {
		return r.party
	}
	return forClient
}

// unasked handles what a backend says while nobody holds it.
func (v *server) unasked(typ byte, body []byte) {
	switch typ {
	case 'S': // the server's configuration was reloaded
		v.report(body)
	case 'N', 'A':
	case 'E':
		v.Taint("server: " + string(wire.ParseError(body).Message))
	default:
		v.Taint("a message that nobody waits for")
	}
}

func (v *server) report(body []byte) (name, value string) {
	n, rest, _ := wire.CString(body)
	val, _, _ := wire.CString(rest)
	name, value = string(n), string(val)
	v.Report(name, value)
	return name, value
}

// reported: what changes by the client's own doing is told to it where it
// happens; what changes by our sync is what the client knows already.
func (v *server) reported(body []byte) bool {
	name, value := v.report(body)
	if v.party() != forClient {
		return false
	}
	v.session.machine.Reported(name, value)
	return !v.session.hasBase(name) // that is told when all is over, with the value that the client sees
}

// finished: a statement has run, or its portal has paused.
func (v *server) finished(typ byte, r *reply) {
	kind, mine := r.kind, r.party
	if kind == 'E' {
		v.replies.pop()
	}
	if mine != forClient {
		return
	}
	switch {
	case typ == 's':
		v.session.machine.Suspended()
	case typ != 'I' || kind == 'E': // an empty simple Query holds no statement
		v.session.machine.Completed()
	}
}

// forget: the tag says whether the server has dropped all prepared statements,
// the client's, everybody else's and our own.
func (v *server) forget(tag []byte) {
	switch string(bytes.TrimSuffix(tag, []byte{0})) {
	case "DISCARD ALL", "DEALLOCATE ALL":
		v.Forgot()
		clear(v.session.stmts)
	}
	v.session.baseless = v.session.base != nil && string(tag) == "DISCARD ALL\x00"
}

// copyIn: the server reads CopyData now. It takes no notice of a Sync until
// CopyDone, not even of one that is under way already.
func (v *server) copyIn() {
	v.session.copyIn = true
	v.session.machine.CopyIn()
	if r := v.replies.front(); r.kind == 'E' {
		for v.replies.n > 1 && v.replies.at(1).kind == 'S' {
			v.replies.removeSecond()
		}
	}
}

// failed: the server goes on with the next batch.
func (v *server) failed(body []byte) bool {
	r := v.replies.front()
	if wire.ParseError(body).EndsConnection() || r == nil {
		v.Taint("server: " + string(wire.ParseError(body).Message))
		v.session.client.send(v.shard.toClient.take())
		v.shard.toClient.begin(nil)
		v.session.client.send(errorMessage(body))
		v.spoke = true
		return false
	}
	switch r.party {
	case forApply:
		v.applyFailed(body)
		return false
	case forLearn:
		v.session.learnFailed(body)
		v.Unsure()
		v.skipToSync()
		return false
	case forBase: // the transaction of what reset has failed, and the reset with it
		v.Unsure()
		v.skipToSync()
		return false
	}
	v.session.machine.Failed()
	v.session.copyIn = false
	if r.kind != 'Q' && r.kind != 'F' {
		v.session.skipping = !v.skipToSync()
	}
	if bytes.Contains(body, []byte(ownPrefix)) {
		v.shard.toClient.put(errorMessage(v.session.clientNames(body)))
		return false
	}
	return true
}

// skipToSync forgets the messages that the server skips, and takes back what
// was noted when they were sent, the newest first. It reports whether the Sync
// that ends the skipping has been sent.
func (v *server) skipToSync() (sent bool) {
	n := 0
	for n < v.replies.n && v.replies.at(n).kind != 'S' {
		n++
	}
	for i := n - 1; i >= 0; i-- {
		v.undo(v.replies.at(i))
	}
	for range n {
		v.replies.pop()
	}
	return v.replies.n > 0
}

func (v *server) undo(r *reply) {
	if r.undo != nil {
		v.session.undo(r.undo)
	}
	switch {
	case r.stmt == nil && r.party != forClient:
		v.Unsure()
	case r.stmt == nil:
	case r.stmt.name == "":
		v.session.hasUnnamed, v.unnamedOf = false, v.session.id
	case r.kind == 'P':
		v.Prepared.Remove(r.stmt.name)
	case r.kind == 'C':
		v.Prepared.Add(r.stmt.name, 1<<30)
	}
}

// ready: a batch, the client's or ours, is done.
func (v *server) ready(status byte) bool {
	r := *v.replies.front()
	v.replies.pop()
	s := v.session
	switch r.party {
	case forApply:
		v.applying = false
		v.shard.toClient.put(s.news())
		return false
	case forLearn, forBase:
		return false
	}
	s.copyIn = false
	if !s.machine.Ready(status) {
		s.cfg.Log.Warn("tracker and server disagree; the server is right",
			"session", s.id, "backend", v.PID, "reason", s.machine.Disagreement())
	}
	now := s.seen(v.Reported)
	v.shard.toClient.put(s.tellBase(now))
	s.told = now
	s.forgetting = s.forgetting && v.replies.n > 0
	return true
}

// applyFailed: the client's own statements behind the sync were refused by the
// server, since the transaction of the sync is open and aborted. The client
// gets the sync's error as the answer to each batch; the backend is closed.
func (v *server) applyFailed(body []byte) {
	s, g := v.session, &v.shard.toClient
	s.cfg.Log.Warn("a backend could not be given the session's variables",
		"session", s.id, "backend", v.PID, "error", string(wire.ParseError(body).Message))
	for i := range v.replies.n {
		r := v.replies.at(i)
		if r.party == forClient && (r.kind == 'Q' || r.kind == 'S' || r.kind == 'F') {
			g.put(errorMessage(body))
			g.put(wire.AppendReady(nil, 'I'))
			s.machine.Failed()
			s.machine.Ready('I')
		}
	}
	if last := v.replies.n - 1; v.owesClient() && v.replies.at(last).kind != 'S' && v.replies.at(last).kind != 'Q' {
		g.put(errorMessage(body))
		s.machine.Failed()
		s.refusing = true // to the Sync that has not come yet
	}
	for i := v.replies.n - 1; i >= 0; i-- {
		v.undo(v.replies.at(i))
	}
	v.replies.reset()
	s.held, s.srv, v.session = false, nil, nil
	v.Taint("its variables could not be set")
}

// lost: the connection to the server is gone.
func (v *server) lost(err error) {
	v.close("connection lost: " + err.Error())
}

// close closes the connection for good, and that of the client who holds it.
func (v *server) close(reason string) {
	if v.closed {
		return
	}
	v.closed = true
	v.Taint(reason)
	v.conn.Close()
	v.lender.removed(v, reason)
	s := v.session
	if s == nil {
		return
	}
	v.session, s.srv = nil, nil
	if s.ended {
		return
	}
	if v.spoke {
		s.leave("server ended the connection")
		return
	}
	s.fail(wire.BackendLost())
}

func errorMessage(body []byte) []byte {
	dst, at := wire.Begin(nil, 'E')
	return wire.End(append(dst, body...), at)
}

func isWouldBlock(err error) bool { return errors.Is(err, netloop.ErrWouldBlock) }
