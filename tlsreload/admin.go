package tlsreload

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
)

func init() {
	caddy.RegisterModule(&adminAPI{})
}

// adminAPI shows and reloads the sets of the configuration that runs:
//
//	POST /tlsreload/reload         all sets, or ?set=<name>, which may be repeated; &dry_run, &force, &drain
//	GET  /tlsreload/certificates   the certificates that are served
//	GET  /tlsreload/status         the sets, how their reloads went, and Caddy's own certificates
type adminAPI struct{}

// CaddyModule returns the Caddy module information.
func (*adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.tlsreload",
		New: func() caddy.Module { return new(adminAPI) },
	}
}

// Routes returns the routes of the admin API.
func (*adminAPI) Routes() []caddy.AdminRoute {
	route := func(path string, answer func(*App, *http.Request) (int, any, error), methods ...string) caddy.AdminRoute {
		return caddy.AdminRoute{Pattern: path, Handler: caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			return serve(w, r, methods, answer)
		})}
	}
	return []caddy.AdminRoute{
		route("/tlsreload/reload", answerReload, http.MethodPost),
		route("/tlsreload/certificates", answerCertificates, http.MethodGet, http.MethodHead),
		route("/tlsreload/status", answerStatus, http.MethodGet, http.MethodHead),
	}
}

// serve finds the app that runs now: after a configuration that failed to load,
// this route may be that configuration's.
func serve(w http.ResponseWriter, r *http.Request, methods []string, answer func(*App, *http.Request) (int, any, error)) error {
	if !slices.Contains(methods, r.Method) {
		w.Header()["Allow"] = methods
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("%s takes %v, not %s", r.URL.Path, methods, r.Method)}
	}
	app := current()
	if app == nil {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("the configuration that runs has no app tlsreload")}
	}
	status, body, err := answer(app, r)
	if err != nil {
		return caddy.APIError{HTTPStatus: status, Err: err}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(body)
}

// answerReload: paths and keys are taken from the configuration only, never
// from the caller.
func answerReload(app *App, r *http.Request) (int, any, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return http.StatusBadRequest, nil, err
	}
	req := Request{Sets: query["set"], Trigger: "api"}
	for name := range query {
		switch name {
		case "set":
		case "dry_run":
			req.DryRun, err = flag(query, name)
		case "force":
			req.Force, err = flag(query, name)
		case "drain":
			req.Drain, err = flag(query, name)
		default:
			err = fmt.Errorf("unknown parameter %s; there are set, dry_run, force and drain", name)
		}
		if err != nil {
			return http.StatusBadRequest, nil, err
		}
	}
	if req.DryRun && req.Drain {
		return http.StatusBadRequest, nil, errors.New("dry_run and drain: a dry run ends no connection; leave out one of the two")
	}
	result, err := app.reload(req)
	if err != nil {
		return http.StatusNotFound, nil, err
	}
	if result.Result == resultFailed {
		return http.StatusUnprocessableEntity, result, nil
	}
	return http.StatusOK, result, nil
}

// flag reads ?name, ?name=true or ?name=false.
func flag(query url.Values, name string) (bool, error) {
	value := query.Get(name)
	if value == "" {
		return true, nil
	}
	set, err := strconv.ParseBool(value)
	if err != nil {
		return false, fmt.Errorf("%s: expected true or false, not '%s'", name, value)
	}
	return set, nil
}

func answerCertificates(app *App, _ *http.Request) (int, any, error) {
	sets := []SetView{}
	for _, set := range app.snapshot.Load().Sets {
		sets = append(sets, viewSet(set, nil))
	}
	return http.StatusOK, sets, nil
}

func answerStatus(app *App, _ *http.Request) (int, any, error) {
	return http.StatusOK, app.status(), nil
}

// Interface guard
var _ caddy.AdminRouter = (*adminAPI)(nil)
