package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/netloop"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// ALPN is the protocol name of PostgreSQL in a TLS handshake.
const ALPN = "postgresql"

// Serve serves one client on raw and returns when the client has left. Early
// holds bytes that were read from raw before. Raw is closed. Unwelcome, if not
// nil, says whether the session is to be drained from its beginning; it is
// called on the loop and must not block.
func (h *Hub) Serve(ctx context.Context, raw net.Conn, early []byte, cfg *Config, unwelcome func() bool) error {
	e := &entrance{cfg: cfg, conn: netloop.NewConn(raw, early), addr: raw.RemoteAddr(), unwelcome: unwelcome, entries: &h.entries}
	defer e.conn.Wait()
	defer e.conn.Close()
	if cfg.LoginTimeout > 0 {
		_ = raw.SetDeadline(time.Now().Add(cfg.LoginTimeout))
	}
	packet, err := e.negotiate(ctx)
	if err != nil {
		return e.refuse(err)
	}
	switch p := packet.(type) {
	case *wire.CancelRequest:
		return h.cancel(ctx, cfg, p)
	case *wire.Startup:
		if err := e.login(ctx, p); err != nil {
			return e.refuse(err)
		}
		_ = raw.SetDeadline(time.Time{})
		h.entries.logins[LoginAccepted].Add(1)
		if cfg.isForConsole(p) {
			return h.serveVisitor(e, p)
		}
		return h.serveSession(e, p)
	}
	return nil
}

// entrance is a client that has not been let in yet.
type entrance struct {
	cfg  *Config
	conn *netloop.Conn
	addr net.Addr

	unwelcome func() bool
	// shown is the certificate of this connection's TLS, if the handshake was ours.
	shown shownCertificate
	// startup is nil until the client has said who it is.
	startup *wire.Startup
	entries *entries
}

// negotiate goes through TLS to the packet that says what the client wants.
func (e *entrance) negotiate(ctx context.Context) (wire.Packet, error) {
	if err := e.directTLS(ctx); err != nil {
		return nil, err
	}
	askedTLS, askedGSS := e.conn.TLS() != nil, false
	for {
		packet, err := wire.ReadStartup(e.conn)
		if err != nil {
			return nil, err
		}
		switch packet.(type) {
		case wire.SSLRequest:
			if askedTLS {
				return nil, wire.ProtocolViolation("a second SSLRequest")
			}
			askedTLS = true
			err = e.answerSSLRequest(ctx)
		case wire.GSSENCRequest:
			if askedGSS {
				return nil, wire.ProtocolViolation("a second GSSENCRequest")
			}
			askedGSS = true
			_, err = e.conn.Write([]byte{'N'})
		default:
			return packet, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// directTLS starts TLS if the client begins with a handshake record instead of
// a startup packet (sslnegotiation=direct, libpq 17). It must name the protocol,
// or else another protocol's client could be made to speak to us.
func (e *entrance) directTLS(ctx context.Context) error {
	const handshakeRecord = 0x16
	first, err := e.conn.Peek()
	if err != nil || first != handshakeRecord || e.conn.TLS() != nil {
		return err
	}
	if e.cfg.TLS == nil {
		return errors.New("client began with TLS, which is not configured")
	}
	if err := e.startTLS(ctx); err != nil {
		return err
	}
	if e.conn.TLS().ConnectionState().NegotiatedProtocol != ALPN {
		return errors.New("direct TLS connection without ALPN " + ALPN)
	}
	return nil
}

func (e *entrance) answerSSLRequest(ctx context.Context) error {
	if e.cfg.TLS == nil {
		_, err := e.conn.Write([]byte{'N'})
		return err
	}
	if _, err := e.conn.Write([]byte{'S'}); err != nil {
		return err
	}
	return e.startTLS(ctx)
}

func (e *entrance) startTLS(ctx context.Context) error {
	conn := e.conn.StartTLS(func(below net.Conn) *tls.Conn {
		return tls.Server(below, e.shown.watch(e.cfg.TLS()))
	})
	err := conn.HandshakeContext(ctx)
	e.entries.handshake(conn, err)
	return err
}

// host is how PostgreSQL names the client's end in its errors.
func (e *entrance) host() string {
	host, _, err := net.SplitHostPort(e.addr.String())
	if err != nil {
		return "[local]" // a Unix socket
	}
	return host
}

// refuse tells the client why it is not let in, where PostgreSQL would.
func (e *entrance) refuse(err error) error {
	e.entries.refused(err)
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil // a port scan, a health check, a client that changed its mind
	}
	var refused *refusal
	if errors.As(err, &refused) {
		e.cfg.Log.Warn("authentication failed", "client", e.addr.String(), "user", e.startup.User(),
			"database", e.startup.Database(), "reason", refused.reason)
	} else {
		e.cfg.Log.Info("client was not let in", "client", e.addr.String(), "error", err)
	}
	var told *wire.Error
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		_ = e.conn.NetConn().SetDeadline(time.Now().Add(time.Second)) // for the last word
		_, _ = e.conn.Write(wire.StartupTimeout().Encode(nil))
	case errors.As(err, &told):
		_, _ = e.conn.Write(told.Fatal().Encode(nil))
	}
	return nil
}

// serveSession makes the client a session.
func (h *Hub) serveSession(e *entrance, p *wire.Startup) error {
	if !h.door.enter() {
		return e.refuse(wire.ShuttingDown())
	}
	defer h.door.leave()
	s := &Session{
		id:       h.nextID.Add(1),
		addr:     e.addr,
		user:     p.User(),
		database: p.Database(),
		since:    time.Now(),
		cfg:      e.cfg,
		client:   stream{conn: e.conn},
		done:     make(chan struct{}),

		unwelcome: e.unwelcome,
	}
	for _, param := range p.Params {
		if param.Name == "application_name" {
			s.appName = param.Value
		}
	}
	s.takePacket(p)
	key := lenderKey{e.cfg.Identity, s.user, s.database}
	s.shard = h.shardOf(key)
	h.register(&s.key, s, p.Minor, s.cfg.PeerID)
	defer h.keys.Delete(s.key.pid)
	return h.admit(s, key)
}
