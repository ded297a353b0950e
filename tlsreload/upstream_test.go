package tlsreload_test

import (
	"context"
	"strings"
	"testing"

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
		conn, err := pgx.Connect(t.Context(), "host=127.0.0.1 sslmode=disable user=postgres dbname=postgres port="+h.pgtxn[strings.Index(h.pgtxn, ":")+1:])
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
