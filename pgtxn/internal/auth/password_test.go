package auth

import (
	"errors"
	"strings"
	"testing"
)

func TestPasswordServer(t *testing.T) {
	hash := md5Hash("pencil", "u")
	for _, test := range []struct {
		secret, given string
		want          error
	}{
		{"pencil", "pencil\x00", nil},
		{pencilVerifier, "pencil\x00", nil},
		{hash, "pencil\x00", nil},
		{"pencil", "pen\x00", ErrRejected},
		{pencilVerifier, "pen\x00", ErrRejected},
		{hash, "pen\x00", ErrRejected},
		{hash, hash + "\x00", ErrRejected},
		{pencilVerifier, pencilVerifier + "\x00", ErrRejected},
		{"", "pencil\x00", ErrRejected},
		{"", "\x00", &ProtocolError{"28P01", "empty password returned by client", ""}},
		{"pencil", "pencil", &ProtocolError{"08P01", "invalid password packet size", ""}},
		{"pencil", "pencil\x00x\x00", &ProtocolError{"08P01", "invalid password packet size", ""}},
		{"pencil", "", &ProtocolError{"08P01", "invalid password packet size", ""}},
	} {
		p := NewPasswordServer("u", mustSecret(t, "u", test.secret))
		if got := string(p.Start()); got != "R\x00\x00\x00\x08\x00\x00\x00\x03" {
			t.Errorf("start: %q", got)
		}
		_, done, err := p.Step([]byte(test.given))
		if done != (test.want == nil) || !sameError(err, test.want) {
			t.Errorf("%s given %q: %v, %v", test.secret, test.given, done, err)
		}
	}
	// Who said the password of a verifier has shown its key.
	p := NewPasswordServer("u", mustSecret(t, "u", pencilVerifier))
	if _, _, err := p.Step([]byte("pencil\x00")); err != nil {
		t.Fatal(err)
	}
	client := NewClient("u", p.Proven(), false)
	if clientErr, serverErr := converse(t, client, NewServer(mustSecret(t, "u", pencilVerifier))); clientErr != nil || serverErr != nil {
		t.Error(clientErr, serverErr)
	}
}

func sameError(got, want error) bool {
	var a, b *ProtocolError
	if errors.As(got, &a) && errors.As(want, &b) {
		return *a == *b
	}
	return got == want
}

func TestMD5Server(t *testing.T) {
	hash := md5Hash("pencil", "u")
	for _, test := range []struct {
		secret, client string
		ok             bool
	}{
		{hash, "pencil", true},
		{hash, hash, true}, // as PostgreSQL: the hash is as good as the password
		{hash, "pen", false},
		{"pencil", "pencil", false},
		{"", "pencil", false},
	} {
		m := NewMD5Server(mustSecret(t, "u", test.secret))
		client := NewClient("u", mustSecret(t, "u", test.client), false)
		reply, _, err := client.Step(body(t, m.Start(), 'R'))
		if err != nil {
			t.Fatal(err)
		}
		answer, done, err := m.Step(body(t, reply, 'p'))
		if done != test.ok || !test.ok && err != ErrRejected {
			t.Errorf("%s against %s: %v, %v", test.client, test.secret, done, err)
		}
		if done {
			if _, in, err := client.Step(body(t, answer, 'R')); !in || err != nil {
				t.Error(in, err)
			}
		}
	}
	if a, b := NewMD5Server(Secret{}).salt, NewMD5Server(Secret{}).salt; a == b || len(a) != 4 {
		t.Errorf("salts %q and %q", a, b)
	}
}

// By SCRAM nobody gets in with a hash; the server is asked as for one who does not exist.
func TestMD5SecretBySCRAM(t *testing.T) {
	s := mustSecret(t, "u", md5Hash("pencil", "u"))
	if !s.HasMD5() || s.Empty() || s.HasPassword() {
		t.Error("what is known of the hash")
	}
	client := NewClient("u", mustSecret(t, "u", "pencil"), false)
	if _, err := converse(t, client, NewServer(s)); err != ErrRejected {
		t.Error(err)
	}
	if _, _, err := NewClient("u", s, true).Step([]byte("\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00")); !errors.Is(err, ErrNoPassword) {
		t.Errorf("a server that wants SCRAM: %v", err)
	}
	users, err := ParseUsers(strings.NewReader(`"u" "` + md5Hash("pencil", "u") + `"` + "\n" + `"v" "x"`))
	if err != nil || users.CountMD5() != 1 {
		t.Error(users.CountMD5(), err)
	}
}
