package console

import (
	"fmt"
	"testing"
)

func TestStatements(t *testing.T) {
	for text, want := range map[string]string{
		"":                              `[]`,
		" ; ;-- no\n;":                  `[]`,
		"SHOW POOLS":                    `[["SHOW" "POOLS"]]`,
		"show\tpools;PAUSE /* x;y */ a": `[["show" "pools"] ["PAUSE" "a"]]`,
		`PAUSE "My ""db"";"`:            `[["PAUSE" "My \"db\";"]]`,
		`PAUSE ""`:                      `[["PAUSE" ""]]`,
		`SET a='it''s'; x`:              `[["SET" "a=it's"] ["x"]]`,
		`PAUSE "no end`:                 `[["PAUSE" "no end"]]`,
		`PAUSE "`:                       `[["PAUSE" ""]]`,
		`a/* no end`:                    `[["a"]]`,
		`a-- no end`:                    `[["a"]]`,
	} {
		if got := fmt.Sprintf("%q", statements(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// Nothing that is sent makes it fall over.
func FuzzStatements(f *testing.F) {
	f.Add(`PAUSE "My ""db"";" -- x`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, words := range statements(text) {
			if len(words) == 0 {
				t.Errorf("%q: an empty statement", text)
			}
			_, _, _ = find(words)
		}
	})
}
