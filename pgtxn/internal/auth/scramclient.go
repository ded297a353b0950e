package auth

import (
	"cmp"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// scramClient is SCRAM-SHA-256 from the client's side.
type scramClient struct {
	nonce           string
	header          string // gs2-header; the user's name is in the StartupMessage, the server ignores the one in it
	endPoint        []byte // what the header says that we bind to
	firstBare       string
	serverSignature key // what the server has to send
}

// bind chooses the mechanism: with channel binding if the server offers it and endPoint is known.
// If it is known and not offered we say so, and a server that did offer it finds out.
func (c *scramClient) bind(offered []string, endPoint []byte) (chosen string) {
	switch plus := slices.Contains(offered, mechanismPlus); {
	case endPoint != nil && plus:
		c.header, c.endPoint = bindingHeader, endPoint
		return mechanismPlus
	case !slices.Contains(offered, mechanism):
		return ""
	case endPoint != nil:
		c.header = "y,,"
	default:
		c.header = "n,,"
	}
	return mechanism
}

// first is client-first-message.
func (c *scramClient) first(nonce string) string {
	c.nonce = nonce
	c.firstBare = "n=,r=" + nonce
	return c.header + c.firstBare
}

// serverFirst answers server-first-message with our proof.
func (c *scramClient) serverFirst(input string, s Secret) ([]byte, error) {
	a := attributes{input}
	nonce, err1 := a.value('r')
	salt64, err2 := a.value('s')
	count, err3 := a.value('i')
	if err := cmp.Or(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("auth: server's first SCRAM message: %w", err)
	}
	if !strings.HasPrefix(nonce, c.nonce) || !isNonce(nonce) {
		return nil, errors.New("auth: the server's SCRAM nonce does not extend ours")
	}
	salt, err := base64.StdEncoding.DecodeString(salt64)
	if err != nil || a.rest != "" {
		return nil, errors.New("auth: server's first SCRAM message is malformed")
	}
	iterations, err := strconv.Atoi(count)
	if err != nil || iterations < 1 || iterations > maxIterations {
		return nil, fmt.Errorf("auth: the server's SCRAM iteration count is not in 1..%d", maxIterations)
	}
	k, err := s.reveal().keysFor(salt, iterations)
	if err != nil {
		return nil, err
	}
	withoutProof := "c=" + base64.StdEncoding.EncodeToString(append([]byte(c.header), c.endPoint...)) + ",r=" + nonce
	authMessage := c.firstBare + "," + input + "," + withoutProof
	c.serverSignature = k.server.sign(authMessage)
	proof := k.client.xor(k.client.stored().sign(authMessage))
	return passwordMessage(withoutProof + ",p=" + proof.encode()), nil
}

// serverFinal checks server-final-message: that the server knows the password, or its verifier.
func (c *scramClient) serverFinal(input string) error {
	a := attributes{input}
	if reason, err := a.value('e'); err == nil {
		return fmt.Errorf("auth: the server refuses the SCRAM exchange: %q", reason)
	}
	value, err := a.value('v')
	if err != nil {
		return fmt.Errorf("auth: server's final SCRAM message: %w", err)
	}
	var signature key
	if !signature.decode(value) || a.rest != "" {
		return errors.New("auth: server's final SCRAM message is malformed")
	}
	if !hmac.Equal(signature[:], c.serverSignature[:]) {
		return errors.New("auth: the server does not know the password: its SCRAM signature is wrong")
	}
	return nil
}
