package auth

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"strings"
)

// Exchange asks a client for a proof of who it is.
type Exchange interface {
	// Start returns the message that opens the exchange.
	Start() []byte
	// Step takes the body of one password message ('p') and returns the messages to send back.
	// done means that the client is who it says, and then reply ends with AuthenticationOk. An
	// error ends the exchange; it is ErrRejected or a *ProtocolError.
	Step(body []byte) (reply []byte, done bool, err error)
	// Proven returns, when Step is done, the secret with what the client has shown.
	Proven() Secret
}

// PasswordServer is the exchange with a client that sends its password as it is.
type PasswordServer struct {
	hidden
	user   string
	secret Secret
}

// NewPasswordServer starts an exchange with a client that has to know s. The connection has to be
// encrypted.
func NewPasswordServer(user string, s Secret) *PasswordServer {
	return &PasswordServer{user: user, secret: s}
}

// Start asks for the password.
func (*PasswordServer) Start() []byte { return appendAuthentication(nil, authCleartext, "") }

// Step judges the password. It takes the same time for a user who does not exist.
func (p *PasswordServer) Step(body []byte) (reply []byte, done bool, err error) {
	given, err := passwordOf(body)
	if err != nil {
		return nil, false, err
	}
	known := p.secret.reveal()
	k, err := deriveKeys(given, known.verifier.salt, known.verifier.iterations)
	if err != nil {
		return nil, false, err
	}
	right := known.verifier.opens(k.client) && !known.mock
	if known.md5 != "" {
		right = hmac.Equal([]byte(known.md5), []byte(md5Hash(given, p.user)))
	}
	if !right {
		return nil, false, ErrRejected
	}
	if known.md5 == "" {
		p.secret = p.secret.with(k.client)
	}
	return AppendOK(nil), true, nil
}

// Proven is the secret, with the key if it is that of a verifier.
func (p *PasswordServer) Proven() Secret { return p.secret }

// passwordOf reads a PasswordMessage (recv_password_packet, auth.c).
func passwordOf(body []byte) (string, error) {
	password, rest, ok := strings.Cut(string(body), "\x00")
	switch {
	case !ok || rest != "":
		return "", violation("invalid password packet size")
	case password == "":
		return "", &ProtocolError{Code: "28P01", Message: "empty password returned by client"}
	}
	return password, nil
}

// md5Hash is the hash of a password that pg_authid.rolpassword once had.
func md5Hash(password, user string) string {
	sum := md5.Sum([]byte(password + user))
	return "md5" + hex.EncodeToString(sum[:])
}
