package console

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

const (
	maxMessage = 1 << 20 // bytes
	maxAhead   = 64      // messages that are read ahead of the one at hand, so that it is noticed when the visitor leaves
)

// visit is one connection to the console.
type visit struct {
	*relay.Visitor
	console *Console
	hub     *hub
	admin   bool
	closing <-chan struct{} // the process ends

	out        []byte // for the visitor, not yet written
	statements map[string]*statement
	portals    map[string]*portal
	skipping   bool // to the next Sync, behind an error
}

type hub = relay.Hub

type message struct {
	typ  byte
	body []byte
	err  error // instead
}

// reported is what a server reports at login; drivers want to know it.
var reported = []wire.Param{
	{Name: "client_encoding", Value: "UTF8"}, {Name: "server_encoding", Value: "UTF8"},
	{Name: "DateStyle", Value: "ISO, MDY"}, {Name: "TimeZone", Value: "UTC"},
	{Name: "standard_conforming_strings", Value: "on"}, {Name: "integer_datetimes", Value: "on"},
}

// welcome is what comes behind AuthenticationOk.
func (s *visit) welcome() {
	s.out = wire.AppendStatus(s.out, "server_version", s.console.Version)
	for _, p := range reported {
		s.out = wire.AppendStatus(s.out, p.Name, p.Value)
	}
	s.out = append(s.out, s.Key...)
	s.ready()
}

// ready says that the next statement may come. There are no transactions.
func (s *visit) ready() {
	s.out = wire.AppendReady(s.out, 'I')
	s.flush()
}

// flush writes. A visitor that can't be written to has left, or soon will have: that is noticed where it is read from.
func (s *visit) flush() {
	_, _ = s.Conn.Write(s.out)
	s.out = s.out[:0]
}

// refuse says why something was not done.
func (s *visit) refuse(err error) {
	var told *wire.Error
	if !errors.As(err, &told) {
		told = wire.CommandFailed(err)
	}
	s.out = told.Encode(s.out)
}

// read returns what the visitor sends. Left is called as soon as it has gone.
func (s *visit) read(ctx context.Context, left func()) <-chan message {
	messages := make(chan message, maxAhead)
	go func() {
		defer close(messages)
		for {
			var m message
			m.typ, m.body, m.err = wire.ReadMessage(s.Conn, maxMessage)
			var told *wire.Error
			if m.typ == 'X' || m.err != nil && !errors.As(m.err, &told) {
				left()
				return
			}
			select {
			case messages <- m:
			case <-ctx.Done():
				return
			}
			if m.err != nil {
				return
			}
		}
	}()
	return messages
}

// serve answers one message, and reports whether another may come. What a visitor has sent before it left is done.
func (s *visit) serve(ctx context.Context, messages <-chan message) bool {
	select {
	case <-s.closing:
		s.refuse(wire.AdminShutdown())
		return false
	case m, more := <-messages:
		switch {
		case !more:
			return false
		case s.Unwelcome():
			s.refuse(wire.AdminShutdown())
			return false
		case m.err != nil:
			s.refuse(m.err)
			return false
		}
		return s.answer(ctx, m)
	}
}

// answer does what a message asks for.
func (s *visit) answer(ctx context.Context, m message) bool {
	var err error
	switch m.typ {
	case 'S':
		s.skipping = false
		clear(s.portals)
		s.ready()
		return true
	case 'Q':
		s.skipping = false
		s.simple(ctx, m.body)
		return true
	case 'd', 'c', 'f': // behind a COPY that was refused
		return true
	}
	if s.skipping {
		return true
	}
	switch m.typ {
	case 'P':
		err = s.parse(m.body)
	case 'B':
		err = s.bind(m.body)
	case 'D':
		err = s.describe(m.body)
	case 'E':
		err = s.execute(ctx, m.body)
	case 'C':
		err = s.close(m.body)
	case 'H':
		s.flush()
	default:
		s.refuse(wire.ProtocolViolation("the console knows no message of type " + string(m.typ)))
		return false
	}
	if err != nil {
		s.skipping = true
		s.refuse(err)
	}
	return true
}

// decode reads the body of a message.
func decode(m pgproto3.FrontendMessage, body []byte) error {
	if err := m.Decode(body); err != nil {
		return wire.InvalidMessage(err)
	}
	return nil
}
