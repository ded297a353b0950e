package pgtxn

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload"
)

// The values of the option scrub.
const scrubWrites = "writes"

var scrubs = []string{"always", scrubWrites}

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
	defaultLoginTimeout    = time.Minute     // PostgreSQL's authentication_timeout
	defaultShutdownTimeout = 4 * time.Second // less than the 5s after which systemd kills Caddy
	defaultMaxStatement    = 16 << 20
	defaultMaxPrepared     = 1000
)

// The methods of the option auth, in the words of pg_hba.conf.
const (
	authTrust = "trust"
	authSCRAM = "scram-sha-256"
)

var authMethods = []string{authTrust, authSCRAM}

// Provision makes the configuration that connections are served with. It reads
// files but connects to nothing: it also runs for configurations that will
// never be used.
func (h *Handler) Provision(ctx caddy.Context) error {
	if err := h.Validate(); err != nil { // before any file is missed
		return err
	}
	users, err := h.readUsers()
	if err != nil {
		return err
	}
	h.config = &relay.Config{
		PoolSize:        cmp.Or(h.PoolSize, defaultPoolSize),
		WaitTimeout:     limit(h.WaitTimeout, defaultWaitTimeout),
		IdleTimeout:     limit(h.IdleTimeout, defaultIdleTimeout),
		MaxLifetime:     limit(h.MaxLifetime, defaultMaxLifetime),
		ConnectTimeout:  cmp.Or(time.Duration(h.ConnectTimeout), defaultConnectTimeout),
		LoginTimeout:    cmp.Or(time.Duration(h.LoginTimeout), defaultLoginTimeout),
		MaxStatement:    cmp.Or(h.MaxStatement, defaultMaxStatement),
		MaxPrepared:     cmp.Or(h.MaxPrepared, defaultMaxPrepared),
		ScrubAlways:     h.Scrub != scrubWrites,
		Inspect:         relay.Inspect(max(0, slices.Index(inspects, h.Inspect))),
		Verify:          relay.Verify(max(0, slices.Index(verifies, h.Verify))),
		OnDrift:         emitDrift,
		TLSRequired:     h.HostSSL,
		ShutdownTimeout: limit(h.ShutdownTimeout, defaultShutdownTimeout),
		LogMinWait:      limit(h.LogMinWait, -1),
		Log:             ctx.Slogger(),
	}
	if h.Auth != authTrust {
		h.config.Users = users
	}
	if h.config.Upstream, h.config.Identity, err = h.upstream(users); err != nil {
		return err
	}
	if h.config.TLS, err = h.clientTLS(ctx); err != nil {
		return err
	}
	inTLS := *h.config
	inTLS.TLS, inTLS.TLSRequired, inTLS.OverTLS = nil, false, true
	h.configInTLS = &inTLS

	app, err := ctx.App("pgtxn")
	if err != nil {
		return err
	}
	return app.(*App).register(h.config)
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
	cfg := tlsreload.Wrap(ctx, h.ConnectionPolicies.TLSConfig(ctx))
	return func() *tls.Config { return cfg }, nil
}

// readUsers returns the users of the users file, or nil if there is none.
func (h *Handler) readUsers() (*auth.Users, error) {
	if h.Users == "" {
		return nil, nil
	}
	path, err := replaced("users", h.Users)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	defer file.Close()
	users, err := auth.ParseUsers(file)
	if err != nil {
		return nil, fmt.Errorf("users: %s: %w", path, err)
	}
	return users, nil
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
	case h.Auth != "" && !slices.Contains(authMethods, h.Auth):
		return fmt.Errorf("auth: unknown method '%s'; use one of %s", h.Auth, strings.Join(authMethods, ", "))
	case h.Auth != authTrust && h.Users == "":
		return fmt.Errorf("auth: %s takes the option users, the file to check clients against; or let in everybody with auth %s", authSCRAM, authTrust)
	case h.UpstreamPassword != "" && h.UpstreamUser == "":
		return errors.New("upstream_password: it takes upstream_user, whose password it is; passwords of several users go into the users file")
	}
	return errors.Join(oneOf("scrub", h.Scrub, scrubs), oneOf("inspect", h.Inspect, inspects), oneOf("verify", h.Verify, verifies),
		h.validateTLS(), h.validateNumbers())
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
	for option, n := range map[string]int{
		"pool_size": h.PoolSize, "max_statement": h.MaxStatement, "max_prepared": h.MaxPrepared,
	} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("%s: %d is less than 1; leave it out for the default", option, n))
		}
	}
	for option, d := range map[string]*caddy.Duration{
		"wait_timeout": h.WaitTimeout, "idle_timeout": h.IdleTimeout, "max_lifetime": h.MaxLifetime,
		"connect_timeout": &h.ConnectTimeout, "login_timeout": &h.LoginTimeout, "log_min_wait": h.LogMinWait,
		"shutdown_timeout": h.ShutdownTimeout,
	} {
		if d != nil && *d < 0 {
			errs = append(errs, fmt.Errorf("%s: %s is less than 0; leave it out for the default", option, time.Duration(*d)))
		}
	}
	return errors.Join(errs...)
}
