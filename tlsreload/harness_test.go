package tlsreload_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/caddyevents/eventsconfig"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/standard"
	_ "github.com/caddyserver/caddy/v2/modules/caddypki"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
	_ "github.com/caddyserver/caddy/v2/modules/metrics"
	_ "github.com/mholt/caddy-l4/modules/l4echo"
	_ "github.com/mholt/caddy-l4/modules/l4tls"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
	_ "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload"
)

func TestMain(m *testing.M) {
	incaddy.Main(m, func() {
		if postgres.Server != nil {
			_ = postgres.Stop()
		}
	})
}

// postgres is the server behind pgtxn, for all tests of this package.
var postgres struct {
	sync.Once
	*pgtest.Server
}

func startPostgres(t testing.TB) {
	t.Helper()
	postgres.Do(func() {
		server, err := pgtest.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		postgres.Server = server
	})
	if postgres.Server == nil {
		t.Fatal("PostgreSQL did not start, see the first test that needed it")
	}
}

// house is Caddy, running in this process, with certificates of an authority.
type house struct {
	dir   string // of Caddy's storage, its log and the certificates
	ca    *testca.Authority
	roots *x509.CertPool // what clients trust
	admin string
	pgtxn string // addresses of listeners
	l4tls string
	https string
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{dir: t.TempDir(), ca: testca.New(t, "root")}
	h.roots = h.ca.Pool()
	for _, address := range []*string{&h.admin, &h.pgtxn, &h.l4tls, &h.https} {
		port, err := pgtest.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		*address = fmt.Sprintf("127.0.0.1:%d", port)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("end of Caddy's log:\n%s", pgtest.Tail(h.log(), 30))
		}
	})
	return h
}

// start runs Caddy with the app's options; DIR stands for the house's folder.
func (h *house) start(t testing.TB, options string, more ...string) {
	t.Helper()
	if err := h.load(t, h.caddyfile(options, more...)); err != nil {
		t.Fatal(err)
	}
}

// caddyfile has a listener of pgtxn, one of the stock tls handler, and an HTTP
// site for each name in more.
func (h *house) caddyfile(options string, sites ...string) string {
	text := fmt.Sprintf(`{
		admin %s
		persist_config off
		skip_install_trust
		auto_https disable_redirects
		storage file_system %s/storage
		log {
			output file %s/log
		}
		metrics
		tlsreload {
			%s
		}
		layer4 {
			%s {
				route {
					pgtxn {
						upstream %s
						auth trust
						tls
					}
				}
			}
			%s {
				route {
					tls
					echo
				}
			}
		}
	}
	`, h.admin, h.dir, h.dir, options, h.pgtxn, upstreamAddr(), h.l4tls)
	_, port, _ := strings.Cut(h.https, ":")
	for _, site := range sites {
		text += fmt.Sprintf("https://%s:%s {\nbind 127.0.0.1\nrespond hello\n}\n", site, port)
	}
	return strings.ReplaceAll(text, "DIR", h.dir)
}

// upstreamAddr is where PostgreSQL is, if a test has started it.
func upstreamAddr() string {
	if postgres.Server == nil {
		return "127.0.0.1:1"
	}
	return postgres.Addr
}

func (h *house) stop(t testing.TB) {
	t.Helper()
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
}

func (h *house) load(t testing.TB, text string) error {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return caddy.Load(config, true)
}

func (h *house) log() string {
	text, _ := os.ReadFile(filepath.Join(h.dir, "log"))
	return string(text)
}

// put writes a pair to DIR/<name>.crt and .key and returns its fingerprint.
func (h *house) put(t testing.TB, name string, pair testca.Pair) string {
	t.Helper()
	h.write(t, name+".crt", pair.Chain)
	h.write(t, name+".key", pair.Key)
	return pair.Fingerprint
}

func (h *house) write(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// request asks the admin API.
func (h *house) request(t testing.TB, method, path string, answer any) int {
	t.Helper()
	response, body := incaddy.Ask(t, method, "http://"+h.admin+path)
	if text, ok := answer.(*string); ok {
		*text = body
	} else if err := json.Unmarshal([]byte(body), answer); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, body)
	}
	return response.StatusCode
}

// reload asks for a reload and expects its result.
func (h *house) reload(t testing.TB, query, want string) tlsreload.Result {
	t.Helper()
	var result tlsreload.Result
	status := h.request(t, http.MethodPost, "/tlsreload/reload"+query, &result)
	if result.Result != want || (status == http.StatusOK) == (want == "failed") {
		t.Fatalf("reload%s: status %d, %+v; want %s", query, status, result, want)
	}
	return result
}

func (h *house) status(t testing.TB) (status tlsreload.StatusView) {
	t.Helper()
	h.request(t, http.MethodGet, "/tlsreload/status", &status)
	return status
}

// shown returns the fingerprint of the certificate that a client gets. The
// chain must be good for the name.
func (h *house) shown(address, name string, change ...func(*tls.Config)) (string, error) {
	cfg := &tls.Config{RootCAs: h.roots, ServerName: name, NextProtos: []string{"postgresql"}}
	if address == h.https || address == h.l4tls {
		cfg.NextProtos = nil
	}
	for _, f := range change {
		f(cfg)
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 30 * time.Second}, "tcp", address, cfg)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return testca.Fingerprint(conn.ConnectionState().PeerCertificates[0]), nil
}

func (h *house) expect(t testing.TB, address, name, want string, change ...func(*tls.Config)) {
	t.Helper()
	got, err := h.shown(address, name, change...)
	if err != nil || got != want {
		t.Errorf("%s at %s shows %.8s, %v; want %.8s", name, address, got, err, want)
	}
}
