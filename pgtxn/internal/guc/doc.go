// Package guc holds the variables of one session as an immutable value.
//
// A Set is what PostgreSQL's SHOW would answer, for the variables that were
// changed: each has a session layer, and while a transaction lasts perhaps a
// local one (SET LOCAL) over it. A variable that is at its start-up value is not
// in the Set at all, so a session just started is the nil *Set.
//
// Changing a Set makes another one that shares all it can with the first. To
// remember the variables as they were at a savepoint is to keep a pointer, and
// to go back is to use it, whether nothing is set or three hundred variables
// are. The Set is a treap: a search tree by name and a heap by a hash of the
// name. Equal sets therefore have equal shapes, however they came about, and
// the difference of two sets is found without looking at what they share.
package guc
