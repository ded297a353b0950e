// Package backend is one connection to a PostgreSQL server: how it is dialled,
// secured and logged in, what state it is known to have (its label), and the
// messages with which the proxy changes or reads that state for itself.
//
// Dial and Cancel block and run on goroutines of their own; a [Conn] belongs to
// one event loop afterwards.
package backend

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/netloop"
)

// SSLMode says how the connection to the server is secured, in libpq's words.
type SSLMode string

// The modes, as https://www.postgresql.org/docs/current/libpq-ssl.html has them.
const (
	Disable    SSLMode = "disable"     // never TLS
	Prefer     SSLMode = "prefer"      // TLS if the server has it, unverified
	Require    SSLMode = "require"     // TLS, unverified
	VerifyCA   SSLMode = "verify-ca"   // TLS, the certificate's chain is verified
	VerifyFull SSLMode = "verify-full" // and its name
)

// Config says where the servers are and how to come in. It is not changed once
// in use.
type Config struct {
	// Addresses are tried in order: host:port, or the path of a unix socket
	// (/var/run/postgresql/.s.PGSQL.5432). TLS is never used on the latter.
	Addresses []string
	// Attrs says which of them will do.
	Attrs SessionAttrs
	// LoadBalance has them tried in random order: load_balance_hosts=random.
	LoadBalance bool
	// HealthInterval is how often a server that failed is tried again while others
	// are there.
	HealthInterval time.Duration
	// OnHealth, if not nil, is told when a server has failed or does not fit, and
	// with nil when it is good again. Any goroutine calls it.
	OnHealth func(address string, err error)
	health   health

	Socket  netloop.SocketOptions
	SSLMode SSLMode
	// TLS is asked at each connection for the authorities, the client's
	// certificate and the name to verify, if it is not the address's host. Nil:
	// the system's authorities.
	TLS func() (*tls.Config, error)
	// User, if not empty, is who logs in, whoever the client is.
	User string
	// Secret returns what user logs in with, as far as anything is known.
	Secret func(user string) auth.Secret
}

// At is c for these addresses, of whose health it knows nothing yet.
func (c *Config) At(addresses ...string) *Config {
	return &Config{
		Addresses: addresses, Attrs: c.Attrs, LoadBalance: c.LoadBalance, HealthInterval: c.HealthInterval,
		Socket: c.Socket, SSLMode: c.SSLMode, TLS: c.TLS, User: c.User, Secret: c.Secret,
	}
}

func network(address string) string {
	if strings.HasPrefix(address, "/") || strings.HasPrefix(address, "@") {
		return "unix"
	}
	return "tcp"
}

// tlsConfig is the configuration for the server at address.
func (c *Config) tlsConfig(address string) (*tls.Config, error) {
	cfg := &tls.Config{}
	if c.TLS != nil {
		base, err := c.TLS()
		if err != nil {
			return nil, err
		}
		cfg = base.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(address)
	}
	switch c.SSLMode {
	case VerifyFull:
	case VerifyCA:
		cfg.InsecureSkipVerify = true // the name is not verified; the chain is, below
		cfg.VerifyConnection = verifyChain(cfg.RootCAs)
	default:
		cfg.InsecureSkipVerify = true
	}
	return cfg, nil
}

func verifyChain(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, cert := range state.PeerCertificates[1:] {
			opts.Intermediates.AddCert(cert)
		}
		_, err := state.PeerCertificates[0].Verify(opts)
		return err
	}
}
