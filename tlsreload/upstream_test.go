package tlsreload_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/jackc/pgx/v5"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// Pgtxn's own certificate and the authority of the server come from a set, and
// new server connections use what a reload brought.
func TestUpstream(t *testing.T) {
	h := newHouse(t)
	servers, clients, others := testca.New(t, "servers"), testca.New(t, "clients"), testca.New(t, "others")
	cert := servers.Issue(t, []string{"127.0.0.1"})
	server := pgtest.Start(t, pgtest.TLS(cert.Chain, cert.Key, clients.PEM()),
		pgtest.HBA("hostssl all all 127.0.0.1/32 trust clientcert=verify-ca", "local all all trust"))
	h.put(t, "client", others.Issue(t, nil))
	h.write(t, "servers.pem", others.PEM())
	text := h.caddyfile("set up {\nupstream DIR/client.crt DIR/client.key\nupstream_ca DIR/servers.pem\n}\nwatch off")
	text = strings.Replace(text, "upstream "+upstreamAddr(), "upstream "+server.Addr+"\nsslmode verify-full\nsslset up", 1)
	if err := h.load(t, text); err != nil {
		t.Fatal(err)
	}
	connect := func() error {
		conn, err := pgx.Connect(t.Context(), h.dsn())
		if err != nil {
			return err
		}
		defer conn.Close(context.Background())
		_, err = conn.Exec(t.Context(), "SELECT 1")
		return err
	}
	if err := connect(); err == nil || !strings.Contains(err.Error(), "SQLSTATE 08001") {
		t.Errorf("with an authority that the server's certificate is not from: %v", err)
	}
	h.write(t, "servers.pem", servers.PEM())
	h.reload(t, "", "reloaded")
	if err := connect(); err == nil || !strings.Contains(err.Error(), "SQLSTATE 08004") || !strings.Contains(server.Log(), "requires a valid client certificate") {
		t.Errorf("with a certificate that the server does not know: %v", err)
	}
	h.put(t, "client", clients.Issue(t, nil))
	h.reload(t, "", "reloaded")
	if err := connect(); err != nil {
		t.Error(err)
	}
}

// The connections of auth_query are to the same servers, with the same set.
func TestUpstreamOfAuthQuery(t *testing.T) {
	h := newHouse(t)
	cert := h.ca.Issue(t, []string{"127.0.0.1"})
	server := pgtest.Start(t, pgtest.TLS(cert.Chain, cert.Key, h.ca.PEM()),
		pgtest.HBA("hostssl all asker 127.0.0.1/32 trust", "hostssl all all 127.0.0.1/32 scram-sha-256", "local all all trust"))
	if _, err := server.SQL(t.Context(), "postgres", "CREATE ROLE asker LOGIN SUPERUSER; CREATE ROLE app LOGIN PASSWORD 'secret'"); err != nil {
		t.Fatal(err)
	}
	h.write(t, "servers.pem", h.ca.PEM())
	text := h.caddyfile("set up {\nupstream_ca DIR/servers.pem\n}\nwatch off")
	text = strings.Replace(text, "upstream "+upstreamAddr(), "upstream "+server.Addr+"\nsslmode verify-full\nsslset up", 1)
	if err := h.load(t, strings.Replace(text, "auth trust", "auth_user asker", 1)); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), strings.Replace(h.dsn(), "user=postgres", "user=app password=secret", 1))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close(context.Background())
}

// dsn is where pgtxn listens.
func (h *house) dsn() string {
	return "host=127.0.0.1 sslmode=disable user=postgres dbname=postgres port=" + h.pgtxn[strings.Index(h.pgtxn, ":")+1:]
}

// A set is there for server connections before all apps have started, and for
// sessions of a configuration whose set has another name by now.
func TestUpstreamOfOwnConfiguration(t *testing.T) {
	h := newHouse(t)
	cert := h.ca.Issue(t, []string{"127.0.0.1"})
	server := pgtest.Start(t, pgtest.TLS(cert.Chain, cert.Key, h.ca.PEM()), pgtest.HBA("hostssl all all 127.0.0.1/32 trust", "local all all trust"))
	h.write(t, "servers.pem", h.ca.PEM())
	load := func(set string) error {
		text := h.caddyfile("set " + set + " {\nupstream_ca DIR/servers.pem\n}\nwatch off")
		return h.load(t, strings.Replace(text, "upstream "+upstreamAddr(), "upstream "+server.Addr+"\nsslmode verify-full\nsslset "+set, 1))
	}
	// The start waits for what is known of the process before.
	id, err := caddy.InstanceID()
	if err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(h.dir, "storage", "tlsreload", "running", id.String()+".json")
	folder(t, filepath.Dir(mark))
	if err := syscall.Mkfifo(mark, 0o600); err != nil {
		t.Fatal(err)
	}
	loaded := make(chan error, 1)
	go func() { loaded <- load("one") }()
	starting, err := os.OpenFile(mark, os.O_WRONLY, 0) // when it is read
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), h.dsn())
	starting.Close()
	if loadErr := <-loaded; loadErr != nil {
		t.Fatal(loadErr)
	}
	if err != nil {
		t.Fatalf("while Caddy starts: %v", err)
	}
	defer conn.Close(context.Background())

	if err := load("two"); err != nil {
		t.Fatal(err)
	}
	var answer string
	if status := h.request(t, http.MethodPost, "/pgtxn/pools/reconnect", &answer); status != http.StatusOK {
		t.Fatal(answer)
	}
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("a session from before: %v", err)
	}
}
