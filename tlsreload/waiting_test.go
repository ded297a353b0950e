package tlsreload_test

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// A client that came in under an earlier configuration, and waited, is shown
// what is served now. Nothing is left of a key that was replaced.
func TestWaitingClient(t *testing.T) {
	h := newHouse(t)
	old := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	const options = "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off\n"
	h.start(t, options)
	waiting := map[string]net.Conn{}
	for _, address := range []string{h.pgtxn, h.l4tls} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		waiting[address] = conn
		h.expect(t, address, "a.test", old) // accepted behind it
	}
	h.start(t, options+"ocsp off")
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.reload(t, "?drain", "reloaded")
	for address, tcp := range waiting {
		conn := tls.Client(tcp, &tls.Config{RootCAs: h.roots, ServerName: "a.test", NextProtos: []string{"postgresql"}})
		if address == h.l4tls {
			conn = tls.Client(tcp, &tls.Config{RootCAs: h.roots, ServerName: "a.test"})
		}
		if err := conn.Handshake(); err != nil {
			t.Errorf("%s: %v", address, err)
		} else if got := testca.Fingerprint(conn.ConnectionState().PeerCertificates[0]); got != want {
			t.Errorf("%s shows %.8s, want %.8s", address, got, want)
		}
	}
}
