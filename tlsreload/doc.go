// Package tlsreload is an app of Caddy that serves certificates from files,
// folders, storage and loaders of Caddy's, and replaces them in the running
// process: at a call of the admin API, at a signal, or when the files change.
//
// What the sources hold is read, checked as a whole and swapped at once. If
// anything is wrong with it, what was served before goes on being served; at
// start that is the last good set, which is kept in Caddy's storage. Clients
// notice nothing: no listener is touched and no connection closed.
//
// The fields of [App] and [Set] are the manual of the options. Where things are:
//
//	internal/certset   pure: PEM, what is wrong with a set, which certificate a client gets
//	source*.go         reading a set's files, folders, storage and loaders;  selfsigned.go  a pair of our own
//	app.go, reload.go  the life of the app, and of a reload
//	lastgood.go        what is kept for a start with broken sources
//	instance.go        which sets an instance keeps; the mark of an unclean end
//	manager.go         serving to all of Caddy, as a certificate manager
//	serve.go           serving to a listener that asks this package itself, as pgtxn does
//	drain.go           which connections are on a certificate that is no longer served
//	probe.go, doors.go handshakes with ourselves
//	watch.go, signal_unix.go   noticing that files have changed, or SIGUSR1
//	ocsp.go            stapling
//	clientauth.go      certificates of clients;  upstream.go  those shown to servers
//	status.go, managed.go, admin.go, metrics.go, events.go, command.go   what operators see
package tlsreload
