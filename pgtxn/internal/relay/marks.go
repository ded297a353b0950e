package relay

import "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"

// A server connection never forgets that a custom setting was set: it is '' from
// then on, where a connection that never saw it has NULL. So a backend is marked
// with the names that were set on it, and serves only sessions that have set all of
// them. The names of a session only become more.

// maxMarks is how many names a pool tells apart. The last mark is for all others
// together: of those a session may find one to be empty, not NULL, that only another set.
// One bit more is temp.go's.
const maxMarks = 63

// anyMarks are those of a session that takes any backend: nothing of the client's
// runs before its greeting.
const anyMarks = ^uint64(0)

const noMarks = 0

// customNames are those of a session, as marks.
type customNames struct {
	named int // how many names is made of
	names uint64
}

// marksOf are the marks of the custom names in set, but of those that every login
// begins with.
func (l *lender) marksOf(set *guc.Set) (marks uint64) {
	for name := range set.Customs() {
		if _, begins := l.initial[name]; begins {
			continue
		}
		bit, known := l.marks[name]
		if !known {
			bit = min(len(l.marks), maxMarks-1)
			if bit < maxMarks-1 {
				l.marks[name] = bit
			}
		}
		marks |= 1 << bit
	}
	return marks
}

// marks are those that the session leaves on a backend.
func (s *Session) marks() uint64 {
	if n := s.want().CustomLen(); n != s.named {
		s.named, s.names = n, s.lender.marksOf(s.want())
	}
	return s.names
}
