package backend

import "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"

// SessionAttrs says which servers will do: libpq's target_session_attrs.
type SessionAttrs string

// The attributes, as https://www.postgresql.org/docs/current/libpq-connect.html has them.
const (
	Any           SessionAttrs = "any"
	ReadWrite     SessionAttrs = "read-write" // not in hot standby, and sessions begin as read-write
	ReadOnly      SessionAttrs = "read-only"  // the contrary
	Primary       SessionAttrs = "primary"    // not in hot standby
	Standby       SessionAttrs = "standby"
	PreferStandby SessionAttrs = "prefer-standby" // a standby if there is one, else any
)

// unfit says why a server will not do, in libpq's words; "" if it will.
func (a SessionAttrs) unfit(standby, readOnly bool) string {
	switch {
	case a == ReadWrite && readOnly:
		return "session is read-only"
	case a == ReadOnly && !readOnly:
		return "session is not read-only"
	case a == Primary && standby:
		return "server is in hot standby mode"
	case (a == Standby || a == PreferStandby) && !standby:
		return "server is not in hot standby mode"
	}
	return ""
}

// Unfit says why the server would not do any more if this were a new login, going
// by what it has reported since; "" if it would. What the session itself has set,
// as its label says, is not held against the server. Those before version 14 do
// not report it.
func (c *Conn) Unfit(attrs SessionAttrs) string {
	if _, ok := c.Reported.Get(inHotStandby); !ok || attrs == PreferStandby {
		return ""
	}
	if _, own := c.Label.Get(readOnlyVar); own && (attrs == ReadWrite || attrs == ReadOnly) {
		return ""
	}
	return attrs.unfit(c.reports())
}

const (
	inHotStandby = "in_hot_standby"
	readOnlyVar  = "default_transaction_read_only"
)

func (c *Conn) reports() (standby, readOnly bool) {
	standby = c.isOn(inHotStandby)
	return standby, standby || c.isOn(readOnlyVar)
}

func (c *Conn) isOn(reported string) bool {
	v, ok := c.Reported.Get(reported)
	return ok && v.Session.Text == "on"
}

// misfits says why a server just logged in at will not do. Those that do not report
// what they are are asked, as libpq asks them.
func (c *Conn) misfits(attrs SessionAttrs) (why string, err error) {
	if _, ok := c.Reported.Get(inHotStandby); ok || attrs == Any || attrs == "" {
		return attrs.unfit(c.reports()), nil
	}
	return c.askedFor(attrs)
}

func (c *Conn) askedFor(attrs SessionAttrs) (why string, err error) {
	standby, err := c.isTrue(readCommitted + "SELECT pg_catalog.pg_is_in_recovery()")
	if err != nil {
		return "", err
	}
	readOnly, err := c.isTrue("SHOW transaction_read_only")
	return attrs.unfit(standby, readOnly), err
}

// isTrue asks a question whose answer is one boolean.
func (c *Conn) isTrue(query string) (answer bool, err error) {
	if _, err := c.Sock.Write(wire.AppendQuery(nil, query)); err != nil {
		return false, err
	}
	for {
		typ, body, err := wire.ReadMessage(c.Sock, maxLoginMessage)
		switch {
		case err != nil:
			return false, err
		case typ == 'D':
			value, _ := twoColumns(body)
			answer = value == "on" || value == "t"
		case typ == 'E':
			return false, &ServerError{Body: body}
		case typ == 'Z':
			return answer, nil
		}
	}
}
