package adminapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// Methods are the answers of one route, by HTTP method. What answers GET answers HEAD.
type Methods map[string]Answer

// Answer returns a status and what to show as JSON, or an error, which is shown with the status.
type Answer func(*http.Request) (status int, body any, err error)

// Serve answers r.
func (m Methods) Serve(w http.ResponseWriter, r *http.Request) error {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	answer := m[method]
	if answer == nil {
		return notAllowed(w, r, m.allowed())
	}
	status, body, err := answer(r)
	if err != nil {
		return caddy.APIError{HTTPStatus: status, Err: err}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(body)
}

// ServeFile answers r with what is not JSON, by file.
func ServeFile(w http.ResponseWriter, r *http.Request, file http.HandlerFunc) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return notAllowed(w, r, "GET, HEAD")
	}
	file(w, r)
	return nil
}

func notAllowed(w http.ResponseWriter, r *http.Request, allowed string) error {
	w.Header().Set("Allow", allowed)
	return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("%s takes %s, not %s", r.URL.Path, allowed, r.Method)}
}

func (m Methods) allowed() string {
	var methods []string
	for _, method := range slices.Sorted(maps.Keys(m)) {
		methods = append(methods, method)
		if method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	return strings.Join(methods, ", ")
}

// Query reads the parameters of a request. Its methods note the first error, for [Query.Err].
type Query struct {
	values url.Values
	known  []string
	err    error
}

// NewQuery returns that of r.
func NewQuery(r *http.Request) *Query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	return &Query{values: values, err: err}
}

// All returns the values of a parameter that may be repeated.
func (q *Query) All(name string) []string {
	q.known = append(q.known, name)
	return q.values[name]
}

// Text returns a parameter of one value, or "". If words are given it is one of them.
func (q *Query) Text(name string, words ...string) string {
	values := q.All(name)
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		q.fail("%s: it is given more than once", name)
	case len(words) > 0 && !slices.Contains(words, values[0]):
		q.fail("%s: expected one of %s, not '%s'", name, strings.Join(words, ", "), values[0])
	}
	return values[0]
}

// Name is a Text that may be left out, but not be empty: who gives a name does not mean all of them.
func (q *Query) Name(name string) string {
	text := q.Text(name)
	if text == "" && q.values.Has(name) {
		q.fail("%s: it is empty; leave it out for all", name)
	}
	return text
}

// Flag reads ?name, ?name=true or ?name=false; given is whether it is there.
func (q *Query) Flag(name string) (value, given bool) {
	text := q.Text(name)
	if text == "" {
		return q.values.Has(name), q.values.Has(name)
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		q.fail("%s: expected true or false, not '%s'", name, text)
	}
	return value, true
}

// Number reads a whole number that is not negative.
func (q *Query) Number(name string, otherwise uint64) uint64 {
	text := q.Text(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		q.fail("%s: expected a number, not '%s'", name, text)
	}
	return n
}

// Duration reads a duration such as 30s.
func (q *Query) Duration(name string) caddy.Duration {
	text := q.Text(name)
	if text == "" {
		return 0
	}
	d, err := caddy.ParseDuration(text)
	if err != nil || d < 0 {
		q.fail("%s: expected a duration such as 30s, not '%s'", name, text)
	}
	return caddy.Duration(d)
}

func (q *Query) fail(format string, args ...any) {
	if q.err == nil {
		q.err = fmt.Errorf(format, args...)
	}
}

// Err returns what is wrong with the parameters, those that nobody has asked for included.
func (q *Query) Err() error {
	for _, name := range slices.Sorted(maps.Keys(q.values)) {
		if !slices.Contains(q.known, name) {
			known := "it takes none"
			if len(q.known) > 0 {
				known = "there are " + strings.Join(q.known, ", ")
			}
			q.fail("unknown parameter %s; %s", name, known)
		}
	}
	return q.err
}
