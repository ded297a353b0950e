package relay

import (
	"log/slog"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Draining ends sessions without undoing anybody's work: as PostgreSQL does at
// pg_terminate_backend, but only between transactions. How long a transaction
// may stay open is the server's to say (idle_in_transaction_session_timeout).

// Drain ends the sessions that match, each as soon as it is idle outside of a
// transaction, pinned or not. It returns how many these are, with those of
// earlier calls that are still in a transaction. Match is called on the loops:
// it must not block. Why is for the log.
func (h *Hub) Drain(match func(*Session) bool, why string) (n int) {
	h.eachLender(func(l *lender) {
		for _, s := range l.sessions {
			if match(s) {
				n++
				s.drain(why)
			}
		}
	})
	return n
}

// Unwelcome says what its connection's owner says, see [Hub.Serve].
func (s *Session) Unwelcome() bool { return s.unwelcome != nil && s.unwelcome() }

// drain ends the session now, or when it comes to rest.
func (s *Session) drain(why string) {
	if s.draining {
		return
	}
	s.draining = true
	s.log(slog.LevelInfo, "session is drained", "reason", why)
	s.settle()
}

// drained ends the session, which is idle.
func (s *Session) drained() { s.depart("drained", wire.AdminShutdown()) }
