package pgtxn

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// Channel binding, with libpq and pgx: they refuse to go on if the proxy has another
// certificate in mind than the one that they were shown.
func TestChannelBinding(t *testing.T) {
	startPostgres(t)
	cert, key := testca.SelfSigned(t)
	// The server refuses who could bind and does not: the proxy binds towards it.
	s := loginServer(t, []string{"hostssl all all 127.0.0.1/32 scram-sha-256"}, pgtest.TLS(cert, key, nil))
	users := newUsers(t, "app", rolpassword(t, s, "app"))
	p := start(t, "upstream "+s.Addr+"\nsslmode require\nusers "+users+"\ntls", certificates)
	p.awaitCertificate(t)
	for conninfo, want := range map[string]string{
		"user=app password=pencil sslmode=require channel_binding=require": "app",
		"user=app password=pencil sslmode=require channel_binding=prefer":  "app",
		"user=app password=pencil sslmode=require channel_binding=disable": "app",
		"user=app password=pen sslmode=require channel_binding=require":    wrongPassword,
	} {
		if direct, through := psql(t, s.Addr, conninfo), psql(t, p.addr, conninfo); direct != want || through != want {
			t.Errorf("%s: directly %q, through the proxy %q", conninfo, direct, through)
		}
	}

	expectResumed(t, p, resuming(p.clientConfig(t)), false, true, true)
}

func resuming(cfg *tls.Config) *tls.Config {
	cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	return cfg
}

// expectResumed logs in with channel binding again and again. Who resumes a session is
// bound to the certificate that it began with.
func expectResumed(t *testing.T, p *proxy, cfg *tls.Config, want ...bool) {
	t.Helper()
	config, err := pgx.ParseConfig("postgres://app:pencil@" + strings.Replace(p.addr, "127.0.0.1", "localhost", 1) + "/postgres?sslmode=require&channel_binding=require")
	if err != nil {
		t.Fatal(err)
	}
	config.TLSConfig = cfg
	for _, resumed := range want {
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.PgConn().Conn().(*tls.Conn).ConnectionState().DidResume; got != resumed {
			t.Errorf("resumed is %t, want %t", got, resumed)
		}
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// Behind a change of the certificate clients are bound to the new one.
func TestChannelBindingAfterCertificateChange(t *testing.T) {
	startPostgres(t)
	s := loginServer(t, []string{"host all all 127.0.0.1/32 scram-sha-256"})
	ca := testca.New(t, "ca")
	dir := t.TempDir()
	issue := func() {
		pair := ca.Issue(t, []string{"localhost"})
		for name, text := range map[string][]byte{"crt": pair.Chain, "key": pair.Key} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	issue()
	p := start(t, "upstream "+s.Addr+"\nusers "+newUsers(t, "app", rolpassword(t, s, "app"))+"\ntls",
		"tlsreload {\nwatch off\nset main {\ncertificate "+dir+"/crt "+dir+"/key\n}\n}")
	cfg := resuming(&tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"})
	for range 2 {
		expectResumed(t, p, cfg, false, true)
		if got := psql(t, p.addr, "user=app password=pencil sslmode=require channel_binding=require"); got != "app" {
			t.Error(got)
		}
		issue()
		if response, text := p.request(t, http.MethodPost, "/tlsreload/reload"); response.StatusCode != http.StatusOK {
			t.Fatal(text)
		}
	}
}

// Behind the stock tls handler the certificate can't be known, and binding is not offered.
func TestChannelBindingBehindStockTLS(t *testing.T) {
	p := prepare(t, certificates)
	users := newUsers(t, "bob", "bob-secret")
	handlers := "tls {\nconnection_policy {\nalpn postgresql\n}\n}\npgtxn {"
	text := caddyfileOf(p.addr, p.globals, "upstream UPSTREAM\nusers "+users)
	p.loadCaddyfile(t, strings.Replace(text, "pgtxn {", handlers, 1))
	p.awaitCertificate(t)
	p.addr = strings.Replace(p.addr, "127.0.0.1", "localhost", 1)
	const direct = "user=bob password=bob-secret sslmode=require sslnegotiation=direct channel_binding="
	p.mustConnect(t, direct+"prefer")
	if _, err := p.connect(t, direct+"require"); err == nil || !strings.Contains(err.Error(), "server does not support SCRAM-SHA-256-PLUS") {
		t.Errorf("required: %v", err)
	}
}

// What breaks the rules of channel binding hears the same from both.
func TestChannelBindingErrors(t *testing.T) {
	startPostgres(t)
	cert, key := testca.SelfSigned(t)
	s := loginServer(t, []string{"hostssl all all 127.0.0.1/32 scram-sha-256"}, pgtest.TLS(cert, key, nil))
	p := start(t, "upstream "+s.Addr+"\nsslmode require\nusers "+newUsers(t, "app", "pencil")+"\ntls", certificates)
	p.awaitCertificate(t)
	const scram, plus = "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"
	for _, test := range []struct{ mechanism, first, final string }{
		{plus, "n,,n=,r=a", ""},
		{plus, "y,,n=,r=a", ""},
		{plus, "p=tls-unique,,n=,r=a", ""},
		{plus, "p=tls unique\xff and more than may be shown of it,,n=,r=a", ""},
		{plus, "p,,n=,r=a", ""},
		{plus, "p=tls-server-end-point,a=x,n=,r=a", ""},
		{scram, "p=tls-server-end-point,,n=,r=a", ""},
		{scram, "y,,n=,r=a", ""},
		{"SCRAM-SHA-1", "n,,n=,r=a", ""},
		{plus, "p=tls-server-end-point,,n=,r=a", "c=biws,r=a,p=x"},
		{plus, "p=tls-server-end-point,,n=,r=a", "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsYWJj,r=a,p=x"},
		{scram, "n,,n=,r=a", "c=eSws,r=a,p=x"},
	} {
		direct, through := saslRefusal(t, s.Addr, test.mechanism, test.first, test.final), saslRefusal(t, p.addr, test.mechanism, test.first, test.final)
		if direct != through {
			t.Errorf("%+v:\n     directly %s\nthrough proxy %s", test, direct, through)
		}
	}
}

// saslRefusal is how somebody answers messages of SASL over TLS.
func saslRefusal(t *testing.T, addr, mechanism, first, final string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	expectByte(t, conn, sslRequest, 'S')
	secured := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"})
	frontend := pgproto3.NewFrontend(secured, secured)
	frontend.Send(&pgproto3.StartupMessage{ProtocolVersion: 3 << 16, Parameters: map[string]string{"user": "app", "database": "postgres"}})
	frontend.Send(&pgproto3.SASLInitialResponse{AuthMechanism: mechanism, Data: []byte(first)})
	if final != "" {
		frontend.Send(&pgproto3.SASLResponse{Data: []byte(final)})
	}
	if err := frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	for {
		message, err := frontend.Receive()
		if err != nil {
			t.Fatalf("%s %q: %v", mechanism, first, err)
		}
		if e, refused := message.(*pgproto3.ErrorResponse); refused {
			return e.Code + " " + e.Message + " | " + e.Detail
		}
	}
}

// Who stands between the proxy and the server, with a certificate that sslmode require
// takes, gets nowhere: the server sees that it is not its own.
func TestUpstreamBinding(t *testing.T) {
	startPostgres(t)
	cert, key := testca.SelfSigned(t)
	s := loginServer(t, []string{"hostssl all all 127.0.0.1/32 scram-sha-256"}, pgtest.TLS(cert, key, nil))
	users := newUsers(t, "app", rolpassword(t, s, "app"))
	p := start(t, "upstream "+manInTheMiddle(t, s.Addr)+"\nsslmode require\nusers "+users)
	if got, want := psql(t, p.addr, "user=app password=pencil"), "FATAL:  the upstream server refused the connection pool"; !strings.HasPrefix(got, want) {
		t.Error(got)
	}
	if !strings.Contains(p.log(t), "SCRAM channel binding check failed") {
		t.Error("the log does not say why")
	}
}

// manInTheMiddle decrypts what comes for a server and encrypts it again.
func manInTheMiddle(t *testing.T, server string) (addr string) {
	t.Helper()
	cert, key := testca.SelfSigned(t)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	relay := func(client net.Conn) error {
		defer client.Close()
		if _, err := io.ReadFull(client, make([]byte, len(sslRequest))); err != nil {
			return err
		}
		upstream, err := net.Dial("tcp", server)
		if err != nil {
			return err
		}
		defer upstream.Close()
		if _, err := upstream.Write(sslRequest); err != nil {
			return err
		}
		if _, err := io.CopyN(client, upstream, 1); err != nil { // 'S'
			return err
		}
		near := tls.Server(client, &tls.Config{Certificates: []tls.Certificate{pair}})
		far := tls.Client(upstream, &tls.Config{InsecureSkipVerify: true})
		go func() { _, _ = io.Copy(far, near) }()
		_, err = io.Copy(near, far)
		return err
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = relay(client) }()
		}
	}()
	return listener.Addr().String()
}
