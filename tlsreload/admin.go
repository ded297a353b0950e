package tlsreload

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-pgtxn/caddy-pgtxn/adminapi"
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
	route := func(path, method string, answer func(*App, *http.Request) (int, any, error)) caddy.AdminRoute {
		methods := adminapi.Methods{method: ofCurrent(answer)}
		return caddy.AdminRoute{Pattern: path, Handler: caddy.AdminHandlerFunc(methods.Serve)}
	}
	return []caddy.AdminRoute{
		route("/tlsreload/reload", http.MethodPost, answerReload),
		route("/tlsreload/certificates", http.MethodGet, answerCertificates),
		route("/tlsreload/status", http.MethodGet, answerStatus),
	}
}

// ofCurrent finds the app that runs now: after a configuration that failed to
// load, a route may be that configuration's.
func ofCurrent(answer func(*App, *http.Request) (int, any, error)) adminapi.Answer {
	return func(r *http.Request) (int, any, error) {
		app := current()
		if app == nil {
			return http.StatusNotFound, nil, errors.New("the configuration that runs has no app tlsreload")
		}
		return answer(app, r)
	}
}

// answerReload: paths and keys are taken from the configuration only, never
// from the caller.
func answerReload(app *App, r *http.Request) (int, any, error) {
	query := adminapi.NewQuery(r)
	req := Request{Sets: query.All("set"), Trigger: "api"}
	req.DryRun, _ = query.Flag("dry_run")
	req.Force, _ = query.Flag("force")
	req.Drain, _ = query.Flag("drain")
	if err := query.Err(); err != nil {
		return http.StatusBadRequest, nil, err
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
