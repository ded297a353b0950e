package netloop

import (
	"net"
	"time"
)

// SocketOptions are how the kernel finds out that the other end of a TCP connection is gone.
type SocketOptions struct {
	// KeepAlive is for while nothing is under way. What is 0 is Go's default, which connections have without being told.
	KeepAlive net.KeepAliveConfig
	// UserTimeout is how long what was sent may stay unacknowledged. Linux alone has it. 0: as long as the system says.
	UserTimeout time.Duration
}

// Set sets them on a connection; one that is not TCP has none.
func (o SocketOptions) Set(conn net.Conn) error {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	if o.KeepAlive.Enable {
		if err := tcp.SetKeepAliveConfig(o.KeepAlive); err != nil {
			return err
		}
	}
	if o.UserTimeout > 0 {
		return setUserTimeout(tcp, o.UserTimeout)
	}
	return nil
}
