package tlsreload

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// How long one handshake with ourselves may take, and how long is waited for a
// handshake of somebody else that shares its answer with ours.
const (
	probeTime  = 10 * time.Second
	shareTime  = time.Second
	shareDelay = time.Millisecond
)

// prober makes handshakes with the certificates of this configuration, over a
// pipe but otherwise as a listener with an empty connection policy would.
type prober struct {
	app     *App
	stock   *tls.Config // Caddy's own way to certificates
	wrapped *tls.Config // through Wrap
}

func newProber(ctx caddy.Context, app *App) (*prober, error) {
	policies := caddytls.ConnectionPolicies{{}}
	if err := policies.Provision(ctx); err != nil {
		return nil, err
	}
	stock := policies.TLSConfig(ctx)
	return &prober{app, stock, Wrap(ctx, stock)}, nil
}

// confirm asks for each name of the result's sets with each kind of key, and
// notes what was served. When it returns, no handshake that begins later can
// share the answer of one that began before the reload.
func (p *prober) confirm(ctx context.Context, result *Result) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	for i := range result.Sets {
		for j := range result.Sets[i].Certificates {
			view := &result.Sets[i].Certificates[j]
			if view.Change == certset.Removed || view.Use == useUpstream {
				continue
			}
			for _, name := range view.Names {
				served, err := p.ask(ctx, name, view)
				outcome := ServedView{Name: name, Fingerprint: served}
				if err != nil {
					outcome.Error = err.Error()
				} else {
					outcome.Expected = served == view.Fingerprint
				}
				if !outcome.Expected {
					result.Warnings = append(result.Warnings, certset.Problem{Source: view.Source, Reason: "a handshake for " + name + " is not answered with this certificate: another one for the same name is preferred, or Caddy has one of its own"})
				}
				view.Served = append(view.Served, outcome)
			}
		}
	}
}

// ask makes handshakes for a name until the expected certificate is shown, or
// it is clear that it won't be.
func (p *prober) ask(ctx context.Context, name string, want *CertificateView) (served string, err error) {
	for deadline := time.Now().Add(shareTime); ; {
		served, err = p.handshake(ctx, name, want.KeyType)
		if err == nil && served == want.Fingerprint || served != want.Before || want.Before == "" || time.Now().After(deadline) {
			return served, err
		}
		select {
		case <-ctx.Done():
			return served, err
		case <-time.After(shareDelay):
		}
	}
}

// handshake returns the fingerprint of the certificate that a client gets.
func (p *prober) handshake(ctx context.Context, name, keyType string) (fingerprint string, err error) {
	server := p.wrapped
	if p.app.isManaged(name) {
		server = p.stock
	}
	var leaf *x509.Certificate
	client := &tls.Config{
		// TLS 1.2 lets the client choose the kind of key. Whether the chain is
		// good was found out before; here it is which one is shown.
		MaxVersion: tls.VersionTLS12, CipherSuites: suites(keyType), InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			leaf = state.PeerCertificates[0]
			return nil
		},
	}
	local, remote := net.Pipe()
	defer local.Close()
	defer remote.Close()
	conn := net.Conn(remote)
	if ip := net.ParseIP(name); ip != nil {
		conn = addressed{remote, &net.TCPAddr{IP: ip}}
	} else {
		client.ServerName = strings.Replace(name, "*", "tlsreload-probe", 1)
	}
	failed := make(chan error, 1)
	go func() { failed <- tls.Server(conn, server).HandshakeContext(ctx) }()
	err = tls.Client(local, client).HandshakeContext(ctx)
	if leaf != nil {
		return certset.Fingerprint(leaf), nil
	}
	local.Close()
	if serverErr := <-failed; serverErr != nil {
		err = serverErr // it knows more
	}
	return "", err
}

// suites are those of TLS 1.2 for a kind of key.
func suites(keyType string) []uint16 {
	if strings.HasPrefix(keyType, "RSA") {
		return []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}
	}
	return []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}
}

// addressed is a connection that came in at an address.
type addressed struct {
	net.Conn
	local net.Addr
}

func (a addressed) LocalAddr() net.Addr { return a.local }
