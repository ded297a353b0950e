package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseSecret(t *testing.T) {
	tests := []struct {
		text     string
		ok       bool
		password bool
	}{
		{"pencil", true, true},
		{pencilVerifier, true, false},
		{"", true, false},
		{"md5", true, true},
		{"md538f591e5ee08fc954ca8f09e3078a24", true, true},
		{"md538F591E5EE08FC954CA8F09E3078A243", true, true}, // PostgreSQL writes lower case only
		{"SCRAM-SHA-256", true, true},
		{"scram-sha-256$4096:", true, true},
		{"md538f591e5ee08fc954ca8f09e3078a243", true, false},
		{"SCRAM-SHA-256$", false, false},
		{pencilVerifier + "$", false, false},
		{pencilVerifier[:len(pencilVerifier)-1], false, false},
		{strings.Replace(pencilVerifier, "4096:", "4096", 1), false, false},
		{strings.Replace(pencilVerifier, "4096", "0", 1), false, false},
		{strings.Replace(pencilVerifier, "4096", "10000001", 1), false, false},
		{strings.Replace(pencilVerifier, "4096", "x", 1), false, false},
		{strings.Replace(pencilVerifier, "U2aahHbqMgJLjtSCljyXRA==", "", 1), false, false},
		{strings.Replace(pencilVerifier, "U2aa", "U!aa", 1), false, false},
		{strings.Replace(pencilVerifier, "fh3v", "fh3vAAAA", 1), false, false},
		{strings.Replace(pencilVerifier, "hN0F", "", 1), false, false},
	}
	for _, tt := range tests {
		s, err := ParseSecret("u", tt.text)
		if (err == nil) != tt.ok || s.HasPassword() != tt.password {
			t.Errorf("%q: %v, has password %v", tt.text, err, s.HasPassword())
		}
		if err != nil && len(tt.text) > 20 && strings.Contains(err.Error(), tt.text[14:]) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

// A salt that is not stored is the same at every attempt, different for every name, as long as a
// stored one, and not to be had from the name alone.
func TestSaltFor(t *testing.T) {
	a, b := saltFor("a"), saltFor("b")
	if !bytes.Equal(a, saltFor("a")) || bytes.Equal(a, b) || len(a) != saltSize {
		t.Errorf("salts %x, %x", a, b)
	}
	plain := mustSecret(t, "a", "pencil")
	empty := mustSecret(t, "a", "")
	if !bytes.Equal(plain.reveal().verifier.salt, a) || !bytes.Equal(empty.reveal().verifier.salt, a) {
		t.Error("the salt shows whether there is a password")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	const password = "correct horse battery"
	s := mustSecret(t, "u", password)
	users, err := ParseUsers(strings.NewReader(`"u" "` + password + `"`))
	if err != nil {
		t.Fatal(err)
	}
	server, client := NewServer(s), NewClient("u", s, true)
	ring := &Keyring{secrets: map[string]Secret{"u": s}}
	inside := struct {
		unexported Secret
		Exported   Secret
		list       []Secret
		users      *Users
		server     *Server
		client     *Client
	}{s, s, []Secret{s}, users, server, client}

	v := s.reveal().verifier
	var out bytes.Buffer
	for _, arg := range []any{s, &s, *users, users, server, client, ring, inside, &inside, []any{s}, map[string]Secret{"u": s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", arg)
		}
		fmt.Fprintln(&out, arg)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", arg)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", arg)
		if j, err := json.Marshal(arg); err == nil {
			out.Write(j)
		}
	}
	text := strings.ToLower(out.String())
	for _, leak := range []string{
		password, fmt.Sprintf("%x", password), "99 111 114", // bytes in decimal
		fmt.Sprintf("%x", v.storedKey[:4]), v.storedKey.encode()[:8],
		strings.Trim(fmt.Sprintf("%d", v.storedKey[:4]), "[]"),
		base64.StdEncoding.EncodeToString(v.salt),
	} {
		if strings.Contains(text, strings.ToLower(leak)) {
			t.Errorf("%q is in the output", leak)
		}
	}
	if !strings.Contains(text, "[secret]") {
		t.Error("nothing was printed in place of the secrets")
	}
}
