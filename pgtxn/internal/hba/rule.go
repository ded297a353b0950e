package hba

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Method is how a client proves who it is.
type Method string

// The methods, as pg_hba.conf has them.
const (
	Trust    Method = "trust"
	Reject   Method = "reject"
	SCRAM    Method = "scram-sha-256"
	MD5      Method = "md5" // for those whose password is kept as an MD5 hash; SCRAM for the others
	Password Method = "password"
	Cert     Method = "cert"
)

// Methods are all there are.
var Methods = []string{string(Trust), string(Reject), string(SCRAM), string(MD5), string(Password), string(Cert)}

// NeedsSecret says whether the client has to know a password.
func (m Method) NeedsSecret() bool { return m == SCRAM || m == MD5 || m == Password }

// ClientCert says what a rule wants of the client's certificate beside its method.
type ClientCert string

// The values of the option clientcert.
const (
	NoCert     ClientCert = ""
	VerifyCA   ClientCert = "verify-ca"   // there is a valid one
	VerifyFull ClientCert = "verify-full" // and it is the user's
)

// ClientName is which name of a certificate counts.
type ClientName string

// The values of the option clientname. PostgreSQL does not have the last.
const (
	CN  ClientName = "CN"  // the subject's common name
	DN  ClientName = "DN"  // the whole subject, as RFC 2253 writes it
	SAN ClientName = "SAN" // any subject alternative name: DNS, e-mail, URI, IP address
)

// Rule is a line of pg_hba.conf.
type Rule struct {
	Method     Method
	ClientCert ClientCert
	ClientName ClientName
	Map        string // of pg_ident.conf; "": the name has to be the user's

	kind             string // local, host, hostssl or hostnossl
	databases, users []token
	anywhere         bool
	from             netip.Prefix
}

// Client is what rules are about.
type Client struct {
	Addr           netip.Addr // the zero Addr: a Unix socket
	TLS            bool
	Database, User string
	// Replication: the connection asks for physical replication, which is of no database.
	Replication bool
	// MemberOf says whether the user is a member of a role, directly or not, or is that
	// role. Nil: of none. It is asked only for rules that depend on it.
	MemberOf func(role string) bool
}

func (c Client) memberOf(role string) bool { return c.MemberOf != nil && c.MemberOf(role) }

// Rules are tried in their order.
type Rules []*Rule

// Match returns the first rule that c meets, or nil.
func (rules Rules) Match(c Client) *Rule {
	c.Addr = c.Addr.Unmap().WithZone("")
	for _, r := range rules {
		if r.isFor(c) && r.hasDatabase(c) && r.hasUser(c) {
			return r
		}
	}
	return nil
}

func (r *Rule) isFor(c Client) bool {
	local := !c.Addr.IsValid()
	switch r.kind {
	case "local":
		return local
	case "hostssl":
		return !local && c.TLS && r.hasAddress(c)
	case "hostnossl":
		return !local && !c.TLS && r.hasAddress(c)
	}
	return !local && r.hasAddress(c)
}

func (r *Rule) hasAddress(c Client) bool { return r.anywhere || r.from.Contains(c.Addr) }

// hasDatabase is check_db of hba.c.
func (r *Rule) hasDatabase(c Client) bool {
	return slices.ContainsFunc(r.databases, func(t token) bool {
		switch {
		case c.Replication || t.is("replication"):
			return c.Replication && t.is("replication")
		case t.is("all"):
			return true
		case t.is("sameuser"):
			return c.Database == c.User
		case t.isSameRole():
			return c.memberOf(c.Database)
		}
		return t.matches(c.Database)
	})
}

func (r *Rule) hasUser(c Client) bool {
	return slices.ContainsFunc(r.users, func(t token) bool { return t.matchesUser(c) })
}

// NeedsRoles says whether a rule depends on who is a member of which role.
func (rules Rules) NeedsRoles() bool {
	return slices.ContainsFunc(rules, func(r *Rule) bool {
		return slices.ContainsFunc(r.users, token.isGroup) || slices.ContainsFunc(r.databases, token.isSameRole)
	})
}

// remainder is what is left to read of a line.
type remainder struct {
	line string
	left [][]token
}

// list takes the next one, words between commas.
func (f *remainder) list(what string) ([]token, error) {
	if len(f.left) == 0 {
		return nil, fmt.Errorf("the %s is missing at the end of '%s'", what, f.line)
	}
	field := f.left[0]
	f.left = f.left[1:]
	return field, nil
}

// word takes the next one, which has to be one word (parse_hba_line, hba.c).
func (f *remainder) word(what string) (token, error) {
	field, err := f.list(what)
	switch {
	case err != nil:
		return token{}, err
	case len(field) > 1:
		return token{}, fmt.Errorf("multiple values specified for %s; write a line for each", what)
	}
	return field[0], nil
}

// ParseRule reads a line: connection type, databases, users, address (but for local), method, options.
func ParseRule(line string) (*Rule, error) {
	fields, err := split(line)
	if err != nil {
		return nil, err
	}
	f := &remainder{line, fields}
	r := &Rule{ClientName: CN}
	kind, err := f.word("connection type")
	if err != nil {
		return nil, err
	}
	r.kind = kind.text
	if !slices.Contains([]string{"local", "host", "hostssl", "hostnossl"}, r.kind) {
		return nil, fmt.Errorf("unknown connection type '%s'; use one of local, host, hostssl, hostnossl", r.kind)
	}
	if r.databases, err = f.list("database"); err != nil {
		return nil, err
	}
	if r.users, err = f.list("user"); err != nil {
		return nil, err
	}
	if r.kind != "local" {
		if err := r.readAddress(f); err != nil {
			return nil, err
		}
	}
	method, err := f.word("authentication type")
	if err != nil {
		return nil, err
	}
	r.Method = Method(method.text)
	for _, option := range slices.Concat(f.left...) {
		if err := r.readOption(option.text); err != nil {
			return nil, err
		}
	}
	return r, r.check()
}

// readAddress takes the address, and the mask if it is in a field of its own.
func (r *Rule) readAddress(f *remainder) error {
	address, err := f.word("host address")
	if err != nil {
		return err
	}
	text := address.text
	if address.is("all") {
		r.anywhere = true
		return nil
	}
	if strings.Contains(text, "/") {
		if r.from, err = netip.ParsePrefix(text); err != nil {
			return fmt.Errorf("address '%s': want a CIDR such as 10.0.0.0/8", text)
		}
		r.from = r.from.Masked()
		return nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return fmt.Errorf("address '%s': want all, or a CIDR such as 10.0.0.0/8; names of hosts, samehost and samenet are not supported", text)
	}
	behind, err := f.word("netmask")
	if err != nil {
		return err
	}
	mask, err := netip.ParseAddr(behind.text)
	if err != nil || mask.BitLen() != addr.BitLen() {
		return fmt.Errorf("address '%s': want a CIDR such as %s/%d, or a mask behind it", text, text, addr.BitLen())
	}
	bits, size := net.IPMask(mask.AsSlice()).Size()
	if size == 0 {
		return fmt.Errorf("the bits of mask '%s' are not in one piece", behind.text)
	}
	r.from = netip.PrefixFrom(addr, bits).Masked()
	return nil
}

// readOption takes a name=value behind the method.
func (r *Rule) readOption(option string) error {
	name, value, ok := strings.Cut(option, "=")
	if !ok {
		return fmt.Errorf("'%s' is not an option of the form name=value", option)
	}
	switch name {
	case "clientcert":
		if r.ClientCert = ClientCert(value); r.ClientCert != VerifyCA && r.ClientCert != VerifyFull {
			return fmt.Errorf("clientcert '%s': use verify-ca or verify-full", value)
		}
	case "clientname":
		if r.ClientName = ClientName(value); r.ClientName != CN && r.ClientName != DN && r.ClientName != SAN {
			return fmt.Errorf("clientname '%s': use CN, DN or SAN", value)
		}
	case "map":
		r.Map = value
	default:
		return fmt.Errorf("unknown option '%s'; there are clientcert, clientname and map", name)
	}
	return nil
}

// check judges what is right alone but not together.
func (r *Rule) check() error {
	for _, t := range slices.Concat(r.databases, r.users) {
		if !t.quoted && strings.HasPrefix(t.text, "@") {
			return fmt.Errorf("'%s': files of names are not supported; write the names", t.text)
		}
	}
	switch {
	case !slices.Contains(Methods, string(r.Method)):
		return fmt.Errorf("unknown method '%s'; use one of %s", r.Method, strings.Join(Methods, ", "))
	case (r.Method == Cert || r.ClientCert != NoCert) && r.kind != "hostssl":
		return errors.New("cert and clientcert take hostssl: certificates come with TLS")
	case r.Method == Password && r.kind != "hostssl" && r.kind != "local":
		return errors.New("password takes hostssl: the password is sent in clear text")
	case r.Method == Cert && r.ClientCert == VerifyCA:
		return errors.New("cert compares the names in any case; clientcert=verify-ca is for other methods")
	case r.Map != "" && r.Method != Cert && r.ClientCert != VerifyFull:
		return errors.New("map takes cert or clientcert=verify-full")
	}
	if r.Method == Cert {
		r.ClientCert = VerifyFull
	}
	return nil
}
