package relay

import (
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Inspection: behind a transaction that may have changed in secret what belongs
// to the session, the server is asked what that is. The client has its answer by
// then. What can move moves with the session; what can't pins it, for a reason
// that the server gave; and what the server knows nothing of pins no more.

// Inspect says which transactions are inspected.
type Inspect uint8

// The choices, each with those before it.
const (
	InspectCalls  Inspect = iota // DO, CALL, EXECUTE, functions not known to be harmless, set_config
	InspectWrites                // DML and DDL, since triggers may run
	InspectAlways                // every query, since views, operators and policies may call functions
	InspectNever                 // none: calls pin until DISCARD ALL
)

const (
	maxCustomNames = 4000        // custom names that a pool remembers
	sourcesMaxAge  = time.Minute // how long the names found in functions' sources are good
)

// suspect notes what the statement may do in secret.
func (s *Session) suspect(st *sqlscan.Statement) {
	runs, writes := st.Kind.RunsQueries(), st.Traits&sqlscan.Writes != 0
	s.unverified = true
	s.dirties = s.dirties || runs && (s.cfg.ScrubAlways || writes)
	if choice := s.cfg.Inspect; runs && (choice == InspectAlways || choice == InspectWrites && writes) {
		s.machine.Pin(txn.PinHidden)
	}
	if pins := s.machine.Pins(); pins&txn.Inspectable != 0 {
		s.uninspected = s.uninspected || stirs(st, pins)
	}
}

// stirs says whether the statement may make or end something that pins.
func stirs(st *sqlscan.Statement, pins txn.Pins) bool {
	switch st.Kind {
	case sqlscan.Begin, sqlscan.Commit, sqlscan.Rollback, sqlscan.Savepoint, sqlscan.Release, sqlscan.RollbackTo,
		sqlscan.Set, sqlscan.Reset, sqlscan.ResetAll, sqlscan.SetCharacteristics:
		return false
	case sqlscan.Other: // of a function that unlocks and of CLOSE the text is not remarkable
		return st.Traits != 0 || pins&(txn.PinHidden|txn.PinAdvisoryLock|txn.PinHoldCursor) != 0
	}
	return true
}

// learnNames remembers the names of custom settings in what a client sent, if the
// statement may set variables in secret: the server has no list of them.
func (s *Session) learnNames(st *sqlscan.Statement, text []byte) {
	switch {
	case st.Traits&(sqlscan.Calls|sqlscan.SetConfig) != 0, st.Kind == sqlscan.Do, st.Kind == sqlscan.Call, st.Kind == sqlscan.Execute:
	default:
		return
	}
	for name := range sqlscan.CustomNames(text) {
		s.lender.remember(name)
	}
}

func (l *lender) remember(name string) {
	if len(l.names) < maxCustomNames {
		l.names[name] = struct{}{}
	}
}

// mustInspect says whether something pins the session that the server can be
// asked about, and it has done something since it was asked last.
func (s *Session) mustInspect() bool {
	pins := s.machine.Pins()
	if s.cfg.Inspect == InspectNever && pins&txn.PinHidden != 0 {
		return false
	}
	return s.uninspected && pins&txn.Inspectable != 0
}

// inspect asks.
func (s *Session) inspect() {
	l, v := s.lender, s.srv
	s.uninspected, s.inspecting = false, true
	s.found, s.holds = nil, 0
	names := make([]*string, 0, len(l.names)+2)
	for _, name := range [...]string{"role", "session_authorization"} {
		names = append(names, &name)
	}
	for name := range l.names {
		names = append(names, &name)
	}
	for known := range s.machine.Vars().All() {
		if _, ok := l.names[known.Name]; !ok && guc.Custom(known.Name) {
			names = append(names, &known.Name)
		}
	}
	sources := time.Since(l.sourcesRead) > sourcesMaxAge
	if sources {
		l.sourcesRead = time.Now()
	}
	v.Inspect(&s.shard.exchange, names, sources)
	v.send(s.shard.exchange.Bytes)
	v.expect(s.shard.exchange.Replies, forLearn)
}

// answer takes one row of the answer; a value that is NULL is not ok.
func (s *Session) answer(kind byte, name, value string, ok bool) {
	switch {
	case kind == backend.IsHeld:
		s.holds |= txn.PinFor(value)
		return
	case kind == backend.IsNamed:
		s.lender.remember(name)
	}
	if name = guc.Fold(name); ok && !s.isDefault(name, value) {
		s.find(name, value)
	}
}

func (s *Session) find(name, value string) {
	s.found = s.found.With(guc.Var{Name: name, Session: &guc.Value{Text: value, Known: true}})
}

// isDefault says whether the session need not be noted to have set the value.
func (s *Session) isDefault(name, value string) bool {
	switch name {
	case "transaction_isolation", "transaction_read_only", "transaction_deferrable", "client_encoding":
		return true // of the question's own transaction
	}
	if !s.atStart(name) {
		return false
	}
	initial, ok := s.srv.Initial[name]
	switch {
	case ok && value == initial, !ok && guc.Custom(name) && value == "", !ok && name == "role" && value == "none":
		return true
	case name == "session_authorization":
		_, differs := s.srv.Differs(name)
		return !differs
	}
	b, started := s.base.Get(name)
	return started && b.Session.Text == value
}

// inspected: the answer is complete.
func (s *Session) inspected() {
	s.inspecting = false
	value, differs := s.srv.Differs("client_encoding")
	if b, ok := s.base.Get("client_encoding"); ok {
		differs = b.Session.Text != value
	}
	if differs || !s.atStart("client_encoding") {
		s.find("client_encoding", value)
	}
	if s.verifying {
		s.verifying = false
		s.compare(s.found)
	}
	s.machine.Inspected(s.found, s.holds)
	s.found = nil
}

// inspectFailed: the pins stay.
func (s *Session) inspectFailed(body []byte) {
	s.inspecting, s.verifying = false, false
	s.cfg.Log.Warn("what a transaction changed in secret could not be read; the session keeps its backend",
		"session", s.id, "backend", s.srv.PID, "sqlstate", string(wire.ParseError(body).Code))
}
