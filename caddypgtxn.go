// Package caddypgtxn brings the modules of this repository into a build of
// Caddy: import it for its side effect, as xcaddy does.
//
// The modules are
//
//   - layer4.handlers.pgtxn, the pool of PostgreSQL connections (package pgtxn),
//     which takes caddy-l4's layer4 app to run in,
//   - pgtxn, the app that applies its configuration, and the short form's listeners,
//   - admin.api.pgtxn, what the admin API shows of it, and
//   - tlsreload, the app that serves certificates which are replaced while Caddy
//     runs (package tlsreload), with tls.get_certificate.tlsreload,
//     tls.client_auth.verifier.tlsreload and admin.api.tlsreload.
package caddypgtxn

import (
	_ "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn"     // registers the modules
	_ "github.com/caddy-pgtxn/caddy-pgtxn/tlsreload" // and those of this one
)
