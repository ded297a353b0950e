package tlsreload

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"github.com/caddyserver/certmagic"
)

func init() {
	caddy.RegisterModule(&Manager{})
}

// Manager gives Caddy's TLS handshakes the certificates of the app tlsreload.
// The app sees to it that it is asked for the names that its sets have when the
// configuration is loaded. To have it asked for others, such as those of
// certificates to come, put it into an automation policy, or a site's tls
// option get_certificate.
//
// For a name that no set has it returns an error, so that no certificate
// authority is asked for whatever name a client sends.
type Manager struct {
	app func() (*App, error)
}

// CaddyModule returns the Caddy module information.
func (*Manager) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "tls.get_certificate.tlsreload",
		New: func() caddy.Module { return new(Manager) },
	}
}

// Provision sets the manager up. The app can't be loaded yet: it may be what is
// being loaded.
func (m *Manager) Provision(ctx caddy.Context) error {
	m.app = appOf(ctx)
	return nil
}

// appOf returns how to get the app of a configuration, once that is loaded.
func appOf(ctx caddy.Context) func() (*App, error) {
	return sync.OnceValues(func() (*App, error) {
		app, err := ctx.AppIfConfigured("tlsreload")
		if err != nil {
			return nil, err
		}
		return app.(*App), nil
	})
}

// GetCertificate returns the certificate for a client.
func (m *Manager) GetCertificate(_ context.Context, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	app, err := m.app()
	if err != nil {
		return nil, err
	}
	if cert := app.newest().Find(hello, ""); cert != nil {
		return &cert.TLS, nil
	}
	return nil, fmt.Errorf("no set of tlsreload has a certificate for '%s'", hello.ServerName)
}

// UnmarshalCaddyfile takes no options:
//
//	get_certificate tlsreload
func (*Manager) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	return nil
}

// manage has Caddy ask the manager for the names of the sets, those they have and
// those that are reserved, and, if there is a default, for clients that send no
// name. Caddy takes no more names while a configuration runs.
func (a *App) manage() error {
	snapshot := a.snapshot.Load()
	a.managed = snapshot.Names()
	for _, set := range a.Sets {
		a.managed = append(a.managed, set.Reserve...)
	}
	if snapshot.HasDefault() || slices.ContainsFunc(a.managed, isIP) { // clients send no IP address as a name
		a.managed = append(a.managed, "")
	}
	slices.Sort(a.managed)
	a.managed = slices.Compact(a.managed)
	if len(a.managed) == 0 {
		return nil
	}
	return a.tls.AddAutomationPolicy(&caddytls.AutomationPolicy{
		SubjectsRaw: a.managed,
		ManagersRaw: []json.RawMessage{json.RawMessage(`{"via":"tlsreload"}`)},
	})
}

func isIP(name string) bool { return net.ParseIP(name) != nil }

// isManaged says whether Caddy asks us for a name.
func (a *App) isManaged(name string) bool {
	return slices.ContainsFunc(a.managed, func(subject string) bool { return certmagic.MatchWildcard(name, subject) })
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Manager)(nil)
	_ certmagic.Manager     = (*Manager)(nil)
	_ caddyfile.Unmarshaler = (*Manager)(nil)
)
