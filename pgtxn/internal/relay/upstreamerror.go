package relay

import (
	"bytes"
	"errors"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// upstreamError is what a client is told when no backend can be had for it. The
// server's own word is passed on, unless it is about the proxy's own login. That
// the server does not take the password by which the client came in here is what
// the client would have heard from the server. The severity is for a session that
// goes on; where it ends, [Session.fail] says so.
func (s *Session) upstreamError(err error) *wire.Error {
	var refusal *backend.ServerError
	switch wrong := wrongPassword(err); {
	case wrong && s.starting && s.cfg.Upstream.User == "":
		return wire.AuthenticationFailed(s.user)
	case wrong, errors.Is(err, auth.ErrNoPassword):
		return wire.UpstreamRefused()
	case !errors.As(err, &refusal):
		return wire.UpstreamUnreachable()
	}
	f := wire.ParseError(refusal.Body)
	if bytes.HasPrefix(f.Code, []byte("28")) {
		return wire.UpstreamRefused()
	}
	return &wire.Error{Severity: wire.SeverityError, Code: string(f.Code), Message: string(f.Message)}
}

// wrongPassword says whether a server refuses what we log in with.
func wrongPassword(err error) bool {
	const invalidPassword = "28P01"
	var refusal *backend.ServerError
	return errors.Is(err, auth.ErrOtherVerifier) ||
		errors.As(err, &refusal) && string(wire.ParseError(refusal.Body).Code) == invalidPassword
}
