package auth

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// The mechanisms we speak: the second binds the exchange to the TLS connection that it runs over.
const (
	mechanism     = "SCRAM-SHA-256"
	mechanismPlus = "SCRAM-SHA-256-PLUS"
)

// bindingHeader is the gs2-header of who binds to the server's certificate, as all do who speak
// to PostgreSQL.
const bindingHeader = "p=tls-server-end-point,,"

// key is a key, a signature or a proof of RFC 5802: all are as long as the hash.
type key [sha256.Size]byte

func (k *key) decode(text string) bool {
	raw, err := base64.StdEncoding.DecodeString(text)
	return err == nil && copy(k[:], raw) == len(k) && len(raw) == len(k)
}

func (k key) encode() string { return base64.StdEncoding.EncodeToString(k[:]) }

func (k key) xor(o key) key {
	for i := range k {
		k[i] ^= o[i]
	}
	return k
}

// sign is HMAC(k, text).
func (k key) sign(text string) (signature key) {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(text))
	mac.Sum(signature[:0])
	return signature
}

// keys are the two that a party who knows the password has.
type keys struct{ client, server key }

// stored is the StoredKey that a verifier has in place of k, a ClientKey.
func (k key) stored() key { return sha256.Sum256(k[:]) }

// deriveKeys takes about 250 ns for each iteration.
func deriveKeys(password string, salt []byte, iterations int) (keys, error) {
	salted, err := pbkdf2.Key(sha256.New, saslprep(password), salt, iterations, sha256.Size)
	if err != nil {
		return keys{}, err
	}
	return keys{client: key(salted).sign("Client Key"), server: key(salted).sign("Server Key")}, nil
}

// newNonce is as long as PostgreSQL's (SCRAM_RAW_NONCE_LEN).
func newNonce() string {
	var raw [18]byte
	rand.Read(raw[:]) // never fails
	return base64.StdEncoding.EncodeToString(raw[:])
}

// isNonce: printable ASCII without the comma, which ends an attribute (is_scram_printable).
func isNonce(s string) bool {
	for i := range len(s) {
		if s[i] < '!' || s[i] > '~' {
			return false
		}
	}
	return true
}

// attributes reads the a=value,b=value of a SCRAM message from the front.
type attributes struct{ rest string }

// next takes the attribute in front, whatever its name.
func (a *attributes) next() (name byte, value string, err error) {
	if a.rest == "" {
		return 0, "", malformed("Attribute expected, but found end of string.")
	}
	name = a.rest[0]
	if letter := name | 0x20; letter < 'a' || letter > 'z' {
		return 0, "", malformed("Attribute expected, but found invalid character \"%s\".", printable(a.rest))
	}
	value, err = a.value(name)
	return name, value, err
}

// value takes the attribute in front, which has to be the named one.
func (a *attributes) value(name byte) (string, error) {
	if a.rest == "" || a.rest[0] != name {
		return "", malformed("Expected attribute \"%c\" but found \"%s\".", name, printable(a.rest))
	}
	value, ok := strings.CutPrefix(a.rest[1:], "=")
	if !ok {
		return "", malformed("Expected character \"=\" for attribute \"%c\".", name)
	}
	value, a.rest, _ = strings.Cut(value, ",")
	return value, nil
}
