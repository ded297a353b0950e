package auth

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// MD5Server is the exchange with a client whose password is known as an MD5 hash.
type MD5Server struct {
	hidden
	secret Secret
	salt   string
}

// NewMD5Server starts an exchange with a client that has to know s, which has to be an MD5 hash
// (HasMD5): it lets nobody else in.
func NewMD5Server(s Secret) *MD5Server {
	var salt [4]byte
	rand.Read(salt[:]) // never fails
	return &MD5Server{secret: s, salt: string(salt[:])}
}

// Start asks for the password, hashed with a salt.
func (m *MD5Server) Start() []byte { return appendAuthentication(nil, authMD5, m.salt) }

// Step judges the answer (md5_crypt_verify, crypt.c).
func (m *MD5Server) Step(body []byte) (reply []byte, done bool, err error) {
	given, err := passwordOf(body)
	if err != nil {
		return nil, false, err
	}
	hash := m.secret.reveal().md5
	if hash == "" || !hmac.Equal([]byte(given), []byte(md5Response(hash, m.salt))) {
		return nil, false, ErrRejected
	}
	return AppendOK(nil), true, nil
}

// Proven is the hash: with MD5 it is all that it takes to log in.
func (m *MD5Server) Proven() Secret { return m.secret }

// md5Response is what a client answers who has the hash, or the password (pg_md5_encrypt).
func md5Response(hash, salt string) string {
	sum := md5.Sum([]byte(strings.TrimPrefix(hash, "md5") + salt))
	return "md5" + hex.EncodeToString(sum[:])
}
