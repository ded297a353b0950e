package netloop

import (
	"net"
	"time"
)

// The rest of net.Conn, which crypto/tls wants of the stream below it.

func (b *below) LocalAddr() net.Addr                { return b.raw.LocalAddr() }
func (b *below) RemoteAddr() net.Addr               { return b.raw.RemoteAddr() }
func (b *below) SetDeadline(t time.Time) error      { return b.raw.SetDeadline(t) }
func (b *below) SetReadDeadline(t time.Time) error  { return b.raw.SetReadDeadline(t) }
func (b *below) SetWriteDeadline(t time.Time) error { return b.raw.SetWriteDeadline(t) }
