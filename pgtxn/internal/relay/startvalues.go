package relay

import (
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/pool"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/txn"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// A client's start-up values are the variables that its startup packet sets:
// application_name, DateStyle, options=-c …. To a server of its own they are
// what RESET returns to. Here backends are logged in without any, so that all
// clients can share them, and a session's start-up values are its base: part of
// what its backends are given, and given again wherever the client resets (again.go).
//
// A packet that asks for more than variables that can be set later is not
// taken apart: a backend that was logged in with just that packet serves it,
// and only those who came with the same.

// startValues are a session's.
type startValues struct {
	packet         string   // its startup packet, as a class
	base           *guc.Set // where they are not the backend's own
	based, basedOn *guc.Set // want, and the variables it was made of
}

// knownStart is what was found out about a startup packet. A client that comes
// with the same is greeted with it if no backend is idle that could say whether
// it is still so.
type knownStart struct {
	class   string // of the backends that serve it
	base    *guc.Set
	welcome []wire.Param
}

// maxKnownStarts bounds how many different packets a lender remembers.
const maxKnownStarts = 1000

// takePacket says what the session asks for.
func (s *Session) takePacket(p *wire.Startup) {
	s.packet = class(p.Params)
	settings, unknown := p.Settings()
	s.waiter = pool.Waiter[*server]{Taker: s}
	if s.cfg.SessionMode != nil && s.cfg.SessionMode(s.user, s.database) {
		s.machine.Pin(txn.PinSession)
	}
	if p.Replication() {
		s.machine.Pin(txn.PinReplication) // what it leaves behind can't be shared
		unknown = append(unknown, "replication")
	}
	for _, set := range settings {
		if set.Name == "role" || set.Name == "session_authorization" { // much depends on who one is
			unknown = append(unknown, set.Name)
		}
	}
	if len(unknown) > 0 {
		s.waiter.Class = s.packet
		return
	}
	for _, set := range settings {
		s.base = s.base.With(guc.Var{Name: set.Name, Session: &guc.Value{Text: set.Value}})
	}
}

// start greets the client, once the server has judged its startup packet.
func (s *Session) start() {
	s.starting = true
	s.lender.reapLate()
	known, ok := s.lender.starts[s.packet]
	if c := s.lender.pool.Counts(); !ok || c.Idle+c.Lent == 0 { // nor is it known that the server lets the user in
		if s.acquire(noMarks) {
			s.tryStart()
		}
		return
	}
	s.waiter.Class, s.base = known.class, known.base
	s.waiter.Label, s.waiter.Marks = pool.Label(s.base.Hash()), anyMarks
	if m := s.lender.pool.AcquireIdle(&s.waiter); m != nil {
		s.hold(m.Backend)
		s.tryStart()
		return
	}
	s.greet(known.welcome)
}

// tryStart gives a backend the start-up values, and asks what became of them and
// whether a login would begin with the same defaults as the backend did.
func (s *Session) tryStart() {
	v := s.srv
	if s.waiter.Class == "" && s.privileged() {
		s.release()
		s.startRefused()
		return
	}
	s.fresh = false
	if s.lender.neverShared(s.waiter.Class) {
		s.started()
		return
	}
	unknown := s.base.Unknown() > 0 // then what else is set may compose with them
	if scrub := unknown || v.dirty; scrub || v.Label.Hash() != s.base.Hash() {
		v.send(v.applied(s.base, scrub))
	}
	var names []*string
	for b := range s.base.All() {
		if !b.Session.Known {
			names = append(names, &b.Name)
		}
	}
	v.LearnStart(&s.shard.exchange, names, s.base)
	v.send(s.shard.exchange.Bytes)
	v.expect(s.shard.exchange.Replies, forLearn)
}

// privileged says whether a start-up value is one that another role than the login's
// may reset, by RESET ALL, but not set again.
func (s *Session) privileged() bool {
	for b := range s.base.All() {
		if s.srv.Privileged[b.Name] {
			return true
		}
	}
	return false
}

// startRefused: the values can't be set on a backend that is there already.
// Only a login with the very packet says whether they can be had at all, and
// if not, in which words.
func (s *Session) startRefused() {
	delete(s.lender.starts, s.packet)
	s.base = nil
	s.waiter.Class = s.packet
	s.start()
}

// started: the session's variables are as its packet says, unless the backend
// turns out to be one of before an ALTER ROLE or ALTER DATABASE.
func (s *Session) started() {
	v := s.srv
	if s.lender.outdated(v) {
		s.release() // which closes it
		s.start()
		return
	}
	welcome := make([]wire.Param, 0, len(v.Welcome))
	for _, p := range v.Welcome {
		now, _ := v.Reported.Get(p.Name)
		welcome = append(welcome, wire.Param{Name: p.Name, Value: now.Session.Text})
	}
	if len(s.lender.starts) >= maxKnownStarts {
		clear(s.lender.starts)
	}
	s.lender.starts[s.packet] = knownStart{s.waiter.Class, s.base, welcome}
	s.release()
	s.greet(welcome)
}

// want is what the backend has to have for this session: its variables, and
// its start-up values where it has not changed them.
func (s *Session) want() *guc.Set {
	vars := s.machine.Vars()
	if s.base == nil {
		return vars
	}
	if s.basedOn != vars || s.based == nil || s.starting {
		s.basedOn, s.based = vars, overlay(vars, s.base)
	}
	return s.based
}

func overlay(vars, base *guc.Set) *guc.Set {
	for b := range base.All() {
		v, _ := vars.Get(b.Name)
		if v.Session == nil || v.Session.Default {
			v.Name, v.Session = b.Name, b.Session
			vars = vars.With(v)
		}
	}
	return vars
}

// seen is the server's reported values as the client sees them: at the client's
// start-up value where the server is at its own.
func (s *Session) seen(reported *guc.Set) *guc.Set {
	if s.base == nil {
		return reported
	}
	for b := range s.base.All() {
		name := reportedName(b.Name)
		_, changed := s.srv.Differs(name) // in secret, if the session did not
		if v, ok := reported.Get(name); ok && s.atStart(b.Name) && !changed {
			v.Session = b.Session
			reported = reported.With(v)
		}
	}
	return reported
}

// atStart says whether the client has not changed the variable, or has reset it.
func (s *Session) atStart(name string) bool {
	v, _ := s.machine.Vars().Get(name)
	now := v.InForce()
	return now == nil || now.Default
}

// hasBase says whether the client set the reported variable at its start-up.
func (s *Session) hasBase(reported string) bool {
	if s.base == nil {
		return false
	}
	_, ok := s.base.Get(strings.ToLower(reported))
	return ok
}
