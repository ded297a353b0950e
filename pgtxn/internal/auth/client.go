package auth

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Client is the exchange with an upstream server.
type Client struct {
	hidden
	user           string
	secret         Secret
	allowCleartext bool
	endPoint       []byte
	nonce          func() string // tests replace it
	stage          clientStage
	scram          scramClient
}

type clientStage int

const (
	wantRequest     clientStage = iota
	wantServerFirst             // SCRAM: our first message is sent
	wantServerFinal             // SCRAM: our proof is sent, the server's is due
	wantOK
	clientOver
)

// NewClient starts an exchange that logs user in with s. Who has only the key of a verifier gets
// in at a server with the same verifier. allowCleartext: send a password unencrypted to a server
// that wants that.
func NewClient(user string, s Secret, allowCleartext bool) *Client {
	return &Client{user: user, secret: s, allowCleartext: allowCleartext, nonce: newNonce}
}

// Bind has SCRAM be bound to the certificate that the server showed (EndPoint), if the server
// offers that.
func (c *Client) Bind(endPoint []byte) { c.endPoint = endPoint }

// Step takes the body of one Authentication message ('R') and returns the message to send back,
// if there is one. done means AuthenticationOk, and that a server which asked for SCRAM has
// proved that it knows the password too. An error ends the exchange; it never holds the secret.
func (c *Client) Step(body []byte) (reply []byte, done bool, err error) {
	reply, done, err = c.next(body)
	if err != nil {
		c.stage = clientOver
	}
	return reply, done, err
}

func (c *Client) next(body []byte) (reply []byte, done bool, err error) {
	if len(body) < 4 {
		return nil, false, errors.New("auth: truncated authentication message")
	}
	code, data := binary.BigEndian.Uint32(body), string(body[4:])
	switch {
	case code == authOK && (c.stage == wantRequest || c.stage == wantOK):
		c.stage = clientOver
		return nil, true, nil
	case code == authOK && c.stage != clientOver:
		return nil, false, errors.New("auth: the server skipped its proof that it knows the password")
	case code == authSASLContinue && c.stage == wantServerFirst:
		c.stage = wantServerFinal
		reply, err = c.scram.serverFirst(data, c.secret)
		return reply, false, err
	case code == authSASLFinal && c.stage == wantServerFinal:
		c.stage = wantOK
		return nil, false, c.scram.serverFinal(data)
	case c.stage != wantRequest:
		return nil, false, fmt.Errorf("auth: unexpected authentication message %d", code)
	}
	reply, err = c.answer(code, data)
	return reply, false, err
}

// answer answers the server's first request.
func (c *Client) answer(code uint32, data string) ([]byte, error) {
	switch code {
	case authCleartext, authMD5, authSASL:
	default:
		return nil, fmt.Errorf("auth: the server asks for an authentication method that is not supported: %s", methodName(code))
	}
	known := c.secret.reveal()
	if !known.answers(code) {
		return nil, fmt.Errorf("%w: the server asks for one (%s)", ErrNoPassword, methodName(code))
	}
	c.stage = wantOK
	switch code {
	case authMD5:
		if len(data) != 4 {
			return nil, errors.New("auth: malformed MD5 request")
		}
		return passwordMessage(md5Response(cmp.Or(known.md5, md5Hash(known.password, c.user)), data) + "\x00"), nil
	case authSASL:
		offered := strings.Split(data, "\x00")
		chosen := c.scram.bind(offered, c.endPoint)
		if chosen == "" {
			return nil, fmt.Errorf("auth: the server offers none of the SASL mechanisms we speak: %q", offered)
		}
		c.stage = wantServerFirst
		return passwordMessage(initialResponse(chosen, c.scram.first(c.nonce()))), nil
	}
	if !c.allowCleartext {
		return nil, errors.New("auth: the server asks for the password in clear text, which is not allowed")
	}
	return passwordMessage(known.password + "\x00"), nil
}

// answers says whether s is enough for a server's request.
func (s *secret) answers(code uint32) bool {
	return s.password != "" || code == authSASL && s.clientKey != nil || code == authMD5 && s.md5 != ""
}

// methodName names the methods of protocol.h.
func methodName(code uint32) string {
	switch code {
	case 2:
		return "Kerberos 5"
	case authCleartext:
		return "clear text"
	case authMD5:
		return "MD5"
	case 7, 8:
		return "GSSAPI"
	case 9:
		return "SSPI"
	case authSASL:
		return "SASL"
	}
	return fmt.Sprintf("number %d", code)
}
