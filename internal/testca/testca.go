// Package testca is certificate authorities for tests.
package testca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// Authority signs certificates.
type Authority struct {
	Cert *x509.Certificate
	Key  crypto.Signer
	// chain is what is behind a certificate of this authority, without a root.
	chain []*x509.Certificate
	root  *x509.Certificate
}

// Pair is a certificate with its chain, and its key, in PEM.
type Pair struct {
	Chain, Key  []byte
	Leaf        *x509.Certificate
	Signer      crypto.Signer
	Fingerprint string
}

// New makes a root.
func New(tb testing.TB, name string) *Authority {
	tb.Helper()
	key := NewKey(tb)
	template := caTemplate(tb, name)
	cert := sign(tb, template, template, key.Public(), key)
	return &Authority{Cert: cert, Key: key, root: cert}
}

// Intermediate makes an authority below a.
func (a *Authority) Intermediate(tb testing.TB, name string) *Authority {
	tb.Helper()
	key := NewKey(tb)
	cert := sign(tb, caTemplate(tb, name), a.Cert, key.Public(), a.Key)
	return &Authority{Cert: cert, Key: key, chain: append([]*x509.Certificate{cert}, a.chain...), root: a.root}
}

// Pool has the root.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return pool
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() []byte { return encode([]*x509.Certificate{a.Cert}) }

// Issue makes a certificate for names, valid for a day. Changes are made to it
// before it is signed.
func (a *Authority) Issue(tb testing.TB, names []string, changes ...func(*x509.Certificate)) Pair {
	tb.Helper()
	return a.IssueFor(tb, NewKey(tb), names, changes...)
}

// IssueFor makes a certificate for a key.
func (a *Authority) IssueFor(tb testing.TB, key crypto.Signer, names []string, changes ...func(*x509.Certificate)) Pair {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: serial(tb), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	for _, change := range changes {
		change(template)
	}
	leaf := sign(tb, template, a.Cert, key.Public(), a.Key)
	return Pair{
		Chain:  encode(append([]*x509.Certificate{leaf}, a.chain...)),
		Key:    encodeKey(tb, key),
		Leaf:   leaf,
		Signer: key, Fingerprint: Fingerprint(leaf),
	}
}

// SelfSigned makes a certificate for 127.0.0.1 that is its own authority, and its key, in PEM.
func SelfSigned(tb testing.TB) (cert, key []byte) {
	tb.Helper()
	signer := NewKey(tb)
	template := caTemplate(tb, "self")
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	return encode([]*x509.Certificate{sign(tb, template, template, signer.Public(), signer)}), encodeKey(tb, signer)
}

// Revoke makes the revocation list of a in PEM, good until next.
func (a *Authority) Revoke(tb testing.TB, next time.Time, certs ...*x509.Certificate) []byte {
	tb.Helper()
	list := &x509.RevocationList{Number: serial(tb), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: next}
	for _, cert := range certs {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.Cert, a.Key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// Fingerprint is the SHA-256 of a certificate in hexadecimal.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

func encode(certs []*x509.Certificate) (text []byte) {
	for _, cert := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return text
}

func encodeKey(tb testing.TB, key crypto.Signer) []byte {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// NewKey makes an ECDSA key.
func NewKey(tb testing.TB) crypto.Signer {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// NewRSAKey makes an RSA key.
func NewRSAKey(tb testing.TB, bits int) *rsa.PrivateKey {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func caTemplate(tb testing.TB, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: serial(tb), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
}

func serial(tb testing.TB) *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func sign(tb testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}
