package pgtxn

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

func init() {
	caddy.RegisterModule(&adminAPI{})
}

// adminAPI shows the sessions and pools of the process, whatever configuration
// they were begun under:
//
//	GET /pgtxn/sessions        all sessions, oldest first
//	GET /pgtxn/sessions/<id>   one
//	GET /pgtxn/pools           all pools, by user and database
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
	show := view(strings.TrimPrefix(r.URL.Path, "/pgtxn/"))
	if show == nil {
		return notFound(fmt.Errorf("there is nothing at %s; see /pgtxn/sessions, /pgtxn/sessions/<id> and /pgtxn/pools", r.URL.Path))
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return caddy.APIError{
			HTTPStatus: http.StatusMethodNotAllowed,
			Err:        fmt.Errorf("%s can only be read, with GET", r.URL.Path),
		}
	}
	hub, err := theHub()
	if err != nil {
		return err
	}
	answer, err := show(hub)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}

// view returns what shows the things at a path below /pgtxn/, or nil.
func view(path string) func(*relay.Hub) (any, error) {
	id, one := strings.CutPrefix(path, "sessions/")
	switch {
	case path == "sessions":
		return func(hub *relay.Hub) (any, error) { return hub.Sessions(), nil }
	case path == "pools":
		return func(hub *relay.Hub) (any, error) { return hub.Pools(), nil }
	case one && id != "" && !strings.Contains(id, "/"):
		return func(hub *relay.Hub) (any, error) {
			session, found := hub.Session(id)
			if !found {
				return nil, notFound(fmt.Errorf("there is no session %s, or it has ended", id))
			}
			return session, nil
		}
	}
	return nil
}

func notFound(err error) error {
	return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: err}
}

// Interface guard
var _ caddy.AdminRouter = (*adminAPI)(nil)
