package backend

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// DefaultAuthQuery is PgBouncer's, with the schemas named: what auth_user's
// search_path leads to has no say in it.
const DefaultAuthQuery = "SELECT rolname, CASE WHEN rolvaliduntil OPERATOR(pg_catalog.<) pg_catalog.now() THEN NULL ELSE rolpassword END" +
	" FROM pg_catalog.pg_authid WHERE rolname OPERATOR(pg_catalog.=) $1 AND rolcanlogin"

// userQueryIdle is how long its connection stays when nobody asks.
const userQueryIdle = time.Minute

// UserQuery asks a server for users' secrets (auth_query), on one connection of its
// own that clients have no part in but for the parameter. Who asks waits for those
// before. Answers are not kept: a password that was changed counts at once.
type UserQuery struct {
	cfg     *Config
	timeout time.Duration // of connecting to one server
	params  []wire.Param
	text    string

	turn chan struct{} // holds one token, which who asks takes; it guards what follows
	conn *Conn         // nil: none is open
	idle *time.Timer   // closes conn
}

// NewUserQuery logs in as user with secret, to database, at the servers of cfg, once
// it is asked, each of which may take as long as timeout. Text takes one parameter, the user's name, and returns two columns,
// the name and what ParseSecret takes.
func NewUserQuery(cfg *Config, timeout time.Duration, user, database, text string, secret func(user string) auth.Secret) *UserQuery {
	own := cfg.At(cfg.Addresses...)
	own.User, own.Secret = user, secret
	q := &UserQuery{cfg: own, timeout: timeout, text: text, turn: make(chan struct{}, 1), params: []wire.Param{
		{Name: "user", Value: user}, {Name: "database", Value: database}, {Name: "application_name", Value: "caddy_pgtxn auth_query"},
	}}
	q.turn <- struct{}{}
	return q
}

// Ask returns the secret that the server has of a user; found is false if there is
// no such user.
func (q *UserQuery) Ask(ctx context.Context, user string) (secret string, found bool, err error) {
	return q.inTurn(ctx, q.text, user)
}

// memberQuery asks as is_member_of_role_nosuper (acl.c) does: superusers are no
// members of all roles here.
const memberQuery = `WITH RECURSIVE r(oid) AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) $1
	UNION SELECT m.roleid FROM r JOIN pg_catalog.pg_auth_members m ON m.member OPERATOR(pg_catalog.=) r.oid)
	SELECT $1, '' FROM r JOIN pg_catalog.pg_roles g ON g.oid OPERATOR(pg_catalog.=) r.oid WHERE g.rolname OPERATOR(pg_catalog.=) $2`

// IsMember says whether a user is a member of a role, directly or not, or is that role.
// Anybody may ask that.
func (q *UserQuery) IsMember(ctx context.Context, user, role string) (bool, error) {
	_, member, err := q.inTurn(ctx, memberQuery, user, role)
	return member, err
}

// inTurn asks when those before have been answered.
func (q *UserQuery) inTurn(ctx context.Context, text string, params ...string) (secret string, found bool, err error) {
	select {
	case <-q.turn:
	case <-ctx.Done():
		return "", false, fmt.Errorf("auth_query: waiting for those who asked before: %w", ctx.Err())
	}
	defer func() { q.turn <- struct{}{} }()
	if q.idle != nil {
		q.idle.Stop()
	}
	used := q.conn != nil
	secret, found, err = q.ask(ctx, text, params...)
	if used && lost(err) { // perhaps long ago
		secret, found, err = q.ask(ctx, text, params...)
	}
	if q.conn != nil {
		q.idle = time.AfterFunc(userQueryIdle, q.closeIdle)
	}
	if err != nil {
		err = fmt.Errorf("auth_query: %w", err)
	}
	return secret, found, err
}

// lost says whether err is the end of a connection.
func lost(err error) bool {
	var refusal *ServerError
	return err != nil && (!errors.As(err, &refusal) || wire.ParseError(refusal.Body).EndsConnection())
}

// closeIdle closes the connection, unless somebody has come who uses it.
func (q *UserQuery) closeIdle() {
	select {
	case <-q.turn:
		q.close()
		q.turn <- struct{}{}
	default:
	}
}

func (q *UserQuery) close() {
	if q.conn != nil {
		q.conn.Sock.Close()
		q.conn = nil
	}
}

// ask is one attempt. A connection on which it failed is closed.
func (q *UserQuery) ask(ctx context.Context, text string, params ...string) (secret string, found bool, err error) {
	if q.conn == nil {
		if q.conn, err = Dial(ctx, q.cfg, q.timeout, q.params); err != nil {
			return "", false, err
		}
	}
	raw := q.conn.Sock.NetConn()
	expire := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	secret, found, err = q.conn.lookupUser(text, params...)
	if !expire() || err != nil {
		q.close()
	}
	return secret, found, err
}

// lookupUser runs the query, of which the first parameter is the user, on a connection
// that no loop has.
func (c *Conn) lookupUser(query string, params ...string) (secret string, found bool, err error) {
	if _, err := c.Sock.Write(appendUserQuery(nil, query, params...)); err != nil {
		return "", false, err
	}
	for {
		typ, body, readErr := wire.ReadMessage(c.Sock, maxLoginMessage)
		switch {
		case readErr != nil:
			return "", false, readErr
		case typ == 'E':
			err = &ServerError{Body: body}
			if wire.ParseError(body).EndsConnection() {
				return "", false, err
			}
		case typ == 'D' && found:
			err = errors.New("it returned more than one row")
		case typ == 'D' && (len(body) < 2 || binary.BigEndian.Uint16(body) != 2):
			err = errors.New("it has to return two columns, the user's name and its password")
		case typ == 'D':
			var name string
			name, secret = twoColumns(body)
			if found = true; name != params[0] {
				err = errors.New("it returned another user than it was asked for")
			}
		case typ == 'Z':
			return secret, found && err == nil, err
		}
	}
}

// appendUserQuery appends Parse, Bind, Execute and Sync.
func appendUserQuery(dst []byte, query string, params ...string) []byte {
	dst, at := wire.Begin(dst, 'P')
	dst = wire.AppendCString(wire.AppendCString(dst, ""), query)
	dst = wire.End(append(dst, 0, 0), at) // the server says of which type $1 is
	dst, at = wire.Begin(dst, 'B')
	dst = binary.BigEndian.AppendUint16(append(dst, 0, 0, 0, 0), uint16(len(params))) // no names, text
	for _, param := range params {
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(param))), param...)
	}
	dst = wire.End(append(dst, 0, 0), at)
	dst, at = wire.Begin(dst, 'E')
	dst = wire.End(append(dst, 0, 0, 0, 0, 2), at) // more than one row is one too many
	dst, at = wire.Begin(dst, 'S')
	return wire.End(dst, at)
}
