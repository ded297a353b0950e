package relay

import (
	"math/rand/v2"
	"slices"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
)

// Verification: behind a transaction of which nothing is suspected the server is
// asked all the same what the session has changed (see inspect.go). Where that is
// not what was tracked, the server is right.

// Verify says how often that is done.
type Verify uint8

// The choices.
const (
	VerifyOff Verify = iota
	VerifySampled
	VerifyAlways
)

// sampleOf is how many transactions there are to one that VerifySampled takes.
const sampleOf = 100

// Drift is a difference between what was tracked and what the server had.
type Drift struct {
	Session        uint64
	Backend        uint32 // the process id
	User, Database string
	Names          []string // of the variables; their values are told to nobody
}

// mustVerify says whether the transactions since the last time are to be verified.
func (s *Session) mustVerify() bool {
	if !s.unverified || s.fresh {
		return false
	}
	s.unverified = false
	return s.cfg.Verify == VerifyAlways || s.cfg.Verify == VerifySampled && rand.IntN(sampleOf) == 0
}

// tellConflicts tells the operator of variables that the server reports otherwise
// than they were tracked. What else is not as it was tracked an inspection finds,
// before the backend is given back.
func (s *Session) tellConflicts() {
	for _, c := range s.machine.Conflicts() {
		s.uninspected = true
		s.conflicted(c)
	}
}

// compare tells the operator which variables the server has otherwise than they
// were tracked, before its answer is adopted.
func (s *Session) compare(found *guc.Set) {
	var names []string
	for tracked, real := range guc.Diff(s.machine.Vars(), found) {
		same := tracked.Session != nil && real.Session != nil && tracked.Session.Text == real.Session.Text
		unset := (tracked.Session == nil || tracked.Session.Default) && (real.Session == nil || real.Session.Default)
		asked := tracked.Session != nil && !tracked.Session.Known // only what the client wrote is known yet
		if name := max(tracked.Name, real.Name); !same && !unset && !asked {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	s.drifted(names)
	if s.cfg.OnDrift != nil {
		s.cfg.OnDrift(Drift{Session: s.id, Backend: s.srv.PID, User: s.user, Database: s.database, Names: names})
	}
}
