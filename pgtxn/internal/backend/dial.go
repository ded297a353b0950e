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

// Dial connects to the first server that answers and logs in. Params are the
// parameters of the StartupMessage, user and database included. A *ServerError
// is the server's own refusal.
func Dial(ctx context.Context, cfg *Config, params []wire.Param) (*Conn, error) {
	var errs []error
	for _, address := range cfg.Addresses {
		c, err := dialOne(ctx, cfg, address, params)
		if err == nil {
			return c, nil
		}
		var refusal *ServerError
		if errors.As(err, &refusal) {
			return nil, err // the server is there and has spoken
		}
		errs = append(errs, fmt.Errorf("%s: %w", address, err))
	}
	return nil, errors.Join(errs...)
}

func dialOne(ctx context.Context, cfg *Config, address string, params []wire.Param) (*Conn, error) {
	born := time.Now()
	sock, err := open(ctx, cfg, address)
	if err != nil {
		return nil, err
	}
	raw := sock.NetConn()
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	c := &Conn{Sock: sock, Address: address, Born: born}
	err = c.login(cfg, params)
	if err == nil && lookup(params, "replication") == "" {
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
	sock := netloop.NewConn(raw, nil)
	if network(address) == "unix" || cfg.SSLMode == Disable {
		return sock, nil
	}
	if err := startTLS(ctx, cfg, address, sock); err != nil {
		_ = raw.Close()
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
	if _, err := raw.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil { // SSLRequest
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
	secret, _ := cfg.Secret(user)
	exchange := auth.NewClient(user, secret, c.Sock.TLS() != nil)
	for {
		typ, body, err := wire.ReadMessage(c.Sock, maxLoginMessage)
		if err != nil {
			return err
		}
		switch typ {
		case 'R':
			err = c.authenticate(exchange, body)
		case 'E':
			return &ServerError{Body: body}
		default:
			err = c.welcome(typ, body)
		}
		if err != nil || typ == 'Z' {
			return err
		}
	}
}

func (c *Conn) authenticate(exchange *auth.Client, body []byte) error {
	reply, _, err := exchange.Step(body)
	if err == nil && reply != nil {
		_, err = c.Sock.Write(reply)
	}
	return err
}

// welcome takes one message between AuthenticationOk and ReadyForQuery.
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
	c.report(string(name), string(value))
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
	msg := binary.BigEndian.AppendUint32(nil, uint32(12+len(secret)))
	msg = binary.BigEndian.AppendUint32(msg, 80877102)
	msg = binary.BigEndian.AppendUint32(msg, pid)
	if _, err := sock.Write(append(msg, secret...)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, sock)
	return err
}
