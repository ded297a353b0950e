package tlsreload

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// acmeProtocol is what the handshakes of ACME's challenges are about; they are
// for Caddy's automation to answer.
const acmeProtocol = "acme-tls/1"

// Wrap returns a configuration for a listener's handshakes that asks this
// package for certificates before it asks Caddy. Cfg is the result of Caddy's
// ConnectionPolicies.TLSConfig. Compared with the way through Caddy's manager:
//
//   - names that came with a reload are served at once;
//   - a handshake takes all that it needs from one snapshot, and one that begins
//     after a reload never gets what was served before. In Caddy's way,
//     handshakes for the same name share an answer;
//   - TLS sessions are resumed only if they began with what is served now.
//
// If ctx's configuration has no app tlsreload, handshakes are as cfg says.
func Wrap(ctx caddy.Context, cfg *tls.Config) *tls.Config {
	choose := cfg.GetConfigForClient
	w := &wrapper{app: appOf(ctx)}
	wrapped := cfg.Clone()
	wrapped.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		policy, err := choose(hello)
		if err != nil || policy == nil || slices.Contains(hello.SupportedProtos, acmeProtocol) {
			return policy, err
		}
		return w.forPolicy(policy), nil
	}
	return wrapped
}

// wrapper has a configuration for each policy and snapshot that are in use.
type wrapper struct {
	app func() (*App, error)

	mu       sync.Mutex
	snapshot *certset.Snapshot
	configs  map[*tls.Config]*tls.Config // of snapshot, by policy
}

func (w *wrapper) forPolicy(policy *tls.Config) *tls.Config {
	app, err := w.app()
	if err != nil {
		return policy
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if snapshot := app.snapshot.Load(); snapshot != w.snapshot {
		w.snapshot, w.configs = snapshot, map[*tls.Config]*tls.Config{}
	}
	cfg := w.configs[policy]
	if cfg == nil {
		cfg = bind(policy, w.snapshot)
		w.configs[policy] = cfg
	}
	return cfg
}

// bind returns a policy's configuration with the certificates of a snapshot.
func bind(policy *tls.Config, snapshot *certset.Snapshot) *tls.Config {
	cfg := policy.Clone()
	cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if cert := snapshot.Find(hello); cert != nil {
			return &cert.TLS, nil
		}
		return policy.GetCertificate(hello)
	}
	// Tickets are encrypted by the policy, which keeps its keys and replaces
	// them when they are old; they say which generation they are of.
	mark := binary.BigEndian.AppendUint64([]byte("tlsreload "), snapshot.Generation)
	cfg.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, mark)
		return policy.EncryptTicket(state, session)
	}
	cfg.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := policy.DecryptTicket(ticket, state)
		if err != nil || session == nil || !slices.ContainsFunc(session.Extra, func(e []byte) bool { return bytes.Equal(e, mark) }) {
			return nil, err
		}
		return session, nil
	}
	return cfg
}
