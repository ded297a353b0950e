// Package caddypgtxn brings the modules of this repository into a build of
// Caddy: import it for its side effect, as xcaddy does.
//
// The modules are
//
//   - layer4.handlers.pgtxn, the pool of PostgreSQL connections (package pgtxn),
//     which takes caddy-l4's layer4 app to run in,
//   - pgtxn, the app that applies its configuration, and
//   - admin.api.pgtxn, what the admin API shows of it.
package caddypgtxn

import (
	_ "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn"     // registers the modules
	_ "github.com/caddy-pgtxn/caddy-pgtxn/tlsreload" // and those of this one
)
