package tlsreload

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// selfSignedTime is how long a self-signed certificate is valid. Nobody checks
// it against an authority, so nothing is won by replacing it often.
const selfSignedTime = 10 * 365 * 24 * time.Hour

const selfSignedPrefix = storagePrefix + "/self_signed/"

// selfSignedKey is where the pair is, one for each list of names: other names
// need another pair.
func (s *Set) selfSignedKey() string {
	names := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(s.SelfSigned)), "\n")))
	return fmt.Sprintf("%s%s-%x.pem", selfSignedPrefix, s.name, names[:4])
}

// isSelfSigned says whether a certificate is the self-signed one of a set.
func isSelfSigned(cert *certset.Certificate) bool {
	return strings.HasPrefix(cert.Source, storageKey(selfSignedPrefix))
}

// selfSigned takes the self-signed pair out of the storage, or makes one that
// [App.keepSelfSigned] stores with the set.
func (r *reader) selfSigned(s *Set) {
	source := storageKey(s.selfSignedKey())
	content, err := r.storage.Load(r.ctx, s.selfSignedKey())
	if errors.Is(err, fs.ErrNotExist) {
		if s.made == nil {
			s.made, err = makeSelfSigned(source, s.SelfSigned)
		} else {
			err = nil
		}
		if err == nil {
			content, err = s.made.PEM()
		}
	}
	if err != nil {
		r.fail(certset.Problem{Source: source, Reason: err.Error()})
		return
	}
	text := certset.Text{Source: source, Content: content}
	r.took(text)
	cert, err := certset.ParsePair(text, text)
	r.fail(err)
	if cert != nil {
		r.set.Certificates = append(r.set.Certificates, cert)
	}
}

// keepSelfSigned stores the pair that was made for a set, if there is one.
func (a *App) keepSelfSigned(set string) {
	if err := a.Sets[set].keepSelfSigned(a.ctx, a.ctx.Storage()); err != nil {
		a.log.Error("the self-signed certificate will be another after a restart", "set", set, "error", err)
	}
}

// keepSelfSigned stores the pair that was made, unless another instance with
// the same storage was faster: then that one's is used by both.
func (s *Set) keepSelfSigned(ctx context.Context, storage certmagic.Storage) error {
	if s.made == nil {
		return nil
	}
	key := s.selfSignedKey()
	unlock, err := lock(ctx, storage, key)
	if err != nil {
		return err
	}
	defer unlock()
	if storage.Exists(ctx, key) {
		s.made = nil
		return nil
	}
	content, err := s.made.PEM()
	if err != nil {
		return err
	}
	if err := storage.Store(ctx, key, content); err != nil {
		return fmt.Errorf("storing the self-signed certificate: %w", err)
	}
	s.made = nil
	return nil
}

// lock locks a key for this instance.
func lock(ctx context.Context, storage certmagic.Storage, key string) (unlock func(), err error) {
	if err := storage.Lock(ctx, key); err != nil {
		return nil, fmt.Errorf("locking %s in the storage: %w", key, err)
	}
	return func() { _ = storage.Unlock(context.WithoutCancel(ctx), key) }, nil
}

func makeSelfSigned(source string, names []string) (*certset.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "self-signed by Caddy's tlsreload"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(selfSignedTime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return certset.NewCertificate(source, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
}
