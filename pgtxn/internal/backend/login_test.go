package backend

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/netloop"
)

// What a server sends in place of AuthenticationOk is not taken for it: a false one can't get around its proof.
func TestLoginTakesAuthenticationOk(t *testing.T) {
	const (
		ok, sasl = "R\x00\x00\x00\x08\x00\x00\x00\x00", "R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"
		version  = "v\x00\x00\x00\x0c\x00\x03\x00\x00\x00\x00\x00\x00"
		notice   = "N\x00\x00\x00\x05\x00"
		status   = "S\x00\x00\x00\x08a\x00b\x00"
		key      = "K\x00\x00\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x02"
		ready    = "Z\x00\x00\x00\x05I"
	)
	for _, test := range []struct{ server, refused string }{
		{version + notice + ok + status + notice + key + ready, ""},
		{ready, "received Z"},
		{key + ready, "received K"},
		{sasl + key + ready, "received K"},
		{sasl + notice + status + ready, "received S"},
		{sasl + ok + ready, "skipped its proof"},
		{ok + ok, "unexpected authentication message"},
	} {
		near, far := net.Pipe()
		go func() {
			_, _ = io.WriteString(far, test.server)
			_ = far.Close()
		}()
		secret, err := auth.ParseSecret("u", "password")
		if err != nil {
			t.Fatal(err)
		}
		c := &Conn{Sock: netloop.NewConn(swallowing{near}, nil)}
		err = c.login(&Config{Secret: func(string) auth.Secret { return secret }}, nil)
		_ = near.Close()
		if test.refused == "" && err != nil || test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
			t.Errorf("%q: %v, want %q", test.server, err, test.refused)
		}
	}
}

// swallowing is a connection to a server that reads nothing.
type swallowing struct{ net.Conn }

func (swallowing) Write(p []byte) (int, error) { return len(p), nil }
