package auth

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/xdg-go/scram"
)

// The exchange of RFC 7677, section 3.
const (
	rfcClientNonce = "rOprNGfwEbeRWgbNEkqO"
	rfcServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	rfcClientFirst = "n,,n=user,r=" + rfcClientNonce
	rfcServerFirst = "r=" + rfcClientNonce + rfcServerNonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	rfcClientFinal = "c=biws,r=" + rfcClientNonce + rfcServerNonce + ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	rfcServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
)

// Verifiers of PostgreSQL 15.18, out of pg_authid.
const pencilVerifier = "SCRAM-SHA-256$4096:U2aahHbqMgJLjtSCljyXRA==$fh3v2szRyz8KYO0sfa2z6ruryT46MI1HYH9l99AB+00=:hN0FQw1U/gsG617Sue1qRbeWgwHFFy7hWgv4U+sPTTM="

func mustSecret(t *testing.T, user, text string) Secret {
	t.Helper()
	s, err := ParseSecret(user, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// body is the contents of a message, for the other side's Step.
func body(t *testing.T, message []byte, typ byte) []byte {
	t.Helper()
	if len(message) < 5 || message[0] != typ || int(binary.BigEndian.Uint32(message[1:])) != len(message)-1 {
		t.Fatalf("%q is not one message of type %q", message, typ)
	}
	return message[5:]
}

// converse runs a client against a server, up to the first error of either.
func converse(t *testing.T, client *Client, server *Server) (clientErr, serverErr error) {
	t.Helper()
	request, serverDone := server.Start(), false
	for range 10 {
		var final []byte
		if serverDone { // AuthenticationOk comes right behind the final message
			final, request = request[len(request)-9:], request[:len(request)-9]
		}
		reply, done, err := client.Step(body(t, request, 'R'))
		if final != nil && err == nil {
			_, done, err = client.Step(body(t, final, 'R'))
			if err == nil && !done {
				t.Fatal("the client is not done behind AuthenticationOk")
			}
		}
		if err != nil || done {
			return err, nil
		}
		if request, serverDone, err = server.Step(body(t, reply, 'p')); err != nil {
			return nil, err
		}
	}
	t.Fatal("no end of the exchange")
	return nil, nil
}

func TestClientAgainstServer(t *testing.T) {
	tests := []struct {
		name             string
		server, password string
		ok               bool
	}{
		{"verifier", pencilVerifier, "pencil", true},
		{"plain", "pencil", "pencil", true},
		{"both normalize", "\ufb01", "fi", true},
		{"verifier, wrong", pencilVerifier, "pencils", false},
		{"plain, wrong", "pencil", "Pencil", false},
		{"no password", "", "pencil", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := NewClient("u", mustSecret(t, "u", tt.password), false)
			clientErr, serverErr := converse(t, client, NewServer(mustSecret(t, "u", tt.server)))
			if clientErr != nil || tt.ok && serverErr != nil || !tt.ok && serverErr != ErrRejected {
				t.Errorf("client %v, server %v", clientErr, serverErr)
			}
		})
	}
}

func TestVerifierOfPlainPassword(t *testing.T) {
	// The same keys as PostgreSQL's from the same salt.
	want, err := parseVerifier(pencilVerifier)
	if err != nil {
		t.Fatal(err)
	}
	k, err := deriveKeys("pencil", want.salt, want.iterations)
	if err != nil || k.client.stored() != want.storedKey || k.server != want.serverKey {
		t.Errorf("keys differ from PostgreSQL's (%v)", err)
	}
}

func TestServerAgainstLibrary(t *testing.T) {
	lib, err := scram.SHA256.NewClient("u", "pencil", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, conversation := range map[string]*scram.ClientConversation{
		"n": lib.NewConversation(),
		"y": lib.NewConversationAdvertisingChannelBinding(),
	} {
		t.Run(name, func(t *testing.T) {
			server := NewServer(mustSecret(t, "u", pencilVerifier))
			first, _ := conversation.Step("")
			reply, _, err := server.Step([]byte(initialResponse(mechanism, first)))
			if err != nil {
				t.Fatal(err)
			}
			final, err := conversation.Step(string(body(t, reply, 'R')[4:]))
			if err != nil {
				t.Fatal(err)
			}
			reply, done, err := server.Step([]byte(final))
			if err != nil || !done {
				t.Fatal(done, err)
			}
			if _, err := conversation.Step(string(reply[9 : len(reply)-9])); err != nil || !conversation.Valid() {
				t.Errorf("the library does not accept our signature: %v", err)
			}
		})
	}
}

func TestClientAgainstLibrary(t *testing.T) {
	v, err := parseVerifier(pencilVerifier)
	if err != nil {
		t.Fatal(err)
	}
	lib, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) {
		return scram.StoredCredentials{
			KeyFactors: scram.KeyFactors{Salt: string(v.salt), Iters: v.iterations},
			StoredKey:  v.storedKey[:], ServerKey: v.serverKey[:],
		}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	conversation := lib.NewConversation()
	client := NewClient("u", mustSecret(t, "u", "pencil"), false)
	reply, _, err := client.Step([]byte("\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	input := strings.TrimPrefix(string(body(t, reply, 'p')), mechanism+"\x00\x00\x00\x00\x20")
	for _, code := range []string{"\x00\x00\x00\x0b", "\x00\x00\x00\x0c"} {
		output, err := conversation.Step(input)
		if err != nil {
			t.Fatal(err)
		}
		if reply, _, err = client.Step([]byte(code + output)); err != nil {
			t.Fatal(err)
		}
		if reply != nil {
			input = string(body(t, reply, 'p'))
		}
	}
	if _, done, err := client.Step([]byte("\x00\x00\x00\x00")); !done || err != nil || !conversation.Valid() {
		t.Error(done, err, conversation.Valid())
	}
}
