package netloop

import (
	"net"
	"time"
)

// The rest of net.Conn, which crypto/tls wants of the stream below it.

func (b *below) LocalAddr() net.Addr               { return b.raw.LocalAddr() }
func (b *below) RemoteAddr() net.Addr              { return b.raw.RemoteAddr() }
func (b *below) SetDeadline(t time.Time) error     { return b.raw.SetDeadline(t) }
func (b *below) SetReadDeadline(t time.Time) error { return b.raw.SetReadDeadline(t) }

// SetWriteDeadline does nothing once b is attached: crypto/tls forbids to write behind
// its close_notify, but a pump still writes what it took before.
func (b *below) SetWriteDeadline(t time.Time) error {
	if b.src != nil {
		return nil
	}
	return b.raw.SetWriteDeadline(t)
}
