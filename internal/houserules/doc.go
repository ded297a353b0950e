// Package houserules is the tests that hold the house together: which room may import what, and that every package
// says what it is. It has no code of its own; the table is in rooms_test.go.
package houserules
