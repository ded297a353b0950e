package tlsreload_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// Clients are checked against authorities and revocation lists that change with
// a reload.
func TestClientCertificates(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	clients, others := testca.New(t, "clients"), testca.New(t, "others")
	h.write(t, "clients.pem", clients.PEM())
	h.write(t, "clients.crl", clients.Revoke(t, time.Now().Add(time.Hour)))
	text := h.caddyfile("set a {\ncertificate DIR/a.crt DIR/a.key\nclient_ca DIR/clients.pem\nclient_crl DIR/clients.crl\n}\nwatch off")
	text = strings.Replace(text, "\ttls\n\t\t\t\t\techo", "\ttls {\nconnection_policy {\nclient_auth {\nmode require\nverifier tlsreload\n}\n}\n}\necho", 1)
	if err := h.load(t, text); err != nil {
		t.Fatal(err)
	}
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", h.l4tls)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	inOver := func(tcp net.Conn, pair testca.Pair) bool {
		certificate, err := tls.X509KeyPair(pair.Chain, pair.Key)
		if err != nil {
			t.Fatal(err)
		}
		conn := tls.Client(tcp, &tls.Config{RootCAs: h.roots, ServerName: "a.test", Certificates: []tls.Certificate{certificate}})
		defer conn.Close()
		_, _ = conn.Write([]byte("x"))
		answer, _ := io.ReadAll(io.LimitReader(conn, 1)) // with TLS 1.3 the refusal comes after the handshake
		return string(answer) == "x"
	}
	in := func(pair testca.Pair) bool { return inOver(dial(), pair) }
	ann, bob := clients.Issue(t, nil), clients.Issue(t, nil)
	if eve := others.Issue(t, nil); !in(ann) || !in(bob) || in(eve) {
		t.Errorf("ann %t, bob %t, eve %t", in(ann), in(bob), in(eve))
	}
	waiting := dial()
	if !in(ann) { // accepted behind it
		t.Error("ann is not let in")
	}
	if err := h.load(t, text); err != nil {
		t.Fatal(err)
	}
	h.write(t, "clients.crl", clients.Revoke(t, time.Now().Add(time.Hour), bob.Leaf))
	if result := h.reload(t, "", "reloaded"); result.Sets[0].ClientCRLs[0].Revoked != 1 {
		t.Errorf("%+v", result.Sets[0])
	}
	if !in(ann) || in(bob) || inOver(waiting, bob) {
		t.Errorf("after bob's was revoked: ann %t, bob %t, and let in by the configuration before, or nobody but ann", in(ann), in(bob))
	}
	h.write(t, "clients.crl", clients.Revoke(t, time.Now().Add(-time.Minute)))
	if result := h.reload(t, "", "failed"); !strings.Contains(result.Error, "out of date") {
		t.Errorf("%+v", result)
	}
	// It is no reason not to start: those clients are refused then.
	if err := h.load(t, text); err != nil || !h.status(t).Degraded || !in(ann) {
		t.Errorf("another configuration: %v", err)
	}
	if result := h.reload(t, "?force", "reloaded"); len(result.Warnings) != 1 || in(ann) {
		t.Errorf("forced: %+v", result)
	}
	h.stop(t)
	if err := h.load(t, text); err != nil || !h.status(t).Degraded || in(ann) {
		t.Errorf("a start: %v", err)
	}
	h.write(t, "clients.crl", testca.New(t, "clients").Revoke(t, time.Now().Add(time.Hour)))
	if result := h.reload(t, "", "failed"); !strings.Contains(result.Error, "it is not signed by the authority") {
		t.Errorf("a list of somebody else: %+v", result)
	}
	h.write(t, "clients.crl", clients.Revoke(t, time.Now().Add(time.Hour)))
	h.write(t, "clients.pem", append(clients.PEM(), others.PEM()...))
	h.reload(t, "", "reloaded")
	if eve := others.Issue(t, nil); !in(bob) || !in(eve) {
		t.Errorf("after the others came: bob %t, eve %t", in(bob), in(eve))
	}
}
