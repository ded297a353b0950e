package pgtxn

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// The salt that an unknown user is shown is made of what storage keeps.
func TestSaltSecretIsKept(t *testing.T) {
	p := prepare(t)
	path := filepath.Join(p.dir, filepath.FromSlash(saltSecretKey))
	load := func() {
		t.Helper()
		p.load(t, "upstream UPSTREAM\nusers "+newUsers(t, "bob", "bob-secret"))
	}
	expect := func() {
		t.Helper()
		kept, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, kept)
		mac.Write([]byte("stranger"))
		if got, want := saltOf(t, p, "stranger"), mac.Sum(nil)[:16]; !bytes.Equal(got, want) {
			t.Errorf("the salt is %x, not %x", got, want)
		}
	}
	load()
	expect()
	// As an earlier process has left it.
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), sha256.Size), 0o600); err != nil {
		t.Fatal(err)
	}
	load()
	expect()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	load()
	if !strings.Contains(p.log(t), "it is too short") {
		t.Error("a short secret is taken")
	}
}

// saltOf is what a client is shown who says that it is user.
func saltOf(t *testing.T, p *proxy, user string) []byte {
	t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	frontend := pgproto3.NewFrontend(conn, conn)
	frontend.Send(&pgproto3.StartupMessage{ProtocolVersion: 3 << 16, Parameters: map[string]string{"user": user}})
	frontend.Send(&pgproto3.SASLInitialResponse{AuthMechanism: "SCRAM-SHA-256", Data: []byte("n,,n=,r=a")})
	if err := frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	for {
		message, err := frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		first, ok := message.(*pgproto3.AuthenticationSASLContinue)
		if !ok {
			continue
		}
		_, salt, _ := strings.Cut(string(first.Data), ",s=")
		salt, _, _ = strings.Cut(salt, ",")
		raw, err := base64.StdEncoding.DecodeString(salt)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
}
