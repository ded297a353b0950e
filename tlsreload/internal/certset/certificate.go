package certset

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Problem is one thing that is wrong or doubtful with what a source holds.
type Problem struct {
	// Source is the file, folder, storage key or loader.
	Source string `json:"source,omitempty"`
	Reason string `json:"reason"`
}

func (p Problem) Error() string {
	if p.Source == "" {
		return p.Reason
	}
	return p.Source + ": " + p.Reason
}

func problem(source, format string, args ...any) Problem {
	return Problem{source, fmt.Sprintf(format, args...)}
}

// Certificate is a certificate with its chain and its key.
type Certificate struct {
	// TLS has the Leaf set, and the chain in the order in which it was found.
	TLS tls.Certificate
	// Chain is TLS.Certificate, parsed.
	Chain []*x509.Certificate
	// Source is where it came from.
	Source string
	// Names are those of the leaf, as in the extension subjectAltName, in lower
	// case: DNS names, also with a wildcard, and IP addresses.
	Names []string
	// Fingerprint is the SHA-256 of the leaf in hexadecimal.
	Fingerprint string
}

// Expired says whether the certificate, or one of its chain, has.
func (c *Certificate) Expired(now time.Time) bool {
	return slices.ContainsFunc(c.Chain, func(link *x509.Certificate) bool { return now.After(link.NotAfter) })
}

// NewCertificate takes what a loader of Caddy's made: its key is known to fit.
func NewCertificate(source string, pair tls.Certificate) (*Certificate, error) {
	if len(pair.Certificate) == 0 {
		return nil, problem(source, "no certificate")
	}
	if pair.PrivateKey == nil {
		return nil, problem(source, "no private key")
	}
	var chain []*x509.Certificate
	for i, der := range pair.Certificate {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, problem(source, "certificate %d of the chain: %v", i+1, err)
		}
		chain = append(chain, cert)
	}
	pair.Leaf = chain[0]
	return &Certificate{
		TLS: pair, Chain: chain, Source: source,
		Names: namesOf(chain[0]), Fingerprint: Fingerprint(chain[0]),
	}, nil
}

// Fingerprint returns the SHA-256 of a certificate in hexadecimal.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

func namesOf(leaf *x509.Certificate) []string {
	var names []string
	for _, name := range leaf.DNSNames {
		names = append(names, strings.ToLower(name))
	}
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// KeyType names the kind of key as operators do: "RSA 2048", "ECDSA P-256".
func (c *Certificate) KeyType() string {
	switch key := c.TLS.Leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return "unknown"
}

// Serial is the serial number in hexadecimal, as openssl shows it.
func (c *Certificate) Serial() string { return fmt.Sprintf("%x", c.TLS.Leaf.SerialNumber) }

// WithStaple returns the certificate with an OCSP answer to be stapled; nil for
// none.
func (c *Certificate) WithStaple(response []byte) *Certificate {
	stapled := *c
	stapled.TLS.OCSPStaple = response
	return &stapled
}
