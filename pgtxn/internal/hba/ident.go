package hba

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
)

// Mapping is a line of pg_ident.conf.
type Mapping struct {
	name   string
	system token // with a regular expression, \1 in user is what its first group matched
	user   token
}

// ParseMapping reads a line: the map's name, the system user, the PostgreSQL user.
func ParseMapping(line string) (*Mapping, error) {
	fields, err := split(line)
	if err != nil {
		return nil, err
	}
	if len(fields) != 3 {
		return nil, fmt.Errorf("want three words, map, name in the certificate, user; not '%s'", line)
	}
	if slices.ContainsFunc(fields, func(field []token) bool { return len(field) > 1 }) {
		return nil, fmt.Errorf("multiple values in ident field of '%s'; write a line for each", line)
	}
	m := &Mapping{name: fields[0][0].text, system: fields[1][0], user: fields[2][0]}
	if !strings.Contains(m.user.text, `\1`) {
		return m, nil
	}
	if m.system.regex == nil || m.system.regex.NumSubexp() == 0 {
		return nil, fmt.Errorf(`'%s' has \1, but '%s' has no group in parentheses`, m.user.text, m.system.text)
	}
	if m.user.isGroup() {
		return nil, fmt.Errorf(`'%s': \1 is not replaced in the name of a role whose members are meant`, m.user.text)
	}
	m.user.quoted = true // what becomes of it is a name
	return m, nil
}

// allows says whether system may be the user (check_ident_usermap of hba.c). It is broken if \1 is to
// be replaced by a group that took no part in the match.
func (m *Mapping) allows(system string, c Client) (ok, broken bool) {
	wanted := m.user
	if m.system.regex == nil {
		return m.system.text == system && wanted.matchesUser(c), false
	}
	groups := m.system.regex.FindStringSubmatchIndex(system)
	if groups == nil {
		return false, false
	}
	if strings.Contains(wanted.text, `\1`) {
		if groups[2] < 0 {
			return false, true
		}
		wanted.text = strings.Replace(wanted.text, `\1`, system[groups[2]:groups[3]], 1)
	}
	return wanted.matchesUser(c), false
}

// Map is the lines of pg_ident.conf.
type Map []*Mapping

// Has says whether there are lines of a map with this name.
func (m Map) Has(name string) bool {
	return slices.ContainsFunc(m, func(line *Mapping) bool { return line.name == name })
}

// NeedsRoles says whether a line depends on who is a member of which role.
func (m Map) NeedsRoles() bool {
	return slices.ContainsFunc(m, func(line *Mapping) bool { return line.user.isGroup() })
}

// Allows says whether the holder of a certificate may be the user under rule r. If not, names are those
// of the certificate that counted.
func (m Map) Allows(r *Rule, cert *x509.Certificate, c Client) (names []string, ok bool) {
	names = namesOf(cert, r.ClientName)
	for _, name := range names {
		if r.Map == "" && name == c.User {
			return names, true
		}
		for _, line := range m {
			if line.name != r.Map {
				continue
			}
			if ok, broken := line.allows(name, c); ok || broken { // in PostgreSQL, too, no line behind counts
				return names, ok
			}
		}
	}
	return names, false
}

// namesOf returns the names of a certificate. One with a NUL in it could be taken for a shorter one.
func namesOf(cert *x509.Certificate, which ClientName) (names []string) {
	switch which {
	case DN:
		var subject pkix.RDNSequence
		if rest, err := asn1.Unmarshal(cert.RawSubject, &subject); err == nil && len(rest) == 0 {
			names = []string{subject.String()}
		}
	case SAN:
		names = append(append(names, cert.DNSNames...), cert.EmailAddresses...)
		for _, uri := range cert.URIs {
			names = append(names, uri.String())
		}
		for _, ip := range cert.IPAddresses {
			names = append(names, ip.String())
		}
	default:
		names = []string{cert.Subject.CommonName}
	}
	clean := names[:0]
	for _, name := range names {
		if name != "" && !strings.Contains(name, "\x00") {
			clean = append(clean, name)
		}
	}
	return clean
}
