package pgtxn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-pgtxn/caddy-pgtxn/adminapi"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/page"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

func init() {
	caddy.RegisterModule(&adminAPI{})
}

// adminAPI shows and steers the sessions and pools of the process, whatever
// configuration they were begun under:
//
//	GET    /pgtxn/                 the page, and its files
//	GET    /pgtxn/sessions         sessions, oldest first; ?user, database, application_name, state, pinned, after, limit
//	GET    /pgtxn/sessions/<id>    one
//	DELETE /pgtxn/sessions/<id>    ends it
//	GET    /pgtxn/pools            pools, by user and database; ?user, database
//	GET    /pgtxn/backends         server connections, oldest first; ?user, database
//	POST   /pgtxn/pools/pause      all, or ?user, database; &wait=<duration>
//	POST   /pgtxn/pools/resume     the same
//	POST   /pgtxn/pools/reconnect  the same, without wait
//	GET    /pgtxn/servers          servers, and what the last connection to each found
//	GET    /pgtxn/log              the last pins and drifts, oldest first; ?kind, session, user, database, limit
type adminAPI struct{}

// CaddyModule returns the Caddy module information.
func (*adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.pgtxn",
		New: func() caddy.Module { return new(adminAPI) },
	}
}

// Routes returns the routes of the admin API.
func (a *adminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: "/pgtxn/", Handler: caddy.AdminHandlerFunc(a.serve)}}
}

func (*adminAPI) serve(w http.ResponseWriter, r *http.Request) error {
	path := strings.TrimPrefix(r.URL.Path, "/pgtxn/")
	if file := page.Find(path); file != nil {
		return adminapi.ServeFile(w, r, file)
	}
	hub, err := theHub()
	if err != nil {
		return err
	}
	methods := route(hub, path)
	if methods == nil {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: fmt.Errorf(
			"there is nothing at %s; see /pgtxn/sessions, /pgtxn/sessions/<id>, /pgtxn/pools, /pgtxn/pools/{pause,resume,reconnect}, /pgtxn/servers, /pgtxn/backends and /pgtxn/log", r.URL.Path)}
	}
	return methods.Serve(w, r)
}

// route returns what is at a path below /pgtxn/, or nil.
func route(hub *relay.Hub, path string) adminapi.Methods {
	id, one := strings.CutPrefix(path, "sessions/")
	switch {
	case path == "sessions":
		return adminapi.Methods{http.MethodGet: listSessions(hub)}
	case one && id != "" && !strings.Contains(id, "/"):
		return adminapi.Methods{http.MethodGet: session(id, hub.Session), http.MethodDelete: session(id, hub.Kill)}
	case path == "pools":
		return adminapi.Methods{http.MethodGet: listPools(hub)}
	case path == "pools/pause":
		return adminapi.Methods{http.MethodPost: pause(hub)}
	case path == "pools/resume":
		return adminapi.Methods{http.MethodPost: steer(hub, hub.Resume)}
	case path == "pools/reconnect":
		return adminapi.Methods{http.MethodPost: steer(hub, hub.Reconnect)}
	case path == "servers":
		return adminapi.Methods{http.MethodGet: listServers}
	case path == "backends":
		return adminapi.Methods{http.MethodGet: listBackends(hub)}
	case path == "log":
		return adminapi.Methods{http.MethodGet: listIncidents(hub)}
	}
	return nil
}

func listSessions(hub *relay.Hub) adminapi.Answer {
	return func(r *http.Request) (int, any, error) {
		q := adminapi.NewQuery(r)
		user, database, application := q.All("user"), q.All("database"), q.All("application_name")
		state := q.Text("state", relay.States...)
		pinned, asked := q.Flag("pinned")
		after, limit := q.Number("after", 0), q.Number("limit", 0)
		if err := q.Err(); err != nil {
			return http.StatusBadRequest, nil, err
		}
		views := slices.DeleteFunc(hub.Sessions(), func(v relay.SessionView) bool {
			id, _ := strconv.ParseUint(v.ID, 10, 64)
			return !among(user, v.User) || !among(database, v.Database) || !among(application, v.ApplicationName) ||
				state != "" && v.State != state || asked && pinned != (len(v.Pins) > 0) || id <= after
		})
		if limit > 0 && uint64(len(views)) > limit {
			views = views[:limit]
		}
		return http.StatusOK, views, nil
	}
}

// among says whether a filter of these values lets word through; one without values lets all.
func among(values []string, word string) bool {
	return len(values) == 0 || slices.Contains(values, word)
}

// session is for one session, which is shown or ended.
func session(id string, do func(id string) (relay.SessionView, bool)) adminapi.Answer {
	return func(r *http.Request) (int, any, error) {
		if err := adminapi.NewQuery(r).Err(); err != nil {
			return http.StatusBadRequest, nil, err
		}
		view, found := do(id)
		if !found {
			return http.StatusNotFound, nil, fmt.Errorf("there is no session %s, or it has ended", id)
		}
		return http.StatusOK, view, nil
	}
}

func listPools(hub *relay.Hub) adminapi.Answer {
	return func(r *http.Request) (int, any, error) {
		q := adminapi.NewQuery(r)
		sel := selection(q)
		if err := q.Err(); err != nil {
			return http.StatusBadRequest, nil, err
		}
		return http.StatusOK, poolsOf(hub, sel), nil
	}
}

func listBackends(hub *relay.Hub) adminapi.Answer {
	return func(r *http.Request) (int, any, error) {
		q := adminapi.NewQuery(r)
		user, database := q.All("user"), q.All("database")
		if err := q.Err(); err != nil {
			return http.StatusBadRequest, nil, err
		}
		return http.StatusOK, slices.DeleteFunc(hub.Backends(), func(v relay.PooledView) bool {
			return !among(user, v.User) || !among(database, v.Database)
		}), nil
	}
}

func selection(q *adminapi.Query) relay.Selection {
	return relay.Selection{User: q.Name("user"), Database: q.Name("database")}
}

func poolsOf(hub *relay.Hub, sel relay.Selection) []relay.PoolView {
	return slices.DeleteFunc(hub.Pools(), func(v relay.PoolView) bool {
		return sel.User != "" && sel.User != v.User || sel.Database != "" && sel.Database != v.Database
	})
}

// pause answers 200 when all server connections are closed, and 202 if some are not yet.
func pause(hub *relay.Hub) adminapi.Answer {
	return func(r *http.Request) (int, any, error) {
		q := adminapi.NewQuery(r)
		sel, wait := selection(q), time.Duration(q.Duration("wait"))
		if err := q.Err(); err != nil {
			return http.StatusBadRequest, nil, err
		}
		if err := hub.Pause(sel); err != nil {
			return statusOf(err), nil, describe(sel, err)
		}
		ctx, stop := context.WithTimeout(r.Context(), wait)
		defer stop()
		hub.AwaitClosed(ctx, sel)
		pools := poolsOf(hub, sel)
		if slices.ContainsFunc(pools, func(v relay.PoolView) bool { return v.Active+v.Idle+v.Connecting > 0 }) {
			return http.StatusAccepted, pools, nil
		}
		return http.StatusOK, pools, nil
	}
}

// steer does something to pools and shows them.
func steer(hub *relay.Hub, do func(relay.Selection) error) adminapi.Answer {
	return func(r *http.Request) (int, any, error) {
		q := adminapi.NewQuery(r)
		sel := selection(q)
		if err := q.Err(); err != nil {
			return http.StatusBadRequest, nil, err
		}
		if err := do(sel); err != nil {
			return statusOf(err), nil, describe(sel, err)
		}
		return http.StatusOK, poolsOf(hub, sel), nil
	}
}

func statusOf(err error) int {
	if errors.Is(err, relay.ErrNoPool) {
		return http.StatusNotFound
	}
	return http.StatusConflict
}

func describe(sel relay.Selection, err error) error { return fmt.Errorf("%s: %w", sel, err) }

func listIncidents(hub *relay.Hub) adminapi.Answer {
	return func(r *http.Request) (int, any, error) {
		q := adminapi.NewQuery(r)
		kind := q.Text("kind", relay.KindPin, relay.KindDrift, relay.KindConflict, relay.KindDisagreement)
		session, user, database := q.All("session"), q.All("user"), q.All("database")
		limit := q.Number("limit", 0)
		if err := q.Err(); err != nil {
			return http.StatusBadRequest, nil, err
		}
		entries := slices.DeleteFunc(hub.Incidents(), func(i relay.Incident) bool {
			return kind != "" && i.Kind != kind || !among(session, i.Session) || !among(user, i.User) || !among(database, i.Database)
		})
		if n := uint64(len(entries)); limit > 0 && n > limit {
			entries = entries[n-limit:]
		}
		return http.StatusOK, entries, nil
	}
}

// Interface guard
var _ caddy.AdminRouter = (*adminAPI)(nil)
