package tlsreload_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload"
)

func init() { caddy.RegisterModule(&listener{}) }

// listener is an operator's handler of events.
type listener struct{}

var heard struct {
	sync.Mutex
	events []string
	work   func() // what a handler does, if anything
}

func (*listener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.test_listener", New: func() caddy.Module { return new(listener) }}
}

func (*listener) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (*listener) Handle(_ context.Context, e caddy.Event) error {
	heard.Lock()
	heard.events = append(heard.events, fmt.Sprint(e.Name(), " ", e.Data))
	work := heard.work
	heard.Unlock()
	if work != nil {
		work()
	}
	return nil
}

func hear(t *testing.T, want string) {
	t.Helper()
	incaddy.Await(t, "event "+want, func() bool {
		heard.Lock()
		defer heard.Unlock()
		return strings.Contains(strings.Join(heard.events, "\n"), want)
	})
}

// What operators see of a reload, a failure, a start with broken sources and a
// certificate that expires soon: events, metrics and the command.
func TestOperator(t *testing.T) {
	h := newHouse(t)
	soon := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(time.Hour) }
	pair := h.ca.Issue(t, []string{"a.test"}, soon)
	h.put(t, "a", pair)
	options := "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off\nexpiring 2h\n}\nevents {\n"
	for _, name := range []string{"reloaded", "failed", "expiring", "unclean_start"} {
		options += "on tlsreload." + name + " test_listener\n"
	}
	h.start(t, options)
	hear(t, "tlsreload.expiring")
	h.metrics(t, fmt.Sprintf(`caddy_tlsreload_certificate_not_after_timestamp_seconds{key_type="ECDSA P-256",name="a.test",serial="%x",set="a"} `, pair.Leaf.SerialNumber),
		`caddy_tlsreload_degraded{set="a"} 0`, `caddy_tlsreload_last_reload_successful{set="a"} 1`, `caddy_tlsreload_unclean_start 0`,
		`caddy_tlsreload_last_reload_success_timestamp_seconds{set="a"} 1.`)
	if out, code := h.command(t, "status"); code != 0 || !strings.Contains(out, "good") || !strings.Contains(out, "a.test") {
		t.Errorf("status: %d\n%s", code, out)
	}

	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	if out, code := h.command(t, "reload", "--dry-run"); code != 0 || !strings.Contains(out, "valid") {
		t.Errorf("dry run: %d\n%s", code, out)
	}
	h.expect(t, h.pgtxn, "a.test", pair.Fingerprint)
	if out, code := h.command(t, "reload", "a"); code != 0 || !strings.Contains(out, "replaced") || !strings.Contains(out, "reloaded") {
		t.Errorf("reload: %d\n%s", code, out)
	}
	hear(t, "tlsreload.reloaded map[sets:[a] trigger:api]")

	h.write(t, "a.key", nil)
	if out, code := h.command(t, "reload"); code != 1 || !strings.Contains(out, "it is empty") {
		t.Errorf("failed reload: %d\n%s", code, out)
	}
	hear(t, "a.key: it is empty")
	if out, code := h.command(t, "status"); code != 1 || !strings.Contains(out, "DEGRADED") || !strings.Contains(out, "it is empty") {
		t.Errorf("status: %d\n%s", code, out)
	}
	h.metrics(t, `caddy_tlsreload_degraded{set="a"} 1`, `caddy_tlsreload_last_reload_successful{set="a"} 0`, `caddy_tlsreload_reloads_total{result="failed"} `)

	h.stop(t)
	heard.Lock()
	heard.events = nil
	heard.Unlock()
	id, err := caddy.InstanceID()
	if err != nil {
		t.Fatal(err)
	}
	folder(t, h.dir, "storage", "tlsreload", "running")
	h.write(t, "storage/tlsreload/running/"+id.String()+".json", []byte(`{"pid": 7, "started": "2026-11-21T07:00:00Z"}`))
	h.start(t, options)
	hear(t, "tlsreload.failed")
	hear(t, "tlsreload.unclean_start map[reason:process 7, started at 2026-11-21T07:00:00Z, did not end cleanly]")
	h.metrics(t, `caddy_tlsreload_unclean_start 1`)
}

// A handler of an event may have another configuration loaded, and wait for it.
func TestHandlerLoads(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	text := h.caddyfile("set a {\ncertificate DIR/a.crt DIR/a.key\n}\n}\nevents {\non tlsreload.reloaded test_listener\n")
	if err := h.load(t, text); err != nil {
		t.Fatal(err)
	}
	loaded := make(chan error, 1)
	do := func(work func()) {
		heard.Lock()
		defer heard.Unlock()
		heard.work = work
	}
	do(func() {
		do(nil)
		loaded <- h.load(t, text)
	})
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test"})) // which is noticed
	select {
	case err := <-loaded:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the handler waits for its own end")
	}
	h.expect(t, h.pgtxn, "a.test", want)
}

// A revocation list that ends soon is told of, in time for what its lifetime is;
// and one is warned of that belongs to none of the authorities.
func TestRevocationListEnds(t *testing.T) {
	h := newHouse(t)
	short, long, other := testca.New(t, "short"), testca.New(t, "long"), testca.New(t, "other")
	soon, later := time.Now().Add(10*time.Minute), time.Now().Add(2*time.Hour) // lists begin an hour ago
	h.write(t, "ca.pem", append(short.PEM(), long.PEM()...))
	h.write(t, "crl.pem", slices.Concat(short.Revoke(t, soon), short.Revoke(t, later), long.Revoke(t, later)))
	h.start(t, "set a {\nclient_ca DIR/ca.pem\nclient_crl DIR/crl.pem\n}\nwatch off\n}\nevents {\non tlsreload.crl_expiring test_listener\n")
	hear(t, fmt.Sprintf("tlsreload.crl_expiring map[issuer:CN=short next_update:%v set:a]", soon.UTC().Truncate(time.Second)))
	heard.Lock()
	if events := strings.Join(heard.events, "\n"); strings.Contains(events, "CN=long") {
		t.Errorf("too early: %s", events)
	}
	heard.Unlock()
	const name = "caddy_tlsreload_client_crl_next_update_timestamp_seconds"
	h.metrics(t, fmt.Sprintf(`%s{issuer="CN=short",set="a"} %v`, name, float64(soon.Unix())), fmt.Sprintf(`%s{issuer="CN=long",set="a"} %v`, name, float64(later.Unix())))
	h.write(t, "crl.pem", other.Revoke(t, later))
	if result := h.reload(t, "", "reloaded"); len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0].Error(), "CN=other: no authority for clients has this name") {
		t.Errorf("%+v", result.Warnings)
	}
}

// Certificates with equal labels, as of one who numbers all of his with 1, are
// no reason to have no metrics.
func TestMetricsOfTwins(t *testing.T) {
	h := newHouse(t)
	one := func(c *x509.Certificate) { c.SerialNumber = big.NewInt(1) }
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}, one))
	h.put(t, "b", h.ca.Issue(t, []string{"a.test"}, one))
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\ncertificate DIR/b.crt DIR/b.key\n}\nwatch off")
	h.metrics(t, `caddy_tlsreload_certificate_not_after_timestamp_seconds{key_type="ECDSA P-256",name="a.test",serial="1",set="a"} `)
}

// Systemd hears how the certificates are.
func TestSystemd(t *testing.T) {
	h := newHouse(t)
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: h.dir + "/notify", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", h.dir+"/notify")
	status := func() string {
		packet := make([]byte, 4096)
		for {
			if err := socket.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, err := socket.Read(packet)
			if err != nil {
				t.Fatal(err)
			}
			if text, found := strings.CutPrefix(string(packet[:n]), "STATUS="); found {
				return text
			}
		}
	}
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.run(t, "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off")
	if got := status(); !strings.HasPrefix(got, "tlsreload: 1 certificates, the first expires at ") {
		t.Errorf("%q", got)
	}
	h.write(t, "a.key", nil)
	h.reload(t, "", "failed")
	if got := status(); !strings.Contains(got, "; 1 of 1 sets DEGRADED") {
		t.Errorf("%q", got)
	}
}

// metrics expects lines to begin so.
func (h *house) metrics(t *testing.T, want ...string) {
	t.Helper()
	var text string
	h.request(t, http.MethodGet, "/metrics", &text)
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no metric %s in\n%s", w, grep(text, "tlsreload"))
		}
	}
}

func grep(text, word string) (found string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			found += line
		}
	}
	return found
}

// command runs caddy tlsreload.
func (h *house) command(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"tlsreload", "--address", h.admin}, args...)...)
	cmd.Env = append(os.Environ(), incaddy.AsCaddy+"=1")
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// Names that Caddy manages stay its own, beside the sets, and the status shows
// both.
func TestBesideAutomation(t *testing.T) {
	h := newHouse(t)
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\n}\n}\nlocal_certs\ntls_automate_names managed.test\nlog other {\n", "a.test", "site.test")
	var status tlsreload.StatusView
	incaddy.Await(t, "Caddy's certificates are there", func() bool {
		status = h.status(t)
		return len(status.Managed) == 2 && status.Managed[0].Served && status.Managed[1].Served
	})
	for _, view := range status.Managed {
		if name := view.Names[0]; name != "managed.test" && name != "site.test" {
			t.Errorf("Caddy manages %s", name)
		}
	}
	h.expect(t, h.https, "a.test", want)
	root, err := os.ReadFile(h.dir + "/storage/pki/authorities/local/root.crt")
	if err != nil {
		t.Fatal(err)
	}
	h.roots.AppendCertsFromPEM(root)
	for name, address := range map[string]string{"managed.test": h.pgtxn, "site.test": h.https} {
		if shown, err := h.shown(address, name); err != nil || shown == want {
			t.Errorf("%s: %s, %v", name, shown, err)
		}
	}
}

// An operator is warned of a key that others can read.
func TestPermissions(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off")
	if result := h.reload(t, "", "unchanged"); len(result.Warnings) > 0 {
		t.Errorf("%+v", result.Warnings)
	}
	if err := os.Chmod(h.dir+"/a.key", 0o644); err != nil {
		t.Fatal(err)
	}
	if result := h.reload(t, "", "unchanged"); len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0].Error(), "a.key: it holds a key") {
		t.Errorf("%+v", result.Warnings)
	}
}
