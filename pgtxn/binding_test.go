package pgtxn

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// Channel binding, with libpq and pgx: they refuse to go on if the proxy has another
// certificate in mind than the one that they were shown.
func TestChannelBinding(t *testing.T) {
	startPostgres(t)
	cert, key := selfSigned(t)
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

	// A session that is resumed is bound to the certificate that it began with.
	cfg, err := pgx.ParseConfig("postgres://app:pencil@" + strings.Replace(p.addr, "127.0.0.1", "localhost", 1) + "/postgres?sslmode=require&channel_binding=require")
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLSConfig = p.clientConfig(t)
	cfg.TLSConfig.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for _, resumed := range []bool{false, true, true} {
		conn, err := pgx.ConnectConfig(t.Context(), cfg)
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
	cert, key := selfSigned(t)
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
