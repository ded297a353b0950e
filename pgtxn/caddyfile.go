package pgtxn

import (
	caddycaddyfile "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-pgtxn/caddy-pgtxn/caddyfile"
)

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. The options
// are those of [Handler]'s fields:
//
//	pgtxn {
//		upstream <address...>
//		sslmode disable|prefer|require|verify-ca|verify-full
//		sslrootcert <file>
//		sslcert <file>
//		sslkey <file>
//		sslset <name>
//		upstream_user <name>
//		upstream_password <password>
//
//		pool_size <number>
//		wait_timeout <duration>
//		idle_timeout <duration>
//		max_lifetime <duration>
//		connect_timeout <duration>
//		login_timeout <duration>
//		shutdown_timeout <duration>
//		log_min_wait <duration>
//		max_statement <size>
//		max_prepared <number>
//		scrub always|writes
//		inspect calls|writes|always|never
//		verify off|sampled|always
//
//		auth trust|scram-sha-256
//		users <file>
//		tls {
//			connection_policy {
//				…
//			}
//		}
//		hostssl
//	}
//
// The options upstream and connection_policy may be repeated. Sizes are in
// bytes, or with a unit: 16MiB. A tls without connection_policy stands for one
// with nothing in it.
func (h *Handler) UnmarshalCaddyfile(d *caddycaddyfile.Dispenser) error {
	return caddyfile.Module(d, []caddyfile.Option{
		caddyfile.Strings("upstream", "<address...>", &h.Upstreams),
		caddyfile.Word("sslmode", &h.SSLMode, sslModes...),
		caddyfile.String("sslrootcert", "<file>", &h.SSLRootCert),
		caddyfile.String("sslcert", "<file>", &h.SSLCert),
		caddyfile.String("sslkey", "<file>", &h.SSLKey),
		caddyfile.String("sslset", "<name>", &h.SSLSet),
		caddyfile.String("upstream_user", "<name>", &h.UpstreamUser),
		caddyfile.String("upstream_password", "<password>", &h.UpstreamPassword),
		caddyfile.Int("pool_size", &h.PoolSize, 1),
		caddyfile.Limit("wait_timeout", &h.WaitTimeout),
		caddyfile.Limit("idle_timeout", &h.IdleTimeout),
		caddyfile.Limit("max_lifetime", &h.MaxLifetime),
		caddyfile.Duration("connect_timeout", &h.ConnectTimeout),
		caddyfile.Duration("login_timeout", &h.LoginTimeout),
		caddyfile.Limit("shutdown_timeout", &h.ShutdownTimeout),
		caddyfile.Limit("log_min_wait", &h.LogMinWait),
		caddyfile.Size("max_statement", &h.MaxStatement),
		caddyfile.Int("max_prepared", &h.MaxPrepared, 1),
		caddyfile.Word("scrub", &h.Scrub, scrubs...),
		caddyfile.Word("inspect", &h.Inspect, inspects...),
		caddyfile.Word("verify", &h.Verify, verifies...),
		caddyfile.Word("auth", &h.Auth, authMethods...),
		caddyfile.String("users", "<file>", &h.Users),
		{Name: "tls", Block: h.tlsOptions(), Set: h.enableTLS},
		caddyfile.Flag("hostssl", &h.HostSSL),
	})
}

func (h *Handler) tlsOptions() []caddyfile.Option {
	return []caddyfile.Option{{
		Name: "connection_policy", Repeatable: true,
		Segment: func(d *caddycaddyfile.Dispenser) error {
			policy := new(caddytls.ConnectionPolicy)
			h.ConnectionPolicies = append(h.ConnectionPolicies, policy)
			return policy.UnmarshalCaddyfile(d)
		},
	}}
}

func (h *Handler) enableTLS([]string) error {
	if len(h.ConnectionPolicies) == 0 {
		h.ConnectionPolicies = caddytls.ConnectionPolicies{new(caddytls.ConnectionPolicy)}
	}
	return nil
}

// Interface guard
var _ caddycaddyfile.Unmarshaler = (*Handler)(nil)
