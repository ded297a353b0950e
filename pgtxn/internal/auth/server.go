package auth

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// Server is the exchange with one client: SCRAM-SHA-256, with or without channel binding.
type Server struct {
	hidden
	secret Secret
	nonce  func() string // tests replace it
	stage  serverStage

	endPoint    []byte // of the certificate that the client was shown; nil: SCRAM-SHA-256-PLUS is not offered
	bound       bool   // the client chose it
	header      string // the client's gs2-header
	firstBare   string // client-first-message-bare
	serverFirst string
	fullNonce   string // the client's part and ours
	proven      key    // the ClientKey, once the proof was right
}

type serverStage int

const (
	wantMechanism serverStage = iota
	wantFirst
	wantFinal
	serverOver
)

// NewServer starts an exchange with a client that has to know s.
func NewServer(s Secret) *Server {
	return &Server{secret: s, nonce: newNonce}
}

// Proven returns, when Step is done, what the client's proof has shown: the secret with the key
// that logs in at a server which has the same verifier.
func (s *Server) Proven() Secret { return s.secret.with(s.proven) }

// Bind offers SCRAM-SHA-256-PLUS, bound to the certificate that the client was shown (EndPoint).
// Nil offers nothing.
func (s *Server) Bind(endPoint []byte) { s.endPoint = endPoint }

// Start returns the message that opens the exchange.
func (s *Server) Start() []byte {
	offer := mechanism + "\x00\x00"
	if s.endPoint != nil {
		offer = mechanismPlus + "\x00" + offer
	}
	return appendAuthentication(nil, authSASL, offer)
}

// Step takes client-first-message or client-final-message.
func (s *Server) Step(body []byte) (reply []byte, done bool, err error) {
	stage := s.stage
	s.stage = serverOver // unless all goes well
	if stage == wantMechanism {
		name, data, present, err := parseInitialResponse(body)
		if err != nil {
			return nil, false, err
		}
		s.bound = name == mechanismPlus && s.endPoint != nil
		if name != mechanism && !s.bound {
			return nil, false, violation("client selected an invalid SASL authentication mechanism")
		}
		if stage = wantFirst; !present { // it waits for an empty challenge
			s.stage = wantFirst
			return appendAuthentication(nil, authSASLContinue, ""), false, nil
		}
		body = data
	}
	input := string(body)
	switch {
	case input == "":
		return nil, false, malformed("The message is empty.")
	case strings.IndexByte(input, 0) >= 0:
		return nil, false, malformed("Message length does not match input length.")
	}
	switch stage {
	case wantFirst:
		if err := s.clientFirst(input); err != nil {
			return nil, false, err
		}
		s.stage = wantFinal
		return appendAuthentication(nil, authSASLContinue, s.serverFirst), false, nil
	case wantFinal:
		signature, err := s.clientFinal(input)
		if err != nil {
			return nil, false, err
		}
		reply = appendAuthentication(nil, authSASLFinal, "v="+signature.encode())
		return AppendOK(reply), true, nil
	}
	return nil, false, violation("the authentication exchange is over")
}

// clientFirst reads client-first-message (read_client_first_message) and makes the answer.
func (s *Server) clientFirst(input string) error {
	a := attributes{input}
	if err := s.bindingFlag(&a); err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(a.rest, "a"):
		return unsupported("client uses authorization identity, but it is not supported")
	case !strings.HasPrefix(a.rest, ","):
		return malformed("Unexpected attribute \"%s\" in client-first-message.", printable(a.rest))
	}
	a.rest = a.rest[1:]
	s.header = input[:len(input)-len(a.rest)]
	s.firstBare = a.rest
	if strings.HasPrefix(a.rest, "m") {
		return unsupported("client requires an unsupported SCRAM extension")
	}
	if _, err := a.value('n'); err != nil { // the user is the one of the StartupMessage
		return err
	}
	nonce, err := a.value('r')
	if err != nil {
		return err
	}
	if !isNonce(nonce) {
		return violation("non-printable characters in SCRAM nonce")
	}
	for a.rest != "" { // extensions that we may ignore
		if _, _, err := a.next(); err != nil {
			return err
		}
	}
	s.fullNonce = nonce + s.nonce()
	v := s.secret.reveal().verifier
	s.serverFirst = "r=" + s.fullNonce + ",s=" + base64.StdEncoding.EncodeToString(v.salt) + ",i=" + strconv.Itoa(v.iterations)
	return nil
}

// bindingFlag reads the gs2-cbind-flag: "n", the client can't bind; "y", it could but thinks that we
// can't; "p=", it does.
func (s *Server) bindingFlag(a *attributes) error {
	switch flag := a.rest[0]; {
	case flag == 'p' && !s.bound:
		return malformed("The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.")
	case flag == 'p':
		kind, err := a.value('p')
		if err == nil && kind != "tls-server-end-point" {
			err = violation("unsupported SCRAM channel-binding type \"" + sanitized(kind) + "\"")
		}
		return err
	case flag != 'n' && flag != 'y':
		return malformed("Unexpected channel-binding flag \"%s\".", printable(a.rest))
	case s.bound:
		return malformed("The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.")
	case flag == 'y' && s.endPoint != nil: // somebody between us has taken it out of the offer
		return &ProtocolError{"28000", "SCRAM channel binding negotiation error",
			"The client supports SCRAM channel binding but thinks the server does not.  However, this server does support channel binding."}
	}
	a.rest = a.rest[1:]
	if !strings.HasPrefix(a.rest, ",") {
		return malformed("Comma expected, but found character \"%s\".", printable(a.rest))
	}
	a.rest = a.rest[1:]
	return nil
}

// checkBinding judges the c= of client-final-message: the header again and, if there is a binding,
// the certificate that the client saw.
func (s *Server) checkBinding(given string) error {
	want := s.header
	if s.bound {
		want += string(s.endPoint)
	}
	switch {
	case given == base64.StdEncoding.EncodeToString([]byte(want)):
		return nil
	case s.bound:
		return &ProtocolError{Code: "28000", Message: "SCRAM channel binding check failed"}
	}
	return violation("unexpected SCRAM channel-binding attribute in client-final-message")
}

// clientFinal reads client-final-message (read_client_final_message), judges the proof in it and
// returns ours.
func (s *Server) clientFinal(input string) (signature key, err error) {
	a := attributes{input}
	binding, err := a.value('c')
	if err != nil {
		return key{}, err
	}
	if err := s.checkBinding(binding); err != nil {
		return key{}, err
	}
	nonce, err := a.value('r')
	if err != nil {
		return key{}, err
	}
	var name byte
	var value, withoutProof string
	for name != 'p' { // extensions that we may ignore come before it
		withoutProof = strings.TrimSuffix(input[:len(input)-len(a.rest)], ",")
		if name, value, err = a.next(); err != nil {
			return key{}, err
		}
	}
	var proof key
	if !proof.decode(value) {
		return key{}, malformed("Malformed proof in client-final-message.")
	}
	if a.rest != "" {
		return key{}, malformed("Garbage found at the end of client-final-message.")
	}
	if nonce != s.fullNonce {
		return key{}, &ProtocolError{"08P01", "invalid SCRAM response", "Nonce does not match."}
	}
	secret := s.secret.reveal()
	v := secret.verifier
	authMessage := s.firstBare + "," + s.serverFirst + "," + withoutProof
	clientKey := proof.xor(v.storedKey.sign(authMessage))
	if !v.opens(clientKey) || secret.mock {
		return key{}, ErrRejected
	}
	s.proven = clientKey
	return v.serverKey.sign(authMessage), nil
}
