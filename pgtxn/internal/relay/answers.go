package relay

import (
	"bytes"
	"math"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// What the server's answers mean for the session.

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

// reported: the server says behind a batch which reported values differ from
// those it told last. Part of that may be the work of the sync ahead of the
// batch; the client hears what is news to it.
func (v *server) reported(body []byte) bool {
	name, value := v.report(body)
	s := v.session
	if v.party() != forClient {
		return false
	}
	s.machine.Reported(name, value, s.isInitialReport(name, value))
	known, _ := s.told.Get(name)
	if s.hasBase(name) || known.Session != nil && known.Session.Text == value {
		return false
	}
	s.told = s.told.With(guc.Var{Name: name, Session: &guc.Value{Text: value, Known: true}})
	return true
}

// finished: a statement has run, or its portal has paused.
func (v *server) finished(typ byte, r *reply) {
	kind, mine := r.kind, r.party
	r.begun = kind == 'Q' || kind == 'F'
	if kind == 'E' {
		v.replies.pop()
	}
	if mine != forClient {
		return
	}
	v.session.copyIn, v.session.swallowed = false, 0
	if v.session.forgetting && typ == 'C' {
		v.session.deallocated(v.session.machine.Head())
	}
	switch {
	case typ == 's':
		v.session.machine.Suspended()
	case typ != 'I' || kind == 'E': // an empty simple Query holds no statement
		if v.session.rereads {
			v.session.hears(v.session.machine.Head())
		}
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
	if ofDDL(tag) {
		v.shard.ddl.Add(1)
	}
	if string(tag) != "DISCARD ALL\x00" {
		return
	}
	s := v.session
	s.overflow = false
	// A custom setting that was set in secret is '' for the session for good; nobody has asked yet which were.
	if s.uninspected && len(s.hints) > 0 && s.cfg.Inspect != InspectNever {
		s.machine.Pin(txn.PinHidden)
	}
	if s.listens.at == onListener { // of an unfit session
		s.listens.at = onBackend
		s.lender.unlisten(s)
	}
	if s.base != nil {
		s.owe(nil)
	}
}

// forgetUnsaid: a Query of several statements commits before it says that the last
// is done. If the commit fails, a DEALLOCATE ALL has run all the same.
func (v *server) forgetUnsaid(r *reply) {
	m := &v.session.machine
	st := m.Head()
	if r.kind == 'Q' && r.begun && m.Status() == 'I' && st.Kind == sqlscan.Deallocate && st.All {
		v.forget([]byte("DEALLOCATE ALL\x00"))
	}
}

// copyIn: the server reads CopyData now. It takes no notice of a Sync until
// CopyDone, not even of one that is under way already.
func (v *server) copyIn() {
	s := v.session
	s.machine.CopyIn()
	dropped, ended := v.replies.dropSyncs()
	s.copyIn, s.swallowed = !ended, dropped
}

// lateReady: a COPY that failed before it read anything left the Syncs behind it
// to be answered like any other. Nothing else could tell that it did.
func (v *server) lateReady(status byte) bool {
	s := v.session
	if s.swallowed == 0 {
		v.Taint("ReadyForQuery out of turn")
		return false
	}
	s.swallowed--
	s.skipping = false
	if v.replies.n == 0 {
		s.machine.Ready(status)
	}
	return true
}

// failed: the server goes on with the next batch.
func (v *server) failed(body []byte) bool {
	r := v.replies.front()
	v.lender.totals.ServerErrors[sqlStateClass(wire.ParseError(body).Code)]++
	if wire.ParseError(body).EndsConnection() || r == nil {
		v.Taint("server: " + string(wire.ParseError(body).Message))
		v.gone, v.words = true, bytes.Clone(body)
		return false
	}
	switch r.party {
	case forApply:
		v.applyFailed(body)
		return false
	case forLearn:
		if v.session.inspecting {
			v.session.inspectFailed(body)
		} else {
			v.session.learnFailed(body)
		}
		v.Unsure()
		v.skipToSync()
		return false
	case forSelf: // what it was for will be tried again when it is needed
		v.Unsure()
		v.skipToSync()
		return false
	case forListen:
		r.begun = true
		v.session.listenFailed(body)
		return false
	case forReopen:
		return false
	}
	v.forgetUnsaid(r)
	v.session.machine.Failed()
	v.session.copyIn = false
	r.begun = true
	undo, words, ins := r.undo, r.words, r.ins // r is gone soon
	if r.kind != 'Q' && r.kind != 'F' {
		v.session.skipping = !v.skipToSync()
	}
	switch {
	case words != nil && string(wire.ParseError(body).Code) != "25P02":
		v.shard.toClient.put(words)
	case bytes.Contains(body, []byte(ownPrefix)):
		v.shard.toClient.put(errorMessage(v.session.clientNames(body, undo)))
	case ins != nil:
		v.shard.toClient.put(wire.MovePosition('E', body, ins.original))
	default:
		return true
	}
	return false
}

// noticed passes a NoticeResponse on that the client's own statement caused.
func (v *server) noticed(body []byte) bool {
	r := v.replies.front()
	if r != nil && r.ins != nil {
		v.shard.toClient.put(wire.MovePosition('N', body, r.ins.original))
		return false
	}
	return v.party() == forClient
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
	v.undoBinds(n)
	v.undoUnnamed(n)
	for v.replies.n > 0 && v.replies.front().kind != 'S' {
		v.replies.pop()
	}
	return v.replies.n > 0
}

// undo takes back what was noted when a message was sent that the server has
// skipped, or refused.
func (v *server) undo(r *reply) {
	if r.undo != nil && r.undo.name != "" {
		v.session.undo(r.undo)
	}
	switch {
	case r.kind == 'B' && r.party == forClient:
	case r.stmt == nil && r.party != forClient:
		v.Unsure()
		v.unnamedOf = somebody
	case r.stmt == nil, r.stmt.name == "":
	case r.kind == 'P':
		v.Prepared.Remove(r.stmt.name)
	case r.kind == 'C':
		v.Prepared.Add(r.stmt.name, math.MaxInt) // it has its place still
	}
}

// undoBinds does the same for the portals that the first n messages bound, unless
// a later batch has bound them again.
func (v *server) undoBinds(n int) {
	var done *reply // most are of the unnamed portal
	for i := range n {
		r := v.replies.at(i)
		if r.kind != 'B' || r.party != forClient || done != nil && done.name == r.name {
			continue
		}
		done = r
		again := false
		for j := n; j < v.replies.n && !again; j++ {
			later := v.replies.at(j)
			again = later.kind == 'B' && later.party == forClient && later.name == r.name
		}
		if !again {
			v.session.spoilPortal(r.name)
		}
	}
}

// undoUnnamed does the same for the unnamed statement, of the n messages of a
// batch of which the first was refused. If a later batch changes it again, only
// what that one will go back to is another than was thought when it was sent.
func (v *server) undoUnnamed(n int) {
	s := v.session
	var later *reply
	for i := v.replies.n - 1; i >= 0; i-- {
		r := v.replies.at(i)
		if r.party != forClient && r.stmt == &s.unnamed {
			v.unnamedOf = somebody
		}
		switch {
		case r.party != forClient:
		case i >= n && (r.stmt == &s.unnamed || r.kind == 'Q'):
			later = r
		case i >= n || r.stmt != &s.unnamed:
		case later == nil:
			v.unnamedOf = somebody
			if i > 0 && r.undo != nil {
				v.unnamedOf = r.undo.of
			}
			s.backTo(r.undo, i == 0)
		case later.undo != nil:
			*later.undo = change{}
			if i > 0 && r.undo != nil {
				*later.undo = *r.undo
			}
		}
	}
}

// backTo makes the unnamed statement what it was before a message that was
// skipped; a Parse that is refused leaves none.
func (s *Session) backTo(undo *change, refused bool) {
	s.hasUnnamed = !refused && undo != nil && undo.before != nil
	if s.hasUnnamed {
		s.unnamed = *undo.before
	}
}

// ready: a batch, the client's or ours, is done.
func (v *server) ready(status byte) bool {
	r := *v.replies.front()
	v.replies.pop()
	s := v.session
	switch r.party {
	case forLearn:
		if s.inspecting {
			s.inspected()
		}
		s.unlearned = s.machine.Vars().Unknown() > 0
		if v.InQuestion = false; status != 'I' { // it has failed in a transaction of its own
			v.send(wire.AppendQuery(nil, "ROLLBACK"))
			v.replies.push(reply{kind: 'Q', party: forSelf})
		}
		return false
	case forListen:
		s.listenDone()
		return false
	case forSelf, forReopen:
		return false
	}
	s.copyIn, s.heard = false, true
	s.unfit = s.lacking
	v.dropStandIns()
	if !s.machine.Ready(status) && !s.lender.neverShared(s.waiter.Class) {
		s.disagreed()
	}
	s.tellConflicts()
	v.shard.toClient.put(s.news())
	if status == 'I' {
		s.transacted()
		if v.replies.n == 0 { // nothing was bound since
			clear(s.portals)
		}
	}
	return true
}

// applyFailed: the server skips the client's batch behind the sync. The client
// gets the sync's error as the answer to it; the backend is closed, and the session
// ends with it if it had something there.
func (v *server) applyFailed(body []byte) {
	s, g := v.session, &v.shard.toClient
	answered := v.owesClient()
	s.unfit = true
	s.warn("a backend could not be given the session's variables", // of which the error may name a value
		"backend", v.PID, "sqlstate", string(wire.ParseError(body).Code))
	if pins := s.unrestorable() &^ txn.PinSession; s.owed && pins != 0 && !s.leaving {
		s.leaving, s.parting = true, func() { s.fail(lostError(body, false).CantGoOn(pins.String())) }
	}
	status := s.machine.Status()
	for i := range v.replies.n {
		r := v.replies.at(i)
		if r.party == forClient && r.endsBatch() {
			g.put(errorMessage(body))
			g.put(wire.AppendReady(nil, status))
			s.machine.Failed()
			s.machine.Ready(status)
		}
	}
	if s.unsynced {
		g.put(errorMessage(body))
		s.machine.Failed()
		s.refusing = true // to the Sync that has not come yet
	}
	if s.held && !answered {
		s.refusal = errorMessage(body)
	}
	s.machine.Unpin()
	s.abandon(v)
	v.Taint("its variables could not be set")
}

func errorMessage(body []byte) []byte { return withHead('E', body) }

func withHead(typ byte, body []byte) []byte {
	dst, at := wire.Begin(nil, typ)
	return wire.End(append(dst, body...), at)
}
