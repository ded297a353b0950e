// Package manual is the test that the documents are true: it walks all Markdown files of the project and does what they
// say. It has no code of its own.
//
// What becomes of a fenced block is told by the word behind its fence:
//
//   - caddyfile: adapted, validated, and compared with what caddy fmt makes of it. A whole file is then the Caddyfile of
//     the page's folder, for the commands below it. One that begins with an option or a handler is put where it belongs.
//   - sh: run by bash, in the page's folder, with a real Caddy and a PostgreSQL server of its own. It has to succeed;
//     "sh fails" has to fail; "sh background" is left running until the end of the page, and Caddy's admin API awaited.
//   - sql: run by psql as a superuser at that server.
//   - output: what the sh or sql block above it prints; … stands for anything.
//   - others are for reading.
//
// What a page takes for granted, such as a Caddy that runs, is done in comments that a reader does not see: <!-- sh, the
// commands, and --> on a line of its own. Blocks that can't be run are listed with the reason in notrun_test.go.
//
// The ports 2019, 5432, 6432 and 9180 are others in the test, and files in /etc are in the page's folder.
package manual
