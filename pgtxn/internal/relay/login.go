package relay

import (
	"bytes"
	"context"
	"errors"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// authenticate lets the client in or returns why not.
func (e *entrance) authenticate(ctx context.Context, p *wire.Startup) error {
	if e.cfg.TLSRequired && e.conn.TLS() == nil {
		return wire.TLSRequired(e.host(), p.User(), p.Database())
	}
	if e.cfg.Users == nil {
		_, err := e.conn.Write(auth.AppendOK(p.AppendNegotiation(nil)))
		return err
	}
	secret, known, err := e.cfg.Users.Lookup(ctx, p.User())
	if err != nil {
		e.cfg.Log.Error("a user's secret could not be found out", "client", e.addr.String(), "user", p.User(), "error", err)
		return wire.UpstreamUnreachable()
	}
	exchange := auth.NewServer(secret)
	if secured := e.conn.TLS(); secured != nil {
		exchange.Bind(e.shown.endPoint(secured.ConnectionState()))
	}
	out := append(p.AppendNegotiation(nil), exchange.Start()...)
	for done := false; ; {
		if _, err := e.conn.Write(out); err != nil || done {
			return err
		}
		typ, body, err := wire.ReadMessage(e.conn, wire.MaxSASLMessage)
		if err != nil {
			return err
		}
		if typ != 'p' {
			return wire.ExpectedSASLResponse(typ)
		}
		if out, done, err = exchange.Step(body); err != nil {
			return e.rejected(p.User(), known, err)
		}
		if done {
			e.cfg.Keys.Add(p.User(), exchange.Proven())
		}
	}
}

func (e *entrance) rejected(user string, known bool, err error) error {
	var broken *auth.ProtocolError
	if errors.As(err, &broken) {
		return wire.AuthenticationProtocol(broken.Code, broken.Message, broken.Detail)
	}
	e.cfg.Log.Warn("authentication failed", "client", e.addr.String(), "user", user, "known", known)
	return wire.AuthenticationFailed(user)
}

// upstreamError is what a client is told when no backend can be had for it. The
// server's own word is passed on, unless it is about the proxy's own login. That
// the server does not take the password by which the client came in here is what
// the client would have heard from the server.
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
	return &wire.Error{Severity: string(f.Severity), Code: string(f.Code), Message: string(f.Message)}
}

// wrongPassword says whether a server refuses what we log in with.
func wrongPassword(err error) bool {
	const invalidPassword = "28P01"
	var refusal *backend.ServerError
	return errors.Is(err, auth.ErrOtherVerifier) ||
		errors.As(err, &refusal) && string(wire.ParseError(refusal.Body).Code) == invalidPassword
}
