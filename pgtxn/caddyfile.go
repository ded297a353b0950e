package pgtxn

import (
	"fmt"
	"strconv"

	caddycaddyfile "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-pgtxn/caddy-pgtxn/caddyfile"
)

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. The options
// are those of [Handler]'s fields:
//
//	pgtxn {
//		upstream <address...>
//		target_session_attrs any|read-write|read-only|primary|standby|prefer-standby
//		load_balance_hosts disable|random
//		health_interval <duration>
//		sslmode disable|prefer|require|verify-ca|verify-full
//		sslrootcert <file>
//		sslcert <file>
//		sslkey <file>
//		sslset <name>
//		upstream_user <name>
//		upstream_password <password>
//
//		pool_mode transaction|session {
//			user <name> transaction|session
//			database <name> transaction|session
//		}
//		pool_size <number>
//		wait_timeout <duration>
//		idle_timeout <duration>
//		max_lifetime <duration>
//		connect_timeout <duration>
//		login_timeout <duration>
//		tcp_keepalives_idle <duration>
//		tcp_keepalives_interval <duration>
//		tcp_keepalives_count <number>
//		tcp_user_timeout <duration>
//		shutdown_timeout <duration>
//		log_min_wait <duration>
//		max_statement <size>
//		max_prepared <number>
//		max_savepoints <number>
//		max_session_memory <size>
//		max_client_prepared <number>
//		pin_sequences auto|on|off
//		max_pinned <number>
//		pin_timeout <duration>
//		scrub always|writes
//		inspect calls|writes|always|never
//		custom_settings own|shared
//		listen shared|pin
//		verify off|sampled|always
//
//		auth scram-sha-256|md5|password|cert|trust|reject [<option>...]
//		hba {
//			<type> <database> <user> [<address>] <method> [<option>...]
//		}
//		user_map {
//			<map> <name> <user>
//		}
//		max_failed_logins <number>
//		users <file>
//		auth_user <name>
//		auth_query <query>
//		auth_dbname <name>
//		tls {
//			connection_policy {
//				…
//			}
//		}
//		hostssl
//
//		admin_users <name...>
//		stats_users <name...>
//		console_dbname <name>
//
//		peer_id <number>
//		peer <number> <address>
//	}
//
// The options upstream, admin_users, stats_users, connection_policy, peer, and
// user and database of pool_mode may be repeated. Sizes are in bytes, or have a
// unit: 16MiB. A tls without connection_policy stands for one with nothing in it.
func (h *Handler) UnmarshalCaddyfile(d *caddycaddyfile.Dispenser) error {
	return caddyfile.Module(d, h.options())
}

// options is the table of what a block may have.
func (h *Handler) options() []caddyfile.Option {
	poolMode := caddyfile.Word("pool_mode", &h.PoolMode, poolModes...)
	poolMode.Block = h.poolModeOptions()
	return []caddyfile.Option{
		caddyfile.Strings("upstream", "<address...>", &h.Upstreams),
		caddyfile.Word("target_session_attrs", &h.TargetSessionAttrs, sessionAttrs...),
		caddyfile.Word("load_balance_hosts", &h.LoadBalanceHosts, loadBalances...),
		caddyfile.Duration("health_interval", &h.HealthInterval),
		caddyfile.Word("sslmode", &h.SSLMode, sslModes...),
		caddyfile.String("sslrootcert", "<file>", &h.SSLRootCert),
		caddyfile.String("sslcert", "<file>", &h.SSLCert),
		caddyfile.String("sslkey", "<file>", &h.SSLKey),
		caddyfile.String("sslset", "<name>", &h.SSLSet),
		caddyfile.String("upstream_user", "<name>", &h.UpstreamUser),
		caddyfile.String("upstream_password", "<password>", &h.UpstreamPassword),
		poolMode,
		caddyfile.Int("pool_size", &h.PoolSize, 1),
		caddyfile.Limit("wait_timeout", &h.WaitTimeout),
		caddyfile.Limit("idle_timeout", &h.IdleTimeout),
		caddyfile.Limit("max_lifetime", &h.MaxLifetime),
		caddyfile.Duration("connect_timeout", &h.ConnectTimeout),
		caddyfile.Duration("login_timeout", &h.LoginTimeout),
		caddyfile.Duration("tcp_keepalives_idle", &h.TCPKeepalivesIdle),
		caddyfile.Duration("tcp_keepalives_interval", &h.TCPKeepalivesInterval),
		caddyfile.Int("tcp_keepalives_count", &h.TCPKeepalivesCount, 1),
		caddyfile.Duration("tcp_user_timeout", &h.TCPUserTimeout),
		caddyfile.Limit("shutdown_timeout", &h.ShutdownTimeout),
		caddyfile.Limit("log_min_wait", &h.LogMinWait),
		caddyfile.Size("max_statement", &h.MaxStatement),
		caddyfile.Int("max_prepared", &h.MaxPrepared, 1),
		caddyfile.Int("max_savepoints", &h.MaxSavepoints, 1),
		caddyfile.Size("max_session_memory", &h.MaxSessionMemory),
		caddyfile.Int("max_client_prepared", &h.MaxClientPrepared, 1),
		caddyfile.Word("pin_sequences", &h.PinSequences, sequences...),
		caddyfile.Int("max_pinned", &h.MaxPinned, 1),
		caddyfile.Limit("pin_timeout", &h.PinTimeout),
		caddyfile.Word("scrub", &h.Scrub, scrubs...),
		caddyfile.Word("inspect", &h.Inspect, inspects...),
		caddyfile.Word("custom_settings", &h.CustomSettings, customSettings...),
		caddyfile.Word("listen", &h.Listen, listens...),
		caddyfile.Word("verify", &h.Verify, verifies...),
		h.authOption(),
		{Name: "hba", Segment: lines("hba", &h.HBA, checkRule)},
		{Name: "user_map", Segment: lines("user_map", &h.UserMap, checkMapping)},
		{Name: "max_failed_logins", Args: "<number>", Min: 1, Max: 1, Set: h.setMaxFailedLogins},
		caddyfile.String("users", "<file>", &h.Users),
		caddyfile.String("auth_user", "<name>", &h.AuthUser),
		caddyfile.String("auth_query", "<query>", &h.AuthQuery),
		caddyfile.String("auth_dbname", "<name>", &h.AuthDBName),
		{Name: "tls", Block: h.tlsOptions(), Set: h.enableTLS},
		caddyfile.Flag("hostssl", &h.HostSSL),
		caddyfile.Strings("admin_users", "<name...>", &h.AdminUsers),
		caddyfile.Strings("stats_users", "<name...>", &h.StatsUsers),
		caddyfile.String("console_dbname", "<name>", &h.ConsoleDBName),
		caddyfile.Int("peer_id", &h.PeerID, 1),
		{Name: "peer", Args: "<number> <address>", Min: 2, Max: 2, Repeatable: true, Set: h.addPeer},
	}
}

func (h *Handler) addPeer(args []string) error {
	id, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("expected the number of the instance, not '%s'", args[0])
	}
	if _, twice := h.Peers[id]; twice {
		return fmt.Errorf("%d has an address already", id)
	}
	if h.Peers == nil {
		h.Peers = make(map[int]string)
	}
	h.Peers[id] = args[1]
	return nil
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
