// Package monitoring is the tests of the files in this folder, in a module of their own for the sake of what they need.
package monitoring
