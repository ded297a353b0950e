// Package wire is PostgreSQL's frontend/backend protocol 3 as bytes.
//
// It has three parts. Start-up: the packets a client sends before any message has a type
// (startup.go), the settings in its options parameter (options.go, switches.go), the answer to a
// protocol newer than ours (negotiate.go) and the messages of authentication (message.go).
// Framing: the heads of typed messages and the messages we make ourselves (framing.go). Errors:
// every error that the proxy itself sends to a client (errors.go; errors_console.go for the console),
// and a reader for the errors that a server sends (errorfields.go).
//
// The package knows bytes only: no sockets, no SQL.
package wire
