package relay

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// What the log says of a session when it has ended, and of long waits.

// transactionID names the transaction that is open, or else the last: the session's id and a number. It is in the
// session's view and in the log.
func (s *Session) transactionID() string {
	n := s.transactions
	if !s.machine.Idle() {
		n++
	}
	return s.name() + "." + strconv.FormatUint(n, 10)
}

// logOutcome is for the client's own goroutine, when the session has ended.
func (s *Session) logOutcome() {
	attrs := []any{
		"session", s.id, "client", s.addr.String(), "user", s.user, "database", s.database,
		"application_name", s.appName, "tls", s.tlsVersion(), "duration", time.Since(s.since),
		"transactions", s.last.transactions, "statements", s.last.statements,
		"received_bytes", s.last.received, "sent_bytes", s.client.sent, "waited", s.last.waited, "reason", s.why,
	}
	level := slog.LevelInfo
	if s.sqlstate != "" {
		attrs = append(attrs, "sqlstate", s.sqlstate)
		level = slog.LevelWarn
	}
	s.cfg.Log.Log(s.lender.ctx, level, "session ended", attrs...)
}

// tlsVersion is that of the client's connection, "" without TLS.
func (s *Session) tlsVersion() string {
	switch conn := s.client.conn.TLS(); {
	case conn != nil:
		return tls.VersionName(conn.ConnectionState().Version)
	case s.cfg.OverTLS:
		return "terminated before"
	}
	return ""
}

func (s *Session) waitingFor() time.Duration { return time.Since(s.waitSince) }

// endWait: the wait for a backend is over, with one or without.
func (s *Session) endWait() {
	s.waiting = false
	waited := s.waitingFor()
	s.waited += waited
	s.lender.totals.Waits.observe(&WaitBounds, waited.Seconds())
	if least := s.cfg.LogMinWait; least >= 0 && waited >= least {
		s.cfg.Log.Warn("slow wait for a backend", "session", s.id, "transaction", fmt.Sprintf("%d.%d", s.id, s.transactions+1),
			"client", s.addr.String(), "user", s.user, "database", s.database, "waited", waited, "served", s.srv != nil)
	}
}
