package tlsreload_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// pebble is an ACME server, with a DNS server that has every name at 127.0.0.1.
type pebble struct {
	directory  string
	management string
	httpPort   int // where it asks for challenges
}

// certificateTime is how long pebble's certificates are valid, in seconds.
// Caddy renews them in the last third.
const certificateTime = 45

func startPebble(t *testing.T, h *house) *pebble {
	t.Helper()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", h.dir,
		"github.com/letsencrypt/pebble/v2/cmd/pebble", "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv")
	build.Dir = "../scripts/pebble"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var ports []int
	for range 5 {
		port, err := pgtest.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	local := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	h.put(t, "pebble", h.ca.Issue(t, []string{"127.0.0.1"}))
	h.write(t, "root.crt", h.ca.PEM())
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": local(0), "managementListenAddress": local(1),
		"certificate": h.dir + "/pebble.crt", "privateKey": h.dir + "/pebble.key",
		"httpPort": ports[2], "tlsPort": ports[2],
		"profiles": map[string]any{"default": map[string]any{"description": "short", "validityPeriod": certificateTime}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, "pebble.json", config)
	for _, args := range [][]string{
		{"pebble-challtestsrv", "-dnsserver", local(3), "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", local(4)},
		{"pebble", "-config", h.dir + "/pebble.json", "-dnsserver", local(3)},
	} {
		cmd := exec.Command(filepath.Join(h.dir, args[0]), args[1:]...)
		cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
		log, err := os.Create(filepath.Join(h.dir, args[0]+".log"))
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			log.Close()
		})
	}
	p := &pebble{"https://" + local(0) + "/dir", "https://" + local(1), ports[2]}
	h.roots = h.ca.Pool()
	incaddy.Await(t, "pebble answers", func() bool { return p.addRoot(h) == nil })
	return p
}

// addRoot has clients trust the root that pebble made for itself.
func (p *pebble) addRoot(h *house) error {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: h.ca.Pool()}}}
	defer client.CloseIdleConnections()
	response, err := client.Get(p.management + "/roots/0")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	root, err := io.ReadAll(response.Body)
	if err == nil && !h.roots.AppendCertsFromPEM(root) {
		err = fmt.Errorf("no root: %s", root)
	}
	return err
}

// Caddy gets and renews a certificate from an ACME server for a listener of
// pgtxn, while clients connect to it and to a name of a set that is reloaded.
// It takes two minutes: TLSRELOAD_PEBBLE=1 runs it.
func TestACME(t *testing.T) {
	if os.Getenv("TLSRELOAD_PEBBLE") == "" {
		t.Skip("TLSRELOAD_PEBBLE is not set")
	}
	h := newHouse(t)
	p := startPebble(t, h)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	text := h.caddyfile("set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off")
	text = strings.Replace(text, "persist_config off", fmt.Sprintf(`persist_config off
		tls_automate_names managed.test
		renew_interval 1s
		cert_issuer acme {
			dir %s
			trusted_roots %s/root.crt
			disable_tlsalpn_challenge
			alt_http_port %d
		}`, p.directory, h.dir, p.httpPort), 1)
	if err := h.load(t, text); err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		fingerprint, _ := h.shown(h.pgtxn, "managed.test")
		return fingerprint
	}
	incaddy.Await(t, "Caddy has a certificate", func() bool { return shown() != "" })
	first := shown()

	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	handshakes := 0
	clients.Go(func() {
		for ; ctx.Err() == nil && !t.Failed(); handshakes++ {
			for _, name := range []string{"managed.test", "a.test"} {
				if _, err := h.shown(h.pgtxn, name); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	})
	seen := map[string]bool{first: true}
	reloads := 0
	for deadline := time.Now().Add(6 * certificateTime * time.Second); len(seen) < 3 && !t.Failed(); reloads++ {
		if time.Now().After(deadline) {
			t.Fatalf("not renewed twice")
		}
		want := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}, func(c *x509.Certificate) { c.Subject.CommonName = "of the set" }))
		h.reload(t, "", "reloaded")
		h.expect(t, h.pgtxn, "a.test", want)
		seen[shown()] = true
	}
	stop()
	clients.Wait()
	t.Logf("%d certificates of the ACME server, %d reloads of the set, %d handshakes with each", len(seen), reloads, handshakes)
	if managed := h.status(t).Managed; len(managed) != 1 || managed[0].Names[0] != "managed.test" {
		t.Errorf("the ACME server was asked for %+v", managed)
	}
}
