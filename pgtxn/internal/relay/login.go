package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/hba"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// refusal is why a client does not come in: in the words of PostgreSQL for the
// client, which learns nothing from them, and with the reason for the operator.
type refusal struct {
	told   *wire.Error
	reason string
}

func (r *refusal) Error() string { return r.told.Error() + ": " + r.reason }
func (r *refusal) Unwrap() error { return r.told }

// login lets the client in or returns why not. It takes the steps of
// ClientAuthentication (auth.c) in their order.
func (e *entrance) login(ctx context.Context, p *wire.Startup) (err error) {
	e.startup = p
	rule, err := e.rule(ctx)
	if err != nil {
		return err
	}
	cert := e.certificate()
	if rule.ClientCert != hba.NoCert && cert == nil {
		return &refusal{wire.CertificateRequired(), "there is no certificate that the connection policy has checked"}
	}
	out := p.AppendNegotiation(nil)
	if rule.Method.NeedsSecret() {
		out, err = e.ask(ctx, rule.Method, out)
	} else {
		out = auth.AppendOK(out)
	}
	if err != nil {
		return err
	}
	if rule.ClientCert == hba.VerifyFull {
		if err := e.mayBe(ctx, rule, cert); err != nil {
			return err
		}
	}
	_, err = e.conn.Write(out)
	return err
}

// client is what rules and the user map are about. If its roles could not be asked for,
// unknown becomes the reason.
func (e *entrance) client(ctx context.Context, unknown *error) hba.Client {
	p := e.startup
	c := hba.Client{Addr: e.from(), TLS: e.overTLS(), Database: p.Database(), User: p.User(), Replication: p.PhysicalReplication()}
	if e.cfg.IsMember != nil {
		c.MemberOf = func(role string) bool {
			member, err := e.cfg.IsMember(ctx, c.User, role)
			*unknown = errors.Join(*unknown, err)
			return member
		}
	}
	return c
}

func rolesUnknown(err error) error {
	return &refusal{wire.UpstreamUnreachable(), "the user's roles could not be asked for: " + err.Error()}
}

// rule returns what the client has to do to come in, if anything helps.
func (e *entrance) rule(ctx context.Context) (*hba.Rule, error) {
	var unknown error
	client := e.client(ctx, &unknown)
	access := wire.Access{Host: e.host(), User: client.User, Database: client.Database, TLS: client.TLS, Replication: client.Replication}
	switch rule := e.cfg.Rules.Match(client); {
	case unknown != nil: // another rule may count than the one found
		return nil, rolesUnknown(unknown)
	case rule == nil:
		return nil, &refusal{wire.NoHBAEntry(access), "no rule is for this client"}
	case rule.Method == hba.Reject:
		return nil, &refusal{wire.HBARejects(access), "a rule rejects this client"}
	default:
		return rule, nil
	}
}

// mayBe says whether the holder of a certificate may be the user (CheckCertAuth).
func (e *entrance) mayBe(ctx context.Context, rule *hba.Rule, cert *x509.Certificate) error {
	var unknown error
	client := e.client(ctx, &unknown)
	names, ok := e.cfg.UserMap.Allows(rule, cert, client)
	switch {
	case ok:
		return nil
	case unknown != nil:
		return rolesUnknown(unknown)
	}
	return &refusal{failed(rule.Method, client.User), fmt.Sprintf("the certificate (%s) is of %q", rule.ClientName, names)}
}

// ask has the client prove who it is. Out is sent ahead of the first question; what
// is returned is for the client if nothing else speaks against it.
func (e *entrance) ask(ctx context.Context, method hba.Method, out []byte) ([]byte, error) {
	if err := e.tooMany(); err != nil {
		return nil, err
	}
	user := e.startup.User()
	secret, known, err := e.cfg.Users.Lookup(ctx, user)
	if err != nil {
		return nil, &refusal{wire.UpstreamUnreachable(), err.Error()}
	}
	kind, limit, exchange := e.exchange(method, secret)
	out = append(out, exchange.Start()...)
	for done := false; !done; {
		if _, err := e.conn.Write(out); err != nil {
			return nil, err
		}
		typ, body, err := wire.ReadMessage(e.conn, limit)
		if err != nil {
			return nil, err
		}
		if typ != 'p' {
			return nil, wire.ExpectedResponse(kind, typ)
		}
		if out, done, err = exchange.Step(body); err != nil {
			return nil, e.judged(method, secret, known, err)
		}
	}
	if err := e.tooMany(); err != nil { // meanwhile: else many guesses at a time would all be answered
		return nil, err
	}
	e.cfg.Keys.Add(user, exchange.Proven())
	return out, nil
}

// exchange is the conversation for a method, with the kind of its messages and their
// longest.
func (e *entrance) exchange(method hba.Method, s auth.Secret) (kind string, limit int, exchange auth.Exchange) {
	switch {
	case method == hba.Password:
		return "password", wire.MaxPassword, auth.NewPasswordServer(e.startup.User(), s)
	case method == hba.MD5 && s.HasMD5():
		return "password", wire.MaxPassword, auth.NewMD5Server(s)
	}
	scram := auth.NewServer(s)
	if secured := e.conn.TLS(); secured != nil {
		scram.Bind(e.shown.endPoint(secured.ConnectionState()))
	}
	return "SASL", wire.MaxSASLMessage, scram
}

// judged says why a proof was not taken.
func (e *entrance) judged(method hba.Method, s auth.Secret, known bool, err error) error {
	var broken *auth.ProtocolError
	if errors.As(err, &broken) {
		return &refusal{wire.AuthenticationProtocol(broken.Code, broken.Message, broken.Detail), "the client broke the rules"}
	}
	if err := e.tooMany(); err != nil {
		return err
	}
	e.cfg.Failures.add(e.from())
	reason := "wrong password"
	switch {
	case !known:
		reason = "no such user"
	case s.Empty():
		reason = "the user has no password"
	case s.HasMD5() && method == hba.SCRAM:
		reason = "the user's password is an MD5 hash, of no use for scram-sha-256"
	}
	return &refusal{failed(method, e.startup.User()), reason}
}

func (e *entrance) tooMany() error {
	if e.cfg.Failures.tooMany(e.from()) {
		return &refusal{wire.TooManyFailedLogins(e.host()), "too many failed logins from this address"}
	}
	return nil
}

// failed is what auth_failed of auth.c says.
func failed(method hba.Method, user string) *wire.Error {
	switch method {
	case hba.Cert:
		return wire.CertificateFailed(user)
	case hba.Trust:
		return wire.TrustFailed(user)
	}
	return wire.AuthenticationFailed(user)
}

// Secured is a connection that comes out of TLS which somebody else has done.
type Secured interface{ ConnectionState() tls.ConnectionState }

func (e *entrance) overTLS() bool { return e.conn.TLS() != nil || e.cfg.OverTLS }

// certificate is the client's, if it was checked: by crypto/tls against authorities, or
// else by a verifier of the policy.
func (e *entrance) certificate() *x509.Certificate {
	var state tls.ConnectionState
	if own := e.conn.TLS(); own != nil {
		state = own.ConnectionState()
	} else if by, ok := e.conn.NetConn().(Secured); ok {
		state = by.ConnectionState()
	}
	if len(state.PeerCertificates) == 0 || len(state.VerifiedChains) == 0 && !e.cfg.CertsVerified {
		return nil
	}
	return state.PeerCertificates[0]
}

// from is the client's address, the zero Addr for a Unix socket.
func (e *entrance) from() netip.Addr {
	if _, local := e.addr.(*net.UnixAddr); local {
		return netip.Addr{}
	}
	if at, err := netip.ParseAddrPort(e.addr.String()); err == nil {
		return at.Addr()
	}
	return netip.IPv6Unspecified() // only rules for all addresses, or all of IPv6, have it
}
