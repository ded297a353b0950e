package sqlscan

import (
	"slices"
	"strings"
	"testing"
)

// TestKeywords ties the constants to the list of their words.
func TestKeywords(t *testing.T) {
	words := strings.Fields(named)
	if len(words) != int(kwZone) || words[kwSavepoint-1] != "savepoint" || words[kwZone-1] != "zone" {
		t.Fatalf("%d words for %d constants, or not in their order", len(words), kwZone)
	}
	lines := strings.Split(strings.TrimSpace(keywordList), "\n")
	for i, word := range words {
		known := slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, word+" ") })
		if !known && word != "path" {
			t.Errorf("%q is no keyword", word)
		}
		if kw, class := lookup([]byte(strings.ToUpper(word))); kw != keyword(i+1) || class == 0 {
			t.Errorf("%q: found as %d of class %d", word, kw, class)
		}
	}
	for _, line := range lines {
		word, class, _ := strings.Cut(line, " ")
		if _, got := lookup([]byte(word)); string(got) != class {
			t.Errorf("%q: class %q, want %s", word, got, class)
		}
		if len(word) > maxKeyword {
			t.Errorf("%q is longer than maxKeyword", word)
		}
	}
	if kw, class := lookup([]byte("abalance")); kw != noKeyword || class != 0 {
		t.Errorf("abalance: found as %d of class %d", kw, class)
	}
}

func TestFunctions(t *testing.T) {
	if !strings.HasSuffix(harmless, "\n") {
		t.Fatal("the last line has no end")
	}
	names := strings.Split(strings.TrimSpace(harmless), "\n")
	if !slices.IsSorted(names) || len(names) < 2000 {
		t.Fatalf("%d functions, sorted: %v", len(names), slices.IsSorted(names))
	}
	for _, name := range names {
		if !isHarmless([]byte(name)) {
			t.Errorf("%s is in the list but not found", name)
		}
	}
	for _, name := range []string{"", "a", "zzz", "lowe", "lowerr", "\n",
		"set_config", "setseed", "currval", "lastval", "pg_advisory_lock", "pg_try_advisory_lock_shared",
		"query_to_xml", "cursor_to_xml", "ts_stat", "ts_rewrite", "pg_backup_start", "pg_backup_stop",
		"pg_replication_origin_session_setup", "pg_create_logical_replication_slot", "pg_create_physical_replication_slot",
		"pg_logical_slot_get_changes", "binary_upgrade_set_next_pg_type_oid", "dblink", "plpgsql_inline_handler"} {
		if isHarmless([]byte(name)) {
			t.Errorf("%q counts as harmless", name)
		}
	}
	for _, name := range []string{"lower", "abs", "xpath_exists", "count", "nextval", "current_setting", "pg_sleep",
		"pg_advisory_xact_lock", "pg_notify", "jsonb_build_object", "json", "generate_series", "json_query", "uuidv7"} {
		if !isHarmless([]byte(name)) {
			t.Errorf("%s does not count as harmless", name)
		}
	}
}
