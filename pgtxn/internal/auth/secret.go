package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
)

const (
	defaultIterations = 4096 // SCRAM_SHA_256_DEFAULT_ITERATIONS
	// maxIterations bounds what a verifier or a server may make us compute: seconds of CPU time.
	maxIterations = 10_000_000
	saltSize      = 16 // SCRAM_DEFAULT_SALT_LEN
)

// Secret is what is known about one user's password. The zero Secret is that of a user who has
// none: no client gets in with it.
type Secret struct {
	hidden
	// get is a function because fmt looks into everything else: a Secret in an unexported field
	// of a struct that somebody prints is out of reach of its own Format.
	get func() *secret
}

type secret struct {
	password  string // "" if only the verifier or the hash is known
	md5       string // the hash of old files; then the verifier is nobody's
	verifier  verifier
	clientKey *key // what opens the verifier, if a client has shown it
	mock      bool // nobody's: the exchange runs its course and fails
}

func conceal(s secret) Secret { return Secret{get: func() *secret { return &s }} }

// reveal never returns nil. What it returns is not to be changed.
func (s Secret) reveal() *secret {
	if s.get == nil {
		return &secret{verifier: verifier{iterations: defaultIterations, salt: saltFor("")}, mock: true}
	}
	return s.get()
}

// HasPassword reports whether the password itself is known, and not only its verifier.
func (s Secret) HasPassword() bool { return s.reveal().password != "" }

// HasMD5 reports whether all that is known is an MD5 hash: no client gets in with it by SCRAM.
func (s Secret) HasMD5() bool { return s.reveal().md5 != "" }

// Empty reports whether there is nothing that a client could know.
func (s Secret) Empty() bool { return s.reveal().mock && !s.HasMD5() }

// verifier is what RFC 5802 has a server store.
type verifier struct {
	iterations int
	salt       []byte
	storedKey  key
	serverKey  key
}

// opens says whether k is the ClientKey that v was made from.
func (v *verifier) opens(k key) bool {
	stored := k.stored()
	return hmac.Equal(stored[:], v.storedKey[:])
}

// hidden keeps the types that embed it out of logs, whatever the verb.
type hidden struct{}

// Format prints the same for every value.
func (hidden) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// ParseSecret takes a SCRAM verifier or an MD5 hash as in pg_authid.rolpassword, or a plain password.
// A text that begins like a verifier and is none is refused: it is hardly a password. The user's name is
// for the salt of a plain password. An empty text lets nobody in, as in PostgreSQL.
func ParseSecret(user, text string) (Secret, error) {
	s, err := parseSecret(text)
	if err != nil {
		return Secret{}, err
	}
	return s.complete(user, defaultIterations)
}

// parseSecret is ParseSecret but for what complete does, which takes a millisecond.
func parseSecret(text string) (secret, error) {
	switch {
	case strings.HasPrefix(text, mechanism+"$"):
		v, err := parseVerifier(text)
		return secret{verifier: v}, err
	case isMD5Hash(text):
		return secret{md5: text}, nil
	}
	return secret{password: text}, nil
}

// complete makes the verifier of a plain password, or a mock for an empty one.
func (s secret) complete(user string, iterations int) (Secret, error) {
	switch {
	case s.verifier.iterations > 0:
	case s.password == "":
		s.verifier, s.mock = verifier{iterations: iterations, salt: saltFor(user)}, true
	default:
		salt := saltFor(user)
		k, err := deriveKeys(s.password, salt, iterations)
		if err != nil {
			return Secret{}, err
		}
		s.verifier = verifier{iterations, salt, k.client.stored(), k.server}
	}
	return conceal(s), nil
}

// mockSecret is for a user we know nothing of. PostgreSQL's mock_scram_secret does the same.
func mockSecret(user string, iterations int) Secret {
	s, _ := secret{}.complete(user, iterations)
	return s
}

// isMD5Hash is what PostgreSQL takes for one (get_password_type, crypt.c).
func isMD5Hash(text string) bool {
	digits, ok := strings.CutPrefix(text, "md5")
	return ok && len(digits) == 32 && strings.Trim(digits, "0123456789abcdef") == ""
}

// parseVerifier reads SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey> (parse_scram_secret).
func parseVerifier(text string) (verifier, error) {
	bad := errors.New("malformed SCRAM-SHA-256 verifier")
	parts := strings.Split(text, "$")
	if len(parts) != 3 {
		return verifier{}, bad
	}
	count, salt, ok1 := strings.Cut(parts[1], ":")
	stored, server, ok2 := strings.Cut(parts[2], ":")
	if !ok1 || !ok2 {
		return verifier{}, bad
	}
	var v verifier
	var err error
	if v.iterations, err = strconv.Atoi(count); err != nil || v.iterations < 1 || v.iterations > maxIterations {
		return verifier{}, bad
	}
	if v.salt, err = base64.StdEncoding.DecodeString(salt); err != nil || len(v.salt) == 0 {
		return verifier{}, bad
	}
	if !v.storedKey.decode(stored) || !v.serverKey.decode(server) {
		return verifier{}, bad
	}
	return v, nil
}

// saltSecret keeps anyone from computing which salt a name gets.
var saltSecret atomic.Pointer[[]byte]

func init() {
	b := make([]byte, sha256.Size)
	rand.Read(b) // never fails
	saltSecret.Store(&b)
}

// SaltSecret returns what salts are made of that are not stored with a password. Who keeps it has
// the same ones in the next process: else a salt that is new after a restart gives away who does
// not exist. PostgreSQL's is mock_authentication_nonce.
func SaltSecret() []byte { return *saltSecret.Load() }

// SetSaltSecret is for before secrets are parsed.
func SetSaltSecret(kept []byte) { saltSecret.Store(&kept) }

// saltFor is the salt of a user whose verifier is not given. It is the same at every attempt, as
// a stored one is, and the same whether the user exists or not.
func saltFor(user string) []byte {
	mac := hmac.New(sha256.New, SaltSecret())
	mac.Write([]byte(user))
	return mac.Sum(nil)[:saltSize]
}
