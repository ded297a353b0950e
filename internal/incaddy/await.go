package incaddy

import (
	"testing"
	"time"
)

// Await waits until a condition is true of which nobody gives a signal, such as what an HTTP endpoint or another
// process says. The limit is only met when something hangs.
func Await(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("still not: %s", what)
		}
	}
}
