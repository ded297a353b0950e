package relay

import (
	"maps"
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

// inspection is where a session stands with that.
type inspection struct {
	dirties     bool // what ran on the backend may have changed variables in secret
	uninspected bool // something was sent that may have changed the answer
	inspecting  bool
	withSources bool                // functions' sources are read too
	hints       map[string]struct{} // names of custom settings in what was sent since the last one
	hinted      map[string]struct{} // those that the one under way asks for
	overflow    bool                // they were too many to be noted
	unverified  bool                // something was sent since the session was verified
	verifying   bool                // this one is to verify
	found       *guc.Set
	unbased     *guc.Set // start-up values that were found to be reset
	holds       txn.Pins
}

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
	maxNameLength  = 200         // of one that functions name
	sourcesMaxAge  = time.Minute // how long the names found in functions' sources are good
)

// suspect notes what the statement may do in secret.
func (s *Session) suspect(st *sqlscan.Statement) {
	runs, writes := st.Kind.RunsQueries(), st.Traits&sqlscan.Writes != 0
	s.unverified = true
	draws := st.Traits&sqlscan.Draws != 0
	s.dirties = s.dirties || runs && (s.cfg.ScrubAlways || writes || draws) || mayHide(st)
	s.followSequences(st)
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
		sqlscan.SetCharacteristics:
		return false
	case sqlscan.Set, sqlscan.Reset, sqlscan.ResetAll: // pg_temp in the search_path pins
		return pins&txn.PinTemp != 0 && mayChange(st, "search_path")
	case sqlscan.Other: // of a function that unlocks and of CLOSE the text is not remarkable
		return st.Traits != 0 || pins&(txn.PinHidden|txn.PinAdvisoryLock|txn.PinHoldCursor) != 0
	}
	return true
}

// mayHide says whether the statement may set variables that no SET in its text
// names.
func mayHide(st *sqlscan.Statement) bool {
	switch st.Kind {
	case sqlscan.Do, sqlscan.Call, sqlscan.Execute:
		return true
	}
	return st.Traits&(sqlscan.Calls|sqlscan.SetConfig) != 0
}

// learnNames notes the names of custom settings in what the client sent: the next
// inspection asks for them. If there are too many the session stays pinned.
func (s *Session) learnNames(text []byte) {
	for name := range sqlscan.CustomNames(text) {
		if s.hint(name); s.overflow {
			return
		}
	}
}

func (s *Session) hint(name string) {
	switch {
	case len(s.hints) >= maxCustomNames:
		s.overflow = true
		return
	case s.hints == nil:
		s.hints = make(map[string]struct{})
	}
	s.hints[name] = struct{}{}
}

// mustRead reports whether the rest of a message with names among its parameters has to
// be waited for. If it is too long for that, it is not known which names are in it.
func (s *Session) mustRead(m msg) bool {
	s.overflow = s.overflow || m.total > s.cfg.MaxStatement
	return !s.overflow
}

// remember notes a custom setting that some session of the pool has.
func (l *lender) remember(name string) {
	if len(l.names) < maxCustomNames {
		l.names[name] = struct{}{}
	}
}

// mustInspect says whether something pins the session that the server can be
// asked about, and it has done something since it was asked last.
func (s *Session) mustInspect() bool {
	pins := s.machine.Pins()
	if pins&txn.PinSession != 0 || s.overflow || s.cfg.Inspect == InspectNever && pins&(txn.PinHidden|txn.PinSetConfig) != 0 {
		return false
	}
	return s.uninspected && pins&txn.Inspectable != 0
}

// inspect asks for what is not as it was tracked.
func (s *Session) inspect() {
	l, v := s.lender, s.srv
	s.uninspected, s.inspecting = false, true
	l.totals.Inspections++
	s.found, s.holds, s.listens.heard = s.machine.Vars(), 0, nil
	var names, expected []*string
	ask := func(name string) {
		switch name {
		case "role", "session_authorization", "client_encoding": // known without
			return
		}
		names, expected = append(names, &name), append(expected, s.expected(name))
	}
	for name := range v.Initial {
		ask(name)
	}
	customs := make(map[string]struct{})
	maps.Copy(customs, s.hints)
	maps.Copy(customs, l.names)
	for known := range s.found.All() {
		if guc.Custom(known.Name) {
			customs[known.Name] = struct{}{}
		}
	}
	for name := range customs {
		if _, listed := v.Initial[name]; !listed {
			ask(name)
		}
	}
	s.hinted, s.hints = s.hints, nil // what is sent from now on is for the next inspection
	s.withSources = time.Since(l.sourcesRead) > sourcesMaxAge
	v.Inspect(&s.shard.exchange, names, expected, s.want(), s.withSources)
	v.send(s.shard.exchange.Bytes)
	v.expect(s.shard.exchange.Replies, forLearn)
}

// expected is the value that a setting is thought to have on the backend; nil if
// it is thought not to exist. What is not known in the server's words is asked
// for: no value is NULL of a setting that was set. So is one that looks the same
// behind a RESET in secret, but should be the session's start-up value then.
func (s *Session) expected(name string) *string {
	initial, ok := s.srv.Initial[name]
	if v, set := s.want().Get(name); set && v.Session != nil && !v.Session.Default {
		b, based := s.base.Get(name)
		if !v.Session.Known || based && v.Session.Text == initial && b.Session.Text != initial {
			return nil
		}
		return &v.Session.Text
	}
	if ok {
		return &initial
	}
	if _, ok := s.found.Get(name); ok {
		return new(string)
	}
	return nil
}

// answer takes one row of the answer; a value that is NULL is not ok.
func (s *Session) answer(name, value string, ok bool) {
	kind := name[0]
	switch kind {
	case backend.IsHeld:
		s.holds |= txn.PinFor(value)
		return
	case backend.IsChannel:
		s.holds |= txn.PinListen
		s.listens.heard = append(s.listens.heard, name[1:])
		return
	case backend.IsTemp:
		s.madeTemp()
		return
	case backend.IsNamed:
		if len(name) <= maxNameLength {
			s.lender.remember(name[1:])
		}
		ok = ok && s.expected(name[1:]) == nil // else it was asked for
	}
	switch kind {
	case backend.IsSet, backend.IsNamed, backend.IsDefault:
		name = name[1:]
	}
	if ok && kind == backend.IsSet && guc.Custom(name) {
		s.lender.remember(name)
	}
	if s.fresh { // behind DISCARD ALL: start-up values are still to be set
		if ok && guc.Custom(name) {
			s.found = s.found.Without(name)
		}
		return
	}
	if b, based := s.base.Get(name); based && kind == backend.IsDefault && b.Session.Text != value {
		s.unbased = s.unbased.With(b) // by a RESET in secret
	}
	switch {
	case name == "client_encoding", !ok:
	case kind == backend.IsDefault, s.atStart(name) && s.isInitial(name, value):
		_, tracked := s.found.Get(name)
		if tracked || guc.Custom(name) { // '', and not NULL
			s.found = s.found.Without(name)
		}
	default:
		s.find(name, value)
	}
}

func (s *Session) find(name, value string) {
	s.found = s.found.With(guc.Var{Name: name, Session: &guc.Value{Text: value, Known: true}})
}

// isInitial says whether the value is one that the session need not have set.
func (s *Session) isInitial(name, value string) bool {
	if name == "session_authorization" {
		_, differs := s.srv.Differs(name)
		return !differs
	}
	if b, ok := s.base.Get(name); ok {
		return b.Session.Text == value
	}
	initial, ok := s.srv.Initial[name]
	return ok && value == initial || !ok && value == ""
}

// isInitialReport says the same of what the server reports, and of what nobody can
// set. Of a start-up value of the client's a RESET makes another until it is set again.
func (s *Session) isInitialReport(reported, value string) bool {
	name := guc.Fold(reported)
	_, settable := s.srv.Initial[name]
	return !settable || s.hasBase(reported) || s.isInitial(name, value)
}

// inspected: the answer is complete.
func (s *Session) inspected() {
	s.inspecting, s.hinted = false, nil
	value, differs := s.srv.Differs("client_encoding")
	if b, ok := s.base.Get("client_encoding"); ok {
		differs = b.Session.Text != value && !s.fresh
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
	if s.fresh { // else they are noted when it is given back
		s.srv.member.Marks |= s.marks()
	}
	if s.unbased != nil {
		label := s.want()
		for b := range s.unbased.All() {
			label = label.Without(b.Name)
		}
		s.unbased = nil
		s.owe(label)
	}
	if s.withSources {
		s.lender.sourcesRead = time.Now()
	}
}

// inspectFailed: the pins stay, and the next one asks for the same names.
func (s *Session) inspectFailed(body []byte) {
	s.inspecting, s.verifying, s.unbased, s.listens.heard = false, false, nil, nil
	for name := range s.hinted {
		s.hint(name)
	}
	s.hinted = nil
	code := string(wire.ParseError(body).Code)
	if code != wire.QueryCanceled().Code { // else it took too long, or was cancelled
		clear(s.lender.names) // one of which may be why
	}
	s.lender.sourcesRead = time.Now() // or what is in functions' sources
	s.warn("what a transaction changed in secret could not be read; the session keeps its backend",
		"backend", s.srv.PID, "sqlstate", code)
}
