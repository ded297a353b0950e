package backend

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/netloop"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// maxLoginMessage bounds a message during login; the server's are far shorter.
const maxLoginMessage = 1 << 20

// ServerError is an ErrorResponse that ended a login, as it came.
type ServerError struct {
	Body []byte // of the ErrorResponse
}

func (e *ServerError) Error() string {
	f := wire.ParseError(e.Body)
	return fmt.Sprintf("%s: %s (SQLSTATE %s)", f.Severity, f.Message, f.Code)
}

// SQLState is its code.
func (e *ServerError) SQLState() string { return string(wire.ParseError(e.Body).Code) }

// isFinal says whether a server that is there has spoken, so that no other is asked.
// One that does not take connections yet, or any more, has not.
func isFinal(err error) bool {
	var refusal *ServerError
	return errors.As(err, &refusal) && refusal.SQLState() != "57P03"
}

// Dial logs in at the first server that answers and fits; each may take as long
// as timeout. Params are the parameters of the StartupMessage, user and database
// included. A *ServerError is the server's own refusal.
func Dial(ctx context.Context, cfg *Config, timeout time.Duration, params []wire.Param) (*Conn, error) {
	cfg.probe(timeout, params)
	addresses, good := cfg.order()
	var spare *Conn // that will do if nothing better is found
	var errs []error
	for i, address := range addresses {
		if spare != nil && i >= good {
			break
		}
		c, err := dialOne(ctx, cfg, address, timeout, params)
		switch {
		case err == nil && c.misfit == "":
			cfg.judge(address, nil)
			spare.discard()
			return c, nil
		case err == nil && cfg.Attrs == PreferStandby:
			cfg.judge(address, nil)
			if spare == nil {
				spare, c = c, nil
			}
			c.discard()
			continue
		case err == nil:
			c.discard()
			err = errors.New(c.misfit)
		case ctx.Err() != nil || isFinal(err):
			spare.discard()
			return nil, err
		}
		cfg.judge(address, err)
		errs = append(errs, fmt.Errorf("%s: %w", address, err))
	}
	if spare != nil {
		return spare, nil
	}
	return nil, errors.Join(errs...)
}

func (c *Conn) discard() {
	if c != nil {
		c.Sock.Close()
	}
}

// dialOne logs in at one server, and keeps what that says of it.
func dialOne(ctx context.Context, cfg *Config, address string, timeout time.Duration, params []wire.Param) (*Conn, error) {
	c, err := logIn(ctx, cfg, address, timeout, params)
	cfg.note(address, c, err)
	return c, err
}

func logIn(ctx context.Context, cfg *Config, address string, timeout time.Duration, params []wire.Param) (*Conn, error) {
	born := time.Now()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	sock, err := open(ctx, cfg, address)
	if err != nil {
		return nil, err
	}
	raw := sock.NetConn()
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	c := &Conn{Sock: sock, Address: address, Born: born}
	err = c.login(cfg, params)
	if err == nil {
		c.misfit, err = c.misfits(cfg.Attrs)
	}
	if err == nil && (c.misfit == "" || cfg.Attrs == PreferStandby) && lookup(params, "replication") == "" {
		err = c.readDefaults(params)
	}
	if err != nil {
		sock.Close()
		return nil, err
	}
	return c, nil
}

// open dials and negotiates TLS.
func open(ctx context.Context, cfg *Config, address string) (*netloop.Conn, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, network(address), address)
	if err != nil {
		return nil, err
	}
	if err := cfg.Socket.Set(raw); err != nil {
		_ = raw.Close()
		return nil, err
	}
	sock := netloop.NewConn(raw, nil)
	if network(address) == "unix" || cfg.SSLMode == Disable {
		return sock, nil
	}
	if err := startTLS(ctx, cfg, address, sock); err != nil {
		_ = raw.Close()
		if cfg.SSLMode == Prefer && ctx.Err() == nil { // and not insisted upon, also as libpq has it
			return open(ctx, &Config{Socket: cfg.Socket, SSLMode: Disable}, address)
		}
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return sock, nil
}

func startTLS(ctx context.Context, cfg *Config, address string, sock *netloop.Conn) error {
	raw := sock.NetConn()
	if deadline, ok := ctx.Deadline(); ok {
		_ = raw.SetDeadline(deadline)
		defer func() { _ = raw.SetDeadline(time.Time{}) }()
	}
	if _, err := raw.Write(wire.AppendSSLRequest(nil)); err != nil {
		return err
	}
	var answer [1]byte
	if _, err := io.ReadFull(raw, answer[:]); err != nil {
		return err
	}
	switch {
	case answer[0] == 'S':
		config, err := cfg.tlsConfig(address)
		if err != nil {
			return err
		}
		return sock.StartTLS(func(below net.Conn) *tls.Conn {
			return tls.Client(below, config)
		}).HandshakeContext(ctx)
	case answer[0] == 'N' && cfg.SSLMode == Prefer:
		return nil
	case answer[0] != 'N':
		return fmt.Errorf("the server answered %q to SSLRequest", answer[0])
	default:
		return fmt.Errorf("the server does not support TLS, but sslmode is %s", cfg.SSLMode)
	}
}

// login sends the StartupMessage and goes on to the first ReadyForQuery.
func (c *Conn) login(cfg *Config, params []wire.Param) error {
	if _, err := c.Sock.Write(appendStartup(nil, cfg.User, params)); err != nil {
		return err
	}
	user := cfg.User
	if user == "" {
		user = lookup(params, "user")
	}
	exchange := auth.NewClient(user, cfg.Secret(user), c.Sock.TLS() != nil)
	if secured := c.Sock.TLS(); secured != nil {
		exchange.Bind(auth.EndPoint(secured.ConnectionState().PeerCertificates[0]))
	}
	for authenticated := false; ; {
		typ, body, err := wire.ReadMessage(c.Sock, maxLoginMessage)
		if err != nil {
			return err
		}
		switch {
		case typ == 'R':
			authenticated, err = c.authenticate(exchange, body)
		case typ == 'E':
			return &ServerError{Body: body}
		case !authenticated && typ != 'v' && typ != 'N':
			return fmt.Errorf("expected authentication request from server, but received %c", typ) // libpq's words
		default:
			err = c.welcome(typ, body)
		}
		if err != nil || typ == 'Z' {
			return err
		}
	}
}

func (c *Conn) authenticate(exchange *auth.Client, body []byte) (done bool, err error) {
	reply, done, err := exchange.Step(body)
	if err == nil && reply != nil {
		_, err = c.Sock.Write(reply)
	}
	return done, err
}

// welcome takes one message of those up to ReadyForQuery that are not about authentication.
func (c *Conn) welcome(typ byte, body []byte) error {
	switch typ {
	case 'S':
		return c.reportedAtLogin(body)
	case 'K':
		if len(body) < 8 {
			return errors.New("malformed BackendKeyData")
		}
		c.PID = binary.BigEndian.Uint32(body)
		c.secret = append([]byte(nil), body[4:]...)
	case 'N', 'v', 'Z':
	default:
		return fmt.Errorf("unexpected message %q during login", typ)
	}
	return nil
}

func (c *Conn) reportedAtLogin(body []byte) error {
	name, rest, ok := wire.CString(body)
	value, _, ok2 := wire.CString(rest)
	if !ok || !ok2 {
		return errors.New("malformed ParameterStatus")
	}
	c.Welcome = append(c.Welcome, wire.Param{Name: string(name), Value: string(value)})
	c.Report(string(name), string(value))
	return nil
}

func appendStartup(dst []byte, user string, params []wire.Param) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 3, 0, 0)
	for _, p := range params {
		if p.Name == "user" && user != "" {
			p.Value = user
		}
		dst = wire.AppendCString(wire.AppendCString(dst, p.Name), p.Value)
	}
	dst = append(dst, 0)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

func lookup(params []wire.Param, name string) string {
	for _, p := range params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Cancel asks the server at address to cancel what the backend with this key
// does, and returns when the server has sent the signal: it closes then.
func Cancel(ctx context.Context, cfg *Config, address string, pid uint32, secret []byte) error {
	sock, err := open(ctx, cfg, address)
	if err != nil {
		return err
	}
	defer sock.Close()
	raw := sock.NetConn()
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := sock.Write(wire.AppendCancel(nil, pid, secret)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, sock)
	return err
}
