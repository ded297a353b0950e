package certset

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
	"strings"
	"time"
)

// Snapshot is all sets that are served at one time. The zero value is empty.
type Snapshot struct {
	// Generation counts the times that something else began to be served.
	Generation uint64
	// Sets are sorted by name.
	Sets []*Set
	// Owners says by fingerprint of which set a certificate for clients is.
	Owners map[string]string

	byName   map[string][]*Certificate // the preferred one first
	fallback []*Certificate
}

// NewSnapshot makes the snapshot of some sets, which have different names. If
// there is one set, it is the default.
func NewSnapshot(generation uint64, sets []*Set) *Snapshot {
	s := &Snapshot{
		Generation: generation, Sets: slices.Clone(sets),
		Owners: map[string]string{}, byName: map[string][]*Certificate{},
	}
	slices.SortFunc(s.Sets, func(a, b *Set) int { return strings.Compare(a.Name, b.Name) })
	for _, set := range s.Sets {
		for _, cert := range set.Certificates {
			s.Owners[cert.Fingerprint] = set.Name
			for _, name := range cert.Names {
				s.byName[name] = append(s.byName[name], cert)
			}
		}
	}
	for _, candidates := range s.byName {
		slices.SortStableFunc(candidates, prefer)
	}
	for _, set := range s.Sets {
		if (set.Default || len(s.Sets) == 1) && len(set.Certificates) > 0 {
			first := set.Certificates[0]
			s.fallback = []*Certificate{first}
			if len(first.Names) > 0 {
				s.fallback = s.byName[first.Names[0]] // the same with other kinds of keys
			}
			break
		}
	}
	return s
}

// prefer puts keys that are cheap for the server first, then newer ones.
func prefer(a, b *Certificate) int {
	isRSA := func(c *Certificate) int {
		if c.TLS.Leaf.PublicKeyAlgorithm == x509.RSA {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(isRSA(a), isRSA(b)), b.TLS.Leaf.NotBefore.Compare(a.TLS.Leaf.NotBefore))
}

// Set returns the set of a name, or nil.
func (s *Snapshot) Set(name string) *Set {
	for _, set := range s.Sets {
		if set.Name == name {
			return set
		}
	}
	return nil
}

// Names returns all names for which there is a certificate, sorted.
func (s *Snapshot) Names() []string {
	var names []string
	for name := range s.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// HasDefault says whether there is a certificate for clients that send no name.
func (s *Snapshot) HasDefault() bool { return s.fallback != nil }

// Expiry is when the first of the certificates expires; zero without any.
func (s *Snapshot) Expiry() (first time.Time) {
	for _, set := range s.Sets {
		for _, cert := range set.All() {
			if first.IsZero() || cert.TLS.Leaf.NotAfter.Before(first) {
				first = cert.TLS.Leaf.NotAfter
			}
		}
	}
	return first
}

// Candidates returns the certificates for a client, the preferred one first: by
// the name it sends; else by the address that it connected to; else by
// defaultSNI, if there is one; else the default. None: it is for somebody else
// to answer.
func (s *Snapshot) Candidates(hello *tls.ClientHelloInfo, defaultSNI string) []*Certificate {
	if strings.TrimSpace(hello.ServerName) != "" {
		return s.named(hello.ServerName)
	}
	if found := s.byName[localIP(hello.Conn)]; found != nil {
		return found
	}
	if found := s.named(defaultSNI); found != nil {
		return found
	}
	return s.fallback
}

// named returns the certificates for a name, which may match a wildcard.
func (s *Snapshot) named(name string) []*Certificate {
	name = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
	if found := s.byName[name]; found != nil {
		return found
	}
	_, parent, _ := strings.Cut(name, ".")
	return s.byName["*."+parent]
}

// Find returns the first of the [Snapshot.Candidates] that the client can use.
func (s *Snapshot) Find(hello *tls.ClientHelloInfo, defaultSNI string) *Certificate {
	candidates := s.Candidates(hello, defaultSNI)
	if len(candidates) == 0 {
		return nil
	}
	for _, cert := range candidates[:len(candidates)-1] {
		if hello.SupportsCertificate(&cert.TLS) == nil {
			return cert
		}
	}
	last := candidates[len(candidates)-1]
	if len(candidates) > 1 && hello.SupportsCertificate(&last.TLS) != nil {
		return candidates[0] // none can be used: let the handshake say so
	}
	return last
}

// localIP is the address that the client connected to, as certificates name it.
func localIP(conn net.Conn) string {
	if conn == nil || conn.LocalAddr() == nil {
		return ""
	}
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); ip != nil {
		return ip.String()
	}
	return ""
}
