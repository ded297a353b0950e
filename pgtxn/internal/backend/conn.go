package backend

import (
	"context"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/netloop"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Conn is a server connection that has logged in.
type Conn struct {
	Sock    *netloop.Conn
	Address string    // of the server
	PID     uint32    // the server's process
	Born    time.Time // when connecting began

	// Welcome holds the values reported during login, in their order.
	Welcome []wire.Param
	// Reported holds the values last reported, by their reported names.
	Reported *guc.Set
	// Label holds the variables that differ from how they were at login, as far
	// as the proxy knows. It is right whenever nobody uses the connection.
	Label *guc.Set
	// Defaults are the settings of the user and the database that were in force
	// at login, as one text; nil if they are not known.
	Defaults []byte
	// Initial holds what all settings that a session may change were at login, by
	// their names in lower case. Connections share it where it is equal.
	Initial map[string]string
	// Privileged are those that only a superuser may change.
	Privileged map[string]bool
	// Prepared holds the prepared statements that the server has for clients.
	Prepared Prepared

	// InQuestion says that a question of ours is under way in a transaction block.
	InQuestion bool

	secret  []byte
	own     [numOwn]bool // which of our own statements are prepared here
	unsure  bool         // those that are not may be all the same
	bare    bool         // see Bare
	tainted string
	misfit  string // why the server does not fit; "" if it does
}

// Taint is the point of no return: a tainted connection can only be closed.
// The first reason is kept.
func (c *Conn) Taint(reason string) {
	if c.tainted == "" {
		c.tainted = reason
	}
}

// Tainted returns why the connection can only be closed, or "".
func (c *Conn) Tainted() string { return c.tainted }

// Cancel asks the server to cancel what this backend does. It blocks, and is
// the one method that any goroutine may call.
func (c *Conn) Cancel(ctx context.Context, cfg *Config) error {
	return Cancel(ctx, cfg, c.Address, c.PID, c.secret)
}

// Report takes a ParameterStatus.
func (c *Conn) Report(name, value string) {
	c.Reported = c.Reported.With(guc.Var{Name: name, Session: &guc.Value{Text: value, Known: true}})
}

// Unsure says that the server skipped or refused an exchange, so that it may or
// may not have prepared what was in it.
func (c *Conn) Unsure() {
	c.own = [numOwn]bool{}
	c.unsure = true
}

// DoubtRoles says that the user and the role in the label may be others of the same
// names by now: the server knows them by number, also when they are dropped
// and made again. So they are equal to those of no set that is wanted.
func (c *Conn) DoubtRoles() {
	for _, name := range [...]string{userVar, roleVar} {
		if v, ok := c.Label.Get(name); ok && v.Session != nil && !v.Session.Default {
			v.Session = &guc.Value{Text: v.Session.Text}
			c.Label = c.Label.With(v)
		}
	}
}
