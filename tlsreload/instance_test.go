package tlsreload_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What is kept of a set has private keys. It goes with the set, once a
// configuration without it has started, unless another instance has it too.
func TestKeptSets(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	set := func(name string) string { return "set " + name + " {\ncertificate DIR/a.crt DIR/a.key\n}\n" }
	expect := func(after string, want ...string) {
		t.Helper()
		files, err := os.ReadDir(filepath.Join(h.dir, "storage", "tlsreload", "last_good"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		var got []string
		for _, file := range files {
			got = append(got, strings.TrimSuffix(file.Name(), ".json"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q are kept, not %q", after, got, want)
		}
	}
	folder(t, h.dir, "storage", "tlsreload", "keeps")
	h.write(t, "storage/tlsreload/keeps/another.json", []byte(`["theirs"]`))

	h.start(t, set("a")+set("b")+set("c")+set("theirs")+"watch off")
	expect("a start", "a", "b", "c", "theirs")
	h.start(t, set("a")+set("b")+"watch off")
	expect("a configuration with two", "a", "b", "theirs")
	if err := h.load(t, h.caddyfile("set a {\ncertificate DIR/missing.crt\n}\nset new {\ncertificate DIR/missing.crt\n}")); err == nil {
		t.Error("a set without sources was loaded")
	}
	expect("a configuration that fails", "a", "b", "theirs")
	h.stop(t)
	expect("a stop", "a", "b", "theirs")
	h.start(t, set("a")+"watch off")
	expect("a start with one", "a", "theirs")
	h.start(t, set("a")+"watch off\nlast_good off")
	expect("last_good off", "theirs")
}
