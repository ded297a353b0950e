package wire

import (
	"fmt"
	"strings"
	"time"
)

// Severities, as in the S and V fields.
const (
	SeverityError = "ERROR" // the session goes on
	SeverityFatal = "FATAL" // the connection closes behind it
)

// routine fills the R field: a reader of a log can tell our errors from the server's.
const routine = "caddy_pgtxn"

// Error is an error that the proxy itself sends to a client.
type Error struct {
	Severity string
	Code     string // SQLSTATE
	Message  string
	Detail   string
	Hint     string // what to do about it
}

func (e *Error) Error() string {
	return e.Severity + ": " + e.Message + " (SQLSTATE " + e.Code + ")"
}

// Fatal returns a copy of e that says that the connection closes behind it, as every error before the
// first ReadyForQuery does.
func (e *Error) Fatal() *Error {
	f := *e
	f.Severity = SeverityFatal
	return &f
}

// Encode appends e as an ErrorResponse, its fields in PostgreSQL's order.
func (e *Error) Encode(dst []byte) []byte {
	dst, at := Begin(dst, 'E')
	for _, f := range [...]struct {
		code  byte
		value string
	}{
		{'S', e.Severity}, {'V', e.Severity}, {'C', e.Code}, {'M', e.Message},
		{'D', e.Detail}, {'H', e.Hint}, {'R', routine},
	} {
		if f.value == "" {
			continue
		}
		// A NUL would end the field early.
		dst = AppendCString(append(dst, f.code), strings.ReplaceAll(f.value, "\x00", ""))
	}
	return End(append(dst, 0), at)
}

func failure(code, format string, args ...any) *Error {
	return &Error{Severity: SeverityError, Code: code, Message: fmt.Sprintf(format, args...)}
}

func fatal(code, format string, args ...any) *Error {
	return &Error{Severity: SeverityFatal, Code: code, Message: fmt.Sprintf(format, args...)}
}

// withHint sets what to do about it.
func (e *Error) withHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

func (e *Error) withDetail(detail string) *Error {
	e.Detail = detail
	return e
}

// Start-up and authentication. Where PostgreSQL has the same error, code and text are its own.

// UnsupportedProtocol says that the client speaks another major version.
func UnsupportedProtocol(major, minor uint16) *Error {
	return fatal("0A000", "unsupported frontend protocol %d.%d: server supports 3.0 to 3.%d", major, minor, NewestMinor)
}

// BadStartupLayout says that the parameters of a StartupMessage do not end where it ends.
func BadStartupLayout() *Error {
	return fatal("08P01", "invalid startup packet layout: expected terminator as last byte")
}

// NoUserName says that a StartupMessage names no user.
func NoUserName() *Error {
	return fatal("28000", "no PostgreSQL user name specified in startup packet")
}

// StartupTimeout says that start-up and authentication took too long (authentication_timeout).
func StartupTimeout() *Error {
	return fatal("57014", "canceling authentication due to timeout")
}

// Access is how a client comes, as PostgreSQL names it where pg_hba.conf has the say.
type Access struct {
	Host, User, Database string
	TLS, Replication     bool
}

func (a Access) String() string {
	encryption := "no encryption"
	if a.TLS {
		encryption = "SSL encryption"
	}
	if a.Replication {
		return fmt.Sprintf("host \"%s\", user \"%s\", %s", a.Host, a.User, encryption)
	}
	return fmt.Sprintf("host \"%s\", user \"%s\", database \"%s\", %s", a.Host, a.User, a.Database, encryption)
}

// NoHBAEntry refuses a client for whom there is no rule, in the words for which libpq's
// sslmode=allow and others try again.
func NoHBAEntry(a Access) *Error {
	if a.Replication {
		return fatal("28000", "no pg_hba.conf entry for replication connection from %s", a)
	}
	return fatal("28000", "no pg_hba.conf entry for %s", a)
}

// HBARejects refuses a client whose rule says so.
func HBARejects(a Access) *Error {
	if a.Replication {
		return fatal("28000", "pg_hba.conf rejects replication connection for %s", a)
	}
	return fatal("28000", "pg_hba.conf rejects connection for %s", a)
}

// CertificateRequired refuses a client without a certificate that can be trusted.
func CertificateRequired() *Error {
	return fatal("28000", "connection requires a valid client certificate")
}

// TooManyFailedLogins refuses a client unheard.
func TooManyFailedLogins(host string) *Error {
	return fatal("28000", "too many failed logins from host \"%s\"", host).
		withHint("Try again in a minute, with the right password.")
}

// ExpectedResponse says that a message of another type came where the client is to prove who it
// is: kind is SASL or password.
func ExpectedResponse(kind string, typ byte) *Error {
	return fatal("08P01", "expected %s response, got message type %d", kind, typ)
}

// AuthenticationProtocol is for an exchange that broke its own rules: auth.ProtocolError.
func AuthenticationProtocol(code, message, detail string) *Error {
	return fatal(code, "%s", message).withDetail(detail)
}

// AuthenticationFailed refuses a wrong password and an unknown user alike.
func AuthenticationFailed(user string) *Error {
	return fatal("28P01", "password authentication failed for user \"%s\"", user)
}

// CertificateFailed refuses a client whose certificate is another user's.
func CertificateFailed(user string) *Error {
	return fatal("28000", "certificate authentication failed for user \"%s\"", user)
}

// TrustFailed is CertificateFailed where the method is trust.
func TrustFailed(user string) *Error {
	return fatal("28000", "\"trust\" authentication failed for user \"%s\"", user)
}

// Upstream.

// WaitTimeout says that no backend became free in time. The statement was not sent. 53300 is what
// a client that connects directly gets when all connections are in use.
func WaitTimeout(waited time.Duration, poolSize int) *Error {
	return failure("53300", "no server connection became free within %s", waited).
		withDetail(fmt.Sprintf("All %d connections of the pool are in use. The statement was not executed.", poolSize)).
		withHint("Raise pool_size or the wait timeout, and look for transactions left open and for pinned sessions.")
}

// PausedTooLong is WaitTimeout while an operator has paused the pool.
func PausedTooLong(waited time.Duration) *Error {
	return failure("53300", "no server connection became free within %s", waited).
		withDetail("The pool is paused. The statement was not executed.").
		withHint("Try again when the pool has been resumed.")
}

// UpstreamUnreachable says that no connection to the server could be made.
func UpstreamUnreachable() *Error {
	return failure("08001", "could not connect to the upstream server").
		withHint("Check that the server runs, its address, and the log of the connection pool.")
}

// UpstreamRefused says that the server did not let the pool in, for a reason which is not the
// client's: the server's own error goes into the log.
func UpstreamRefused() *Error {
	return failure("08004", "the upstream server refused the connection pool").
		withHint("Check the user and the secret that the pool logs in with, and its log.")
}

// BackendLost answers a statement during which the server's connection broke, if no transaction is
// open. The session goes on.
func BackendLost() *Error {
	return failure("08006", "connection to upstream server lost").
		withDetail("It is not known whether the statement took effect. It was not repeated.").
		withHint("Check whether it took effect before you repeat it.")
}

// BackendLostInTransaction says that the server's connection broke with a transaction open. The
// session goes on, and the transaction is one that has failed.
func BackendLostInTransaction() *Error {
	return failure("08006", "connection to upstream server lost in a transaction").
		withDetail("The server has rolled the transaction back.").
		withHint("Send ROLLBACK, then repeat the transaction.")
}

// CantGoOn returns a copy of e that ends the session: it had on the server what no other has. What may
// be empty.
func (e *Error) CantGoOn(what string) *Error {
	e = e.Fatal()
	e.Detail = "The session had state on that connection that can't be moved to another: " + what + "."
	if what == "" {
		e.Detail = "The session had set variables whose values were not known yet."
	}
	e.Hint = "Connect again. If a statement was under way, check whether it took effect before you repeat it."
	return e
}

// While a session runs.

// ProtocolViolation says that the client broke a rule of the protocol.
func ProtocolViolation(what string) *Error { return fatal("08P01", "%s", what) }

// QueryCanceled answers a statement that was canceled while it waited for a backend.
func QueryCanceled() *Error {
	return failure("57014", "canceling statement due to user request").
		withDetail("It waited for a server connection and was not executed.")
}

// TooMany says that the session holds more things of a kind than the proxy keeps track of; what
// is their plural name. option is the configuration's word for the limit.
func TooMany(what string, limit int, option string) *Error {
	return failure("54000", "too many %s in one session", what).
		withDetail(fmt.Sprintf("The limit is %d.", limit)).
		withHint("Raise %s in the configuration of the connection pool.", option)
}

// SessionMemory refuses a statement with which the session's variables would take more than
// max_session_memory.
func SessionMemory(limit int) *Error {
	return failure("54000", "the variables of this session take too much memory").
		withDetail(fmt.Sprintf("Those set now and those that savepoints would bring back may take %d bytes.", limit)).
		withHint("Reset variables, release savepoints, or raise max_session_memory in the configuration of the connection pool.")
}

// TooMuchReset refuses a message behind whose RESETs so much would have to be set again that it is
// longer than max_statement.
func TooMuchReset(limit int) *Error {
	return failure("54000", "the statements of this message reset too many start-up values").
		withDetail(fmt.Sprintf("What sets them again may take %d bytes.", limit)).
		withHint("Send fewer statements in one message, or raise max_statement in the configuration of the connection pool.")
}

// PlanChanged is PostgreSQL's own, for a statement that would return other columns than when the
// client prepared it.
func PlanChanged() *Error {
	return failure("0A000", "cached plan must not change result type")
}

// TooManyPinned refuses a statement that would pin one session more than may be; reason is what
// would pin it.
func TooManyPinned(reason string, limit int) *Error {
	return failure("53400", "too many sessions keep a server connection for themselves").
		withDetail(fmt.Sprintf("This one would, for: %s. The limit is %d.", reason, limit)).
		withHint("Raise max_pinned and pool_size in the configuration of the connection pool, or see who is pinned for what.")
}

// PinnedTooLong ends a pinned session that was idle for too long.
func PinnedTooLong(reason string, idle time.Duration) *Error {
	return fatal("57P05", "terminating connection due to idle-session timeout").
		withDetail(fmt.Sprintf("It kept a server connection for itself and did not use it for %s, for: %s.", idle, reason)).
		withHint("Raise pin_timeout in the configuration of the connection pool.")
}

// Shutdown.

// ShuttingDown refuses a new client.
func ShuttingDown() *Error { return fatal("57P03", "the database system is shutting down") }

// AdminShutdown ends a session: the proxy stops or an operator ended it.
func AdminShutdown() *Error {
	return fatal("57P01", "terminating connection due to administrator command")
}
