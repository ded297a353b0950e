package certset

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rules is what a set is checked by.
type Rules struct {
	Now time.Time
	// Force lets a set lose names and intermediate certificates, and have
	// revocation lists that are out of date.
	Force bool
	// Reconfigured lets a set lose names, with a warning: the configuration may
	// mean other names.
	Reconfigured bool
	// Roots are the authorities that every chain has to lead to. Nil: it is not
	// asked for; then only a chain that lost an intermediate is an error.
	Roots *x509.CertPool
	// Public are the authorities of the system, nil for none: a chain that
	// leads there needs no other proof of being complete.
	Public *x509.CertPool
}

// minRSABits is the least that browsers and the CA/Browser Forum take.
const minRSABits = 2048

// unlessMeant is what is said of what can be forced.
const unlessMeant = "; if that is meant, force the reload"

// Check says what is wrong with a set that is to follow old, which may be nil.
// A set with errors must not be served; warnings are for the operator.
func Check(next, old *Set, rules Rules) (errs, warnings []Problem) {
	for _, cert := range next.All() {
		e, w := checkCertificate(cert, before(cert, next, old, rules.Now), &rules)
		errs, warnings = append(errs, e...), append(warnings, w...)
	}
	for _, cert := range next.Certificates {
		if len(cert.Names) == 0 {
			errs = append(errs, problem(cert.Source, "the certificate has no DNS name and no IP address; clients ignore its common name %q", cert.TLS.Leaf.Subject.CommonName))
		}
		if !isFor(cert, x509.ExtKeyUsageServerAuth) {
			errs = append(errs, problem(cert.Source, "the certificate is not one of a server: its extendedKeyUsage has no serverAuth, so clients refuse it"))
		}
	}
	if cert := next.Upstream; cert != nil && !isFor(cert, x509.ExtKeyUsageClientAuth) { // there are servers that don't look
		warnings = append(warnings, problem(cert.Source, "the certificate is not one of a client: its extendedKeyUsage has no clientAuth, so most servers refuse it"))
	}
	if lost := lostNames(next, old); len(lost) > 0 && !rules.Force {
		reason := fmt.Sprintf("set %s: no certificate has the name %s any more", next.Name, strings.Join(lost, ", "))
		if rules.Reconfigured {
			warnings = append(warnings, Problem{Reason: reason})
		} else {
			errs = append(errs, Problem{Reason: reason + unlessMeant})
		}
	}
	e, w := checkTrust(&next.Clients, &rules)
	return append(errs, e...), append(append(warnings, w...), duplicates(next)...)
}

// before are the certificates of old, which may be nil, that are shown to the same side
// as cert of next, and have not expired.
func before(cert *Certificate, next, old *Set, now time.Time) []*Certificate {
	if old == nil {
		return nil
	}
	certs := old.Certificates
	if cert == next.Upstream {
		certs = old.All()[len(certs):]
	}
	return slices.DeleteFunc(slices.Clone(certs), func(c *Certificate) bool { return c.Expired(now) })
}

func checkCertificate(cert *Certificate, before []*Certificate, rules *Rules) (errs, warnings []Problem) {
	fail := func(format string, args ...any) { errs = append(errs, problem(cert.Source, format, args...)) }
	for i, link := range cert.Chain {
		what := "the certificate"
		if i > 0 {
			what = fmt.Sprintf("certificate %d of the chain (%s)", i+1, link.Subject)
		}
		if rules.Now.After(link.NotAfter) {
			fail("%s expired at %s", what, link.NotAfter.UTC().Format(time.RFC3339))
		}
		if rules.Now.Before(link.NotBefore) {
			fail("%s is not valid before %s; is this machine's clock right?", what, link.NotBefore.UTC().Format(time.RFC3339))
		}
		if key, ok := link.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
			fail("%s has an RSA key of %d bits; use %d or more", what, key.N.BitLen(), minRSABits)
		}
		if i+1 < len(cert.Chain) || !selfIssued(link) {
			if weakSignature(link.SignatureAlgorithm) {
				fail("%s is signed with %s, which clients refuse", what, link.SignatureAlgorithm)
			}
		}
	}
	if key, ok := cert.TLS.Leaf.PublicKey.(*ecdsa.PublicKey); ok && key.Curve == elliptic.P224() {
		fail("the certificate has an ECDSA key of the curve P-224, which TLS 1.3 does not have; use P-256, P-384 or P-521")
	}
	if inOrder := checkOrder(cert, fail); !inOrder {
		return errs, warnings
	}
	missing, certain := incomplete(cert, before, rules)
	switch {
	case missing == "":
	case certain:
		fail("%s", missing)
	default:
		warnings = append(warnings, problem(cert.Source, "%s", missing))
	}
	return errs, warnings
}

func weakSignature(algorithm x509.SignatureAlgorithm) bool {
	switch algorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	}
	return false
}

func selfIssued(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawIssuer, cert.RawSubject)
}

// isFor says whether a certificate may be used so: it says nothing of its uses,
// or this one, or any.
func isFor(cert *Certificate, usage x509.ExtKeyUsage) bool {
	leaf := cert.TLS.Leaf
	return len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0 ||
		slices.Contains(leaf.ExtKeyUsage, usage) || slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// checkOrder: each certificate is signed by the next.
func checkOrder(cert *Certificate, fail func(string, ...any)) bool {
	for i, link := range cert.Chain[:len(cert.Chain)-1] {
		next := cert.Chain[i+1]
		if err := link.CheckSignatureFrom(next); err == nil {
			continue
		}
		for j, other := range cert.Chain[i+1:] {
			if link.CheckSignatureFrom(other) == nil {
				fail("the chain is in the wrong order: certificate %d (%s) must follow certificate %d (%s), which it signed", i+j+2, other.Subject, i+1, link.Subject)
				return false
			}
		}
		fail("the chain is broken: certificate %d (%s) did not sign certificate %d (%s), whose issuer is %s", i+2, next.Subject, i+1, link.Subject, link.Issuer)
		return false
	}
	return true
}

// incomplete says which intermediate certificate is missing, or "". A private
// authority's root need not be known here: then it is only certain if the
// operator named the roots, or the chain was longer before.
func incomplete(cert *Certificate, before []*Certificate, rules *Rules) (missing string, certain bool) {
	last := cert.Chain[len(cert.Chain)-1]
	intermediates := x509.NewCertPool()
	for _, link := range cert.Chain[1:] {
		intermediates.AddCert(link)
	}
	leadsTo := func(roots *x509.CertPool) bool {
		if roots == nil {
			return false
		}
		_, err := cert.TLS.Leaf.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: intermediates, CurrentTime: rules.Now,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		return err == nil
	}
	missing = fmt.Sprintf("the chain ends with %s, and the certificate of its issuer, %s, is missing", last.Subject, last.Issuer)
	if rules.Roots != nil {
		if leadsTo(rules.Roots) {
			return "", false
		}
		return "the chain does not lead to one of the roots: " + missing, true
	}
	if selfIssued(last) || leadsTo(rules.Public) {
		return "", false
	}
	if lost := shortened(cert, before); lost != "" {
		missing += "; " + lost
		if rules.Force {
			return missing, false
		}
		return missing + unlessMeant, true
	}
	if len(cert.Chain) > 1 || len(last.IssuingCertificateURL) == 0 {
		return "", false // as it is with a private authority
	}
	return missing + ", unless clients trust it directly", false
}

// shortened says by those before that a chain has lost an intermediate certificate,
// or "": that of its issuer; or, for a leaf of another issuer than before, all that
// there were.
func shortened(cert *Certificate, before []*Certificate) string {
	last := cert.Chain[len(cert.Chain)-1]
	replaced, asBefore := false, false
	for _, was := range before {
		intermediates := slices.DeleteFunc(slices.Clone(was.Chain[1:]), selfIssued) // a root may be left out
		if slices.ContainsFunc(intermediates, func(link *x509.Certificate) bool { return bytes.Equal(link.RawSubject, last.RawIssuer) }) {
			return "it was there before"
		}
		replaced = replaced || len(intermediates) > 0 && succeeds(cert, was)
		asBefore = asBefore || bytes.Equal(was.Chain[len(was.Chain)-1].RawIssuer, last.RawIssuer)
	}
	if len(cert.Chain) == 1 && replaced && !asBefore {
		return "the one before came with an intermediate certificate"
	}
	return ""
}

func lostNames(next, old *Set) []string {
	if old == nil {
		return nil
	}
	has := next.Names()
	return slices.DeleteFunc(old.Names(), func(name string) bool { return slices.Contains(has, name) })
}

func checkTrust(trust *Trust, rules *Rules) (errs, warnings []Problem) {
	for _, root := range trust.Roots {
		source := "authority for clients " + root.Subject.String()
		if rules.Now.After(root.NotAfter) {
			warnings = append(warnings, problem(source, "it expired at %s", root.NotAfter.UTC().Format(time.RFC3339)))
		}
		if !root.IsCA {
			errs = append(errs, problem(source, "it is not an authority: its certificate does not say CA:TRUE"))
		}
	}
	for _, list := range trust.CRLs {
		source := "revocation list of " + list.Issuer.String()
		if !list.NextUpdate.IsZero() && rules.Now.After(list.NextUpdate) {
			stale := problem(source, "it is out of date since %s: with it, all clients of this issuer are refused", list.NextUpdate.UTC().Format(time.RFC3339))
			if rules.Force {
				warnings = append(warnings, stale)
			} else {
				errs = append(errs, stale)
			}
		}
		switch known, signed := trust.issued(list); {
		case !known:
			warnings = append(warnings, problem(source, "no authority for clients has this name: the list counts only for clients that send an intermediate certificate of this name"))
		case !signed:
			errs = append(errs, problem(source, "it is not signed by the authority for clients of this name"))
		}
	}
	return errs, warnings
}

// duplicates warns of certificates that stand in each other's way.
func duplicates(set *Set) []Problem {
	var warnings []Problem
	for i, cert := range set.Certificates {
		for _, other := range set.Certificates[:i] {
			switch {
			case cert.Fingerprint == other.Fingerprint:
				warnings = append(warnings, problem(cert.Source, "the same certificate is in %s", other.Source))
			case succeeds(cert, other):
				warnings = append(warnings, problem(cert.Source, "the certificate in %s has the same kind of key and one of the same names; for that, the newer of the two is served", other.Source))
			}
		}
	}
	return warnings
}
