// Package pgtest runs throw-away PostgreSQL servers for tests and for the commands of this repository.
//
//	s := pgtest.Start(t)                          // in a test: gone when the test is
//	s, err := pgtest.Run(ctx, pgtest.HBA(...))    // in a command: call s.Stop
//
// A server is a real one: its binaries are those of PGTEST_BIN, of the newest /usr/lib/postgresql/*/bin or of PATH, in
// this order; on Debian and Ubuntu, as root, they are installed with apt-get if there are none. It has one folder under
// os.TempDir, listens on 127.0.0.1 and on a Unix socket in that folder, and syncs nothing to disk. It ends and its
// folder goes when Stop is called, and also when the process that started it dies, however it dies.
//
// What initdb makes is kept as a template under os.TempDir and copied, so that only the first start on a machine pays
// for it. It needs a Unix: a shell and process groups.
package pgtest
