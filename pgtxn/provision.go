package pgtxn

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload"
)

// The values of the option scrub.
const scrubWrites = "writes"

var scrubs = []string{"always", scrubWrites}

// The values of the option custom_settings.
const customShared = "shared"

var customSettings = []string{"own", customShared}

// The values of the option listen.
const listenPin = "pin"

var listens = []string{"shared", listenPin}

// The values of the option pin_sequences, by their numbers (relay.Sequences).
var sequences = []string{"auto", "on", "off"}

// The values of the option inspect, by their numbers (relay.Inspect).
var inspects = []string{
	relay.InspectCalls: "calls", relay.InspectWrites: "writes", relay.InspectAlways: "always", relay.InspectNever: "never",
}

// The values of the option verify, by their numbers (relay.Verify).
var verifies = []string{relay.VerifyOff: "off", relay.VerifySampled: "sampled", relay.VerifyAlways: "always"}

// The defaults of the options.
const (
	defaultPoolSize        = 20
	defaultWaitTimeout     = 2 * time.Minute // PgBouncer's query_wait_timeout
	defaultIdleTimeout     = 10 * time.Minute
	defaultMaxLifetime     = time.Hour
	defaultConnectTimeout  = 15 * time.Second
	defaultLoginTimeout    = time.Minute // PostgreSQL's authentication_timeout
	defaultMaxStatement    = 16 << 20
	defaultMaxPrepared     = 1000
	defaultSessionMemory   = 64 << 20
	defaultShutdownTimeout = 4 * time.Second // less than the 5s after which systemd kills Caddy

	defaultMaxClientPrepared = 10000
	defaultAuthDBName        = "postgres"
	defaultConsoleDBName     = "pgtxn"
)

// Provision makes the configuration that connections are served with. It reads
// files but connects to nothing: it also runs for configurations that will
// never be used.
func (h *Handler) Provision(ctx caddy.Context) error {
	if err := h.Validate(); err != nil { // before any file is missed
		return err
	}
	app, err := ctx.App("pgtxn") // which has to be there before the users
	if err != nil {
		return err
	}
	h.app = app.(*App)
	if h.SSLSet != "" {
		h.app.sslsets = append(h.app.sslsets, h.SSLSet)
	}
	log := followNewest(ctx.Slogger())
	users, err := h.userDirectory(log)
	if err != nil {
		return err
	}
	h.config = h.relayConfig(log)
	h.config.Users = users
	if err := h.access(h.config); err != nil {
		return err
	}
	if h.config.Upstream, h.config.Identity, err = h.upstream(users); err != nil {
		return err
	}
	if h.SSLSet != "" {
		h.config.Upstream.TLS = tlsreload.Upstream(ctx, h.SSLSet)
	}
	h.sockets(h.config)
	h.userQuery(users, h.config.Upstream)
	if h.config.Rules.NeedsRoles() || h.config.UserMap.NeedsRoles() {
		h.config.IsMember = users.isMember
	}
	users.keys = keyring(h.config.Identity)
	h.config.Keys = users.keys
	if h.config.Peers, err = h.peers(); err != nil {
		return err
	}
	h.config.Upstream.OnHealth = logHealth(h.config.Log)
	h.config.Console = h.console(users, h.config.Log)
	if h.config.TLS, err = h.clientTLS(ctx); err != nil {
		return err
	}
	inTLS := *h.config
	inTLS.TLS, inTLS.OverTLS, inTLS.CertsVerified = nil, true, false // policies of somebody else
	h.configInTLS = &inTLS
	h.app.handlerLog = ctx.Slogger().Handler()
	return h.app.register(h.config)
}

// relayConfig is what needs nothing but the options.
func (h *Handler) relayConfig(log *slog.Logger) *relay.Config {
	return &relay.Config{
		PoolSize:         cmp.Or(h.PoolSize, defaultPoolSize),
		WaitTimeout:      limit(h.WaitTimeout, defaultWaitTimeout),
		IdleTimeout:      limit(h.IdleTimeout, defaultIdleTimeout),
		MaxLifetime:      limit(h.MaxLifetime, defaultMaxLifetime),
		ConnectTimeout:   cmp.Or(time.Duration(h.ConnectTimeout), defaultConnectTimeout),
		LoginTimeout:     cmp.Or(time.Duration(h.LoginTimeout), defaultLoginTimeout),
		MaxStatement:     cmp.Or(h.MaxStatement, defaultMaxStatement),
		MaxPrepared:      cmp.Or(h.MaxPrepared, defaultMaxPrepared),
		MaxSavepoints:    h.MaxSavepoints,
		MaxSessionMemory: cmp.Or(h.MaxSessionMemory, defaultSessionMemory),
		ScrubAlways:      h.Scrub != scrubWrites,
		SharedCustom:     h.CustomSettings == customShared,
		PinListen:        h.Listen == listenPin,
		Inspect:          relay.Inspect(max(0, slices.Index(inspects, h.Inspect))),
		Verify:           relay.Verify(max(0, slices.Index(verifies, h.Verify))),
		OnDrift:          emitDrift,
		Log:              log,

		MaxClientPrepared: cmp.Or(h.MaxClientPrepared, defaultMaxClientPrepared),
		MaxPinned:         h.MaxPinned,
		Sequences:         relay.Sequences(max(0, slices.Index(sequences, h.PinSequences))),
		PinTimeout:        limit(h.PinTimeout, 0),
		SessionMode:       h.sessionMode,
		PeerID:            h.PeerID,
		ShutdownTimeout:   limit(h.ShutdownTimeout, defaultShutdownTimeout),
		LogMinWait:        limit(h.LogMinWait, -1),
	}
}

func limit(option *caddy.Duration, otherwise time.Duration) time.Duration {
	if option == nil {
		return otherwise
	}
	return time.Duration(*option)
}

// clientTLS returns what clients' handshakes are configured with, or nil for
// no TLS. It is one configuration for all of them, so that they can resume
// each other's TLS sessions.
func (h *Handler) clientTLS(ctx caddy.Context) (func() *tls.Config, error) {
	if len(h.ConnectionPolicies) == 0 {
		return nil, nil
	}
	for _, policy := range h.ConnectionPolicies {
		if policy.ALPN == nil {
			policy.ALPN = []string{relay.ALPN}
		}
	}
	if err := h.ConnectionPolicies.Provision(ctx); err != nil {
		return nil, fmt.Errorf("connection_policies: %w", err)
	}
	cfg := tlsreload.Wrap(ctx, h.ConnectionPolicies)
	return func() *tls.Config { return cfg }, nil
}

// replaced returns an option's value with its placeholders replaced.
func replaced(option, value string) (string, error) {
	value, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w", option, err)
	}
	return value, nil
}

// Validate checks the options, without what they refer to.
func (h *Handler) Validate() error {
	switch {
	case len(h.Upstreams) == 0:
		return errors.New("upstream: there is none; name at least one server, such as 127.0.0.1:5432")
	case h.AuthUser == "" && h.AuthQuery+h.AuthDBName != "":
		return errors.New("auth_query, auth_dbname: they take auth_user, who asks")
	case h.UpstreamPassword != "" && h.UpstreamUser == "":
		return errors.New("upstream_password: it takes upstream_user, whose password it is; passwords of several users go into the users file")
	}
	return errors.Join(oneOf("target_session_attrs", h.TargetSessionAttrs, sessionAttrs), oneOf("load_balance_hosts", h.LoadBalanceHosts, loadBalances),
		oneOf("scrub", h.Scrub, scrubs), oneOf("inspect", h.Inspect, inspects), oneOf("verify", h.Verify, verifies),
		oneOf("custom_settings", h.CustomSettings, customSettings), oneOf("listen", h.Listen, listens), oneOf("pin_sequences", h.PinSequences, sequences),
		h.validateTLS(), h.validateNumbers(), h.validateSockets(), h.validatePeers(), h.validatePoolMode(), h.validateConsole())
}

// oneOf checks a word that may be left out.
func oneOf(option, word string, words []string) error {
	if word == "" || slices.Contains(words, word) {
		return nil
	}
	return fmt.Errorf("%s: unknown '%s'; use one of %s", option, word, strings.Join(words, ", "))
}

// validateTLS checks the options for TLS towards the servers.
func (h *Handler) validateTLS() error {
	mode := cmp.Or(h.SSLMode, defaultSSLMode)
	verifies := strings.HasPrefix(mode, "verify-")
	switch {
	case !slices.Contains(sslModes, mode):
		return fmt.Errorf("sslmode: unknown '%s'; use one of %s", mode, strings.Join(sslModes, ", "))
	case h.SSLRootCert != "" && !verifies:
		return fmt.Errorf("sslrootcert: sslmode %s does not check certificates; use verify-full, or verify-ca if the server's name is not in its certificate", mode)
	case (h.SSLCert == "") != (h.SSLKey == ""):
		return errors.New("sslcert and sslkey: give both or none, the key belongs to the certificate")
	case h.SSLSet != "" && h.SSLRootCert+h.SSLCert != "":
		return errors.New("sslset: it takes the place of sslrootcert, sslcert and sslkey; leave those out")
	case h.SSLSet != "" && mode == "disable":
		return errors.New("sslset: sslmode disable does not use TLS; use verify-full or another")
	case h.SSLCert != "" && mode == "disable":
		return errors.New("sslcert: sslmode disable does not use TLS; use verify-full or another")
	}
	return nil
}

func (h *Handler) validateNumbers() error {
	var errs []error
	if n := h.MaxFailedLogins; n != nil && *n < 0 {
		errs = append(errs, fmt.Errorf("max_failed_logins: %d is less than 0; leave it out for the default", *n))
	}
	for option, n := range map[string]int{
		"pool_size": h.PoolSize, "max_statement": h.MaxStatement, "max_prepared": h.MaxPrepared,
		"max_savepoints": h.MaxSavepoints, "max_session_memory": h.MaxSessionMemory,
		"max_client_prepared": h.MaxClientPrepared, "max_pinned": h.MaxPinned,
	} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("%s: %d is less than 0; leave it out for the default", option, n))
		}
	}
	for option, d := range map[string]*caddy.Duration{
		"wait_timeout": h.WaitTimeout, "idle_timeout": h.IdleTimeout, "max_lifetime": h.MaxLifetime,
		"pin_timeout": h.PinTimeout, "health_interval": &h.HealthInterval, "connect_timeout": &h.ConnectTimeout, "login_timeout": &h.LoginTimeout,
		"log_min_wait":     h.LogMinWait,
		"shutdown_timeout": h.ShutdownTimeout,
	} {
		if d != nil && *d < 0 {
			errs = append(errs, fmt.Errorf("%s: %s is less than 0; leave it out for the default", option, time.Duration(*d)))
		}
	}
	return errors.Join(errs...)
}
