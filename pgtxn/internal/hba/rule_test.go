package hba

import (
	"net/netip"
	"strings"
	"testing"
)

func mustRules(t *testing.T, lines ...string) (rules Rules) {
	t.Helper()
	for _, line := range lines {
		r, err := ParseRule(line)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

// Which clients meet a line. What PostgreSQL says is tried in TestHBA of package pgtxn.
func TestMatch(t *testing.T) {
	const (
		plain = iota
		secured
		socket
		walsender
	)
	for _, test := range []struct {
		line string
		addr string
		how  int
		db   string
		user string
		want bool
	}{
		{"host all all all trust", "10.0.0.1", plain, "d", "u", true},
		{"host all all all trust", "::1", secured, "d", "u", true},
		{"host all all all trust", "", socket, "d", "u", false},
		{"local all all trust", "", socket, "d", "u", true},
		{"local all all trust", "10.0.0.1", plain, "d", "u", false},
		{"hostssl all all all trust", "10.0.0.1", plain, "d", "u", false},
		{"hostssl all all all trust", "10.0.0.1", secured, "d", "u", true},
		{"hostnossl all all all trust", "10.0.0.1", plain, "d", "u", true},
		{"hostnossl all all all trust", "10.0.0.1", secured, "d", "u", false},
		{"host all all 10.0.0.0/8 trust", "10.255.0.1", plain, "d", "u", true},
		{"host all all 10.0.0.0/8 trust", "11.0.0.1", plain, "d", "u", false},
		{"host all all 10.1.2.3/8 trust", "10.255.0.1", plain, "d", "u", true},
		{"host all all 10.0.0.0/8 trust", "::ffff:10.0.0.1", plain, "d", "u", true},
		{"host all all 0.0.0.0/0 trust", "::1", plain, "d", "u", false},
		{"host all all ::/0 trust", "10.0.0.1", plain, "d", "u", false},
		{"host all all fe80::/10 trust", "fe80::1%eth0", plain, "d", "u", true},
		{"host all all 10.0.0.0 255.0.0.0 trust", "10.1.2.3", plain, "d", "u", true},
		{"host all all 10.0.0.0 255.255.0.0 trust", "10.1.2.3", plain, "d", "u", false},
		{"host all all ::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff trust", "::1", plain, "d", "u", true},
		{"host d all all trust", "10.0.0.1", plain, "d", "u", true},
		{"host d all all trust", "10.0.0.1", plain, "D", "u", false},
		{"host a,d all all trust", "10.0.0.1", plain, "d", "u", true},
		{"host a, d all all trust", "10.0.0.1", plain, "d", "u", true},
		{`host "all" all all trust`, "10.0.0.1", plain, "d", "u", false},
		{`host "all" all all trust`, "10.0.0.1", plain, "all", "u", true},
		{`host "a ""d"", b" all all trust`, "10.0.0.1", plain, `a "d", b`, "u", true},
		{"host sameuser all all trust", "10.0.0.1", plain, "u", "u", true},
		{"host sameuser all all trust", "10.0.0.1", plain, "d", "u", false},
		{`host /^d\d+$ all all trust`, "10.0.0.1", plain, "d17", "u", true},
		{`host /^d\d+$ all all trust`, "10.0.0.1", plain, "d17x", "u", false},
		{"host replication all all trust", "10.0.0.1", plain, "replication", "u", false},
		{`host "replication" all all trust`, "10.0.0.1", plain, "replication", "u", true},
		{"host replication all all trust", "10.0.0.1", walsender, "d", "u", true},
		{"host all all all trust", "10.0.0.1", walsender, "d", "u", false},
		{"host all u all trust", "10.0.0.1", plain, "d", "u", true},
		{"host all u,v all trust", "10.0.0.1", plain, "d", "w", false},
		{`host all /u all trust`, "10.0.0.1", plain, "d", "blues", true},
		{"  host\tall  all\tall\ttrust  ", "10.0.0.1", plain, "d", "u", true},
	} {
		c := Client{TLS: test.how == secured, Replication: test.how == walsender, Database: test.db, User: test.user}
		if test.addr != "" {
			c.Addr = netip.MustParseAddr(test.addr)
		}
		if got := mustRules(t, test.line).Match(c) != nil; got != test.want {
			t.Errorf("%s: %+v matches: %t", test.line, c, got)
		}
	}
}

func TestFirstMatch(t *testing.T) {
	rules := mustRules(t, "host all bad all reject", "host all all 10.0.0.0/8 scram-sha-256", "hostssl all all all cert map=m,clientname=DN")
	for _, test := range []struct {
		addr, user string
		tls        bool
		want       Method
	}{
		{"10.0.0.1", "bad", true, Reject}, {"10.0.0.1", "u", true, SCRAM}, {"11.0.0.1", "u", true, Cert}, {"11.0.0.1", "u", false, ""},
	} {
		var got Method
		if r := rules.Match(Client{Addr: netip.MustParseAddr(test.addr), User: test.user, TLS: test.tls}); r != nil {
			got = r.Method
		}
		if got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
	if r := rules[2]; r.Map != "m" || r.ClientName != DN || r.ClientCert != VerifyFull {
		t.Errorf("%+v", r)
	}
}

// What a person sees for a line that can't be right.
func TestRuleErrors(t *testing.T) {
	for line, want := range map[string]string{
		"":                               "the connection type is missing at the end of ''",
		"hots all all all trust":         "unknown connection type 'hots'; use one of local, host, hostssl, hostnossl",
		"hostgssenc all all all md5":     "unknown connection type 'hostgssenc'; use one of local, host, hostssl, hostnossl",
		"host all":                       "the user is missing at the end of 'host all'",
		"host all all trust":             "address 'trust': want all, or a CIDR such as 10.0.0.0/8; names of hosts, samehost and samenet are not supported",
		"host all all all":               "the authentication type is missing at the end of 'host all all all'",
		"local all all":                  "the authentication type is missing at the end of 'local all all'",
		"host all all 10.0.0.0/33 trust": "address '10.0.0.0/33': want a CIDR such as 10.0.0.0/8",
		"host all all 10.0.0.1 trust":    "address '10.0.0.1': want a CIDR such as 10.0.0.1/32, or a mask behind it",
		"host all all 10.0.0.1 255.0.255.0 trust":             "the bits of mask '255.0.255.0' are not in one piece",
		"host all all 10.0.0.1 ffff:: trust":                  "address '10.0.0.1': want a CIDR such as 10.0.0.1/32, or a mask behind it",
		"host all all db.example.com trust":                   "address 'db.example.com': want all, or a CIDR such as 10.0.0.0/8; names of hosts, samehost and samenet are not supported",
		"host all all all scram":                              "unknown method 'scram'; use one of trust, reject, scram-sha-256, md5, password, cert",
		"host all all 10.0.0.0/8,192.168.0.0/16 reject":       "multiple values specified for host address; write a line for each",
		"host @dbs all all trust":                             "'@dbs': files of names are not supported; write the names",
		`host "all all all trust`:                             "a double quote is missing",
		"host /( all all trust":                               "'(' is no regular expression: error parsing regexp: missing closing ): `(`",
		"host all all all cert":                               "cert and clientcert take hostssl: certificates come with TLS",
		"host all all all scram-sha-256 clientcert=verify-ca": "cert and clientcert take hostssl: certificates come with TLS",
		"host all all all password":                           "password takes hostssl: the password is sent in clear text",
		"hostssl all all all trust clientcert=1":              "clientcert '1': use verify-ca or verify-full",
		"hostssl all all all cert clientname=cn":              "clientname 'cn': use CN, DN or SAN",
		"hostssl all all all cert clientcert=verify-ca":       "cert compares the names in any case; clientcert=verify-ca is for other methods",
		"hostssl all all all trust map=m":                     "map takes cert or clientcert=verify-full",
		"host all all all trust ldap=1":                       "unknown option 'ldap'; there are clientcert, clientname and map",
		"host all all all trust now":                          "'now' is not an option of the form name=value",
	} {
		_, err := ParseRule(line)
		if err == nil {
			t.Errorf("%q: no error", line)
		} else if err.Error() != want {
			t.Errorf("%q:\n got %s\nwant %s", line, err, want)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	f.Add(`hostssl "a b",/^x,all all 10.0.0.0/8 cert map=x`)
	f.Fuzz(func(t *testing.T, line string) {
		r, err := ParseRule(line)
		if err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without words")
		}
		if err == nil {
			(Rules{r}).Match(Client{Addr: netip.MustParseAddr("::1"), TLS: true})
		}
	})
}
