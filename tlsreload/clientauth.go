package tlsreload

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	block "github.com/caddy-pgtxn/caddy-pgtxn/caddyfile"
)

func init() {
	caddy.RegisterModule(&ClientVerifier{})
}

// ClientVerifier lets in clients whose certificates come from the authorities
// of a set of tlsreload and are not on its revocation lists. Each handshake is
// checked against what the set holds by then, resumed ones too. It goes into
// the client authentication of a connection policy, with the mode require: the
// other modes have Caddy check certificates against authorities of its own.
type ClientVerifier struct {
	// The name of the set. Default: the only one there is.
	Set string `json:"set,omitempty"`

	app func() (*App, error)
}

// CaddyModule returns the Caddy module information.
func (*ClientVerifier) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "tls.client_auth.verifier.tlsreload",
		New: func() caddy.Module { return new(ClientVerifier) },
	}
}

// Provision sets the verifier up. The app can't be loaded yet, see [Manager].
func (v *ClientVerifier) Provision(ctx caddy.Context) error {
	v.app = appOf(ctx)
	return nil
}

// VerifyClientCertificate checks a chain, leaf first.
func (v *ClientVerifier) VerifyClientCertificate(rawCerts [][]byte, _ [][]*x509.Certificate) error {
	app, err := v.app()
	if err != nil {
		return err
	}
	snapshot := app.newest()
	set := snapshot.Set(v.Set)
	if v.Set == "" && len(snapshot.Sets) == 1 {
		set = snapshot.Sets[0]
	}
	if set == nil {
		return fmt.Errorf("tlsreload has no set '%s' to check clients against", v.Set)
	}
	var chain []*x509.Certificate
	for _, raw := range rawCerts {
		cert, err := x509.ParseCertificate(raw)
		if err != nil {
			return err
		}
		chain = append(chain, cert)
	}
	if len(chain) == 0 {
		return errors.New("the client has no certificate")
	}
	return set.Clients.VerifyClient(chain, time.Now())
}

// UnmarshalCaddyfile sets up the verifier from Caddyfile tokens:
//
//	verifier tlsreload {
//		set <name>
//	}
func (v *ClientVerifier) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return block.Module(d, []block.Option{block.String("set", "<name>", &v.Set)})
}

// Interface guards
var (
	_ caddy.Provisioner                  = (*ClientVerifier)(nil)
	_ caddytls.ClientCertificateVerifier = (*ClientVerifier)(nil)
	_ caddyfile.Unmarshaler              = (*ClientVerifier)(nil)
)
