package auth

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// Server is the exchange with one client: SCRAM-SHA-256 without channel binding.
//
// SCRAM-SHA-256-PLUS would be one more mechanism in Start and in Step, and one more binding in
// clientFirst and clientFinal; a client that says "y" would then have to be refused.
type Server struct {
	hidden
	secret Secret
	nonce  func() string // tests replace it
	stage  serverStage

	binding     string // the client's gs2-cbind-flag: "n" cannot, "y" could but thinks that we can't
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

// Start returns the message that opens the exchange.
func (s *Server) Start() []byte {
	return appendAuthentication(nil, authSASL, mechanism+"\x00\x00")
}

// Step takes the body of one password message ('p') and returns the messages to send back.
// done means that the client is who it says, and then reply ends with AuthenticationOk. An error
// ends the exchange; it is ErrRejected or a *ProtocolError.
func (s *Server) Step(body []byte) (reply []byte, done bool, err error) {
	stage := s.stage
	s.stage = serverOver // unless all goes well
	if stage == wantMechanism {
		name, data, present, err := parseInitialResponse(body)
		if err != nil {
			return nil, false, err
		}
		if name != mechanism {
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
	switch input[0] {
	case 'n', 'y':
		s.binding, a.rest = input[:1], input[1:]
		if !strings.HasPrefix(a.rest, ",") {
			return malformed("Comma expected, but found character \"%s\".", printable(a.rest))
		}
		a.rest = a.rest[1:]
	case 'p':
		return malformed("The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.")
	default:
		return malformed("Unexpected channel-binding flag \"%s\".", printable(input))
	}
	switch {
	case strings.HasPrefix(a.rest, "a"):
		return unsupported("client uses authorization identity, but it is not supported")
	case !strings.HasPrefix(a.rest, ","):
		return malformed("Unexpected attribute \"%s\" in client-first-message.", printable(a.rest))
	}
	a.rest = a.rest[1:]
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

// clientFinal reads client-final-message (read_client_final_message), judges the proof in it and
// returns ours.
func (s *Server) clientFinal(input string) (signature key, err error) {
	a := attributes{input}
	binding, err := a.value('c')
	if err != nil {
		return key{}, err
	}
	if binding != base64.StdEncoding.EncodeToString([]byte(s.binding+",,")) {
		return key{}, violation("unexpected SCRAM channel-binding attribute in client-final-message")
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
