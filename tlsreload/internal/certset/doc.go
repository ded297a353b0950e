// Package certset is what tlsreload knows of certificates without touching the
// world: how a pair is read from PEM, what is wrong with a set of them, what
// changed from one set to the next, and which certificate a client gets.
//
// All values are immutable once made. A [Snapshot] holds the sets that are
// served at one time; replacing the pointer to it is the reload.
package certset
