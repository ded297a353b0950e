// Package pgtxn is a handler of Caddy's layer4 app that lets many PostgreSQL
// clients share few server connections, one transaction at a time, with each
// client's session variables kept as on a connection of its own.
//
// This package is the glue to Caddy, and its [Handler]'s fields are the manual
// of the options. The work is done in the rooms under internal: the sessions,
// the pools and the event loops belong to one relay.Hub for the process, which
// outlives every configuration, since layer-4 connections do so too.
//
// A [Handler] turns its options into a relay.Config and hands its connections
// to the hub. The [App] gives the hub the sizes and times of the configuration
// that runs, and listens for the short form of the Caddyfile. The admin routes
// ask the hub what there is.
package pgtxn
