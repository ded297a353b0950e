package tlsreload_test

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/caddytls/distributedstek"

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

// changed is a house's configuration with something that Caddyfiles can't say.
func (h *house) changed(t *testing.T, options string, change func(map[string]any)) []byte {
	t.Helper()
	text, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(h.caddyfile(options)), nil)
	var config map[string]any
	if err == nil {
		err = json.Unmarshal(text, &config)
	}
	if err != nil {
		t.Fatal(err)
	}
	change(config)
	if text, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	return text
}

// A configuration that fails when its apps have started, which Caddy then does
// not stop, leaves the one before in charge.
func TestFailureBehindStart(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	const options = "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off"
	h.start(t, options)
	failing := h.changed(t, options, func(config map[string]any) {
		config["admin"].(map[string]any)["config"].(map[string]any)["load"] = map[string]any{"module": "none"}
	})
	if err := caddy.Load(failing, true); err == nil || !strings.Contains(err.Error(), "config loader") {
		t.Fatal(err)
	}
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.reload(t, "", "reloaded")
	h.expect(t, h.pgtxn, "a.test", want)
	h.stop(t)
	if marks := h.stored(t, "running/*"); len(marks) > 0 {
		t.Errorf("a clean end has left %q", marks)
	}
}

// A session does not outlive its certificate where the keys of tickets outlive
// the process.
func TestNoResumptionPastRestart(t *testing.T) {
	startPostgres(t)
	h := newHouse(t)
	cache := tls.NewLRUClientSessionCache(1)
	for range 2 {
		h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
		p := h.runConfig(t, h.changed(t, "set main {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off", func(config map[string]any) {
			config["apps"].(map[string]any)["tls"] = map[string]any{"session_tickets": map[string]any{"key_source": map[string]any{"provider": "distributed"}}}
		}))
		if h.resumes(t, cache, tls.VersionTLS13) {
			t.Error("a session was resumed past a restart")
		}
		if !h.resumes(t, cache, tls.VersionTLS13) {
			t.Error("sessions are not resumed")
		}
		p.end(t)
	}
}
