// Package sqlscan reads the text of a query as PostgreSQL's own lexer and
// grammar would, far enough to tell its statements apart and to say what each
// one does to the session.
//
// A simple Query message and a Parse message both carry SQL text. A Scanner
// walks it: Next moves to the next non-empty statement, for which the server
// will send one CommandComplete, and Statement says its Kind (BEGIN, SET,
// ROLLBACK TO, …) and its Traits (creates temporary objects, takes an advisory
// lock, calls a function that nobody knows, …).
//
// The package judges text only. It never decides whether a statement is valid:
// for a text that the server will refuse any answer will do, as long as it
// comes in bounded time. Where a text can be read in two ways the careful one
// is taken: a name in front of a parenthesis is a call of an unknown function
// unless it is known not to be one.
package sqlscan
