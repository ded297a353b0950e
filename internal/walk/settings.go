package walk

import "strings"

// A setting is a variable that walks change.
type setting struct {
	name   string
	values []string  // as SET takes them, some of them wrong
	theirs [2]string // what the other clients set it to, as SHOW says it; "" if they leave it alone
}

var settings = []setting{
	{"application_name", []string{"one", "'two'", "'it''s'", "Three", "''", `'back\slash'`, "'four' -- not five\n"}, [2]string{"neighbour 1", "neighbour 2"}},
	{"DateStyle", []string{"'SQL'", "'DMY'", "SQL, DMY", "German", "'ISO', 'MDY'", "'nonsense'"}, [2]string{"Postgres, YMD", "ISO, DMY"}},
	{"IntervalStyle", []string{"iso_8601", "'sql_standard'", "nonsense"}, [2]string{"postgres_verbose", "iso_8601"}},
	{"timezone", []string{"'Asia/Tokyo'", "-7", "'UTC'", "'nowhere'", "2.5", "INTERVAL '+05:30' HOUR TO MINUTE"}, [2]string{"Pacific/Chatham", "Asia/Kathmandu"}},
	{"client_encoding", []string{"LATIN1", "'UTF8'", "'UNICODE'", "nonsense", "SQL_ASCII"}, [2]string{"LATIN9", "WIN1252"}},
	{"standard_conforming_strings", []string{"off", "on", "0"}, [2]string{"off", "on"}},
	{"default_transaction_read_only", []string{"on", "off", "maybe"}, [2]string{"", "off"}},
	{"default_transaction_isolation", []string{"serializable", "'repeatable read'", "'read committed'", "snapshot"}, [2]string{"read uncommitted", "repeatable read"}},
	{"work_mem", []string{"'1MB'", "65536", "'2048kB'", "'64mb'", "1"}, [2]string{"7111kB", "7222kB"}},
	{"statement_timeout", []string{"'10min'", "600000", "0", "-1", "'20 min'"}, [2]string{"71111s", "72222s"}},
	{"lock_timeout", []string{"'11min'", "700000", "'x'"}, [2]string{"61111s", "62222s"}},
	{"search_path", []string{`Foo,"Bar"`, "'a, b'", "public", "''", `"$user", public`, "a, 'B c', 'd''e'"}, [2]string{"neighbour1", `neighbour2, "N 2"`}},
	{"enable_sort", []string{"off", "tr", "yes", "2"}, [2]string{"off", "on"}},
	{"extra_float_digits", []string{"2", "0", "-15", "9"}, [2]string{"-1", "-2"}},
	{"random_page_cost", []string{"2.50", "1e1", "-1"}, [2]string{"3.25", "5"}},
	{"client_min_messages", []string{"error", "notice", "info", "warning"}, [2]string{"error", "log"}},
	{"log_min_duration_statement", []string{"'1h'", "-1", "3600001"}, [2]string{"7111s", "7222s"}}, // a superuser's
	{"xmloption", []string{"document", "content"}, [2]string{"document", "content"}},
	{"my.x", []string{"'€'", "1", "'it''s \"x\"'", "a, b", "''", "1.50", "on", `'a\b'`, "$$d;$$", "E'e\\'e'", "'é'", "U&'\\0061'"}, [2]string{`it's "1"`, `\2`}},
	{"My.Y", []string{"1", "'two'", "three", "DEFAULT"}, [2]string{"n 1", "n 2"}},
	{"role", []string{"none", "walk_a", `"Walk B"`, "'walk_a'", "nobody_has_this"}, [2]string{}},
	{"session_authorization", []string{"walk_a", `"Walk B"`, "'postgres'", "nobody_has_this"}, [2]string{}},
	{"transaction_isolation", []string{"'repeatable read'", "serializable"}, [2]string{}},
	{"transaction_read_only", []string{"on", "off"}, [2]string{}},
	{"max_connections", []string{"7"}, [2]string{}},        // can't be set
	{"no_such_setting", []string{"1", "two"}, [2]string{}}, // nor this
}

// lookedAt are the variables that are compared; those that last no longer than their transaction are not.
func lookedAt() []string {
	var names []string
	for _, s := range settings {
		switch s.name {
		case "transaction_isolation", "transaction_read_only", "max_connections", "no_such_setting":
		default:
			names = append(names, s.name)
		}
	}
	return names
}

// undefined stands for NULL in the answer to define.
const undefined = "never set"

// define is a query for custom settings, of which NULL is another answer than ”.
const define = "SELECT coalesce(current_setting('my.x', true), '" + undefined + "'), coalesce(current_setting('my.y', true), '" + undefined + "')"

// look is a query for the values of the variables.
func look(names []string) string {
	var asks []string
	for _, n := range names {
		asks = append(asks, "coalesce(current_setting('"+n+"', true), '')")
	}
	return "SELECT " + strings.Join(asks, ", ")
}

// Setup is what a new server needs for walks, said by the superuser in the database of the walks.
var Setup = []string{
	`CREATE ROLE walk_a SUPERUSER`,
	`CREATE ROLE "Walk B"`,
	`CREATE ROLE walk_user LOGIN`,
	`GRANT walk_a TO walk_user`,
	`ALTER ROLE walk_user SET work_mem = '6MB'`,
	`ALTER ROLE walk_user SET my.y = 'of the role'`,
	`CREATE TABLE walk_doomed (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)`,
	`INSERT INTO walk_doomed VALUES (1)`,
	`GRANT ALL ON walk_doomed TO PUBLIC`,
	`CREATE FUNCTION walk_hide(name text, value text, local bool) RETURNS text LANGUAGE SQL AS 'SELECT set_config(name, value, local)'`,
	`CREATE FUNCTION walk_caught(name text, value text, local bool) RETURNS void LANGUAGE plpgsql AS
		'BEGIN PERFORM set_config(name, value, local); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END'`,
}
