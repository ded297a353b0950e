package auth

import (
	"errors"
	"strings"
	"testing"
)

const keyUser = "user"

// proved has a client show its key for a verifier, as at our door.
func proved(t *testing.T, verifier, password string) Secret {
	t.Helper()
	server := NewServer(mustSecret(t, keyUser, verifier))
	client := NewClient(keyUser, mustSecret(t, keyUser, password), false)
	if clientErr, serverErr := converse(t, client, server); clientErr != nil || serverErr != nil {
		t.Fatal(clientErr, serverErr)
	}
	return server.Proven()
}

// What a client's proof shows logs in where the verifier is the same, and nowhere else.
func TestProvenKey(t *testing.T) {
	shown := proved(t, pencilVerifier, "pencil")
	if shown.HasPassword() {
		t.Error("a proof does not show the password")
	}
	for _, test := range []struct {
		verifier string
		client   error
	}{
		{pencilVerifier, nil},
		{rfcVerifier, ErrOtherVerifier}, // of the same password, with another salt
		{strings.Replace(pencilVerifier, "4096", "4097", 1), ErrOtherVerifier},
	} {
		client := NewClient(keyUser, shown, false)
		clientErr, serverErr := converse(t, client, NewServer(mustSecret(t, keyUser, test.verifier)))
		if !errors.Is(clientErr, test.client) || serverErr != nil {
			t.Errorf("at %s: client %v, server %v", test.verifier, clientErr, serverErr)
		}
	}
	// The same salt, but of another password: the server refuses the proof.
	other, err := deriveKeys("pen", mustSecret(t, "", pencilVerifier).reveal().verifier.salt, 4096)
	if err != nil {
		t.Fatal(err)
	}
	changed := *mustSecret(t, "", pencilVerifier).reveal()
	changed.verifier.storedKey, changed.verifier.serverKey = other.client.stored(), other.server
	if _, serverErr := converse(t, NewClient(keyUser, shown, false), NewServer(conceal(changed))); serverErr != ErrRejected {
		t.Error(serverErr)
	}
}

func TestKeyring(t *testing.T) {
	var ring Keyring
	verifier, plain := mustSecret(t, "u", pencilVerifier), mustSecret(t, "u", "pencil")
	hasKey := func(s Secret) bool { return s.reveal().clientKey != nil }

	ring.Add("u", verifier) // no proof was shown
	if _, known := ring.Last("u"); known || hasKey(ring.Complete("u", verifier)) {
		t.Error("the key of nobody's proof")
	}
	ring.Add("u", proved(t, pencilVerifier, "pencil"))
	if s, known := ring.Last("u"); !known || !hasKey(s) || !hasKey(ring.Complete("u", verifier)) {
		t.Error("the key is not there")
	}
	if hasKey(ring.Complete("v", verifier)) {
		t.Error("the key of another user")
	}
	if s := ring.Complete("u", plain); hasKey(s) || !s.HasPassword() {
		t.Error("a plain password needs no key")
	}
	if hasKey(ring.Complete("u", mustSecret(t, "u", rfcVerifier))) {
		t.Error("the key of another verifier")
	}
	if _, known := ring.Last("u"); known {
		t.Error("the key of a verifier that was replaced is still there")
	}

	hash := mustSecret(t, "u", md5Hash("pencil", "u"))
	ring.Add("u", hash)
	if s, known := ring.Last("u"); !known || !s.HasMD5() || !ring.Complete("u", hash).HasMD5() {
		t.Error("the MD5 hash is not there")
	}
	if hasKey(ring.Complete("u", verifier)) {
		t.Error("the key of a hash")
	}
	if _, known := ring.Last("u"); known {
		t.Error("the hash is still there, but there is a verifier now")
	}
}
