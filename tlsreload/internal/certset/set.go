package certset

import (
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"strings"
	"time"
)

// Set is certificates that are checked and replaced together.
type Set struct {
	Name string
	// Default: its first certificate is for clients that send no name.
	Default bool
	// Certificates are those shown to clients.
	Certificates []*Certificate
	// Clients is what clients' certificates are checked against.
	Clients Trust
	// Upstream is what is shown to servers, nil for none, and UpstreamRoots
	// what they are checked against.
	Upstream      *Certificate
	UpstreamRoots []*x509.Certificate
}

// All returns the certificates that have keys, wherever they are shown.
func (s *Set) All() []*Certificate {
	if s.Upstream == nil {
		return s.Certificates
	}
	return append(slices.Clip(s.Certificates), s.Upstream)
}

// Expired says whether one of them has.
func (s *Set) Expired(now time.Time) bool {
	return slices.ContainsFunc(s.All(), func(c *Certificate) bool { return c.Expired(now) })
}

// Names returns the names of the certificates shown to clients, sorted, each
// once.
func (s *Set) Names() []string {
	var names []string
	for _, cert := range s.Certificates {
		names = append(names, cert.Names...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Equal says whether two sets hold the same. OCSP answers don't count.
func (s *Set) Equal(other *Set) bool {
	return s != nil && other != nil && s.digest() == other.digest()
}

func (s *Set) digest() [sha256.Size]byte {
	hash := sha256.New()
	part := func(kind byte, der []byte) {
		sum := sha256.Sum256(der)
		hash.Write(append(sum[:], kind))
	}
	for _, cert := range s.Certificates {
		for i, der := range cert.TLS.Certificate {
			part(min(byte(i), 1), der) // where a chain begins
		}
	}
	if s.Upstream != nil {
		for i, der := range s.Upstream.TLS.Certificate {
			part(2+min(byte(i), 1), der)
		}
	}
	for _, cert := range s.UpstreamRoots {
		part(4, cert.Raw)
	}
	for _, cert := range s.Clients.Roots {
		part(5, cert.Raw)
	}
	for _, list := range s.Clients.CRLs {
		part(6, list.Raw)
	}
	if s.Default {
		part(7, nil)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

// WithStaplesOf returns the set with the OCSP answers of another, nil for none,
// for the certificates that are in both.
func (s *Set) WithStaplesOf(other *Set) *Set {
	if other == nil || other == s {
		return s
	}
	stapled := *s
	stapled.Certificates = slices.Clone(s.Certificates)
	for i, cert := range s.Certificates {
		for _, was := range other.Certificates {
			if was.Fingerprint == cert.Fingerprint && cert.TLS.OCSPStaple == nil {
				stapled.Certificates[i] = cert.WithStaple(was.TLS.OCSPStaple)
			}
		}
	}
	return &stapled
}

// Change is what a reload did to one certificate.
type Change string

// The kinds of change.
const (
	Added     Change = "added"
	Replaced  Change = "replaced" // another for the same names had been there
	Unchanged Change = "unchanged"
	Removed   Change = "removed"
)

// A Difference is a certificate of the new set, or a removed one of the old.
type Difference struct {
	*Certificate
	Change Change
	// Before is the fingerprint of the one that was replaced.
	Before string
}

// Compare says what became of each certificate. Old may be nil.
func Compare(old, next *Set) []Difference {
	var before []*Certificate
	if old != nil {
		before = slices.Clone(old.All())
	}
	take := func(same func(*Certificate) bool) *Certificate {
		i := slices.IndexFunc(before, same)
		if i < 0 {
			return nil
		}
		found := before[i]
		before = slices.Delete(before, i, i+1)
		return found
	}
	var result []Difference
	for _, cert := range next.All() { // equal ones first, so that none of them counts as replaced
		if take(func(c *Certificate) bool { return c.Fingerprint == cert.Fingerprint }) != nil {
			result = append(result, Difference{Certificate: cert, Change: Unchanged})
			continue
		}
		result = append(result, Difference{Certificate: cert, Change: Added})
	}
	for i := range result {
		if result[i].Change != Added {
			continue
		}
		if was := take(func(c *Certificate) bool { return succeeds(result[i].Certificate, c) }); was != nil {
			result[i].Change, result[i].Before = Replaced, was.Fingerprint
		}
	}
	for _, cert := range before {
		result = append(result, Difference{Certificate: cert, Change: Removed})
	}
	return result
}

// succeeds: next is for the same names as c, or some of them, with the same
// kind of key.
func succeeds(next, c *Certificate) bool {
	kind := func(c *Certificate) string { kind, _, _ := strings.Cut(c.KeyType(), " "); return kind }
	return kind(next) == kind(c) && (len(c.Names) == 0 ||
		slices.ContainsFunc(c.Names, func(name string) bool { return slices.Contains(next.Names, name) }))
}
