package tlsreload

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// How OCSP responders are asked.
const (
	ocspTimeout  = 10 * time.Second
	ocspInterval = time.Hour // between looking which answers are due
	ocspRetry    = 5 * time.Minute
	maxOCSP      = 64 << 10 // bytes of an answer
)

// stapler keeps the answers of OCSP responders fresh.
type stapler struct{ due chan struct{} }

func newStapler() *stapler { return &stapler{make(chan struct{}, 1)} }

// wake has new certificates looked at now.
func (s *stapler) wake() {
	select {
	case s.due <- struct{}{}:
	default:
	}
}

// staple keeps the certificates that are served with OCSP answers, until ctx is
// done. A responder that fails changes nothing: a certificate keeps its answer
// until that is out of date, and is served without one then.
func (a *App) staple(ctx context.Context) {
	for {
		wait := ocspInterval
		for _, set := range a.snapshot.Load().Sets {
			for _, cert := range set.Certificates {
				if !stapleDue(cert, time.Now()) {
					continue
				}
				answer, err := askOCSP(ctx, cert)
				if err != nil {
					a.log.Warn("no OCSP answer to staple", "set", set.Name, "names", cert.Names, "error", err)
					wait = ocspRetry
					if until := stapledUntil(cert); until == nil || time.Now().Before(*until) {
						continue
					}
				}
				a.attach(set, cert, answer)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-a.staples.due:
		case <-time.After(wait):
		}
	}
}

// stapleDue: the certificate names a responder, and its answer is past the
// middle of its time.
func stapleDue(cert *certset.Certificate, now time.Time) bool {
	if len(cert.TLS.Leaf.OCSPServer) == 0 || len(cert.Chain) < 2 {
		return false
	}
	answer, err := ocsp.ParseResponse(cert.TLS.OCSPStaple, cert.Chain[1])
	return err != nil || now.After(answer.ThisUpdate.Add(answer.NextUpdate.Sub(answer.ThisUpdate)/2))
}

// stapledUntil is how long the stapled answer is good for, or nil.
func stapledUntil(cert *certset.Certificate) *time.Time {
	if cert.TLS.OCSPStaple == nil {
		return nil
	}
	answer, err := ocsp.ParseResponse(cert.TLS.OCSPStaple, nil)
	if err != nil {
		return nil
	}
	until := answer.NextUpdate.UTC()
	return &until
}

// attach serves a certificate with an answer from now on, if it is still the
// one that is served. It is the same generation: nothing else has changed.
func (a *App) attach(set *certset.Set, cert *certset.Certificate, answer []byte) {
	process.Lock()
	defer process.Unlock()
	old := a.snapshot.Load()
	sets := slices.Clone(old.Sets)
	for i, s := range sets {
		at := slices.Index(s.Certificates, cert)
		if s.Name != set.Name || at < 0 {
			continue
		}
		stapled := *s
		stapled.Certificates = slices.Clone(s.Certificates)
		stapled.Certificates[at] = cert.WithStaple(answer)
		sets[i] = &stapled
	}
	a.snapshot.Store(certset.NewSnapshot(old.Generation, sets))
}

// askOCSP returns the answer of the first responder that says the certificate
// is good.
func askOCSP(ctx context.Context, cert *certset.Certificate) ([]byte, error) {
	var errs []error
	for _, server := range cert.TLS.Leaf.OCSPServer {
		answer, err := askResponder(ctx, server, cert.TLS.Leaf, cert.Chain[1])
		if err == nil {
			return answer, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", server, err))
	}
	return nil, errors.Join(errs...)
}

func askResponder(ctx context.Context, server string, leaf, issuer *x509.Certificate) ([]byte, error) {
	question, err := ocsp.CreateRequest(leaf, issuer, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, ocspTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server, bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/ocsp-request")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxOCSP))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	answer, err := ocsp.ParseResponseForCert(body, leaf, issuer)
	switch {
	case err != nil:
		return nil, err
	case answer.Status == ocsp.Revoked:
		return nil, fmt.Errorf("the certificate was revoked at %s; replace it", answer.RevokedAt.UTC().Format(time.RFC3339))
	case answer.Status != ocsp.Good:
		return nil, errors.New("the responder does not know the certificate")
	case time.Now().After(answer.NextUpdate):
		return nil, fmt.Errorf("the answer is out of date since %s", answer.NextUpdate.UTC().Format(time.RFC3339))
	}
	return body, nil
}
