// Package hba says how a client has to prove who it is, in the words of PostgreSQL's pg_hba.conf,
// and which users a certificate may be, in those of pg_ident.conf.
//
// A [Rule] is one line of pg_hba.conf, a [Mapping] one of pg_ident.conf. The first rule that a
// connection meets counts, whether or not the client then gets in. What takes more than the line and
// the connection (names of hosts, files of names) is not there, and an error.
package hba
