package hba

import (
	"crypto/x509"
	"net"
	"net/url"
	"slices"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

func TestAllows(t *testing.T) {
	cert := testca.New(t, "ca").Issue(t, []string{"app.example.com"}, func(c *x509.Certificate) {
		c.Subject.CommonName, c.Subject.Organization = "app", []string{"Example, Inc."}
		c.EmailAddresses = []string{"app@example.com"}
		c.URIs = []*url.URL{{Scheme: "spiffe", Host: "example.com", Path: "/app"}}
		c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)}
	}).Leaf
	var m Map
	for _, line := range []string{
		"names app reporting", "names app billing",
		`dn "CN=app,O=Example\, Inc." by_dn`,
		"san app.example.com by_dns", "san spiffe://example.com/app by_uri", "san 10.0.0.1 by_ip",
		`san /^(.*)@example\.com$ \1_mail`, `any /. all`, `users app /^team_`,
	} {
		mapping, err := ParseMapping(line)
		if err != nil {
			t.Fatal(err)
		}
		m = append(m, mapping)
	}
	for _, test := range []struct {
		options string
		users   []string
	}{
		{"", []string{"app"}},
		{"clientname=DN", []string{`CN=app,O=Example\, Inc.`}},
		{"clientname=SAN", []string{"app.example.com", "app@example.com", "spiffe://example.com/app", "10.0.0.1"}},
		{"map=names", []string{"reporting", "billing"}},
		{"map=dn clientname=DN", []string{"by_dn"}},
		{"map=dn", nil},
		{"map=san clientname=SAN", []string{"by_dns", "by_uri", "by_ip", "app_mail"}},
		{"map=users", []string{"team_a"}},
		{"map=missing", nil},
	} {
		r := mustRules(t, "hostssl all all all cert "+test.options)[0]
		for _, user := range []string{
			"app", `CN=app,O=Example\, Inc.`, "app.example.com", "app@example.com", "spiffe://example.com/app", "10.0.0.1",
			"reporting", "billing", "by_dn", "by_dns", "by_uri", "by_ip", "app_mail", "team_a", "ap", "",
		} {
			if _, ok := m.Allows(r, cert, Client{User: user}); ok != slices.Contains(test.users, user) {
				t.Errorf("%s: %q allowed: %t", test.options, user, ok)
			}
		}
	}
	if _, ok := m.Allows(mustRules(t, "hostssl all all all cert map=any")[0], cert, Client{User: "whoever"}); !ok {
		t.Error("all are not all")
	}
	if !m.Has("names") || m.Has("missing") {
		t.Error("which maps there are")
	}

	hidden := *cert
	hidden.Subject.CommonName = "app\x00.evil.example"
	if names, ok := m.Allows(mustRules(t, "hostssl all all all cert")[0], &hidden, Client{User: "app"}); ok || len(names) > 0 {
		t.Errorf("a name with NUL: %q", names)
	}
}

func TestMappingErrors(t *testing.T) {
	for line, want := range map[string]string{
		"map app":        "want three words, map, name in the certificate, user; not 'map app'",
		"map a b c":      "want three words, map, name in the certificate, user; not 'map a b c'",
		"map a,b c":      "multiple values in ident field of 'map a,b c'; write a line for each",
		`map app \1`:     `'\1' has \1, but 'app' has no group in parentheses`,
		`map /^(.)$ +\1`: `'+\1': \1 is not replaced in the name of a role whose members are meant`,
		`map /^app$ x\1`: `'x\1' has \1, but '/^app$' has no group in parentheses`,
		`map "app b`:     "a double quote is missing",
		`map /( b`:       "'(' is no regular expression: error parsing regexp: missing closing ): `(`",
	} {
		if _, err := ParseMapping(line); err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", line, err, want)
		}
	}
}
