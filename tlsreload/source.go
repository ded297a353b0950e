package tlsreload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// reading is what one pass over the sources of a set found.
type reading struct {
	set            *certset.Set
	roots          *x509.CertPool // what its chains must lead to, or nil
	errs, warnings []certset.Problem
	// absent is that no source exists, of a set that is self-signed instead.
	absent []certset.Problem
	// digest is of all that was read, so that a change is noticed in what does
	// not parse, too.
	digest [sha256.Size]byte
	// changed is when the newest of the files was.
	changed time.Time
}

// reader reads one set.
type reader struct {
	reading
	ctx     context.Context
	storage certmagic.Storage
	hash    hash.Hash
	found   int // sources that exist
}

// read reads all sources of the set and reports all that is wrong with them,
// not only the first.
func (s *Set) read(ctx context.Context, storage certmagic.Storage) reading {
	r := reader{ctx: ctx, storage: storage, hash: sha256.New()}
	r.set = &certset.Set{Name: s.name, Default: s.Default}
	for _, pair := range s.Certificates {
		r.pair(pair, r.file)
	}
	for _, folder := range s.Folders {
		r.folder(folder)
	}
	for _, pair := range s.Storage {
		r.pair(pair, r.stored)
	}
	for _, l := range s.loaders {
		r.load(l)
	}
	if r.found == 0 && len(s.SelfSigned) > 0 {
		r.absent, r.errs = r.errs, nil
		r.selfSigned(s)
	}
	r.trust(s)
	r.digest = [sha256.Size]byte(r.hash.Sum(nil))
	return r.reading
}

// trust reads what has no key, and what is for servers.
func (r *reader) trust(s *Set) {
	for _, path := range s.ClientCAs {
		if text, ok := r.file(path); ok {
			certs, err := certset.ParseCertificates(text)
			r.fail(err)
			r.set.Clients.Roots = append(r.set.Clients.Roots, certs...)
		}
	}
	for _, path := range s.ClientCRLs {
		if text, ok := r.limitedFile(path, maxCRL); ok {
			lists, err := certset.ParseCRLs(text)
			r.fail(err)
			r.set.Clients.CRLs = append(r.set.Clients.CRLs, lists...)
		}
	}
	for _, path := range s.UpstreamCAs {
		if text, ok := r.file(path); ok {
			certs, err := certset.ParseCertificates(text)
			r.fail(err)
			r.set.UpstreamRoots = append(r.set.UpstreamRoots, certs...)
		}
	}
	if len(s.Roots) > 0 {
		r.roots = x509.NewCertPool()
	}
	for _, path := range s.Roots {
		if text, ok := r.file(path); ok {
			certs, err := certset.ParseCertificates(text)
			r.fail(err)
			for _, cert := range certs {
				r.roots.AddCert(cert)
			}
		}
	}
	if s.Upstream != nil {
		r.set.Upstream = r.parsePair(*s.Upstream, r.file)
	}
}

// pair reads a certificate and its key for clients.
func (r *reader) pair(p Pair, read func(string) (certset.Text, bool)) {
	if cert := r.parsePair(p, read); cert != nil {
		r.set.Certificates = append(r.set.Certificates, cert)
	}
}

func (r *reader) parsePair(p Pair, read func(string) (certset.Text, bool)) *certset.Certificate {
	cert, ok := read(p.Certificate)
	key := cert
	if p.Key != p.Certificate {
		var keyOK bool
		key, keyOK = read(p.Key)
		ok = ok && keyOK
	}
	if !ok {
		return nil
	}
	parsed, err := certset.ParsePair(cert, key)
	r.fail(err)
	return parsed
}

// stored reads a value of Caddy's storage.
func (r *reader) stored(key string) (certset.Text, bool) {
	text := certset.Text{Source: storageKey(key)}
	content, err := r.storage.Load(r.ctx, key)
	if !r.exists(text.Source, err) {
		return text, false
	}
	text.Content = content
	r.took(text)
	return text, true
}

// storageKey is what a key of Caddy's storage is called as a source.
func storageKey(key string) string { return "storage key " + key }

// exists counts a source that does, and reports the error there was.
func (r *reader) exists(source string, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		r.found++
	}
	if err == nil {
		return true
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err // the path is the source
	}
	r.fail(certset.Problem{Source: source, Reason: fmt.Sprintf("it can't be read: %v", err)})
	return false
}

// took adds a text to the digest.
func (r *reader) took(text certset.Text) {
	sum := sha256.Sum256(text.Content)
	fmt.Fprintf(r.hash, "%q %x", text.Source, sum)
}

// load asks a loader of Caddy's. Some of those don't survive damaged files.
func (r *reader) load(l loader) {
	source := "loader " + l.name
	defer func() {
		if reason := recover(); reason != nil {
			r.fail(certset.Problem{Source: source, Reason: fmt.Sprintf("it failed: %v", reason)})
		}
	}()
	pairs, err := l.LoadCertificates()
	if !r.exists(source, err) {
		return
	}
	for i, pair := range pairs {
		cert, err := certset.NewCertificate(fmt.Sprintf("%s, certificate %d", source, i+1), pair.Certificate)
		r.fail(err)
		if cert != nil {
			r.took(certset.Text{Source: source, Content: bytes.Join(cert.TLS.Certificate, nil)})
			r.set.Certificates = append(r.set.Certificates, cert)
		}
	}
}

// fail notes an error, if there is one.
func (r *reader) fail(err error) {
	var problem certset.Problem
	switch {
	case err == nil:
	case errors.As(err, &problem):
		r.errs = append(r.errs, problem)
	default:
		r.errs = append(r.errs, certset.Problem{Reason: err.Error()})
	}
}

func (r *reader) warn(source, format string, args ...any) {
	r.warnings = append(r.warnings, certset.Problem{Source: source, Reason: fmt.Sprintf(format, args...)})
}
