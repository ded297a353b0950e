package pgtxn

import (
	"context"
	"fmt"
	"io"
	"net"
)

// sslRequest is what a client sends that wants TLS.
var sslRequest = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}

// dialAgain returns how to connect to a listener of ours up to where TLS begins:
// by SSLRequest, or directly if its routes take no other clients.
func dialAgain(address net.Addr) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, address.Network(), address.String())
		if err != nil {
			return nil, err
		}
		if err := askTLS(ctx, conn); err == nil {
			return conn, nil
		}
		conn.Close()
		return new(net.Dialer).DialContext(ctx, address.Network(), address.String())
	}
}

func askTLS(ctx context.Context, conn net.Conn) error {
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := conn.Write(sslRequest); err != nil {
		return err
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if answer[0] != 'S' {
		return fmt.Errorf("the answer to SSLRequest is %q", answer[0])
	}
	return nil
}
