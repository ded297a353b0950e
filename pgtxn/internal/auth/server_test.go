package auth

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// rfcVerifier is what the server of RFC 7677 stores.
const rfcVerifier = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

func rfcServer(t *testing.T) *Server {
	t.Helper()
	s := NewServer(mustSecret(t, "user", rfcVerifier))
	s.nonce = func() string { return rfcServerNonce }
	return s
}

func TestServerRFC7677(t *testing.T) {
	s := rfcServer(t)
	if got := s.Start(); string(got) != "R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00" {
		t.Errorf("start: %q", got)
	}
	reply, done, err := s.Step([]byte(initialResponse(mechanism, rfcClientFirst)))
	if done || err != nil || string(body(t, reply, 'R')) != "\x00\x00\x00\x0b"+rfcServerFirst {
		t.Fatalf("first: %q, %v, %v", reply, done, err)
	}
	reply, done, err = s.Step([]byte(rfcClientFinal))
	want := appendAuthentication(nil, authSASLFinal, rfcServerFinal)
	want = append(want, "R\x00\x00\x00\x08\x00\x00\x00\x00"...)
	if !done || err != nil || !bytes.Equal(reply, want) {
		t.Fatalf("final: %q, %v, %v", reply, done, err)
	}
	if reply, done, err := s.Step([]byte(rfcClientFinal)); reply != nil || done || err == nil {
		t.Error("a proof is taken twice")
	}
}

func TestServerWithoutInitialData(t *testing.T) {
	s := rfcServer(t)
	reply, done, err := s.Step([]byte(mechanism + "\x00\xff\xff\xff\xff"))
	if done || err != nil || string(body(t, reply, 'R')) != "\x00\x00\x00\x0b" {
		t.Fatalf("%q, %v, %v", reply, done, err)
	}
	if reply, _, err = s.Step([]byte(rfcClientFirst)); err != nil || string(reply[9:]) != rfcServerFirst {
		t.Errorf("%q, %v", reply, err)
	}
}

// Every error is what PostgreSQL 15 sends for the same bytes.
func TestServerRefusesFirst(t *testing.T) {
	const bad = "malformed SCRAM message"
	first := func(data string) string { return initialResponse(mechanism, data) }
	tests := []struct{ message, code, text, detail string }{
		{"", "08P01", "invalid string in message", ""},
		{mechanism, "08P01", "invalid string in message", ""},
		{mechanism + "\x00\x00\x00\x00", "08P01", "insufficient data left in message", ""},
		{mechanism + "\x00\x00\x00\x00\x05abc", "08P01", "insufficient data left in message", ""},
		{mechanism + "\x00\xff\xff\xff\xfeabc", "08P01", "insufficient data left in message", ""},
		{mechanism + "\x00\x00\x00\x00\x02abc", "08P01", "invalid message format", ""},
		{mechanism + "\x00\xff\xff\xff\xffx", "08P01", "invalid message format", ""},
		{initialResponse("SCRAM-SHA-1", "n,,n=,r=a"), "08P01", "client selected an invalid SASL authentication mechanism", ""},
		{initialResponse("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=a"), "08P01", "client selected an invalid SASL authentication mechanism", ""},
		{first(""), "08P01", bad, "The message is empty."},
		{first("n,,n=\x00,r=a"), "08P01", bad, "Message length does not match input length."},
		{first("n"), "08P01", bad, `Comma expected, but found character "0x00".`},
		{first("y;"), "08P01", bad, `Comma expected, but found character "';'".`},
		{first("q,,n=,r=a"), "08P01", bad, `Unexpected channel-binding flag "'q'".`},
		{first("p=x,,n=,r=a"), "08P01", bad, "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data."},
		{first("n,a=root,n=,r=a"), "0A000", "client uses authorization identity, but it is not supported", ""},
		{first("n,x,n=,r=a"), "08P01", bad, `Unexpected attribute "'x'" in client-first-message.`},
		{first("n,"), "08P01", bad, `Unexpected attribute "0x00" in client-first-message.`},
		{first("n,,"), "08P01", bad, `Expected attribute "n" but found "0x00".`},
		{first("n,,m=x,n=,r=a"), "0A000", "client requires an unsupported SCRAM extension", ""},
		{first("n,,n,r=a"), "08P01", bad, `Expected character "=" for attribute "n".`},
		{first("n,,n=,x=a"), "08P01", bad, `Expected attribute "r" but found "'x'".`},
		{first("n,,n=,r=a b"), "08P01", "non-printable characters in SCRAM nonce", ""},
		{first("n,,n=,r=\xff"), "08P01", "non-printable characters in SCRAM nonce", ""},
		{first("n,,n=,r=a,1=2"), "08P01", bad, `Attribute expected, but found invalid character "'1'".`},
		{first("n,,n=,r=a,z"), "08P01", bad, `Expected character "=" for attribute "z".`},
	}
	for _, tt := range tests {
		s := rfcServer(t)
		reply, done, err := s.Step([]byte(tt.message))
		wantProtocolError(t, tt.message, err, ProtocolError{tt.code, tt.text, tt.detail})
		if reply != nil || done {
			t.Errorf("%q: reply %q, done %v", tt.message, reply, done)
		}
		if _, done, err := s.Step([]byte(first(rfcClientFirst))); done || err == nil {
			t.Errorf("%q: the exchange goes on", tt.message)
		}
	}
}

func TestServerRefusesFinal(t *testing.T) {
	const bad = "malformed SCRAM message"
	const start = "c=biws,r=" + rfcClientNonce + rfcServerNonce
	proof := strings.Repeat("A", 43) + "="
	tests := []struct{ message, code, text, detail string }{
		{"", "08P01", bad, "The message is empty."},
		{"x", "08P01", bad, `Expected attribute "c" but found "'x'".`},
		{"c=biws", "08P01", bad, `Expected attribute "r" but found "0x00".`},
		{"c=" + start[2:], "08P01", bad, "Attribute expected, but found end of string."},
		{"c=eSws" + start[6:] + ",p=" + proof, "08P01", "unexpected SCRAM channel-binding attribute in client-final-message", ""},
		{start + ",p", "08P01", bad, `Expected character "=" for attribute "p".`},
		{start + ",p=AAAA", "08P01", bad, "Malformed proof in client-final-message."},
		{start + ",p=" + proof + "AAAA", "08P01", bad, "Malformed proof in client-final-message."},
		{start + ",p=" + proof + ",x", "08P01", bad, "Garbage found at the end of client-final-message."},
		{"c=biws,r=" + rfcClientNonce + ",p=" + proof, "08P01", "invalid SCRAM response", "Nonce does not match."},
	}
	for _, tt := range tests {
		s := rfcServer(t)
		if _, _, err := s.Step([]byte(initialResponse(mechanism, rfcClientFirst))); err != nil {
			t.Fatal(err)
		}
		reply, done, err := s.Step([]byte(tt.message))
		wantProtocolError(t, tt.message, err, ProtocolError{tt.code, tt.text, tt.detail})
		if reply != nil || done {
			t.Errorf("%q: reply %q, done %v", tt.message, reply, done)
		}
		if _, done, err := s.Step([]byte(rfcClientFinal)); done || err == nil {
			t.Errorf("%q: a second try is taken", tt.message)
		}
	}
}

func TestServerRefusesEveryOtherProof(t *testing.T) {
	raw := []byte(rfcClientFinal)
	for i := range raw {
		message := bytes.Clone(raw)
		message[i] ^= 1
		s := rfcServer(t)
		if _, _, err := s.Step([]byte(initialResponse(mechanism, rfcClientFirst))); err != nil {
			t.Fatal(err)
		}
		if reply, done, err := s.Step(message); reply != nil || done || err == nil {
			t.Errorf("%q is taken", message)
		}
		s = rfcServer(t)
		if _, _, err := s.Step([]byte(initialResponse(mechanism, rfcClientFirst))); err != nil {
			t.Fatal(err)
		}
		if reply, done, err := s.Step(raw[:i]); reply != nil || done || err == nil {
			t.Errorf("%q is taken", raw[:i])
		}
	}
}

// Nobody has the password that a mock asks for, not even one whose keys are the mock's.
func TestServerMock(t *testing.T) {
	known := *mustSecret(t, "u", "pencil").reveal()
	known.mock = true
	s := conceal(known)
	client := NewClient("u", mustSecret(t, "u", "pencil"), false)
	if _, err := converse(t, client, NewServer(s)); err != ErrRejected {
		t.Errorf("mock: %v", err)
	}
	client = NewClient("u", mustSecret(t, "u", "pencil"), false)
	if _, err := converse(t, client, NewServer(Secret{})); err != ErrRejected {
		t.Errorf("zero Secret: %v", err)
	}
}

func wantProtocolError(t *testing.T, message string, err error, want ProtocolError) {
	t.Helper()
	var got *ProtocolError
	if !errors.As(err, &got) || *got != want {
		t.Errorf("%q: got %v, want %v", message, err, &want)
	}
}

func FuzzServer(f *testing.F) {
	f.Add([]byte(initialResponse(mechanism, rfcClientFirst)), []byte(rfcClientFinal))
	f.Add([]byte(mechanism+"\x00\xff\xff\xff\xff"), []byte(rfcClientFirst))
	f.Fuzz(func(t *testing.T, first, final []byte) {
		s := rfcServer(t)
		if _, done, _ := s.Step(first); done {
			t.Fatal("done too early")
		}
		if _, done, err := s.Step(final); done && (err != nil || !bytes.Contains(final, []byte(",p="))) {
			t.Fatalf("%q opens the door", final)
		}
	})
}

// bound has a client and a server each bind to what it saw.
func bound(t *testing.T, client, server string) (clientErr, serverErr error) {
	t.Helper()
	c := NewClient("u", mustSecret(t, "u", "pencil"), false)
	s := NewServer(mustSecret(t, "u", pencilVerifier))
	if client != "" {
		c.Bind([]byte(client))
	}
	if server != "" {
		s.Bind([]byte(server))
	}
	return converse(t, c, s)
}

func TestChannelBinding(t *testing.T) {
	for _, test := range []struct {
		name, client, server string
		want                 error
	}{
		{"the same certificate", "a", "a", nil},
		{"another certificate", "a", "b", &ProtocolError{Code: "28000", Message: "SCRAM channel binding check failed"}},
		{"the client can't", "", "a", nil},
		{"the server can't", "a", "", nil},
	} {
		clientErr, serverErr := bound(t, test.client, test.server)
		if clientErr != nil || fmt.Sprint(serverErr) != fmt.Sprint(test.want) {
			t.Errorf("%s: client %v, server %v", test.name, clientErr, serverErr)
		}
	}
	// The offer was changed on its way.
	c := NewClient("u", mustSecret(t, "u", "pencil"), false)
	c.Bind([]byte("a"))
	s := NewServer(mustSecret(t, "u", pencilVerifier))
	s.Bind([]byte("a"))
	first, _, err := c.Step([]byte("\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Step(body(t, first, 'p'))
	if err == nil || !strings.Contains(err.Error(), "SCRAM channel binding negotiation error") {
		t.Errorf("downgraded: %v", err)
	}
}

// Every error is what PostgreSQL 15 sends for the same bytes (see TestChannelBindingErrors of package pgtxn).
func TestServerRefusesBinding(t *testing.T) {
	const bad = "malformed SCRAM message"
	tests := []struct{ message, code, text, detail string }{
		{initialResponse(mechanismPlus, "n,,n=,r=a"), "08P01", bad, "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data."},
		{initialResponse(mechanismPlus, "y,,n=,r=a"), "08P01", bad, "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data."},
		{initialResponse(mechanismPlus, "p=tls-unique,,n=,r=a"), "08P01", `unsupported SCRAM channel-binding type "tls-unique"`, ""},
		{initialResponse(mechanismPlus, "p=a b\xff,,n=,r=a"), "08P01", `unsupported SCRAM channel-binding type "a?b?"`, ""},
		{initialResponse(mechanismPlus, "p,,n=,r=a"), "08P01", bad, `Expected character "=" for attribute "p".`},
		{initialResponse(mechanism, "p=tls-server-end-point,,n=,r=a"), "08P01", bad, "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data."},
		{initialResponse(mechanism, "y,,n=,r=a"), "28000", "SCRAM channel binding negotiation error", "The client supports SCRAM channel binding but thinks the server does not.  However, this server does support channel binding."},
	}
	for _, tt := range tests {
		s := rfcServer(t)
		s.Bind([]byte("a"))
		_, _, err := s.Step([]byte(tt.message))
		wantProtocolError(t, tt.message, err, ProtocolError{tt.code, tt.text, tt.detail})
	}
}
