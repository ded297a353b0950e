package pgtxn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp" // what the adapter configures beside layer4
	_ "github.com/caddyserver/caddy/v2/modules/caddypki"
	_ "github.com/caddyserver/caddy/v2/modules/caddytls"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/mholt/caddy-l4/modules/l4postgres"
	_ "github.com/mholt/caddy-l4/modules/l4tls"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

func TestMain(m *testing.M) {
	incaddy.Main(m, func() {
		if postgres.Server != nil {
			_ = postgres.Stop()
		}
	})
}

// postgres is the server behind the proxy, for all tests of this package.
var postgres struct {
	sync.Once
	*pgtest.Server
	cert []byte // its own, which is also the authority for clients' certificates
	key  []byte
}

// startPostgres: alice and bob have passwords, but only alice is asked for it.
// Carol must come with TLS and a certificate.
func startPostgres(t *testing.T) {
	t.Helper()
	postgres.Do(func() {
		postgres.cert, postgres.key = testca.SelfSigned(t)
		server, err := pgtest.Run(t.Context(),
			pgtest.HBA(
				"host all alice 127.0.0.1/32 scram-sha-256",
				"hostssl all carol 127.0.0.1/32 trust clientcert=verify-ca",
				"host all carol 127.0.0.1/32 reject",
				"local all all trust",
				"host all all 127.0.0.1/32 trust"),
			pgtest.TLS(postgres.cert, postgres.key, postgres.cert))
		if err != nil {
			t.Fatal(err)
		}
		postgres.Server = server
		sql(t, "CREATE ROLE alice LOGIN PASSWORD 'alice''s secret'; CREATE ROLE bob LOGIN PASSWORD 'bob-secret'; CREATE ROLE carol LOGIN")
	})
	if postgres.Server == nil {
		t.Fatal("PostgreSQL did not start, see the first test that needed it")
	}
}

func sql(t *testing.T, statements string) string {
	t.Helper()
	out, err := postgres.SQL(t.Context(), "postgres", statements)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// proxy is Caddy, running in this process.
type proxy struct {
	addr, admin string
	dir         string // where it keeps its certificates and its log
	globals     string
}

// start runs Caddy with the handler's options, until the end of the test.
// UPSTREAM stands for the server's address.
func start(t *testing.T, options string, globals ...string) *proxy {
	t.Helper()
	p := prepare(t, globals...)
	p.load(t, options)
	return p
}

func prepare(t *testing.T, globals ...string) *proxy {
	t.Helper()
	startPostgres(t)
	p := &proxy{dir: t.TempDir()}
	for _, address := range []*string{&p.addr, &p.admin} {
		port, err := pgtest.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		*address = fmt.Sprintf("127.0.0.1:%d", port)
	}
	p.globals = fmt.Sprintf("admin %s\npersist_config off\nskip_install_trust\nlocal_certs\nstorage file_system %s\n"+
		"log {\noutput file %s/log\n}\n%s\n", p.admin, p.dir, p.dir, strings.Join(globals, "\n"))
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("end of Caddy's log:\n%s", pgtest.Tail(p.log(t), 30))
		}
	})
	return p
}

// load has Caddy run with these options of the handler.
func (p *proxy) load(t *testing.T, options string) {
	t.Helper()
	p.loadCaddyfile(t, caddyfileOf(p.addr, p.globals, options))
}

func (p *proxy) loadCaddyfile(t *testing.T, text string) {
	t.Helper()
	if err := tryCaddyfile(t, text); err != nil {
		t.Fatal(err)
	}
}

func tryCaddyfile(t *testing.T, text string) error {
	t.Helper()
	text = strings.ReplaceAll(text, "UPSTREAM", postgres.Addr)
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return caddy.Load(config, true)
}

func (p *proxy) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// connect logs a client in, with psql's kind of connection string.
func (p *proxy) connect(t *testing.T, params string) (*pgx.Conn, error) {
	t.Helper()
	host, port, _ := strings.Cut(p.addr, ":")
	conn, err := pgx.Connect(t.Context(), "dbname=postgres host="+host+" port="+port+" "+params)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
	}
	return conn, err
}

func (p *proxy) mustConnect(t *testing.T, params string) *pgx.Conn {
	t.Helper()
	conn, err := p.connect(t, params)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// ask returns the answer to a question of one row and one column.
func ask(t *testing.T, conn *pgx.Conn, question string) string {
	t.Helper()
	var answer string
	if err := conn.QueryRow(t.Context(), question).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", question, err)
	}
	return answer
}

func exec(t *testing.T, conn *pgx.Conn, statements string) {
	t.Helper()
	if _, err := conn.PgConn().Exec(t.Context(), statements).ReadAll(); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

// sqlState returns the SQLSTATE of an error, or "".
func sqlState(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

// request asks the admin API.
func (p *proxy) request(t *testing.T, method, path string) (*http.Response, string) {
	t.Helper()
	return incaddy.Ask(t, method, "http://"+p.admin+path)
}

// get reads a view of the admin API.
func get[T any](t *testing.T, p *proxy, path string) T {
	t.Helper()
	response, body := p.request(t, http.MethodGet, path)
	var view T
	if err := json.Unmarshal([]byte(body), &view); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v: %s", path, response.Status, err, body)
	}
	return view
}
