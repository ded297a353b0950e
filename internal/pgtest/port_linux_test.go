package pgtest

import (
	"runtime"
	"testing"
)

// What one has got, nobody else gets, though it is not listened on.
func TestFreePortIsReserved(t *testing.T) {
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if err := reserve(port); err == nil {
		t.Errorf("port %d was given twice", port)
	}
}
