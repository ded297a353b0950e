package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadMessage(t *testing.T) {
	r := strings.NewReader("p\x00\x00\x00\x04p\x00\x00\x00\x07abcnext")
	for _, want := range []string{"", "abc"} {
		typ, body, err := ReadMessage(r, 3)
		if typ != 'p' || string(body) != want || err != nil {
			t.Fatalf("got %q, %q, %v; want %q", typ, body, err, want)
		}
	}
	if rest, _ := io.ReadAll(r); string(rest) != "next" {
		t.Errorf("%q is left, want next", rest)
	}
}

func TestReadMessageRefuses(t *testing.T) {
	const message = "p\x00\x00\x00\x07abc"
	for n := range len(message) {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if _, _, err := ReadMessage(strings.NewReader(message[:n]), 100); err != want {
			t.Errorf("%d bytes: %v, want %v", n, err, want)
		}
	}
	for _, length := range []string{"\x00\x00\x00\x00", "\x00\x00\x00\x03", "\x00\x00\x00\x08", "\xff\xff\xff\xff"} {
		r := bytes.NewReader([]byte("p" + length + "abcdefgh"))
		var e *Error
		if _, _, err := ReadMessage(r, 3); !errors.As(err, &e) || e.Code != "08P01" {
			t.Errorf("length %q: %v", length, err)
		}
		if r.Len() != 8 {
			t.Errorf("length %q: %d bytes of the body were read", length, 8-r.Len())
		}
	}
}
