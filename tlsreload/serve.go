package tlsreload

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// acmeProtocol is what the handshakes of ACME's challenges are about; they are
// for Caddy's automation to answer.
const acmeProtocol = "acme-tls/1"

// thisProcess tells generations from those of another process: the keys of
// tickets may be shared with it, and last longer.
var thisProcess = rand.Text()

// Wrap returns a configuration for a listener's handshakes by its policies,
// which are provisioned. It asks this package for certificates before it asks
// Caddy. Compared with the way through Caddy's manager:
//
//   - names that came with a reload are served at once;
//   - a handshake takes all that it needs from one snapshot, and one that begins
//     after a reload never gets what was served before. In Caddy's way,
//     handshakes for the same name share an answer;
//   - the default_sni of a policy is looked for in the sets; Caddy does not tell
//     its managers of it;
//   - TLS sessions are resumed only if they began with what is served now.
//
// If ctx's configuration has no app tlsreload, handshakes are Caddy's alone. A
// handshake with the context of a [Connection] notes there what it has shown.
func Wrap(ctx caddy.Context, policies caddytls.ConnectionPolicies) *tls.Config {
	wrapped := policies.TLSConfig(ctx)
	choose, appOf := wrapped.GetConfigForClient, appOf(ctx)
	defaultSNI := map[*tls.Config]string{}
	for _, policy := range policies {
		defaultSNI[policy.TLSConfig] = policy.DefaultSNI
	}
	wrapped.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		policy, err := choose(hello)
		if err != nil || policy == nil || slices.Contains(hello.SupportedProtos, acmeProtocol) {
			return policy, err
		}
		app, err := appOf()
		if err != nil {
			return policy, nil
		}
		conn := connectionOf(hello)
		conn.begun = time.Now() // before the snapshot is taken
		if conn.Again != nil {
			app.doors.note(hello.Conn.LocalAddr().String(), door{conn.Again, policy.NextProtos})
		}
		return bind(policy, defaultSNI[policy], app.newest(), conn), nil
	}
	return wrapped
}

// bind returns a policy's configuration for one handshake, with the
// certificates of a snapshot.
func bind(policy *tls.Config, defaultSNI string, snapshot *certset.Snapshot, conn *Connection) *tls.Config {
	cfg := policy.Clone()
	cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if cert := snapshot.Find(hello, defaultSNI); cert != nil {
			conn.note(snapshot, cert.Fingerprint)
			return &cert.TLS, nil
		}
		return policy.GetCertificate(hello)
	}
	// Tickets are encrypted by the policy, which keeps its keys and replaces
	// them when they are old; they say which generation they are of, and what
	// was shown when the session began.
	mark := fmt.Sprintf("tlsreload %s %d ", thisProcess, snapshot.Generation)
	cfg.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		ticket := mark
		for _, s := range conn.shown {
			ticket += s.fingerprint + " "
		}
		session.Extra = append(session.Extra, []byte(ticket))
		return policy.EncryptTicket(state, session)
	}
	cfg.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := policy.DecryptTicket(ticket, state)
		if err != nil || session == nil {
			return nil, err
		}
		for _, extra := range session.Extra {
			if shown, found := strings.CutPrefix(string(extra), mark); found {
				for fingerprint := range strings.FieldsSeq(shown) {
					conn.note(snapshot, fingerprint)
				}
				return session, nil
			}
		}
		return nil, nil
	}
	return cfg
}
