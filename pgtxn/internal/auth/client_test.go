package auth

import (
	"strings"
	"testing"
)

func TestClientMethods(t *testing.T) {
	tests := []struct {
		name, password string
		cleartext      bool
		request, reply string
		err            string
	}{
		{name: "trust", request: "\x00\x00\x00\x00"},
		{name: "clear text", password: "pencil", cleartext: true, request: "\x00\x00\x00\x03", reply: "p\x00\x00\x00\x0bpencil\x00"},
		{name: "clear text is not allowed", password: "pencil", request: "\x00\x00\x00\x03", err: "not allowed"},
		// The hash that PostgreSQL stores for md5_u, 38f591e5ee08fc954ca8f09e3078a243, with the salt.
		{name: "MD5", password: "pencil", request: "\x00\x00\x00\x05\x01\x02\x03\x04", reply: "p\x00\x00\x00\x28md57b34990104b30b1296ca8e8770157399\x00"},
		{name: "MD5 with a bad salt", password: "pencil", request: "\x00\x00\x00\x05\x01\x02\x03", err: "malformed"},
		{name: "no password", cleartext: true, request: "\x00\x00\x00\x03", err: "neither the password nor the SCRAM key"},
		{name: "verifier only", password: pencilVerifier, request: "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00", err: "neither the password nor the SCRAM key"},
		{name: "channel binding only, and we can't", password: "pencil", request: "\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00\x00", err: "none of the SASL mechanisms"},
		{name: "GSSAPI", password: "pencil", request: "\x00\x00\x00\x07", err: "GSSAPI"},
		{name: "unknown", password: "pencil", request: "\x00\x00\x00\x63", err: "number 99"},
		{name: "SASL out of order", password: "pencil", request: "\x00\x00\x00\x0b", err: "number 11"},
		{name: "truncated", password: "pencil", request: "\x00\x00\x00", err: "truncated"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewClient("md5_u", mustSecret(t, "md5_u", tt.password), tt.cleartext)
			reply, done, err := c.Step([]byte(tt.request))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || reply != nil || done {
					t.Fatalf("got %q, %v, %v", reply, done, err)
				}
				if strings.Contains(err.Error(), "pencil") {
					t.Errorf("the error holds the password: %v", err)
				}
				if _, done, err := c.Step([]byte("\x00\x00\x00\x00")); done || err == nil {
					t.Error("goes on behind an error")
				}
				return
			}
			if string(reply) != tt.reply || done != (tt.reply == "") || err != nil {
				t.Fatalf("got %q, %v, %v", reply, done, err)
			}
			if !done {
				if _, done, err := c.Step([]byte("\x00\x00\x00\x00")); !done || err != nil {
					t.Errorf("AuthenticationOk: %v, %v", done, err)
				}
			}
			if _, _, err := c.Step([]byte(tt.request)); err == nil {
				t.Error("a second request is answered")
			}
		})
	}
}

func TestScramClientRFC7677(t *testing.T) {
	c := scramClient{header: "n,,"}
	if got := c.first(rfcClientNonce); got != "n,,n=,r="+rfcClientNonce {
		t.Errorf("first: %q", got)
	}
	c.firstBare = strings.TrimPrefix(rfcClientFirst, "n,,") // with the user's name in it
	reply, err := c.serverFirst(rfcServerFirst, mustSecret(t, "user", "pencil"))
	if err != nil || string(body(t, reply, 'p')) != rfcClientFinal {
		t.Fatalf("got %q, %v", reply, err)
	}
	if err := c.serverFinal(rfcServerFinal); err != nil {
		t.Error(err)
	}
}

// scramStarted is a client that has sent its first message.
func scramStarted(t *testing.T) *Client {
	t.Helper()
	c := NewClient("user", conceal(secret{password: "pencil"}), false)
	c.nonce = func() string { return rfcClientNonce }
	reply, done, err := c.Step([]byte("\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00"))
	if done || err != nil || string(body(t, reply, 'p')) != initialResponse(mechanism, "n,,n=,r="+rfcClientNonce) {
		t.Fatalf("got %q, %v, %v", reply, done, err)
	}
	return c
}

func TestClientRefusesServerFirst(t *testing.T) {
	first := func(nonce, rest string) string { return "\x00\x00\x00\x0br=" + nonce + rest }
	const rest = ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i="
	for _, request := range []string{
		"\x00\x00\x00\x00", // in without a proof
		"\x00\x00\x00\x03", // downgrade
		"\x00\x00\x00\x05abcd",
		"\x00\x00\x00\x0c" + rfcServerFinal,
		"\x00\x00\x00\x0b",
		first("somebody else's", rest+"4096"),
		first("", rest+"4096"),
		first(rfcClientNonce+"\x01", rest+"4096"),
		first(rfcClientNonce+"x", rest+"0"),
		first(rfcClientNonce+"x", rest+"-1"),
		first(rfcClientNonce+"x", rest+"10000001"),
		first(rfcClientNonce+"x", rest+"4096x"),
		first(rfcClientNonce+"x", rest+"4096,x=1"),
		first(rfcClientNonce+"x", ",s=!,i=4096"),
		first(rfcClientNonce+"x", ",s=W22Z"),
		first(rfcClientNonce+"x", ""),
	} {
		c := scramStarted(t)
		if reply, done, err := c.Step([]byte(request)); reply != nil || done || err == nil {
			t.Errorf("%q: got %q, %v, %v", request, reply, done, err)
		}
		if _, done, err := c.Step([]byte("\x00\x00\x00\x00")); done || err == nil {
			t.Errorf("%q: goes on behind an error", request)
		}
	}
}

func TestClientRefusesServerFinal(t *testing.T) {
	other := "v=" + (key{1}).encode()
	for request, want := range map[string]string{
		"\x00\x00\x00\x00":                              "skipped its proof",
		"\x00\x00\x00\x0b" + rfcServerFirst:             "unexpected",
		"\x00\x00\x00\x0c":                              "Expected attribute",
		"\x00\x00\x00\x0c" + other:                      "does not know the password",
		"\x00\x00\x00\x0c" + other + ",x=1":             "malformed",
		"\x00\x00\x00\x0cv=AAAA":                        "malformed",
		"\x00\x00\x00\x0ce=invalid-proof":               `"invalid-proof"`,
		"\x00\x00\x00\x0ce=other-error,x=\xff\x00\nabc": `"other-error"`,
	} {
		c := scramStarted(t)
		if _, _, err := c.Step([]byte("\x00\x00\x00\x0b" + rfcServerFirst)); err != nil {
			t.Fatal(err)
		}
		_, done, err := c.Step([]byte(request))
		if done || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v; want %s", request, done, err, want)
		}
		if _, done, err := c.Step([]byte("\x00\x00\x00\x00")); done || err == nil {
			t.Errorf("%q: goes on behind an error", request)
		}
	}
}
