package pgtxn

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
)

// The file is what it is now, as soon as it is good.
func TestUsersFileChanges(t *testing.T) {
	var log bytes.Buffer
	path := newUsers(t, "a", "1")
	f, err := openUsers(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what, known string) {
		t.Helper()
		users := f.current()
		got := ""
		for _, name := range []string{"a", "b", "c"} {
			if _, ok := users.Lookup(name); ok {
				got += name
			}
		}
		if got != known {
			t.Errorf("%s: %q are known, want %q", what, got, known)
		}
	}
	complaints := func(n int) {
		t.Helper()
		if got := strings.Count(log.String(), "level=ERROR"); got != n {
			t.Errorf("%d complaints, want %d:\n%s", got, n, log.String())
		}
	}
	expect("as it was", "a")
	writeUsers(t, path, "a", "1", "b", "2")
	expect("replaced", "ab")
	// Within a tick of the file's time, and of the same length.
	write("\"c\" \"1\"\n\"b\" \"2\"\n")
	expect("written over", "bc")
	complaints(0)

	for range 3 {
		write("\"a\" \"secret-of-a\n")
		expect("bad", "bc")
	}
	complaints(1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	expect("gone", "bc")
	complaints(2)
	if strings.Contains(log.String(), "secret-of-a") {
		t.Errorf("the log has a secret:\n%s", log.String())
	}
	write("\"a\" \"1\"\n")
	expect("there again", "a")

	// A file that has not been touched for a while is not read.
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	expect("settled", "a")
	if f.seen.unsettled {
		t.Error("the file is not settled")
	}
	before := f.current()
	if f.current() != before {
		t.Error("it was read again")
	}
	complaints(2)
}
