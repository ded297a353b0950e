package tlsreload

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"maps"
	"net"
	"slices"
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

// prober makes handshakes with the certificates of this configuration: over a
// pipe, but otherwise as a listener with an empty connection policy would, and
// at the doors.
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
	return &prober{app, policies.TLSConfig(ctx), Wrap(ctx, policies)}, nil
}

// confirm asks for each name of the result's sets with each kind of key, in
// Caddy's own way and at the addresses where clients of listeners with [Wrap]
// have come in, and notes what was served. When it returns, no handshake that
// begins later can share the answer of one that began before the reload.
func (p *prober) confirm(ctx context.Context, result *Result) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	doors := p.app.doors.all()
	for i := range result.Sets {
		for j := range result.Sets[i].Certificates {
			view := &result.Sets[i].Certificates[j]
			if view.Change == certset.Removed || view.Use == useUpstream {
				continue
			}
			for _, name := range view.Names {
				view.Served = append(view.Served, p.ask(ctx, name, view))
				view.Served = append(view.Served, knock(ctx, doors, name, view)...)
			}
			for _, served := range view.Served {
				if !served.Expected && (served.At == "" || served.Error == "") {
					result.Warnings = append(result.Warnings, certset.Problem{Source: view.Source, Reason: "a handshake for " + served.Name + " is not answered with this certificate: another one for the same name is preferred, or Caddy has one of its own"})
				}
			}
		}
	}
}

// ask makes handshakes over a pipe for a name until the expected certificate is
// shown, or it is clear that it won't be.
func (p *prober) ask(ctx context.Context, name string, want *CertificateView) ServedView {
	for deadline := time.Now().Add(shareTime); ; {
		served, err := p.handshake(ctx, name, want.KeyType)
		if err == nil && served == want.Fingerprint || served != want.Before || want.Before == "" || time.Now().After(deadline) {
			return outcome(name, "", served, want, err)
		}
		select {
		case <-ctx.Done():
			return outcome(name, "", served, want, err)
		case <-time.After(shareDelay):
		}
	}
}

// knock makes handshakes for a name at the doors, and takes those away where
// nobody opens. A client sends no address as a name: it goes to the address.
func knock(ctx context.Context, doors map[string]door, name string, want *CertificateView) (found []ServedView) {
	for _, at := range slices.Sorted(maps.Keys(doors)) {
		if host, _, _ := net.SplitHostPort(at); isIP(name) && host != name {
			continue
		}
		served, err := doors[at].handshake(ctx, name, want.KeyType)
		if err != nil {
			delete(doors, at)
		}
		found = append(found, outcome(name, at, served, want, err))
	}
	return found
}

func outcome(name, at, served string, want *CertificateView, err error) ServedView {
	view := ServedView{Name: name, At: at, Fingerprint: served, Expected: err == nil && served == want.Fingerprint}
	if err != nil {
		view.Error = err.Error()
	}
	return view
}

// handshake returns the fingerprint of the certificate that a client gets.
func (p *prober) handshake(ctx context.Context, name, keyType string) (fingerprint string, err error) {
	server := p.wrapped
	if p.app.isManaged(name) {
		server = p.stock
	}
	local, remote := net.Pipe()
	defer local.Close()
	defer remote.Close()
	conn := net.Conn(remote)
	if ip := net.ParseIP(name); ip != nil {
		conn = addressed{remote, &net.TCPAddr{IP: ip}}
	}
	failed := make(chan error, 1)
	go func() { failed <- tls.Server(conn, server).HandshakeContext(ctx) }()
	fingerprint, err = shownTo(ctx, local, name, keyType, nil)
	if err == nil {
		return fingerprint, nil
	}
	local.Close()
	if serverErr := <-failed; serverErr != nil {
		err = serverErr // it knows more
	}
	return "", err
}

// shownTo makes a client's handshake and returns the fingerprint of what it was
// shown, also if the server wants more of it, such as a certificate.
func shownTo(ctx context.Context, conn net.Conn, name, keyType string, protocols []string) (string, error) {
	var leaf *x509.Certificate
	client := &tls.Config{
		// TLS 1.2 lets the client choose the kind of key. Whether the chain is
		// good was found out before; here it is which one is shown.
		MaxVersion: tls.VersionTLS12, CipherSuites: suites(keyType), InsecureSkipVerify: true, NextProtos: protocols,
		VerifyConnection: func(state tls.ConnectionState) error {
			leaf = state.PeerCertificates[0]
			return nil
		},
	}
	if !isIP(name) {
		client.ServerName = strings.Replace(name, "*", "tlsreload-probe", 1)
	}
	err := tls.Client(conn, client).HandshakeContext(ctx)
	if leaf == nil {
		return "", err
	}
	return certset.Fingerprint(leaf), nil
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
