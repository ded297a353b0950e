package pgtxn

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// certificates has Caddy's internal authority issue one for localhost.
const certificates = "tls_automate_names localhost\ndefault_sni localhost"

// awaitCertificate tries handshakes until one succeeds: Caddy has certificates
// issued after it has started. It tells of them by an event, but with a
// subscriber to that, or with debug logs, Caddy v2.11.9 has a data race.
func (p *proxy) awaitCertificate(t *testing.T) {
	t.Helper()
	cfg := p.clientConfig(t)
	cfg.NextProtos = []string{"postgresql"}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		conn, err := tls.Dial("tcp", p.addr, cfg)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// rootCert is the file with the certificate of Caddy's internal authority.
func (p *proxy) rootCert() string {
	return filepath.Join(p.dir, "pki", "authorities", "local", "root.crt")
}

// overTLS logs in by TLS and checks the proxy's certificate.
func (p *proxy) overTLS(t *testing.T, params string) *pgx.Conn {
	t.Helper()
	q := *p
	q.addr = strings.Replace(p.addr, "127.0.0.1", "localhost", 1)
	conn := q.mustConnect(t, "user=postgres sslmode=verify-full sslrootcert="+p.rootCert()+" "+params)
	if _, ok := conn.PgConn().Conn().(*tls.Conn); !ok {
		t.Errorf("with %q there is no TLS", params)
	}
	return conn
}

// TLS by the handler itself.
func TestClientTLS(t *testing.T) {
	p := start(t, "upstream UPSTREAM\nauth trust\ntls", certificates)
	p.awaitCertificate(t)
	t.Run("SSLRequest", func(t *testing.T) {
		conn := p.overTLS(t, "")
		if got := ask(t, conn, "SELECT 'x'"); got != "x" {
			t.Errorf("answer %q", got)
		}
		if view := p.session(t, conn); !view.TLS {
			t.Errorf("session: %+v", view)
		}
	})
	t.Run("direct", func(t *testing.T) {
		if got := ask(t, p.overTLS(t, "sslnegotiation=direct"), "SELECT 'x'"); got != "x" {
			t.Errorf("answer %q", got)
		}
	})
	t.Run("without", func(t *testing.T) {
		if got := ask(t, p.mustConnect(t, "user=postgres sslmode=disable"), "SELECT 'x'"); got != "x" {
			t.Errorf("answer %q", got)
		}
	})
	t.Run("direct without ALPN", func(t *testing.T) {
		conn, err := tls.Dial("tcp", p.addr, p.clientConfig(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write(startup("postgres")); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("read %d bytes; want the end", n)
		}
	})
	t.Run("resumed", func(t *testing.T) {
		cfg := p.clientConfig(t)
		cfg.NextProtos = []string{"postgresql"}
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		for _, resumed := range []bool{false, true} {
			conn, err := tls.Dial("tcp", p.addr, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if got := conn.ConnectionState().DidResume; got != resumed {
				t.Errorf("resumed is %t, want %t", got, resumed)
			}
			if _, err := conn.Write(startup("postgres")); err != nil {
				t.Fatal(err)
			}
			// With the first byte come the tickets for the next time.
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func (p *proxy) clientConfig(t *testing.T) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(p.rootCert())
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}
	cfg.RootCAs.AppendCertsFromPEM(text)
	return cfg
}

func TestHostSSL(t *testing.T) {
	p := start(t, "upstream UPSTREAM\nauth trust\nhostssl\ntls", certificates)
	p.awaitCertificate(t)
	_, err := p.connect(t, "user=postgres sslmode=disable")
	if sqlState(err) != "28000" || !strings.Contains(err.Error(), `host "127.0.0.1", user "postgres", database "postgres", no encryption`) {
		t.Errorf("without TLS: %v; want SQLSTATE 28000", err)
	}
	if got := ask(t, p.overTLS(t, ""), "SELECT 'x'"); got != "x" {
		t.Errorf("answer %q", got)
	}
}

// What policies can do in stock Caddy works here too.
func TestConnectionPolicies(t *testing.T) {
	p := start(t, `upstream UPSTREAM
		auth trust
		tls {
			connection_policy {
				match {
					sni localhost
				}
				protocols tls1.3
			}
		}`, certificates)
	p.awaitCertificate(t)
	if got := p.overTLS(t, "sslnegotiation=direct").PgConn().Conn().(*tls.Conn).ConnectionState(); got.Version != tls.VersionTLS13 || got.NegotiatedProtocol != "postgresql" {
		t.Errorf("version %x, protocol %q", got.Version, got.NegotiatedProtocol)
	}
	if _, err := p.connect(t, "user=postgres sslmode=require"); err == nil {
		t.Error("a client without a name got in, and no policy matches it")
	}
}

// Behind the stock tls handler, connections are encrypted and the handler's
// own TLS is not offered a second time.
func TestBehindStockTLS(t *testing.T) {
	p := prepare(t, certificates)
	handlers := "tls {\nconnection_policy {\nalpn postgresql\n}\n}\npgtxn {"
	text := caddyfileOf(p.addr, p.globals, "upstream UPSTREAM\nauth trust\nhostssl\ntls")
	p.loadCaddyfile(t, strings.Replace(text, "pgtxn {", handlers, 1))
	p.awaitCertificate(t)
	conn := p.overTLS(t, "sslnegotiation=direct")
	exec(t, conn, "BEGIN; SET LOCAL my.x = 'y'")
	if got := ask(t, conn, "SHOW my.x"); got != "y" {
		t.Errorf("my.x is %q", got)
	}
	exec(t, conn, "ROLLBACK")

	cfg := p.clientConfig(t)
	cfg.NextProtos = []string{"postgresql"}
	inTLS, err := tls.Dial("tcp", p.addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer inTLS.Close()
	expectByte(t, inTLS, sslRequest, 'N')
}

// The packets that ask for encryption, and what answers them.
func TestEncryptionRequests(t *testing.T) {
	p := start(t, "upstream UPSTREAM\nauth trust\ntls", certificates)
	p.awaitCertificate(t)
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	conn := dial()
	expectByte(t, conn, gssEncRequest, 'N')
	expectByte(t, conn, startup("postgres"), 'R') // without encryption

	conn = dial()
	expectByte(t, conn, gssEncRequest, 'N')
	expectByte(t, conn, sslRequest, 'S')
	inTLS := tls.Client(conn, p.clientConfig(t))
	expectByte(t, inTLS, startup("postgres"), 'R')

	p.load(t, "upstream UPSTREAM\nauth trust")
	conn = dial()
	expectByte(t, conn, sslRequest, 'N')
	expectByte(t, conn, startup("postgres"), 'R')
}

var gssEncRequest = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30}

// startup is the StartupMessage of a user whose database has the same name.
func startup(user string) []byte {
	body := "\x00\x03\x00\x00user\x00" + user + "\x00\x00"
	return append([]byte{0, 0, 0, byte(4 + len(body))}, body...)
}

func expectByte(t *testing.T, conn net.Conn, packet []byte, want byte) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(packet); err != nil {
		t.Fatal(err)
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		t.Fatal(err)
	}
	if answer[0] != want {
		t.Fatalf("answer %q to % x, want %q", answer[0], packet, want)
	}
}
