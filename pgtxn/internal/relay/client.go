package relay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// From the client to the server.

const (
	maxTurns      = 4        // reads in a row before other sockets have their turn
	maxNames      = 64 << 10 // bytes that the names at the beginning of a message may take
	maxStatements = 100_000  // of one Query that are told apart: what is noted of each takes memory
	maxSmall      = 10001    // length of a message that holds no data (PQ_SMALL_MESSAGE_LIMIT, and its type)
)

// inflow is where the client's stream stands.
type inflow struct {
	in         []byte // read, but not yet handled
	rest       int    // bytes to come of a message whose beginning went out already
	dropping   bool   // those bytes are not for the server
	held       bool   // the next message waits for what was sent before it
	yielding   bool   // and for others
	catchingUp bool   // and for many answers, see ahead.go
	forgetting bool   // what was sent drops all prepared statements
	skipping   bool   // the server skips to the next Sync
	refusing   bool   // we do: an error of our own was the answer to the batch
	refusal    []byte // the error with which the message that is held is to be refused
	loss       []byte // the error that is to tell the client that its transaction is lost
	copyIn     bool   // the server reads CopyData
	swallowed  int    // Syncs that it has taken for part of the COPY, as far as is known
	unsynced   bool   // messages were sent behind which no Sync has been sent yet
}

// isSmall says for which messages PostgreSQL has that limit (SocketBackend).
func isSmall(typ byte) bool {
	switch typ {
	case 'C', 'D', 'E', 'H', 'S', 'X', 'c':
		return true
	}
	return false
}

// step handles the messages in data, as far as they are complete and there is a
// backend for them, and returns how many bytes it handled. It writes once.
//
// A message handler is given where its message begins and returns how much of
// it went out; 0 means that the message can't be handled yet.
func (s *Session) step(data []byte) (used int) {
	g := &s.shard.toServer
	g.begin(data)
	for used < len(data) && !s.ended && !s.leaving && !s.held {
		n := 0
		if s.rest > 0 {
			n = s.passRest(used, len(data)-used)
		} else {
			n = s.message(data[used:], used)
		}
		if n == 0 {
			break
		}
		used += n
	}
	s.flushTurn()
	return used
}

// flushTurn writes what this turn has for the server.
func (s *Session) flushTurn() {
	if g := &s.shard.toServer; s.srv != nil {
		s.srv.send(g.take())
		g.begin(nil)
	}
}

// passRest hands on the next bytes of a message that is too long to be kept.
func (s *Session) passRest(at, n int) int {
	n = min(n, s.rest)
	if !s.dropping {
		s.shard.toServer.pass(at, at+n)
	}
	if s.rest -= n; s.rest == 0 {
		s.dropping = false
	}
	return n
}

// message handles the message that b begins with; at is where b begins in the
// input of this turn.
func (s *Session) message(b []byte, at int) int {
	typ, total, more := wire.Head(b)
	if more {
		return 0
	}
	if total == 0 || total > maxSmall && isSmall(typ) {
		return s.violation("invalid message length")
	}
	m := msg{b: b[:min(total, len(b))], at: at, total: total}
	if (s.skipping || s.refusing) && typ != 'S' && typ != 'X' {
		return s.drop(m)
	}
	if s.loss != nil && strings.IndexByte("QPBDCESF", typ) >= 0 {
		return s.tellLoss(m)
	}
	if s.mustYield(typ) || s.mustAwaitSync(typ) || s.tooFarAhead(typ) {
		return 0
	}
	switch typ {
	case 'Q':
		return s.query(m)
	case 'P':
		return s.parse(m)
	case 'B':
		return s.bind(m)
	case 'D', 'C':
		return s.describeOrClose(m)
	case 'E':
		return s.execute(m)
	case 'S':
		return s.syncMessage(m)
	case 'H':
		return s.flushMessage(m)
	case 'F':
		return s.functionCall(m)
	case 'd', 'c', 'f':
		return s.copyMessage(m)
	case 'X':
		s.flushTurn()
		s.depart("client said goodbye", nil)
		return 0
	}
	return s.violation(fmt.Sprintf("invalid frontend message type %d", typ))
}

// violation ends the session behind what it sent before.
func (s *Session) violation(what string) int {
	s.flushTurn()
	s.depart(what, wire.ProtocolViolation(what))
	return 0
}

// msg is a message of the client's, as much of it as has been read.
type msg struct {
	b     []byte
	at    int // where it begins in the input of this turn
	total int // its whole length
}

func (m msg) whole() bool { return len(m.b) == m.total }

// body is the message behind its head.
func (m msg) body() []byte { return m.b[wire.HeadLen:] }

// pass hands on what has been read of m; the rest follows as it comes.
func (s *Session) pass(m msg) int {
	s.shard.toServer.pass(m.at, m.at+len(m.b))
	s.rest = m.total - len(m.b)
	return len(m.b)
}

func (s *Session) drop(m msg) int {
	s.asked = nil
	s.rest = m.total - len(m.b)
	s.dropping = s.rest > 0
	return len(m.b)
}

func (s *Session) scanOptions() sqlscan.Options {
	v, ok := s.told.Get("standard_conforming_strings")
	return sqlscan.Options{BackslashQuotes: ok && v.Session.Text == "off"}
}

// query: a simple Query is read whole, unless it is too long to be kept.
func (s *Session) query(m msg) int {
	if m.total > s.cfg.MaxStatement {
		return s.queryOversized(m)
	}
	if !m.whole() {
		return 0
	}
	text, _, _ := wire.CString(m.body())
	if s.unfit && s.srv == nil {
		s.exempt(text)
	}
	if !s.ready() || s.mustAwaitAnswers() || s.ambiguous(text) {
		return 0
	}
	statements := s.scan(text)
	if len(statements) > maxStatements {
		return s.queryOversized(m)
	}
	if !s.tempFits(statements) || !s.namesFit(statements) || s.resetsLocally(statements) && s.awaitAnswers() {
		return 0
	}
	if e := s.forbidden(statements...); e != nil {
		s.refuseQuery(e)
		return m.total
	}
	n := m.total
	if warned := s.machine.Status() == 'I' && s.resetsLocally(statements); slices.ContainsFunc(statements, s.resets) && !warned {
		s.queryAgain(text, statements)
	} else {
		s.queue(statements, text)
		n = s.pass(m)
	}
	s.held = s.forgetting
	return n
}

func (s *Session) queryOversized(m msg) int {
	if !s.ready() || s.mustAwaitAnswers() {
		return 0
	}
	s.machine.Pin(txn.PinOversized)
	s.sent(sqlscan.Statement{})
	s.endQuery()
	return s.pass(m)
}

// scan returns the statements of a text, one more than maxStatements at most. They are
// good until the next call.
func (s *Session) scan(text []byte) []sqlscan.Statement {
	statements := s.shard.statements[:0]
	for scan := sqlscan.New(text, s.scanOptions()); scan.Next() && len(statements) <= maxStatements; {
		statements = append(statements, scan.Statement())
	}
	if cap(statements) <= keptStatements {
		s.shard.statements = statements
	}
	return statements
}

// queue notes the statements of a simple Query that goes to the server.
func (s *Session) queue(statements []sqlscan.Statement, text []byte) {
	hides := false
	for i := range statements {
		st := &statements[i]
		s.sent(*st)
		hides = hides || mayHide(st)
	}
	clear(statements)
	s.endQuery()
	if hides {
		s.learnNames(text)
	}
}

// sent notes a statement that goes to the server. If it drops all prepared
// statements, what is behind it waits until that has happened: which of them
// the server has is not known before. Who drops one of ours keeps the damage.
func (s *Session) sent(st sqlscan.Statement) {
	s.statements++
	s.machine.Sent(st)
	s.rereads = s.rereads || mayChange(&st, "standard_conforming_strings") || mayChange(&st, "client_encoding")
	s.suspect(&st)
	switch {
	case st.Kind == sqlscan.DiscardAll, st.Kind == sqlscan.Deallocate && st.All:
		s.forgetting = true
	case st.Kind == sqlscan.Deallocate && strings.HasPrefix(st.Name, ownPrefix):
		s.machine.Pin(txn.PinPrepare)
	case st.Kind == sqlscan.Deallocate && s.stmts[st.Name] != nil:
		s.standIn(st.Name)
	}
}

func (s *Session) endQuery() {
	s.machine.EndQuery(s.unsynced)
	s.srv.replies.push(reply{kind: 'Q'})
	s.hasUnnamed, s.srv.unnamedOf = false, 0 // a simple Query drops the unnamed statement
}

// execute: what is executed was noted when it was bound.
func (s *Session) execute(m msg) int {
	if !m.whole() {
		return 0
	}
	if !s.ready() {
		return 0
	}
	name, _, _ := wire.CString(m.body())
	st := s.portal(name)
	if e := s.forbidden(st); e != nil {
		s.refuseExecute(e)
		return m.total
	}
	s.sent(st)
	s.expect(reply{kind: 'E'})
	n := s.pass(m)
	s.executeAgain(st)
	if s.forgetting {
		s.shard.toServer.put(flush) // or the answer would wait for a Sync that is held
		s.held = true
	}
	return n
}

// expect notes a message of the extended protocol, up to whose Sync the backend
// is this session's.
func (s *Session) expect(r reply) {
	s.unsynced = true
	s.srv.replies.push(r)
}

// syncMessage ends a batch. A server that reads CopyData takes no notice of it.
func (s *Session) syncMessage(m msg) int {
	if s.refusing {
		s.refusing = false
		s.machine.Sync()
		s.machine.Ready(s.machine.Status())
		s.client.send(wire.AppendReady(nil, s.machine.Status()))
		return s.drop(m)
	}
	if !s.ready() {
		return 0
	}
	s.machine.Sync()
	if s.copyIn {
		s.swallowed++
		return s.pass(m)
	}
	s.skipping, s.unsynced = false, false
	s.held = s.forgetting
	s.srv.replies.push(reply{kind: 'S'})
	return s.pass(m)
}

func (s *Session) flushMessage(m msg) int {
	if s.srv == nil {
		return s.drop(m) // nothing was sent that could be flushed
	}
	return s.pass(m)
}

// mustAwaitSync: if the sync fails the server skips the one batch behind it. The
// next would be run, with variables that are not the session's, so it waits.
func (s *Session) mustAwaitSync(typ byte) bool {
	v := s.srv
	if v == nil || !v.replies.applying() || typ == 'X' || !v.replies.last().endsBatch() {
		return false
	}
	s.held = true
	return true
}

// mustAwaitAnswers: a Query or FunctionCall between the messages of a pipeline
// is skipped if one of those before it is refused, and would else be a batch of
// its own: which it is has to be known.
func (s *Session) mustAwaitAnswers() bool { return s.unsynced && s.awaitAnswers() }

// awaitAnswers reports whether the server owes answers to what the client sent,
// and has the next message wait for them.
func (s *Session) awaitAnswers() bool {
	if r := &s.srv.replies; r.n == r.syncs {
		return false
	}
	if s.held = true; s.unsynced {
		s.shard.toServer.put(flush)
	}
	return true
}

// flush is a Flush.
var flush = []byte{'H', 0, 0, 0, 4}

// functionCall: what the function does, only the server knows.
func (s *Session) functionCall(m msg) int {
	if !m.whole() && s.mustRead(m) || !s.ready() || s.mustAwaitAnswers() {
		return 0
	}
	s.sent(sqlscan.Statement{Traits: sqlscan.Writes | sqlscan.Calls})
	s.learnNames(m.body())
	s.machine.EndQuery(s.unsynced)
	s.srv.replies.push(reply{kind: 'F'})
	return s.pass(m)
}

// copyMessage: outside of COPY the server drops these, behind an error.
func (s *Session) copyMessage(m msg) int {
	if s.srv == nil {
		return s.drop(m)
	}
	if m.b[0] != 'd' {
		if !s.copyIn && s.srv.replies.n > 0 {
			s.srv.replies.push(reply{kind: 'c'})
		}
		s.copyIn = false
		s.machine.CopyEnd()
	}
	return s.pass(m)
}
