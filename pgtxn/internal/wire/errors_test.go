package wire

import (
	"strings"
	"testing"
	"time"
)

func TestErrorEncode(t *testing.T) {
	e := &Error{Severity: SeverityFatal, Code: "28P01", Message: "m\x00m", Detail: "d", Hint: "h"}
	const want = "E\x00\x00\x00\x31SFATAL\x00VFATAL\x00C28P01\x00Mmm\x00Dd\x00Hh\x00Rcaddy_pgtxn\x00\x00"
	if got := e.Encode([]byte("before")); string(got) != "before"+want {
		t.Errorf("got %q, want %q", got, want)
	}
	e = &Error{Severity: SeverityError, Code: "53300", Message: "m"}
	if got := string(e.Encode(nil)); strings.Contains(got, "\x00D") || strings.Contains(got, "\x00H") {
		t.Errorf("%q has empty fields", got)
	}
}

func TestErrorFatal(t *testing.T) {
	e := WaitTimeout(time.Second, 20)
	f := e.Fatal()
	if e.Severity != SeverityError || f.Severity != SeverityFatal || f.Message != e.Message || f.Hint != e.Hint {
		t.Errorf("%v became %v", e, f)
	}
}

// Each error in the words that a client gets: Error() and the hint.
func TestErrorTexts(t *testing.T) {
	tests := []struct {
		err  *Error
		want string
	}{
		// PostgreSQL's own.
		{UnsupportedProtocol(2, 1), "FATAL: unsupported frontend protocol 2.1: server supports 3.0 to 3.2 (SQLSTATE 0A000)"},
		{BadStartupLayout(), "FATAL: invalid startup packet layout: expected terminator as last byte (SQLSTATE 08P01)"},
		{NoUserName(), "FATAL: no PostgreSQL user name specified in startup packet (SQLSTATE 28000)"},
		{StartupTimeout(), "FATAL: canceling authentication due to timeout (SQLSTATE 57014)"},
		{NoHBAEntry(Access{Host: "::1", User: "u", Database: "d"}), `FATAL: no pg_hba.conf entry for host "::1", user "u", database "d", no encryption (SQLSTATE 28000)`},
		{ExpectedResponse("SASL", 'Q'), "FATAL: expected SASL response, got message type 81 (SQLSTATE 08P01)"},
		{AuthenticationProtocol("0A000", "m", "d"), "FATAL: m (SQLSTATE 0A000)"},
		{AuthenticationFailed(`a"b`), `FATAL: password authentication failed for user "a"b" (SQLSTATE 28P01)`},
		{ShuttingDown(), "FATAL: the database system is shutting down (SQLSTATE 57P03)"},
		{AdminShutdown(), "FATAL: terminating connection due to administrator command (SQLSTATE 57P01)"},
		// Ours.
		{WaitTimeout(1500*time.Millisecond, 20), "ERROR: no server connection became free within 1.5s (SQLSTATE 53300)"},
		{UpstreamUnreachable(), `ERROR: could not connect to the upstream server (SQLSTATE 08001)`},
		{UpstreamRefused(), `ERROR: the upstream server refused the connection pool (SQLSTATE 08004)`},
		{BackendLost(), "ERROR: connection to upstream server lost (SQLSTATE 08006)"},
		{BackendLostInTransaction(), "ERROR: connection to upstream server lost in a transaction (SQLSTATE 08006)"},
		{BackendLost().CantGoOn("LISTEN"), "FATAL: connection to upstream server lost (SQLSTATE 08006)"},
		{ProtocolViolation("100%"), "FATAL: 100% (SQLSTATE 08P01)"},
		{QueryCanceled(), "ERROR: canceling statement due to user request (SQLSTATE 57014)"},
		{TooManyPinned("LISTEN", 3), "ERROR: too many sessions keep a server connection for themselves (SQLSTATE 53400)"},
		{PinnedTooLong("LISTEN", time.Minute), "FATAL: terminating connection due to idle-session timeout (SQLSTATE 57P05)"},
		{PlanChanged(), "ERROR: cached plan must not change result type (SQLSTATE 0A000)"},
		{TooMany("savepoints", 5, "max_savepoints"), "ERROR: too many savepoints in one session (SQLSTATE 54000)"},
		{SessionMemory(5), "ERROR: the variables of this session take too much memory (SQLSTATE 54000)"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %s\nwant %s", got, tt.want)
		}
		if text := string(tt.err.Encode(nil)); strings.Contains(text, "%!") {
			t.Errorf("bad format: %q", text)
		}
	}
}

func TestParseError(t *testing.T) {
	tests := []struct {
		body                    string
		severity, code, message string
		ends                    bool
	}{
		{"SFEHLER\x00VERROR\x00C42601\x00Mno\x00Dd\x00\x00", "ERROR", "42601", "no", false},
		{"VFATAL\x00SFATAL\x00C57P01\x00Mbye\x00\x00", "FATAL", "57P01", "bye", true},
		{"SPANIC\x00CXX000\x00M\x00\x00", "PANIC", "XX000", "", true}, // before 9.6 there was no V
		{"SWARNING\x00C25P01\x00Mcut o", "WARNING", "25P01", "", false},
		{"\x00", "", "", "", false},
		{"", "", "", "", false},
		{"C", "", "", "", false},
	}
	for _, tt := range tests {
		f := ParseError([]byte(tt.body))
		if string(f.Severity) != tt.severity || string(f.Code) != tt.code || string(f.Message) != tt.message || f.EndsConnection() != tt.ends {
			t.Errorf("%q: got %q %q %q %v", tt.body, f.Severity, f.Code, f.Message, f.EndsConnection())
		}
	}
	body := WaitTimeout(time.Second, 5).Encode(nil)[HeadLen:]
	if n := testing.AllocsPerRun(100, func() { ParseError(body).EndsConnection() }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
