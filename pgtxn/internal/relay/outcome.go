package relay

import (
	"crypto/tls"
	"log/slog"
	"strconv"
	"time"
)

// What the log says of a session.

// TransactionID names a transaction in the log, in views and in metrics: the session's id, and the transaction's number in
// it. Number 0 is what came before the first, such as a wait at login. It is made when it is to be shown.
type TransactionID struct{ Session, Number uint64 }

func (id TransactionID) String() string {
	return strconv.FormatUint(id.Session, 10) + "." + strconv.FormatUint(id.Number, 10)
}

// transaction is the one that is open or waits for a backend, or else the last.
func (s *Session) transaction() TransactionID {
	id := TransactionID{s.id, s.transactions}
	if !s.machine.Idle() || s.waiting && !s.starting {
		id.Number++
	}
	return id
}

// log says something of the session, and of its transaction at hand.
func (s *Session) log(level slog.Level, message string, attrs ...any) {
	s.cfg.Log.Log(s.lender.ctx, level, message, append([]any{
		"session", s.id, "transaction", s.transaction().String(),
		"client", s.addr.String(), "user", s.user, "database", s.database,
	}, attrs...)...)
}

func (s *Session) warn(message string, attrs ...any) { s.log(slog.LevelWarn, message, attrs...) }

// logOutcome is for the client's own goroutine, when the session has ended.
func (s *Session) logOutcome() {
	attrs := []any{
		"session", s.id, "client", s.addr.String(), "user", s.user, "database", s.database,
		"application_name", s.appName, "tls", s.tlsVersion(), "duration", time.Since(s.since),
		"transactions", s.last.transactions, "statements", s.last.statements,
		"received_bytes", s.last.received, "sent_bytes", s.client.sent, "waited", s.last.waited, "reason", s.why,
	}
	if s.leftIn != "" {
		attrs = append(attrs, "transaction", s.leftIn)
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
	now, waited := time.Now(), s.waitingFor()
	s.waited += waited
	s.lender.totals.waited(Exemplar{s.transaction(), waited.Seconds(), now})
	if least := s.cfg.LogMinWait; least >= 0 && waited >= least {
		s.warn("slow wait for a backend", "waited", waited, "served", s.srv != nil)
	}
	s.waiting = false
}
