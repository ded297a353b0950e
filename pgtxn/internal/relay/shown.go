package relay

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
)

// shownCertificate learns which certificate a client is shown in the handshake.
// crypto/tls does not say it, and what would be served now may be another one.
type shownCertificate struct {
	served, resumed []byte // the end points of the certificate and of the session's
}

// endPoint is what SCRAM can be bound to in a connection that is in this state; nil
// if that is not known.
func (s *shownCertificate) endPoint(state tls.ConnectionState) []byte {
	if state.DidResume {
		return s.resumed
	}
	return s.served
}

// ticketMark is how the end point is written into a TLS session ticket: a client
// that resumes a session is shown no certificate, and takes that of the session.
var ticketMark = []byte("pgtxn end point ")

// watch returns cfg for the handshake of one connection. Cfg's own keys go on to
// encrypt the tickets, so that all connections can resume each other's sessions.
func (s *shownCertificate) watch(cfg *tls.Config) *tls.Config {
	choose := cfg.GetConfigForClient
	if choose == nil {
		return s.watchPolicy(cfg)
	}
	watched := cfg.Clone()
	watched.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		chosen, err := choose(hello)
		if err != nil || chosen == nil {
			return chosen, err
		}
		return s.watchPolicy(chosen), nil
	}
	return watched
}

// watchPolicy watches the configuration that was chosen for the client.
func (s *shownCertificate) watchPolicy(cfg *tls.Config) *tls.Config {
	if cfg.GetCertificate == nil {
		return cfg
	}
	watched := cfg.Clone()
	watched.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := cfg.GetCertificate(hello)
		if err == nil && cert != nil {
			s.served = endPointOf(cert)
		}
		return cert, err
	}
	watched.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, append(bytes.Clone(ticketMark), s.endPoint(state)...))
		if cfg.WrapSession != nil {
			return cfg.WrapSession(state, session)
		}
		return cfg.EncryptTicket(state, session)
	}
	watched.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (session *tls.SessionState, err error) {
		if cfg.UnwrapSession != nil {
			session, err = cfg.UnwrapSession(ticket, state)
		} else {
			session, err = cfg.DecryptTicket(ticket, state)
		}
		if session != nil {
			s.resume(session)
		}
		return session, err
	}
	return watched
}

// resume takes the end point of a session that may be resumed.
func (s *shownCertificate) resume(session *tls.SessionState) {
	s.resumed = nil
	for _, extra := range session.Extra {
		if endPoint, ours := bytes.CutPrefix(extra, ticketMark); ours && len(endPoint) > 0 {
			s.resumed = endPoint
		}
	}
}

func endPointOf(cert *tls.Certificate) []byte {
	leaf := cert.Leaf
	if leaf == nil {
		var err error
		if leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return nil
		}
	}
	return auth.EndPoint(leaf)
}
