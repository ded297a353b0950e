package relay

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/hba"
)

// What a client binds to is the certificate of its own handshake, though each
// handshake is served another one.
func TestBindingToShownCertificate(t *testing.T) {
	ca := testca.New(t, "ca")
	var certs []*tls.Certificate
	for _, pair := range []testca.Pair{ca.Issue(t, []string{"localhost"}), ca.Issue(t, []string{"localhost"})} {
		certs = append(certs, parsed(t, pair))
	}
	served := 0
	policy := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		served++
		return certs[served%len(certs)], nil
	}}
	users, err := auth.ParseUsers(strings.NewReader(`"postgres" "pencil"`))
	if err != nil {
		t.Fatal(err)
	}
	scram, err := hba.ParseRule("hostssl all all all scram-sha-256")
	if err != nil {
		t.Fatal(err)
	}
	p := database(t).behind(t, 1, func(cfg *Config) {
		cfg.Users, cfg.Rules = userList{users}, hba.Rules{scram}
		cfg.TLS = func() *tls.Config {
			return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return policy, nil }}
		}
	})
	connect := func(binding string) error {
		conn, err := pgx.Connect(t.Context(), "postgres://postgres:pencil@"+p.addr+"/"+p.database+"?sslmode=require&channel_binding="+binding)
		if err == nil {
			err = conn.Close(context.Background())
		}
		return err
	}
	for range 4 {
		if err := connect("require"); err != nil {
			t.Error(err)
		}
	}
	if served < 4 {
		t.Errorf("%d certificates were served", served)
	}

	// Nothing can be bound to a certificate that is signed by Ed25519.
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certs = []*tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	if err := connect("prefer"); err != nil {
		t.Error(err)
	}
	if err := connect("require"); err == nil || !strings.Contains(err.Error(), "SCRAM-SHA-256-PLUS") {
		t.Errorf("required: %v", err)
	}
}

func parsed(t *testing.T, pair testca.Pair) *tls.Certificate {
	t.Helper()
	cert, err := tls.X509KeyPair(pair.Chain, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &cert
}

// userList is a list that does not change.
type userList struct{ *auth.Users }

func (l userList) Lookup(_ context.Context, user string) (auth.Secret, bool, error) {
	s, known := l.Users.Lookup(user)
	return s, known, nil
}
