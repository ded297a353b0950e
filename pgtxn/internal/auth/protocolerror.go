package auth

import (
	"errors"
	"fmt"
)

// ErrRejected says that the client did not prove that it knows the password, or that there is
// no such user: nobody can tell which.
var ErrRejected = errors.New("auth: the client's proof is wrong")

// What keeps us from logging in at a server.
var (
	// ErrNoPassword says that nothing is known to log in with: no password, and no key either,
	// because no client of this user has proved who it is, or not by SCRAM.
	ErrNoPassword = errors.New("auth: neither the password nor the SCRAM key of the user is known")
	// ErrOtherVerifier says that the key at hand is not of the server's verifier: the password
	// was changed there, or set again.
	ErrOtherVerifier = errors.New("auth: the server has another SCRAM verifier of the user than the one that clients are checked against")
)

// ProtocolError says that a client broke the rules of the exchange. It gets to see the fields,
// which are those of PostgreSQL's auth-sasl.c and auth-scram.c.
type ProtocolError struct {
	Code    string // SQLSTATE
	Message string
	Detail  string
}

func (e *ProtocolError) Error() string {
	if e.Detail == "" {
		return "auth: " + e.Message
	}
	return "auth: " + e.Message + ": " + e.Detail
}

func violation(message string) error { return &ProtocolError{Code: "08P01", Message: message} }

func malformed(detail string, args ...any) error {
	return &ProtocolError{"08P01", "malformed SCRAM message", fmt.Sprintf(detail, args...)}
}

func unsupported(message string) error { return &ProtocolError{Code: "0A000", Message: message} }

// printable is the first byte of s as PostgreSQL shows it (sanitize_char).
func printable(s string) string {
	var c byte
	if s != "" {
		c = s[0]
	}
	if '!' <= c && c <= '~' {
		return fmt.Sprintf("'%c'", c)
	}
	return fmt.Sprintf("0x%02x", c)
}

// sanitized is the beginning of s as PostgreSQL shows it (sanitize_str).
func sanitized(s string) string {
	shown := []byte(s[:min(len(s), 30)])
	for i, c := range shown {
		if c < '!' || c > '~' {
			shown[i] = '?'
		}
	}
	return string(shown)
}
