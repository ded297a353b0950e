package tlsreload_test

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

func onlyRSA(cfg *tls.Config) {
	cfg.MaxVersion, cfg.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
}

func anonymous(cfg *tls.Config) { cfg.ServerName, cfg.InsecureSkipVerify = "", true }

// Each listener gets its certificates by name, wildcard, address, kind of key
// and default, before a reload and after it.
func TestServing(t *testing.T) {
	h := newHouse(t)
	below := h.ca.Intermediate(t, "intermediate")
	rsa := testca.NewRSAKey(t, 2048)
	fingerprints := func() map[string]string {
		return map[string]string{
			"a":     h.put(t, "a", below.Issue(t, []string{"a.test"})),
			"a-rsa": h.put(t, "a-rsa", below.IssueFor(t, rsa, []string{"a.test"})),
			"wild":  h.put(t, "wild", h.ca.Issue(t, []string{"*.wild.test"})),
			"ip":    h.put(t, "ip", h.ca.Issue(t, []string{"127.0.0.1"})),
			"other": h.put(t, "other", h.ca.Issue(t, []string{"other.test"})),
		}
	}
	want := fingerprints()
	h.start(t, `set main {
			certificate DIR/a.crt DIR/a.key
			certificate DIR/a-rsa.crt DIR/a-rsa.key
			certificate DIR/wild.crt DIR/wild.key
			default
		}
		set second {
			certificate DIR/ip.crt DIR/ip.key
			certificate DIR/other.crt DIR/other.key
		}
		watch off`, "a.test", "x.wild.test")
	check := func() {
		t.Helper()
		for _, address := range []string{h.pgtxn, h.l4tls, h.https} {
			h.expect(t, address, "a.test", want["a"])
			h.expect(t, address, "A.Test", want["a"])
			h.expect(t, address, "a.test", want["a-rsa"], onlyRSA)
			h.expect(t, address, "x.wild.test", want["wild"])
		}
		for _, address := range []string{h.pgtxn, h.l4tls} {
			h.expect(t, address, "other.test", want["other"])
			h.expect(t, address, "127.0.0.1", want["ip"]) // sent as no name
			if got, err := h.shown(address, "unknown.test"); err == nil {
				t.Errorf("for a name of nobody: %s", got)
			}
		}
	}
	check()
	want = fingerprints()
	result := h.reload(t, "", "reloaded")
	for _, set := range result.Sets {
		for _, cert := range set.Certificates {
			if cert.Change != "replaced" || cert.Before == "" || len(cert.Served) != 2*len(cert.Names) {
				t.Errorf("%+v", cert)
			}
			for _, served := range cert.Served {
				if !served.Expected {
					t.Errorf("%+v", served)
				}
			}
		}
	}
	check()
	if log := h.log(); strings.Contains(log, "obtaining") || strings.Contains(log, "acme") {
		t.Error("an order for a certificate was begun")
	}
}

// Handshakes with ourselves are made where clients have come in, too: by
// SSLRequest or directly, also where clients must have certificates; and not at
// what is somebody else's.
func TestSelfHandshakes(t *testing.T) {
	h := newHouse(t)
	put := func() string {
		return h.put(t, "a", h.ca.Issue(t, []string{"a.test", "*.w.test", "127.0.0.1", "10.1.2.3"}))
	}
	want := put()
	options := "set main {\ncertificate DIR/a.crt DIR/a.key\nclient_ca DIR/root.crt\n}\nwatch off"
	h.write(t, "root.crt", h.ca.PEM())
	for name, change := range map[string]func(string) string{
		"default": func(text string) string { return text },
		"direct only": func(text string) string {
			return strings.Replace(text, "route {", "@tls tls\nroute @tls {", 1)
		},
		"client certificates": func(text string) string {
			return strings.Replace(text, "trust\n\t\t\t\t\t\ttls", "trust\ntls {\nconnection_policy {\nclient_auth {\nmode require\nverifier tlsreload\n}\n}\n}", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := h.load(t, change(h.caddyfile(options))); err != nil {
				t.Fatal(err)
			}
			if name != "client certificates" {
				h.expect(t, h.pgtxn, "a.test", want)
			} else if shown, err := h.shown(h.pgtxn, "a.test", func(cfg *tls.Config) { cfg.MaxVersion = tls.VersionTLS12 }); err == nil {
				t.Errorf("without a certificate: %s", shown)
			}
			want = put()
			result := h.reload(t, "", "reloaded")
			at := map[string][]string{}
			for _, served := range result.Sets[0].Certificates[0].Served {
				if !served.Expected {
					t.Errorf("%+v", served)
				}
				at[served.Name] = append(at[served.Name], served.At)
			}
			for name, want := range map[string][]string{"a.test": {"", h.pgtxn}, "*.w.test": {"", h.pgtxn}, "127.0.0.1": {"", h.pgtxn}, "10.1.2.3": {""}} {
				if !slices.Equal(at[name], want) {
					t.Errorf("%s: handshakes at %q, not %q", name, at[name], want)
				}
			}
		})
	}
}

// A client without a name and at an address that no certificate has gets the
// default.
func TestDefault(t *testing.T) {
	h := newHouse(t)
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.start(t, "set main {\ncertificate DIR/a.crt DIR/a.key\n}")
	for _, address := range []string{h.pgtxn, h.l4tls} {
		h.expect(t, address, "", want, anonymous)
	}
}

// At pgtxn the default_sni of a connection policy comes before the default set,
// and behind a certificate for the address.
func TestDefaultSNI(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	b, ip := h.put(t, "b", h.ca.Issue(t, []string{"*.b.test"})), h.put(t, "ip", h.ca.Issue(t, []string{"127.0.0.1"}))
	for name, test := range map[string]struct{ inA, inB, want string }{
		"no default":      {"", "", b},
		"another default": {"default", "", b},
		"by address":      {"", "certificate DIR/ip.crt DIR/ip.key", ip},
	} {
		text := h.caddyfile("set a {\ncertificate DIR/a.crt DIR/a.key\n" + test.inA + "\n}\nset b {\ncertificate DIR/b.crt DIR/b.key\n" + test.inB + "\n}\nwatch off")
		text = strings.Replace(text, "trust\n\t\t\t\t\t\ttls", "trust\ntls {\nconnection_policy {\ndefault_sni x.b.test\n}\n}", 1)
		if err := h.load(t, text); err != nil {
			t.Fatal(err)
		}
		if got, err := h.shown(h.pgtxn, "", anonymous); err != nil || got != test.want {
			t.Errorf("%s: %.8s, %v; want %.8s", name, got, err, test.want)
		}
	}
}

// Names that came with a reload are served at once to pgtxn, and to all if they
// were reserved.
func TestNewNames(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.start(t, "set main {\ncertificate DIR/a.crt DIR/a.key\nreserve b.test *.C.test\n}\nwatch off", "*.c.test")
	if got, err := h.shown(h.l4tls, "b.test"); err == nil {
		t.Errorf("for a name that has no certificate yet: %s", got)
	}
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test", "b.test", "x.c.test", "new.test"}))
	result := h.reload(t, "", "reloaded")
	for _, served := range result.Sets[0].Certificates[0].Served {
		if !served.Expected {
			t.Errorf("%+v", served)
		}
	}
	for _, name := range []string{"a.test", "b.test", "x.c.test"} {
		h.expect(t, h.pgtxn, name, want)
		h.expect(t, h.l4tls, name, want)
	}
	h.expect(t, h.https, "x.c.test", want)
	h.expect(t, h.pgtxn, "new.test", want)
	if got, err := h.shown(h.l4tls, "new.test"); err == nil {
		t.Errorf("the stock handler serves a name that it should not know of: %s; now it can be told so in the documents", got)
	}
	if log := h.log(); strings.Contains(log, "obtaining") {
		t.Error("an order for a certificate was begun")
	}
}

// A session is resumed until the certificate is replaced, and never after.
func TestNoResumptionPastReload(t *testing.T) {
	startPostgres(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		h := newHouse(t)
		h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
		h.start(t, "set main {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off")
		cache := tls.NewLRUClientSessionCache(1)
		resumed := func() bool { return h.resumes(t, cache, version) }
		if resumed() || !resumed() {
			t.Errorf("TLS %x: sessions are not resumed", version)
		}
		h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
		h.reload(t, "", "reloaded")
		if resumed() {
			t.Errorf("TLS %x: a session was resumed past the reload", version)
		}
		if !resumed() {
			t.Errorf("TLS %x: new sessions are not resumed", version)
		}
	}
}

// resumes says whether a connection to pgtxn resumes a session of the cache.
func (h *house) resumes(t *testing.T, cache tls.ClientSessionCache, version uint16) bool {
	t.Helper()
	conn, err := tls.Dial("tcp", h.pgtxn, &tls.Config{
		RootCAs: h.ca.Pool(), ServerName: "a.test", NextProtos: []string{"postgresql"},
		ClientSessionCache: cache, MaxVersion: version,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("\x00\x00\x00\x17\x00\x03\x00\x00user\x00postgres\x00\x00")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // tickets come with it
		t.Fatal(err)
	}
	return conn.ConnectionState().DidResume
}
