package tlsreload

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// HasUpstream is an error if the configuration has no set of this name. Ask it
// when all apps are loaded.
func HasUpstream(ctx caddy.Context, name string) error {
	app, err := ctx.AppIfConfigured("tlsreload")
	if err != nil {
		return fmt.Errorf("there is no app tlsreload with the set '%s'", name)
	}
	sets := app.(*App).Sets
	if _, has := sets[name]; !has {
		return fmt.Errorf("tlsreload has no set '%s'; use one of %s", name, strings.Join(slices.Sorted(maps.Keys(sets)), ", "))
	}
	return nil
}

// Upstream returns what tells a client, such as pgtxn's server connections,
// which certificate to show and which authorities to trust, by the upstream
// options of a set. Ask it at each connection: it follows reloads, also those of
// the configuration.
func Upstream(name string) func() (*tls.Config, error) {
	return func() (*tls.Config, error) {
		app := current()
		if app == nil {
			return nil, fmt.Errorf("there is no app tlsreload with the set %s for TLS towards servers", name)
		}
		set := app.snapshot.Load().Set(name)
		if set == nil {
			return nil, fmt.Errorf("tlsreload has no set %s for TLS towards servers", name)
		}
		cfg := new(tls.Config)
		if set.Upstream != nil {
			cfg.Certificates = []tls.Certificate{set.Upstream.TLS}
		}
		if len(set.UpstreamRoots) > 0 {
			cfg.RootCAs = x509.NewCertPool()
			for _, root := range set.UpstreamRoots {
				cfg.RootCAs.AddCert(root)
			}
		}
		return cfg, nil
	}
}
