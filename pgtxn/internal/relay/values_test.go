package relay

import (
	"strings"
	"testing"
)

// Values of variables come to another backend byte for byte.

func TestValuesMove(t *testing.T) {
	tests := []struct {
		name string
		set  []string // statements, each a transaction, each on another backend
		show string
		want string
	}{
		{"quotes", []string{`SET my.x = 'it''s "quoted"'`}, "my.x", `it's "quoted"`},
		{"backslashes", []string{`SET my.x = 'a\b\\c\n'`}, "my.x", `a\b\\c\n`},
		{"escapes", []string{`SET my.x = E'a\\b\n\'\x41'`}, "my.x", "a\\b\n'A"},
		{"backslashes that escape", []string{`SET standard_conforming_strings = off`, `SET my.x = 'a\\b\'c'`, `SET standard_conforming_strings = on`}, "my.x", `a\b'c`},
		{"what looks like SQL", []string{`SET my.x = '''; DROP TABLE t; --'`}, "my.x", `'; DROP TABLE t; --`},
		{"dollars and braces", []string{`SET my.x = '$1 {a,"b",NULL} \{'`}, "my.x", `$1 {a,"b",NULL} \{`},
		{"NULL as a word", []string{`SET my.x = 'NULL'`}, "my.x", "NULL"},
		{"empty", []string{`SET my.x = 'a'`, `SET my.x = ''`}, "my.x", ""},
		{"blanks", []string{"SET my.x = '  \t\n '"}, "my.x", "  \t\n "},
		{"letters of many bytes", []string{`SET my.x = 'žluťoučký 日本 🐘'`}, "my.x", "žluťoučký 日本 🐘"},
		{"case", []string{`SET my.x = 'TenantA'`, `SET my.y = 'TENANTA'`}, "my.x", "TenantA"},
		{"a megabyte", []string{`SET my.x = '` + strings.Repeat("0123456789abcdef", 1<<16) + `'`}, "my.x", strings.Repeat("0123456789abcdef", 1<<16)},
		{"more than a name may have", []string{`SET my.x = '` + strings.Repeat("x", 200) + `'`}, "my.x", strings.Repeat("x", 200)},
		{"search_path of mixed case", []string{`SET search_path = "MySchema", public, PG_Catalog, "a b", "a""b", "$user"`}, "search_path", `"MySchema", public, pg_catalog, "a b", "a""b", "$user"`},
		{"search_path of one odd name", []string{`SET search_path = 'a, b'`}, "search_path", `"a, b"`},
		{"search_path empty", []string{`SET search_path = ''`}, "search_path", `""`},
		{"search_path twice", []string{`SET search_path = a`, `SET search_path TO b, "C"`}, "search_path", `b, "C"`},
		{"units", []string{`SET work_mem = 65536`, `SET statement_timeout = '90 s'`}, "work_mem", "64MB"},
		{"composed", []string{`SET DateStyle = 'SQL'`, `SET DateStyle = 'DMY'`}, "DateStyle", "SQL, DMY"},
		{"time zone by number", []string{`SET TIME ZONE -7`}, "TimeZone", "<-07>+07"},
		{"time zone as an interval", []string{`SET TIME ZONE INTERVAL '-08:30' HOUR TO MINUTE`}, "TimeZone", "<-08:30>+08:30"},
		{"a boolean by its beginning", []string{`SET enable_sort = of`}, "enable_sort", "off"},
		{"a name of mixed case", []string{`SET My.CaseX = 'x'`}, "mY.cASEx", "x"},
		{"an encoding", []string{`SET client_encoding = 'LATIN1'`, "SET my.x = 'caf\xe9'"}, "my.x", "caf\xe9"},
		{"an encoding behind the value", []string{`SET my.x = 'café'`, `SET client_encoding = 'LATIN1'`}, "my.x", "caf\xe9"},
		{"an encoding there and back", []string{`SET client_encoding = 'LATIN1'`, "SET my.x = 'caf\xe9'", `SET client_encoding = 'UTF8'`}, "my.x", "café"},
		{"a role of odd name", []string{`SET ROLE "odd ""role"`}, "role", `odd "role`},
	}
	p := database(t)
	direct := p.connect(t)
	direct.must(`DO $$ BEGIN CREATE ROLE "odd ""role"; EXCEPTION WHEN duplicate_object THEN END $$`)
	defer direct.must(`DROP ROLE "odd ""role"`)
	through := p.behind(t, 2)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := played(t, p.connect(t), test.set, test.show, nil)
			if want != test.want {
				t.Errorf("directly %.100q, not %.100q", want, test.want)
			}
			if got := played(t, through.connect(t), test.set, test.show, newMover(t, through)); got != want {
				t.Errorf("through the proxy %.100q, directly %.100q", got, want)
			}
		})
	}
}

// played runs statements, each of which is a transaction on another backend than
// the one before it if there is a mover, and returns the value in the end.
func played(t *testing.T, c *client, statements []string, name string, move *mover) (value string) {
	t.Helper()
	back := func() {}
	step := func(f func()) {
		if move != nil {
			pid := c.value(whoServes)
			back = move.away(pid)
		}
		f()
		back()
	}
	for _, s := range statements {
		step(func() { c.must(s) })
	}
	for range 2 {
		step(func() { value = c.ask("SHOW " + name) })
	}
	c.leave()
	if move != nil {
		move.a.leave()
		move.b.leave()
	}
	return strings.TrimSuffix(strings.TrimPrefix(value, "D "), ", C SHOW, Z I")
}
