package pgtxn

import (
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// eventDrift is emitted when verify found other variables on a server connection
// than the session was thought to have. Its data: session (the id), backend (the
// process id), user, database, variables (their names; never a value).
const eventDrift = "pgtxn.drift"

// emitDrift hands a drift to Caddy's events app. Handlers of events may take their
// time, so they don't run on the loop that found it. The handler's own context
// is cancelled by a reload, and its sessions live on: what is subscribed to now
// counts.
func emitDrift(d relay.Drift) {
	go func() {
		ctx := caddy.ActiveContext()
		app, err := ctx.AppIfConfigured("events")
		if err != nil {
			return // nobody subscribes to anything
		}
		app.(*caddyevents.App).Emit(ctx, eventDrift, map[string]any{
			"session": strconv.FormatUint(d.Session, 10), "backend": d.Backend,
			"user": d.User, "database": d.Database, "variables": d.Names,
		})
	}()
}
