// Package page is the page that shows sessions, pools and certificates in a browser: plain HTML, CSS and JavaScript in
// files/, which read the admin API's JSON.
package page

import (
	"bytes"
	"embed"
	"net/http"
	"time"
)

//go:embed files
var embedded embed.FS

// policy lets the page load its own files, ask its own origin, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Find returns what answers a GET or HEAD of one of the page's files, "" for the page itself, or nil if there is no such
// file.
func Find(name string) http.HandlerFunc {
	if name == "" {
		name = "index.html"
	}
	content, err := embedded.ReadFile("files/" + name)
	if err != nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // by which Caddy's admin API knows where a request comes from
		h.Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	}
}
