package pgtxn

import (
	"errors"
	"fmt"
	"math"
	"net"
	"runtime"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/mholt/caddy-l4/layer4"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// maxKeepalive is Linux's MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL, and maxProbes its MAX_TCP_KEEPCNT.
const (
	maxKeepalive = 32767 * time.Second
	maxProbes    = 127
)

// defaultKeepalive and defaultProbes are net.KeepAliveConfig's.
const (
	defaultKeepalive = 15 * time.Second
	defaultProbes    = 9
)

// validateSockets checks the options of TCP.
func (h *Handler) validateSockets() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for option, d := range map[string]caddy.Duration{
		"tcp_keepalives_idle": h.TCPKeepalivesIdle, "tcp_keepalives_interval": h.TCPKeepalivesInterval,
	} {
		if d := time.Duration(d); d != 0 && (d < time.Second || d > maxKeepalive) {
			refuse("%s: %s is not between 1s and %s", option, d, maxKeepalive)
		}
	}
	if n := h.TCPKeepalivesCount; n < 0 || n > maxProbes {
		refuse("tcp_keepalives_count: %d is not a number from 1 to %d", n, maxProbes)
	}
	switch d := time.Duration(h.TCPUserTimeout); {
	case d == 0:
	case d < time.Millisecond || d > math.MaxInt32*time.Millisecond:
		refuse("tcp_user_timeout: %s is not between 1ms and %s", d, math.MaxInt32*time.Millisecond)
	case runtime.GOOS != "linux":
		refuse("tcp_user_timeout: only Linux has it")
	}
	return errors.Join(errs...)
}

// sockets sets the options of TCP, for both sides.
func (h *Handler) sockets(cfg *relay.Config) {
	o := &cfg.Socket
	o.KeepAlive.Idle, o.KeepAlive.Interval = time.Duration(h.TCPKeepalivesIdle), time.Duration(h.TCPKeepalivesInterval)
	o.KeepAlive.Count = h.TCPKeepalivesCount
	o.KeepAlive.Enable = o.KeepAlive != net.KeepAliveConfig{}
	o.UserTimeout = time.Duration(h.TCPUserTimeout)
	cfg.Upstream.Socket = *o
}

// socketOf returns the connection below those that other handlers have put around it.
func socketOf(conn net.Conn) net.Conn {
	for {
		switch outer := conn.(type) {
		case *layer4.Connection:
			conn = outer.Conn
		case interface{ NetConn() net.Conn }: // TLS
			conn = outer.NetConn()
		case interface{ Raw() net.Conn }: // PROXY protocol
			conn = outer.Raw()
		default:
			return conn
		}
	}
}
