package certset_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

func certificate(t *testing.T, source string, pair testca.Pair) *certset.Certificate {
	t.Helper()
	cert, err := certset.ParsePair(text(source, pair.Chain), text(source, pair.Key))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func set(certs ...*certset.Certificate) *certset.Set {
	return &certset.Set{Name: "main", Certificates: certs}
}

// What is an error, what a warning, and what neither. Times are given: nothing
// here depends on the clock.
func TestCheck(t *testing.T) {
	root := testca.New(t, "root")
	below := root.Intermediate(t, "intermediate")
	a := certificate(t, "a", below.Issue(t, []string{"a.test"}))
	aia := certificate(t, "aia", root.Issue(t, []string{"a.test"}, func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://x.test"} }))
	bare := func(by *testca.Authority) *certset.Certificate { // without the chain behind it
		pair := by.Issue(t, []string{"a.test"})
		pair.Chain = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Leaf.Raw})
		return certificate(t, "bare", pair)
	}
	cut := bare(below)
	withRoot := below.Issue(t, []string{"a.test"})
	withRoot.Chain = append(withRoot.Chain, root.PEM()...)
	forUse := func(usages ...x509.ExtKeyUsage) *certset.Certificate {
		return certificate(t, "use", root.Issue(t, []string{"a.test"}, func(c *x509.Certificate) { c.ExtKeyUsage = usages }))
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	list := func(by *testca.Authority, next time.Time) *certset.Set {
		s := set(a)
		lists, err := certset.ParseCRLs(text("crl", by.Revoke(t, next)))
		if err != nil {
			t.Fatal(err)
		}
		s.Clients = certset.Trust{Roots: []*x509.Certificate{root.Cert}, CRLs: lists}
		return s
	}
	for name, test := range map[string]struct {
		next, old     *certset.Set
		rules         certset.Rules
		errs, warning string // parts of the only one; "" for none
	}{
		"good":                            {set(a), nil, certset.Rules{Now: now}, "", ""},
		"good, by its roots":              {set(a), nil, certset.Rules{Now: now, Roots: root.Pool()}, "", ""},
		"other roots":                     {set(a), nil, certset.Rules{Now: now, Roots: testca.New(t, "x").Pool()}, "does not lead to one of the roots", ""},
		"expired":                         {set(a), nil, certset.Rules{Now: now.Add(25 * time.Hour)}, "a: the certificate expired at", ""},
		"too early":                       {set(a), nil, certset.Rules{Now: now.Add(-2 * time.Hour)}, "a: the certificate is not valid before", ""},
		"cut chain of a private CA":       {set(cut), nil, certset.Rules{Now: now}, "", ""},
		"cut chain, by its roots":         {set(cut), nil, certset.Rules{Now: now, Roots: root.Pool()}, "CN=intermediate, is missing", ""},
		"cut chain, longer before":        {set(cut), set(a), certset.Rules{Now: now}, "it was there before", ""},
		"the same, forced":                {set(cut), set(a), certset.Rules{Now: now, Force: true}, "", "it was there before"},
		"another intermediate cut":        {set(bare(root.Intermediate(t, "other"))), set(a), certset.Rules{Now: now}, "the one before came with an intermediate", ""},
		"another one cut, forced":         {set(bare(root.Intermediate(t, "other"))), set(a), certset.Rules{Now: now, Force: true}, "", "the one before came with an intermediate"},
		"another one, of the system":      {set(bare(root)), set(certificate(t, "a", testca.New(t, "x").Intermediate(t, "y").Issue(t, []string{"a.test"}))), certset.Rules{Now: now, Public: root.Pool()}, "", ""},
		"none, by the same root":          {set(bare(root)), set(a), certset.Rules{Now: now}, "", ""},
		"one that has expired was longer": {set(cut), set(certificate(t, "old", below.Issue(t, []string{"a.test"}, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) }))), certset.Rules{Now: now}, "", ""},
		"that for servers is longer": {set(bare(root.Intermediate(t, "other"))),
			&certset.Set{Certificates: []*certset.Certificate{bare(testca.New(t, "x"))}, Upstream: certificate(t, "up", below.Issue(t, nil))}, certset.Rules{Now: now}, "", ""},
		"that for servers was longer":   {&certset.Set{Upstream: bare(below)}, &certset.Set{Upstream: certificate(t, "up", below.Issue(t, nil))}, certset.Rules{Now: now}, "it was there before", ""},
		"root left out":                 {set(a), set(certificate(t, "root", withRoot)), certset.Rules{Now: now}, "", ""},
		"cut chain, with root before":   {set(cut), set(certificate(t, "root", withRoot)), certset.Rules{Now: now}, "it was there before", ""},
		"for any use":                   {set(forUse(x509.ExtKeyUsageAny)), nil, certset.Rules{Now: now}, "", ""},
		"for no certain use":            {set(forUse()), nil, certset.Rules{Now: now}, "", ""},
		"a client's":                    {set(forUse(x509.ExtKeyUsageClientAuth)), nil, certset.Rules{Now: now, Force: true}, "use: the certificate is not one of a server", ""},
		"a server's, for servers":       {&certset.Set{Upstream: forUse(x509.ExtKeyUsageServerAuth)}, nil, certset.Rules{Now: now}, "", "use: the certificate is not one of a client"},
		"a client's, for servers":       {&certset.Set{Upstream: forUse(x509.ExtKeyUsageClientAuth)}, nil, certset.Rules{Now: now}, "", ""},
		"P-224":                         {set(certificate(t, "p224", root.IssueFor(t, p224, []string{"a.test"}))), nil, certset.Rules{Now: now}, "ECDSA key of the curve P-224", ""},
		"lost name, by a configuration": {set(certificate(t, "b", root.Issue(t, []string{"b.test"}))), set(a), certset.Rules{Now: now, Reconfigured: true}, "", "no certificate has the name a.test any more"},
		"issuer to be fetched":          {set(aia), nil, certset.Rules{Now: now}, "", "unless clients trust it directly"},
		"issuer of the system":          {set(aia), nil, certset.Rules{Now: now, Public: root.Pool()}, "", ""},
		"lost name":                     {set(certificate(t, "b", root.Issue(t, []string{"b.test"}))), set(a), certset.Rules{Now: now}, "no certificate has the name a.test any more", ""},
		"lost name, forced":             {set(certificate(t, "b", root.Issue(t, []string{"b.test"}))), set(a), certset.Rules{Now: now, Force: true}, "", ""},
		"no name":                       {set(certificate(t, "b", root.Issue(t, nil))), nil, certset.Rules{Now: now}, "no DNS name and no IP address", ""},
		"no name, for servers":          {&certset.Set{Upstream: certificate(t, "b", root.Issue(t, nil))}, nil, certset.Rules{Now: now}, "", ""},
		"the same twice":                {set(a, a), nil, certset.Rules{Now: now}, "", "the same certificate is in a"},
		"two for one name":              {set(a, certificate(t, "b", root.Issue(t, []string{"a.test"}))), nil, certset.Rules{Now: now}, "", "the newer of the two is served"},
		"two for one name, of two keys": {set(a, certificate(t, "b", root.IssueFor(t, testca.NewRSAKey(t, 2048), []string{"a.test"}))), nil, certset.Rules{Now: now}, "", ""},
		"list in time":                  {list(root, now.Add(time.Hour)), nil, certset.Rules{Now: now}, "", ""},
		"list out of date":              {list(root, now.Add(-time.Second)), nil, certset.Rules{Now: now}, "it is out of date", ""},
		"list out of date, forced":      {list(root, now.Add(-time.Second)), nil, certset.Rules{Now: now, Force: true}, "", "it is out of date"},
		"list of an intermediate":       {list(below, now.Add(time.Hour)), nil, certset.Rules{Now: now}, "", "no authority for clients has this name"},
		"list with a false name":        {list(testca.New(t, "root"), now.Add(time.Hour)), nil, certset.Rules{Now: now, Force: true}, "not signed by the authority", ""},
	} {
		errs, warnings := certset.Check(test.next, test.old, test.rules)
		for kind, found := range map[string]struct {
			got  []certset.Problem
			want string
		}{"errors": {errs, test.errs}, "warnings": {warnings, test.warning}} {
			if found.want == "" && len(found.got) == 0 || len(found.got) == 1 && found.want != "" && strings.Contains(found.got[0].Error(), found.want) {
				continue
			}
			t.Errorf("%s: %s %v, want %q", name, kind, found.got, found.want)
		}
	}
}

// What becomes of each certificate from one set to the next.
func TestCompare(t *testing.T) {
	ca := testca.New(t, "ca")
	issue := func(source string, names ...string) *certset.Certificate {
		return certificate(t, source, ca.Issue(t, names))
	}
	a, b, gone := issue("a", "a.test"), issue("b", "b.test"), issue("gone", "gone.test")
	newA := issue("a", "a.test", "more.test")
	rsa := certificate(t, "rsa", ca.IssueFor(t, testca.NewRSAKey(t, 2048), []string{"a.test"}))
	got := map[string]certset.Change{}
	for _, d := range certset.Compare(set(a, b, gone), set(newA, b, rsa)) {
		got[d.Source] = d.Change
		if d.Change == certset.Replaced && d.Before != a.Fingerprint {
			t.Errorf("%s replaced %s", d.Source, d.Before)
		}
	}
	for source, want := range map[string]certset.Change{"a": certset.Replaced, "b": certset.Unchanged, "rsa": certset.Added, "gone": certset.Removed} {
		if got[source] != want {
			t.Errorf("%s: %s, want %s", source, got[source], want)
		}
	}
	if !set(a).Equal(set(a.WithStaple([]byte("x")))) || set(a).Equal(set(newA)) || set(a).Equal(nil) {
		t.Error("sets are compared wrongly")
	}
}

// at is a connection that came in at an address.
type at struct {
	net.Conn
	addr string
}

func (a at) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(a.addr), Port: 6432} }

// Which certificate a client gets.
func TestFind(t *testing.T) {
	ca := testca.New(t, "ca")
	issue := func(source string, names ...string) *certset.Certificate {
		return certificate(t, source, ca.Issue(t, names))
	}
	older := certificate(t, "older", ca.Issue(t, []string{"a.test"}, func(c *x509.Certificate) { c.NotBefore = c.NotBefore.Add(-time.Hour) }))
	first := &certset.Set{Name: "first", Certificates: []*certset.Certificate{older, issue("a", "a.test"), issue("wild", "*.a.test")}}
	second := &certset.Set{Name: "second", Default: true, Certificates: []*certset.Certificate{issue("b", "b.test"), issue("ip", "192.0.2.1", "2001:db8::1")}}
	both := certset.NewSnapshot(1, []*certset.Set{first, second})
	alone := certset.NewSnapshot(1, []*certset.Set{first})
	undecided := certset.NewSnapshot(1, []*certset.Set{first, {Name: "x", Certificates: second.Certificates}})
	for _, test := range []struct {
		snapshot   *certset.Snapshot
		name, addr string
		defaultSNI string
		want       string
	}{
		{both, "a.test", "", "", "a"},
		{both, "A.TEST.", "", "", "a"},
		{both, "x.a.test", "", "", "wild"},
		{both, "y.x.a.test", "", "", ""},
		{both, "c.test", "192.0.2.1", "", ""},
		{both, "", "192.0.2.1", "", "ip"},
		{both, "", "2001:db8::1", "", "ip"},
		{both, "", "192.0.2.2", "", "b"},
		{alone, "", "192.0.2.2", "", "a"},
		{undecided, "", "192.0.2.2", "", ""},
		{both, "", "192.0.2.1", "a.test", "ip"},
		{both, "", "192.0.2.2", "X.a.test", "wild"},
		{both, "", "192.0.2.2", "c.test", "b"},
		{both, "c.test", "192.0.2.2", "a.test", ""},
		{undecided, "", "192.0.2.2", "b.test", "b"},
		{new(certset.Snapshot), "a.test", "192.0.2.1", "", ""},
	} {
		got := ""
		hello := &tls.ClientHelloInfo{
			ServerName: test.name, Conn: at{nil, test.addr}, SupportedVersions: []uint16{tls.VersionTLS13},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.X25519},
		}
		if cert := test.snapshot.Find(hello, test.defaultSNI); cert != nil {
			got = cert.Source
		}
		if got != test.want {
			t.Errorf("%q at %q with the default_sni %q gets %q, want %q", test.name, test.addr, test.defaultSNI, got, test.want)
		}
	}
}
