package story

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgproto3/v2"
)

// patience is how long an answer may take before the conversation is given up: far more than any takes, so that it is only met
// when something hangs.
const patience = 20 * time.Second

// A Client is one connection that speaks the protocol message by message. One goroutine uses it at a time.
type Client struct {
	Reported map[string]string // what ParameterStatus has said last of each setting
	Status   byte              // of the last ReadyForQuery

	conn net.Conn
	in   *pgproto3.Frontend
}

// Connect logs in without a password.
func Connect(t Target, startup ...Option) (*Client, error) {
	conn, err := net.DialTimeout("tcp", t.Addr, patience)
	if err != nil {
		return nil, err
	}
	c := &Client{
		Reported: map[string]string{},
		conn:     conn,
		in:       pgproto3.NewFrontend(pgproto3.NewChunkReader(conn), conn),
	}
	if err := c.login(t, startup); err != nil {
		conn.Close()
		return nil, fmt.Errorf("login of %s at %s: %w", t.User, t.Addr, err)
	}
	return c, nil
}

func (c *Client) login(t Target, startup []Option) error {
	params := map[string]string{"user": t.User, "database": t.Database}
	for _, o := range startup {
		params[o.Name] = o.Value
	}
	hello := &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: params}
	if err := c.send(hello); err != nil {
		return err
	}
	for {
		msg, err := c.in.Receive()
		if err != nil {
			return err
		}
		switch m := msg.(type) {
		case *pgproto3.AuthenticationOk, *pgproto3.BackendKeyData, *pgproto3.NoticeResponse:
		case *pgproto3.ParameterStatus:
			c.Reported[m.Name] = m.Value
		case *pgproto3.ErrorResponse:
			return fmt.Errorf("%s %s: %s", m.Severity, m.Code, m.Message)
		case *pgproto3.ReadyForQuery:
			c.Status = m.TxStatus
			return nil
		default:
			return fmt.Errorf("unexpected %T", msg)
		}
	}
}

// Leave says goodbye and closes the connection.
func (c *Client) Leave() {
	_ = c.send(&pgproto3.Terminate{}) // the connection may be gone already, and that is as good
	c.conn.Close()
}

// Drop closes the connection without a goodbye.
func (c *Client) Drop() { c.conn.Close() }

// Query sends one Query and returns its answer; an error in the answer is an error.
func (c *Client) Query(sql string) (Reply, error) {
	replies, err := c.Do(false, Step{Statements: []Statement{{SQL: sql, Form: Simple}}})
	if err != nil {
		return Reply{}, fmt.Errorf("%s: %w", sql, err)
	}
	if r := replies[0]; r.failed {
		return r, fmt.Errorf("%s: %s", sql, r)
	}
	return replies[0], nil
}

// Do sends steps in one write and returns the answers to all of their statements. With extended, a statement that may travel either
// way is sent in the extended protocol.
func (c *Client) Do(extended bool, steps ...Step) ([]Reply, error) {
	var stmts []Statement
	for _, st := range steps {
		stmts = append(stmts, st.Statements...)
		if last := &stmts[len(stmts)-1]; !st.Pipeline && last.inExtended(extended) {
			last.alone = true
			stmts = append(stmts, Statement{Form: SyncOnly})
		}
	}
	var msgs []pgproto3.FrontendMessage
	for _, x := range stmts {
		msgs = append(msgs, x.messages(extended)...)
	}
	if err := c.send(msgs...); err != nil {
		return nil, err
	}
	return c.answers(stmts, extended)
}

// answers reads what belongs to each statement.
func (c *Client) answers(stmts []Statement, extended bool) ([]Reply, error) {
	var all []Reply
	failed := false // since the last Sync
	joins := false  // this Sync belongs to the statement before it
	for _, x := range stmts {
		r := Reply{Items: []string{"skipped"}}
		var err error
		if !failed || !x.inExtended(extended) {
			r, err = c.answer(x.answers(extended))
			failed = r.failed && x.inExtended(extended)
			if acks := x.answers(extended); len(acks) == 1 && acks[0] != ready && err == nil && !r.failed {
				r.add("%s", acks[0]) // all that there is to see
			}
		}
		if joins {
			all[len(all)-1] = all[len(all)-1].plus(r)
		} else {
			all = append(all, r)
		}
		joins = x.alone
		if err != nil {
			return all, fmt.Errorf("after %q: %w", r.String(), err)
		}
	}
	return all, nil
}

func (c *Client) send(msgs ...pgproto3.FrontendMessage) error {
	var buf []byte
	for _, m := range msgs {
		var err error
		if buf, err = m.Encode(buf); err != nil {
			return err
		}
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := c.conn.Write(buf)
	return err
}

// inExtended reports whether the statement travels in the extended protocol, less Sync, which the server never skips.
func (x Statement) inExtended(extended bool) bool {
	return x.Form != Simple && x.Form != SyncOnly && (x.Form != Either || extended)
}

func (x Statement) messages(extended bool) []pgproto3.FrontendMessage {
	if x.Form == SyncOnly {
		return []pgproto3.FrontendMessage{&pgproto3.Sync{}}
	}
	if !x.inExtended(extended) {
		return []pgproto3.FrontendMessage{&pgproto3.Query{String: x.SQL}}
	}
	if x.Form == Close {
		return []pgproto3.FrontendMessage{&pgproto3.Close{ObjectType: 'S', Name: x.Name}}
	}
	var msgs []pgproto3.FrontendMessage
	if x.Form != BindNamed {
		msgs = append(msgs, &pgproto3.Parse{Name: x.Name, Query: x.SQL})
	}
	if x.Form == Parse {
		return msgs
	}
	bind := &pgproto3.Bind{PreparedStatement: x.Name}
	for _, a := range x.Args {
		bind.Parameters = append(bind.Parameters, []byte(a))
	}
	return append(msgs, bind, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{})
}

// answers lists the kinds of the messages that acknowledge the statement, in their order. An ErrorResponse may stand for the rest
// of those in the extended protocol.
func (x Statement) answers(extended bool) []ack {
	switch {
	case !x.inExtended(extended):
		return []ack{ready}
	case x.Form == Parse:
		return []ack{parsed}
	case x.Form == Close:
		return []ack{closed}
	case x.Form == BindNamed:
		return []ack{bound, described, executed}
	default:
		return []ack{parsed, bound, described, executed}
	}
}

// reported lists the settings that the client has been told of, as the text of a query that asks the server for them.
func (c *Client) reported() (names []string, query string) {
	var asks []string
	for name := range c.Reported {
		names = append(names, name)
		asks = append(asks, "current_setting('"+name+"')")
	}
	return names, "SELECT " + strings.Join(asks, ", ")
}
