package pgtxn

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
)

const defaultSSLMode = string(backend.Prefer)

// The values of the options target_session_attrs and load_balance_hosts.
var (
	sessionAttrs = []string{
		string(backend.Any), string(backend.ReadWrite), string(backend.ReadOnly),
		string(backend.Primary), string(backend.Standby), string(backend.PreferStandby),
	}
	loadBalances = []string{"disable", loadBalanceRandom}
)

const (
	loadBalanceRandom     = "random"
	defaultHealthInterval = 10 * time.Second
)

var sslModes = []string{
	string(backend.Disable), string(backend.Prefer), string(backend.Require),
	string(backend.VerifyCA), string(backend.VerifyFull),
}

// upstream returns where the servers are and how to come in, and the identity
// of that: handlers with equal ones share their pools. New passwords make no
// new identity, but another users file does: no client gets a connection that
// was opened with a password which its own handler does not have.
func (h *Handler) upstream(users *directory) (*backend.Config, string, error) {
	cfg := &backend.Config{
		Attrs:          backend.SessionAttrs(cmp.Or(h.TargetSessionAttrs, string(backend.Any))),
		LoadBalance:    h.LoadBalanceHosts == loadBalanceRandom,
		HealthInterval: cmp.Or(time.Duration(h.HealthInterval), defaultHealthInterval),
		SSLMode:        backend.SSLMode(cmp.Or(h.SSLMode, defaultSSLMode)),
	}
	for _, option := range h.Upstreams {
		address, err := replaced("upstream", option)
		if err == nil {
			address, err = dialAddress("upstream", address)
		}
		if err != nil {
			return nil, "", err
		}
		cfg.Addresses = append(cfg.Addresses, address)
	}
	if err := h.upstreamLogin(cfg, users); err != nil {
		return nil, "", err
	}
	files, err := h.upstreamTLS(cfg)
	if err != nil {
		return nil, "", err
	}
	login := []string{cfg.User}
	if cfg.User == "" {
		login = []string{"", h.Users, h.AuthUser, h.AuthQuery, h.AuthDBName}
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q %t %q %q %q", cfg.Addresses, cfg.Attrs, cfg.LoadBalance, cfg.SSLMode, login, files)
	return cfg, fmt.Sprintf("%x", hash.Sum(nil)), nil
}

// logHealth says which of several servers fail, or do not fit.
func logHealth(log *slog.Logger) func(address string, err error) {
	return func(address string, err error) {
		if err == nil {
			log.Info("server is used again", "upstream", address)
			return
		}
		log.Warn("server is tried after the others", "upstream", address, "reason", err)
	}
}

// upstreamLogin sets who logs in at the servers, and with which password.
func (h *Handler) upstreamLogin(cfg *backend.Config, users *directory) (err error) {
	if h.UpstreamUser == "" {
		cfg.Secret = users.forServer
		return nil
	}
	var secret auth.Secret
	cfg.Secret = func(string) auth.Secret { return secret }
	if cfg.User, err = replaced("upstream_user", h.UpstreamUser); err != nil || h.UpstreamPassword == "" {
		return err
	}
	password, err := replaced("upstream_password", h.UpstreamPassword)
	if err != nil {
		return err
	}
	if secret, err = auth.ParseSecret(cfg.User, password); err != nil {
		return fmt.Errorf("upstream_password: %w", err)
	}
	if !secret.HasPassword() {
		return errors.New("upstream_password: this is a SCRAM verifier, and it takes the password itself to log in")
	}
	return nil
}

// upstreamTLS reads the certificates for TLS towards the servers, and returns
// the contents of the files: other contents need other connections. A set of
// tlsreload is asked at each connection instead; it is the caller's to say how.
func (h *Handler) upstreamTLS(cfg *backend.Config) (files []string, err error) {
	if h.SSLSet != "" {
		return []string{"set " + h.SSLSet}, nil
	}
	read := func(option, path string) []byte {
		if path == "" || err != nil {
			return nil
		}
		if path, err = replaced(option, path); err != nil {
			return nil
		}
		content, readErr := os.ReadFile(path)
		if readErr != nil {
			err = fmt.Errorf("%s: %w", option, readErr)
		}
		files = append(files, string(content))
		return content
	}
	root, cert, key := read("sslrootcert", h.SSLRootCert), read("sslcert", h.SSLCert), read("sslkey", h.SSLKey)
	if err != nil {
		return nil, err
	}
	config := new(tls.Config)
	cfg.TLS = func() (*tls.Config, error) { return config, nil }
	if root != nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(root) {
			return nil, fmt.Errorf("sslrootcert: %s has no certificate in PEM form", h.SSLRootCert)
		}
	}
	if cert != nil {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("sslcert %s with sslkey %s: %w", h.SSLCert, h.SSLKey, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return files, nil
}

// dialAddress returns the address that an option names in the form that
// backend.Config has.
func dialAddress(option, address string) (string, error) {
	path, isPath := strings.CutPrefix(address, "unix/")
	if isPath || strings.HasPrefix(address, "/") {
		return socketPath(option, path)
	}
	network, host, port, err := caddy.SplitNetworkAddress(address)
	if err != nil {
		return "", fmt.Errorf("%s: %w", option, err)
	}
	port = cmp.Or(port, "5432")
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" || network != "" && network != "tcp" {
		return "", fmt.Errorf("%s: '%s' is not host:port and not the path of a Unix socket", option, address)
	}
	return net.JoinHostPort(host, port), nil
}

// socketPath checks the path of a Unix socket. A socket that is not there yet
// is no error.
func socketPath(option, path string) (string, error) {
	if !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "@") {
		return "", fmt.Errorf("%s: the path of a Unix socket begins with a slash, '%s' does not", option, path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return "", fmt.Errorf("%s: %s is a folder; name the socket in it, such as %s", option, path, filepath.Join(path, ".s.PGSQL.5432"))
	}
	return path, nil
}
