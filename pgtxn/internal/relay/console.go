package relay

import (
	"context"
	"crypto/subtle"
	"io"
	"net"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Console is a database that the proxy answers for itself. Its clients log in as others do; then they are visitors,
// each on its own goroutine: what a visitor asks is no matter of a loop's.
type Console struct {
	Database string
	// Serve answers a visitor until it leaves or ctx is done. When it returns, the connection is closed and nothing uses it.
	Serve func(ctx context.Context, h *Hub, v *Visitor)
}

// Visitor is a client of the console that has been told that it is logged in.
type Visitor struct {
	Conn  io.ReadWriter
	Close func()
	Addr  net.Addr
	User  string
	Key   []byte // its BackendKeyData
	// Interrupts has something in it after a cancel request.
	Interrupts <-chan struct{}
	// Unwelcome says whether it is to be sent away, see [Hub.Serve].
	Unwelcome func() bool

	key        cancelKey
	interrupts chan struct{}
}

// goodbye is how long a visitor may take to read the last words when the process ends.
const goodbye = time.Second

// isForConsole says whether the client asks for the console, where there is one.
func (cfg *Config) isForConsole(p *wire.Startup) bool {
	return cfg.Console != nil && p.Database() == cfg.Console.Database && !p.PhysicalReplication()
}

func (h *Hub) serveVisitor(e *entrance, p *wire.Startup) error {
	if !h.door.enter() {
		return e.refuse(wire.ShuttingDown())
	}
	defer h.door.leave()
	interrupts := make(chan struct{}, 1)
	v := &Visitor{
		Conn: e.conn, Close: e.conn.Close, Addr: e.addr, User: p.User(), Interrupts: interrupts, interrupts: interrupts,
		Unwelcome: func() bool { return e.unwelcome != nil && e.unwelcome() },
	}
	h.register(&v.key, v, p.Minor, e.cfg.PeerID)
	defer h.keys.Delete(v.key.pid)
	v.Key = v.key.append(nil)
	defer context.AfterFunc(h.open, func() { _ = e.conn.NetConn().SetDeadline(time.Now().Add(goodbye)) })()
	e.cfg.Console.Serve(h.open, h, v)
	return nil
}

// interrupt takes a cancel request.
func (v *Visitor) interrupt(secret []byte) Cancel {
	if subtle.ConstantTimeCompare(v.key.secret, secret) != 1 {
		return CancelUnknown
	}
	select {
	case v.interrupts <- struct{}{}:
	default: // there is one already
	}
	return CancelSent
}
