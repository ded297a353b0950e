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

// TLSRequired refuses a client that did not ask for TLS, in the words for which libpq's
// sslmode=allow and others try again.
func TLSRequired(host, user, database string) *Error {
	return fatal("28000", "no pg_hba.conf entry for host \"%s\", user \"%s\", database \"%s\", no encryption", host, user, database).
		withHint("Connect with TLS: sslmode=require or better.")
}

// ReplicationUnsupported refuses a walsender: a replication connection can't be shared.
func ReplicationUnsupported() *Error {
	return fatal("0A000", "replication connections are not supported by the connection pool").
		withHint("Connect to PostgreSQL directly.")
}

// ExpectedSASLResponse says that a message of another type came in the middle of SCRAM.
func ExpectedSASLResponse(typ byte) *Error {
	return fatal("08P01", "expected SASL response, got message type %d", typ)
}

// AuthenticationProtocol is for an exchange that broke its own rules: auth.ProtocolError.
func AuthenticationProtocol(code, message, detail string) *Error {
	return fatal(code, "%s", message).withDetail(detail)
}

// AuthenticationFailed refuses a wrong password and an unknown user alike.
func AuthenticationFailed(user string) *Error {
	return fatal("28P01", "password authentication failed for user \"%s\"", user)
}

// NoSuchRole refuses a user whom nothing allows in, where no password is asked for.
func NoSuchRole(user string) *Error {
	return fatal("28000", "role \"%s\" does not exist", user)
}

// NoSuchDatabase refuses a database for which there is no pool.
func NoSuchDatabase(database string) *Error {
	return fatal("3D000", "database \"%s\" does not exist", database)
}

// TooManyClients refuses one connection more than the limit.
func TooManyClients(limit int) *Error {
	return fatal("53300", "sorry, too many clients already").
		withHint("The connection pool takes %d clients: raise its limit, or close idle connections.", limit)
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

// BackendLost says that the server's connection broke with no transaction open. A statement may
// have been under way.
func BackendLost() *Error {
	return fatal("08006", "connection to upstream server lost").
		withHint("If a statement was under way, check whether it took effect before you repeat it.")
}

// BackendLostInTransaction says that the server's connection broke with a transaction open, which
// can't be continued on another.
func BackendLostInTransaction() *Error {
	return fatal("08006", "connection to upstream server lost in a transaction").
		withDetail("The server rolls the transaction back, unless it had got the COMMIT.").
		withHint("Repeat the transaction. If COMMIT was sent, check first whether it took effect.")
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

// Shutdown.

// ShuttingDown refuses a new client.
func ShuttingDown() *Error { return fatal("57P03", "the database system is shutting down") }

// AdminShutdown ends a session: the proxy stops or an operator ended it.
func AdminShutdown() *Error {
	return fatal("57P01", "terminating connection due to administrator command")
}

// Internal says that the proxy found itself in a state that can't be. The session ends before
// it can do harm.
func Internal(what string) *Error {
	return fatal("XX000", "connection pool: internal error: %s", what).
		withHint("This is a bug: please report it with the log around it.")
}
