package relay

import (
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

	owner     uint64   // the session that used it last
	dirty     bool     // the owner ran what may have changed variables in secret
	standIns  []string // see there
	unnamedOf uint64   // the session whose unnamed statement it has; 0: none; or somebody
	replies   replies
	cancels   int // cancel requests on their way to it: it must not change hands
	idleSince time.Time
	gone      bool   // the server ended the connection
	words     []byte // the ErrorResponse with which it did, or nil
	retired   string // why the server was told to end; "" as long as it was not
	closed    bool

	in      []byte // the beginning of a message that is needed whole
	rest    int    // bytes to come of a message that is not
	passing bool   // those bytes are for the client
}

// somebody is who has left an unnamed statement, or none, on a server.
const somebody = ^uint64(0)

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
	s := v.session
	if !v.flush() || s == nil {
		return
	}
	s.resume()
	s.settle()
}

func (v *server) mayRead() bool {
	return !v.closed && (v.session == nil || !v.session.client.full())
}

// take handles bytes just read: it writes to the client once, and then sees
// what that made possible.
func (v *server) take(data []byte) {
	if v.session == nil && v.retired != "" {
		return
	}
	if len(v.in) > 0 {
		v.in = append(v.in, data...)
		data = v.in
	}
	s := v.session
	used := v.step(data)
	if s != nil {
		s.client.send(v.shard.toClient.take()) // before v.in, where it may lie, is written to
	}
	switch {
	case used == len(data):
		v.in = nil
	case used > 0 || len(v.in) == 0: // else all of data is there already
		v.in = append(v.in[:0], data[used:]...)
	}
	if reason := v.Tainted(); reason != "" {
		freed := s != nil && v.session == nil // only the sync has failed: the session goes on without this backend
		v.close(reason)
		switch {
		case !freed || s.ended:
		case s.starting:
			s.startRefused()
		case s.refusal != nil:
			e := s.refusal
			s.refusal = nil
			s.refuse(e)
			s.settle() // it may be that it leaves
		default:
			s.resume()
			s.settle() // it may be that it is to be drained
		}
		return
	}
	if s != nil && v.session == s {
		v.goOn()
	}
}

// goOn handles what is held, if it need not wait any more, and sees what becomes of the backend.
func (v *server) goOn() {
	s := v.session
	s.forgetting = s.forgetting && v.replies.n > 0
	if s.held && !v.replies.applying() && !s.forgetting {
		s.held = false
		if s.yielding || s.lacking {
			s.settle()
			if s.srv == v && v.replies.n > 0 { // it gives the backend back when this is answered
				s.held = true
				return
			}
			s.yielding = false
		}
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
	case 'S', 'E', 'Z', 'C', 'A':
		return true
	case 'D':
		r := v.replies.front()
		return r != nil && r.party == forLearn
	case 'T':
		r := v.replies.front()
		return r != nil && r.stmt != nil
	case 'N':
		r := v.replies.front()
		return r != nil && r.ins != nil
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
	case 'N':
		return v.noticed(body)
	case 'A':
		return v.notified(body)
	case 'E':
		return v.failed(body)
	}
	if typ == 'Z' && len(body) != 1 {
		v.Taint("malformed message")
		return false
	}
	if typ == 'Z' && !v.replies.readyIsDue() {
		return v.lateReady(body[0])
	}
	r := v.replies.front()
	if r == nil {
		v.Taint("a message that nobody waits for")
		return false
	}
	if r.ins != nil && typ != 'Z' {
		if body = r.ins.client(typ, body); body == nil {
			r.begun = true
			return false
		}
	}
	return v.answer(r, typ, body)
}

// answer handles one that belongs to r.
func (v *server) answer(r *reply, typ byte, body []byte) bool {
	mine := r.party
	switch typ {
	case '1':
		v.parsed(r)
		v.replies.pop()
	case '2', '3':
		v.replies.pop()
	case 'T', 'n':
		if r.kind == 'D' {
			if r.stmt != nil {
				v.described(r.stmt, typ, body)
			}
			if r.words != nil { // the client gets these instead
				mine = forPrepare
			}
			v.replies.pop()
		}
	case 'C', 'I', 's', 'V':
		v.finished(typ, r)
		if typ == 'C' && mine == forClient {
			v.forget(body)
		}
		if typ == 'C' && r.ins != nil { // it may be an earlier one's
			v.shard.toClient.put(withHead('C', body))
			return false
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

// lost: the connection to the server is gone.
func (v *server) lost(err error) {
	if v.retired != "" {
		v.close(v.retired)
		return
	}
	v.gone = true
	v.close("connection lost: " + err.Error())
}

// close closes the connection for good. If the server did, a session that holds it
// may go on (lost.go), else the client's connection ends too.
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
	if v.gone && !s.ended && !s.leaving && !s.starting {
		s.lose(v, v.words)
		return
	}
	s.unpinned()
	s.endMove()
	v.session, s.srv = nil, nil
	switch {
	case s.ended:
	case s.leaving:
		s.parting()
	case s.starting: // which another backend can do as well
		s.start()
	default:
		s.fail(wire.BackendLost())
	}
}

func isWouldBlock(err error) bool { return errors.Is(err, netloop.ErrWouldBlock) }
