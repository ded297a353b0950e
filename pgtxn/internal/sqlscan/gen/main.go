// Command gen asks a PostgreSQL server for its keywords and for the functions
// whose call leaves no trace in the session, and writes keywords.txt and
// functions.txt. It runs psql, which finds the server by PGHOST, PGPORT, PGUSER.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
)

// keywords: catcode is U unreserved, C not a function or type name, T only a
// function or type name, R reserved; see src/include/parser/kwlist.h.
const keywords = `SELECT word || ' ' || catcode::text FROM pg_get_keywords() ORDER BY word COLLATE "C"`

// functions lists the names of pg_catalog's functions that a query may call,
// and its types, which are called like functions in casts: json('{}').
//
// Left out, so that a call of them counts as unknown, are those that
//   - have traits of their own (see functionTraits),
//   - run SQL that they are given as text: query_to_xml, cursor_to_xml, ts_stat, ts_rewrite,
//   - tie something to the session: backups, replication origins and slots (a temporary one lives in its session),
//   - load code by name or change catalogs by the back door.
//
// The names at the end came with later servers: 16 to 18.
const functions = `
SELECT name COLLATE "C" FROM (
	SELECT proname::text FROM pg_proc
	WHERE pronamespace = 'pg_catalog'::regnamespace
	AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype,
		'language_handler'::regtype, 'index_am_handler'::regtype, 'table_am_handler'::regtype)
	AND 'internal'::regtype <> ALL (proargtypes)
	UNION
	SELECT typname FROM pg_type
	WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A'
	UNION
	SELECT regexp_split_to_table('any_value array_reverse array_sample array_shuffle array_sort casefold
		crc32 crc32c date_add date_subtract erf erfc gamma json_array json_arrayagg json_exists json_objectagg
		json_query json_scalar json_serialize json_table json_value lgamma merge_action pg_basetype
		pg_input_error_info pg_input_is_valid random_normal to_bin to_oct to_regtypemod unicode_assigned
		uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7 xmltext', '\s+')
) AS names (name)
WHERE name NOT IN ('set_config', 'setseed', 'currval', 'lastval',
	'pg_advisory_lock', 'pg_advisory_lock_shared', 'pg_try_advisory_lock', 'pg_try_advisory_lock_shared',
	'ts_stat', 'ts_rewrite', 'pg_import_system_collations', 'pg_extension_config_dump',
	'pg_stop_making_pinned_objects', 'pg_nextoid')
AND name !~ '^(query_to_|cursor_to_|binary_upgrade_|pg_replication_origin_|pg_replication_slot_|pg_logical_slot_)'
AND name !~ '^(pg_(create|copy|drop)_.*_slot$|pg_backup_|fmgr_|plpgsql_)'
ORDER BY 1`

func main() {
	for file, query := range map[string]string{"keywords.txt": keywords, "functions.txt": functions} {
		if err := write(file, query); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}

// write puts the rows that query returns into file, one a line.
func write(file, query string) error {
	cmd := exec.Command("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", query)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("psql: %w", err)
	}
	if bytes.Count(out, []byte("\n")) < 100 {
		return fmt.Errorf("%s: only %d bytes came", file, len(out))
	}
	return os.WriteFile(file, out, 0o644)
}
