// Package console answers psql and drivers that ask the proxy itself, as PgBouncer's admin console does: SHOW POOLS,
// PAUSE and so on.
//
// commands.go is the table of what can be said, tables.go what the SHOW commands show of relay's views, steer.go what
// the others do. text.go finds the words in a text, and visit.go, query.go and result.go speak the protocol, simple and
// extended.
package console

import (
	"context"
	"log/slog"
	"slices"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Console is what one listener's clients can ask. It is not changed once in use.
type Console struct {
	Admins []string // who may do everything
	Stats  []string // who may SHOW
	// Version is that of the proxy, Settings its options.
	Version  string
	Settings []Setting
	// Reload reads again what is not read with the configuration.
	Reload func() error
	Log    *slog.Logger
}

// Setting is an option with the value that is in force.
type Setting struct{ Name, Value, Default string }

// Serve answers one visitor until it leaves or ctx is done.
func (c *Console) Serve(ctx context.Context, h *relay.Hub, v *relay.Visitor) {
	closing := ctx.Done()
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	defer v.Close()
	s := &visit{Visitor: v, console: c, hub: h, closing: closing, admin: slices.Contains(c.Admins, v.User)}
	if !s.admin && !slices.Contains(c.Stats, v.User) {
		s.refuse(wire.NoVisitor(v.User))
		s.flush()
		return
	}
	s.welcome()
	messages := s.read(ctx, leave)
	for s.serve(ctx, messages) {
	}
	s.flush()
	leave()
	v.Close()
	for range messages { // until nobody reads any more
	}
}
