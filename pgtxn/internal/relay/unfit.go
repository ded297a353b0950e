package relay

import (
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

// A session may have come to variables that no backend takes any more: its role
// was dropped, say. Then it is unfit: each of its statements is refused with the
// server's error, but those must go through that set or reset the variables in
// question, or it could not get out of this. Such a statement alone in a simple
// Query finds a backend that lacks the variables it is about to set anyhow.

type unfitness struct {
	unfit     bool              // the last backend could not be given the variables
	exemption sqlscan.Statement // the statement at hand, which sets some of them
	lacking   bool              // the backend was given the variables without those
}

// exempt notes for which statement a backend without some variables will do.
func (s *Session) exempt(text []byte) {
	s.exemption = sqlscan.Statement{}
	scan := sqlscan.New(text, s.scanOptions())
	if !scan.Next() {
		return
	}
	st := scan.Statement()
	helps := false
	switch st.Kind {
	case sqlscan.Set, sqlscan.Reset, sqlscan.ResetAll, sqlscan.DiscardAll:
		helps = s.machine.Status() == 'I' && !st.Local
	case sqlscan.Rollback, sqlscan.Commit:
		helps = s.machine.Status() == 'E' && !st.Chain
	}
	if helps && !scan.Next() {
		s.exemption = st
	}
}

// exempted is want without what the statement sets.
func (s *Session) exempted(want *guc.Set) *guc.Set {
	switch st := &s.exemption; st.Kind {
	case sqlscan.Set, sqlscan.Reset:
		want = want.Without(st.Name)
		if st.Name == "session_authorization" {
			want = want.Without("role") // which it resets
		}
	case sqlscan.ResetAll:
		for v := range want.All() {
			if v.Name != "role" && v.Name != "session_authorization" {
				want = want.Without(v.Name)
			}
		}
	case sqlscan.DiscardAll, sqlscan.Rollback, sqlscan.Commit: // of a transaction that was lost
		want = nil
	}
	return want
}
