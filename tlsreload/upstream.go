package tlsreload

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
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
// the configuration. If the configuration that runs has no such set, it is the
// one of ctx: that is being started, or was replaced and still has sessions.
func Upstream(ctx caddy.Context, name string) func() (*tls.Config, error) {
	own := appOf(ctx)
	return func() (*tls.Config, error) {
		var set *certset.Set
		if running := current(); running != nil {
			set = running.snapshot.Load().Set(name)
		}
		if set == nil {
			app, err := own()
			if err != nil {
				return nil, fmt.Errorf("there is no app tlsreload with the set %s for TLS towards servers: %w", name, err)
			}
			if set = app.snapshot.Load().Set(name); set == nil {
				return nil, fmt.Errorf("tlsreload has no set %s for TLS towards servers", name)
			}
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
