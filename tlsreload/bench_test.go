package tlsreload_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// BenchmarkHandshake is full handshakes of TLS 1.3 over loopback, client's work
// included: with a certificate that Caddy loaded itself, and with one of a set,
// at the stock tls handler (through Caddy's manager) and at pgtxn (directly).
func BenchmarkHandshake(b *testing.B) {
	h := newHouse(b)
	pair := h.ca.Issue(b, []string{"a.test"})
	h.put(b, "a", pair)
	const set = "set main {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off"
	run := func(name, address string) {
		b.Run(name, func(b *testing.B) {
			cfg := &tls.Config{RootCAs: h.roots, ServerName: "a.test", NextProtos: []string{"postgresql"}}
			if address == h.l4tls {
				cfg.NextProtos = nil
			}
			for b.Loop() {
				conn, err := tls.Dial("tcp", address, cfg)
				if err != nil {
					b.Fatal(err)
				}
				conn.Close()
			}
		})
	}
	// The same configuration without the app, and the files loaded by Caddy.
	h.put(b, "other", h.ca.Issue(b, []string{"other.test"}))
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(h.caddyfile(strings.ReplaceAll(set, "DIR/a", "DIR/other"))), nil)
	if err != nil {
		b.Fatal(err)
	}
	files := fmt.Sprintf(`"apps":{"tls":{"certificates":{"load_files":[{"certificate":%q,"key":%q}]}},`, h.dir+"/a.crt", h.dir+"/a.key")
	if err := caddy.Load([]byte(strings.Replace(string(config), `"apps":{`, files, 1)), true); err != nil {
		b.Fatal(err)
	}
	run("stock/caddy", h.l4tls)
	run("pgtxn/caddy", h.pgtxn)
	h.start(b, set)
	run("stock/tlsreload", h.l4tls)
	run("pgtxn/tlsreload", h.pgtxn)
}

// BenchmarkReload is the time from the call of the admin API to the end of the
// first handshake with the new certificate, the reload's own handshakes
// included.
func BenchmarkReload(b *testing.B) {
	h := newHouse(b)
	pairs := []testca.Pair{h.ca.Issue(b, []string{"a.test"}), h.ca.Issue(b, []string{"a.test"})}
	h.put(b, "a", pairs[1])
	h.start(b, "set main {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off")
	n := 0
	for b.Loop() {
		next := pairs[n%2]
		n++
		h.put(b, "a", next)
		h.reload(b, "", "reloaded")
		h.expect(b, h.pgtxn, "a.test", next.Fingerprint)
	}
}
