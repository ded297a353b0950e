package tlsreload_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// startResponder starts an OCSP responder of an authority. Its mode is down, good
// or revoked; it tells when it was asked.
func startResponder(t *testing.T, ca *testca.Authority) (*httptest.Server, *atomic.Value, chan struct{}) {
	mode := new(atomic.Value)
	mode.Store("down")
	asked := make(chan struct{}, 100)
	responder := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { asked <- struct{}{} }()
		body, err := io.ReadAll(r.Body)
		request, parseErr := ocsp.ParseRequest(body)
		if err != nil || parseErr != nil || mode.Load() == "down" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		status := map[any]int{"good": ocsp.Good, "revoked": ocsp.Revoked}[mode.Load()]
		answer, err := ocsp.CreateResponse(ca.Cert, ca.Cert, ocsp.Response{
			Status: status, SerialNumber: request.SerialNumber, RevokedAt: time.Now(),
			ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
		}, ca.Key)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(answer)
	}))
	t.Cleanup(responder.Close)
	return responder, mode, asked
}

// An answer of the responder that the certificate names is stapled, for good
// certificates only, and a responder that fails hurts nobody.
func TestOCSP(t *testing.T) {
	h := newHouse(t)
	below := h.ca.Intermediate(t, "intermediate")
	responder, mode, asked := startResponder(t, below)
	names := func(c *x509.Certificate) { c.OCSPServer = []string{responder.URL} }
	stapled := func() bool {
		conn, err := tls.Dial("tcp", h.pgtxn, &tls.Config{RootCAs: h.roots, ServerName: "a.test", NextProtos: []string{"postgresql"}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		staple := conn.ConnectionState().OCSPResponse
		if staple == nil {
			return false
		}
		answer, err := ocsp.ParseResponseForCert(staple, conn.ConnectionState().PeerCertificates[0], below.Cert)
		if err != nil || answer.Status != ocsp.Good {
			t.Errorf("%+v, %v", answer, err)
		}
		return true
	}

	h.put(t, "a", below.Issue(t, []string{"a.test"}, names))
	h.put(t, "b", below.Issue(t, []string{"b.test"}))
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\ncertificate DIR/b.crt DIR/b.key\n}\nwatch off")
	<-asked
	if stapled() {
		t.Error("stapled, and the responder is down")
	}
	mode.Store("good")
	want := h.put(t, "a", below.Issue(t, []string{"a.test"}, names))
	h.reload(t, "", "reloaded")
	incaddy.Await(t, "an answer is stapled", stapled)
	h.expect(t, h.l4tls, "a.test", want)
	h.reload(t, "", "unchanged")
	mode.Store("down")
	h.put(t, "b", below.Issue(t, []string{"b.test"}))
	h.reload(t, "", "reloaded")
	if !stapled() {
		t.Error("a reload that changed nothing, or another certificate, lost the answer")
	}
	for len(asked) > 0 {
		<-asked
	}
	mode.Store("revoked")
	h.put(t, "a", below.Issue(t, []string{"a.test"}, names))
	h.reload(t, "", "reloaded")
	<-asked
	if stapled() {
		t.Error("stapled for a revoked certificate")
	}
}
