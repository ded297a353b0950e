package sqlscan

import (
	"strings"
	"testing"
)

// TestIdentifier covers what testdata/server.txt does not: names that the server refuses, or cuts.
func TestIdentifier(t *testing.T) {
	long := strings.Repeat("x", 60)
	tests := []struct{ text, want string }{
		{"ABC", "abc"},
		{"ÀB", "Àb"},
		{`"ABC"`, "ABC"},
		{`"a""b"`, `a"b`},
		{`U&"d\0061t\\"`, `dat\`},
		{`U&"d!0061t!!" UESCAPE '!'`, `dat!`},
		{`U&"\+01F600"`, "😀"},
		{`U&"\D83D\DE00"`, "😀"},
		{`U&"a""b"`, `a"b`},
		{`U&"\00`, "\uFFFD"},
		{`U&"\zzzz"`, "\uFFFD"},
		{`"a`, "a"},
		{`"`, ""},
		{`U&"`, ""},
		{long + "abcd", long + "abc"},
		{`"` + long + `abé"`, long + "ab"}, // é is two bytes, the second is the 64th
		{`"` + long + `aé"`, long + "aé"},
		{`"` + long + `é` + long + `"`, long + "éx"},
		{`"` + strings.Repeat("é", 40) + `"`, strings.Repeat("é", 31)},
		{`"` + strings.Repeat("\x80", 70) + `"`, ""}, // not UTF-8: no boundary to cut at
	}
	for _, tt := range tests {
		l := lexer{sql: []byte(tt.text)}
		if got := identifier(l.sql, l.next()); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestStrings(t *testing.T) {
	for k := Other; k <= Load; k++ {
		if k.String() == "" || k.String() == "?" {
			t.Errorf("kind %d has no name", k)
		}
	}
	if got := Kind(200).String(); got != "?" {
		t.Errorf("unknown kind: %q", got)
	}
	if got := (Temp | Writes | Calls).String(); got != "temp calls writes" {
		t.Errorf("traits: %q", got)
	}
}

// TestIncomplete has texts that the server refuses, which must still be one statement.
func TestIncomplete(t *testing.T) {
	tests := []struct{ text, want string }{
		{"SAVEPOINT", "SAVEPOINT"},
		{"SAVEPOINT 1", "SAVEPOINT"},
		{"RELEASE", "RELEASE"},
		{"RELEASE SAVEPOINT", `RELEASE "savepoint"`},
		{"ROLLBACK TO", "ROLLBACK TO"},
		{"ROLLBACK AND", "ROLLBACK"},
		{"START", "OTHER"},
		{"SET", `SET = ""`},
		{"SET LOCAL", `SET local = ""`},
		{"SET SESSION", `SET = ""`},
		{"SET x", `SET "x" = ""`},
		{"SET x =", `SET "x" = ""`},
		{"SET x.", `SET "x." = ""`},
		{"SET x = 'a", `SET "x" = "a"`},
		{"SET x = '", `SET "x" = ""`},
		{"SET x = '''", `SET "x" = "'"`},
		{"SET SESSION characteristics.x = 1", `SET "characteristics.x" = "1"`},
		{"SET x = $a$b", `SET "x" = "$a$b"`},
		{"SET x = $a$", `SET "x" = "$a$"`},
		{"SET TIME ZONE", `SET "timezone" = ""`},
		{"SET SESSION CHARACTERISTICS", "SET SESSION CHARACTERISTICS"},
		{"RESET", "RESET = default"},
		{"PREPARE", "PREPARE"},
		{"PREPARE TRANSACTION", `PREPARE "transaction"`},
		{"DEALLOCATE", "DEALLOCATE"},
		{"UNLISTEN", "UNLISTEN"},
		{"DISCARD", "DISCARD"},
		{"BEGIN ATOMIC SELECT 1", "BEGIN"},
		{"CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; SELECT 2", "OTHER [writes]"},
		{"CREATE FUNCTION f() BEGIN ATOMIC SELECT (1; END; SELECT 2", "OTHER [writes]"},
		{"SELECT (1; BEGIN", "OTHER"},
		{"SELECT 'a; BEGIN", "OTHER"},
		{"SELECT /* a; BEGIN", "OTHER"},
		{"SELECT 1)", "OTHER"},
		{")", "OTHER"},
		{"(", "OTHER"},
		{"f(1)", "OTHER"},
	}
	for _, tt := range tests {
		if got := describe(scanOne(t, tt.text)); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}
