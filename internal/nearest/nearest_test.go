package nearest

import (
	"slices"
	"testing"
)

func TestChanges(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"same", "same", 0},
		{"kitten", "sitting", 3}, {"pool_size", "poolsize", 1}, {"ab", "ba", 2},
	} {
		if got := changes(test.a, test.b); got != test.want {
			t.Errorf("changes(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestOf(t *testing.T) {
	known := []string{"SHOW POOLS", "SHOW CLIENTS", "PAUSE"}
	for word, want := range map[string]string{
		"SHOW POOL": "SHOW POOLS", "PAUS": "PAUSE", "SHOW CLINTS": "SHOW CLIENTS", "SELECT": "", "x": "", "": "",
	} {
		if got := Of(word, slices.Values(known)); got != want {
			t.Errorf("Of(%q) = %q, want %q", word, got, want)
		}
	}
}
