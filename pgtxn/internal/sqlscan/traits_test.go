package sqlscan

import (
	"strings"
	"testing"
)

// scanOne returns the only statement of a text.
func scanOne(t *testing.T, text string) Statement {
	t.Helper()
	s := New([]byte(text), Options{})
	if !s.Next() {
		t.Fatalf("%s: no statement", text)
	}
	st := s.Statement()
	if s.Next() {
		t.Fatalf("%s: a second statement: %s", text, describe(s.Statement()))
	}
	return st
}

// traitTests has texts, one a line, under the traits that each of them must have.
var traitTests = []struct{ traits, texts string }{
	// A name in front of a parenthesis that is no function.
	{"", `
			SELECT a, b FROM t WHERE a IN (1, 2) AND (b) = ANY ($1) OR EXISTS (SELECT 1) AND NOT (a = 1)
			SELECT count(*) FILTER (WHERE a > 1) OVER (PARTITION BY (b) ORDER BY (c)) FROM t
			SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t GROUP BY ROLLUP (a, b), CUBE (c), GROUPING SETS ((a), (b), ROLLUP (c))
			SELECT a::numeric(10, 2), CAST(b AS geometry(Point, 4326)), c::public.geometry(Point), d::character varying (3), INTERVAL '1' SECOND (2)
			SELECT * FROM t x(a, b), (VALUES (1, 2)) y (a, b), unnest(c) WITH ORDINALITY z(a, b) JOIN (SELECT 1) AS q(a) USING (a)
			SELECT * FROM json_to_recordset($1) AS x(a int, b geometry(Point), c numeric(10, 2))
			SELECT * FROM t "X" (a), ROWS FROM (generate_series(1, 2), unnest(b)) AS r(a, b), LATERAL (SELECT 1) l(a)
			SELECT * FROM t TABLESAMPLE bernoulli (10) REPEATABLE (20) FOR UPDATE OF t SKIP LOCKED
			SELECT a AT TIME ZONE ('UTC'), a LIKE ('x') ESCAPE ('y'), a NOT ILIKE (b), a SIMILAR TO ('c'), a OVERLAPS (b)
			SELECT coalesce(a, 1), nullif(a, b), greatest(1, 2), extract(year FROM now()), trim(both FROM a), ROW(1, 2), ARRAY(SELECT 1), current_timestamp(3), json('{}')
			SELECT DISTINCT ON (a) b FROM t FETCH FIRST (1) ROWS ONLY
			SELECT a OPERATOR(pg_catalog.+) b, pg_catalog.lower(c), "pg_catalog".upper(d)
			WITH RECURSIVE data(a) AS (SELECT 1), "Y" (b) AS NOT MATERIALIZED (SELECT 2), z (c) AS (SELECT 3) SELECT * FROM z
			EXPLAIN (COSTS OFF) SELECT lower(a) FROM t
			EXPLAIN VERBOSE (SELECT 1)
			COPY t (a, b) TO STDOUT (FORMAT csv, FORCE_QUOTE (a))
			PREPARE x (int, geometry(Point)) AS SELECT $1
			VACUUM (ANALYZE, VERBOSE) t (a, b)
			ANALYZE VERBOSE t (a, b)
			SHOW call
			NOTIFY call
			SELECT temp, temporary, local, "update", insert FROM temp`},
	{"writes", `
			INSERT INTO t (a, b) VALUES (1, 2), (3, lower('x')) ON CONFLICT (a) DO UPDATE SET (a, b) = ROW (1, 2) RETURNING (a)
			INSERT INTO public.t AS x (a) SELECT 1
			INSERT INTO "T" (a) OVERRIDING SYSTEM VALUE VALUES (1)
			INSERT INTO temp (a) VALUES (1)
			UPDATE t SET (a, b) = (1, 2), c = DEFAULT WHERE (a) = 1
			UPDATE data SET (a, b) = (1, 2)
			DELETE FROM ONLY (t) USING u x(a) WHERE a = 1
			MERGE INTO t USING u AS s(a, b) ON (t.a = s.a) WHEN NOT MATCHED THEN INSERT (a, b) VALUES (1, 2)
			WITH x(a) AS (INSERT INTO t (a) VALUES (1) RETURNING a) SELECT a FROM x
			WITH x AS (DELETE FROM t RETURNING a) SELECT a FROM x
			WITH x AS (SELECT 1) INSERT INTO t (a) SELECT 1
			WITH x AS (SELECT 1) UPDATE "T" SET a = 1
			WITH x AS (SELECT 1) DELETE FROM t
			EXPLAIN ANALYZE INSERT INTO t (a) VALUES (1)
			EXPLAIN (ANALYZE) DELETE FROM t
			SELECT 1 INTO t
			COPY t (a, b) FROM STDIN (FORMAT csv, FORCE_NULL (a))
			COPY (DELETE FROM t RETURNING a) TO STDOUT
			TRUNCATE t
			CREATE TABLE t (a int PRIMARY KEY, b geometry(Point), c int DEFAULT f(1) CHECK (f(c)) REFERENCES o (id), UNIQUE (a, b))
			CREATE TABLE p PARTITION OF t FOR VALUES FROM (1) TO (2) PARTITION BY RANGE (a)
			CREATE TABLE p (a int) PARTITION BY LIST (a)
			CREATE UNIQUE INDEX i ON t USING gist (f(a), b) INCLUDE (c) WHERE f(a) > 1
			CREATE VIEW v (a, b) AS SELECT f(1), 2
			CREATE FUNCTION f(a int) RETURNS numeric(10, 2) LANGUAGE sql RETURN g(a)
			CREATE TRIGGER g AFTER UPDATE ON t REFERENCING NEW TABLE AS n FOR EACH ROW EXECUTE FUNCTION f(1)
			CREATE MATERIALIZED VIEW m AS SELECT lower('a')
			ALTER TABLE t ADD COLUMN a geometry(Point), ADD CONSTRAINT c CHECK (a > 1), ADD FOREIGN KEY (a) REFERENCES o (id), ADD EXCLUDE USING gist (a WITH =)
			ALTER TABLE t ADD COLUMN a int DEFAULT 1 REFERENCES o (id), ADD COLUMN b mytype(3), ALTER COLUMN c TYPE text USING lower(c)
			DROP FUNCTION f(int)
			GRANT EXECUTE ON FUNCTION f(int) TO r
			COMMENT ON FUNCTION f(int) IS 'x'`},
	// Where an operand can stand.
	{"calls", `
			SELECT f(1)
			SELECT F (1)
			SELECT public.lower('X')
			SELECT db.pg_catalog.lower('X')
			SELECT "lower"('X')
			SELECT U&"low\0065r"('X')
			SELECT U&"low!0065r" UESCAPE '!' ('X')
			SELECT lower(f(1)) FROM t
			SELECT 1 + f(1), 2
			SELECT ARRAY[1, f(2)]
			SELECT DISTINCT f(1) FROM t
			SELECT DISTINCT ON (a) f(1) FROM t
			SELECT a OPERATOR(pg_catalog.+) f(1)
			SELECT a OPERATOR(public.+) b
			SELECT CASE WHEN a THEN f(1) ELSE 2 END
			SELECT a AT TIME ZONE f(1), a LIKE b ESCAPE 'x'
			SELECT a LIKE b ESCAPE f(1)
			SELECT a FROM f(1) AS t(a)
			SELECT a FROM t, f(1) t(a)
			SELECT a FROM t JOIN LATERAL f(t.a) x(b) ON true
			SELECT a FROM unnest(b) WITH ORDINALITY, f(1)
			SELECT a FROM ROWS FROM (f(1)) AS x
			SELECT a::timestamp WITH TIME ZONE, f(1)
			SELECT filter(1), first(2)
			SELECT is(1, 2, 'x')
			SELECT * FROM XMLTABLE('x' PASSING '<a/>' COLUMNS a int PATH f(1))
			SELECT a FROM t ORDER BY f(a)
			SELECT a FROM t GROUP BY a, f(a)
			SELECT a FROM t LIMIT f(1)
			SELECT count(*) FILTER (WHERE f(a)) OVER (ORDER BY b) FROM t
			SELECT query_to_xml('SELECT 1', true, true, '')
			WITH x AS (SELECT 1) SELECT a, f(1) FROM x
			WITH x AS (SELECT f(1)), y(a) AS (SELECT 2) SELECT a FROM y
			WITH x AS (SELECT 1) (SELECT 1) ORDER BY a, f(1)
			(SELECT 1) FETCH FIRST f(1) ROWS ONLY
			EXPLAIN ANALYZE SELECT f(1)
			PREPARE x AS SELECT f(1)
			PREPARE x (int) AS (SELECT f($1))
			DECLARE c CURSOR FOR SELECT f(1)
			COPY (SELECT f(1)) TO STDOUT
			CALL p()
			DO 'x'`},
	{"calls writes", `
			INSERT INTO t (a) VALUES (f(1))
			INSERT INTO t (a) SELECT f(1)
			INSERT INTO t (a) VALUES (1) RETURNING f(a)
			UPDATE t SET a = f(a)
			DELETE FROM t USING f(1) x WHERE x = 1
			MERGE INTO t USING f(1) s(a) ON t.a = s.a WHEN MATCHED THEN DELETE
			COPY t (a) FROM STDIN WHERE lower(b) = f(a)
			CREATE TABLE x AS SELECT f(1)
			CREATE TABLE x (a) AS (SELECT f(1))
			CREATE MATERIALIZED VIEW x AS SELECT f(1)
			CREATE TABLE p PARTITION OF t FOR VALUES IN (f(1))
			ALTER TABLE t ADD COLUMN a int DEFAULT f(1)
			ALTER TABLE t ADD CHECK (f(a))
			ALTER TABLE t ALTER a TYPE int USING f(a)
			ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (f(a)) STORED`},
	{"temp", `
			SELECT * FROM pg_temp.x
			SELECT a FROM public.y, "pg_temp".x
			SELECT a FROM t WHERE b = 'x' AND pg_temp.c = 1`},
	{"temp writes", `
			CREATE TEMP TABLE x (a int)
			CREATE OR REPLACE TEMPORARY VIEW x AS SELECT 1
			CREATE GLOBAL TEMPORARY TABLE x AS SELECT 1
			CREATE LOCAL TEMP SEQUENCE x
			CREATE FUNCTION pg_temp.x() RETURNS int LANGUAGE sql AS 'SELECT 1'
			SELECT 1 INTO TEMP x
			SELECT 1 INTO LOCAL TEMPORARY TABLE x
			EXPLAIN ANALYZE CREATE TEMP TABLE x AS SELECT 1`},
	{"set_config", `
			SELECT set_config('a.b', $1, true)
			SELECT Pg_Catalog.Set_Config('search_path', '', false)
			SELECT lower(set_config('a.b', 'c', false)) FROM t
			EXPLAIN ANALYZE SELECT set_config('a.b', 'c', false)`},
	{"set_config calls", `SELECT "set_config"('a.b', 'c', false)`},
	{"set_config writes", `
			UPDATE pg_settings SET setting = 'x' WHERE name = 'y'
			UPDATE pg_catalog."pg_settings" SET setting = 'x'
			INSERT INTO t (a) VALUES (set_config('a.b', 'c', false))`},
	{"writes", `INSERT INTO t (a) SELECT name FROM pg_settings`},
	{"sequence", `
			SELECT currval('s')
			SELECT LASTVAL()`},
	{"sequence writes", `
			CREATE TABLE t (a int DEFAULT nextval('s'), b int DEFAULT -1 * currval('s'))
			CREATE VIEW v AS SELECT a FROM t WHERE a = lastval()`},
	{"writes", `CREATE TABLE currval (lastval int, a numeric(3), b int DEFAULT nextval('s'))`},
	{"draws", `
			SELECT nextval('s'), random()
			SELECT pg_catalog.setval('s', 1)`},
	{"calls prepared", `
			EXECUTE x
			EXPLAIN ANALYZE EXECUTE x (1)`},
	{"calls writes prepared", `CREATE TABLE x AS EXECUTE y`},
	{"prepared", `
			SELECT name FROM pg_prepared_statements WHERE NOT from_sql
			TABLE pg_catalog."pg_prepared_statements"
			SELECT * FROM pg_prepared_statement()`},
	{"seed", `SELECT setseed(0.5)`},
	{"advisory-lock", `
			SELECT pg_advisory_lock(1)
			SELECT pg_advisory_lock_shared(1)
			SELECT pg_try_advisory_lock(1, 2)
			SELECT pg_try_advisory_lock_shared(1)`},
	{"", `
			SELECT pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(2), pg_advisory_unlock(1), pg_advisory_unlock_all()
			SELECT 'set_config(1)', $$f(1)$$ -- f(1)
			SELECT set_config FROM t`},
	{"hold", `DECLARE c INSENSITIVE CURSOR WITH HOLD FOR SELECT 1`},
	{"", `DECLARE c CURSOR FOR WITH hold AS (SELECT 1) SELECT * FROM hold`},
	{"seed", `SET seed TO 0.5`},
	{"temp", `
			SET search_path = 'pg_temp', public
			SET search_path = E'pg_temp'
			SET LOCAL search_path TO app, pg_temp`},
	{"", `SET application_name = 'pg_temp'`},
}

func TestTraits(t *testing.T) {
	for _, tt := range traitTests {
		for text := range strings.Lines(tt.texts) {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			if got := scanOne(t, text).Traits.String(); got != tt.traits {
				t.Errorf("%s\n got %q, want %q", text, got, tt.traits)
			}
		}
	}
}

// TestDepth checks that what is too deep to be followed counts as a call.
func TestDepth(t *testing.T) {
	nest := func(n int) string { return "SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }
	if got := scanOne(t, nest(maxDepth)).Traits; got != 0 {
		t.Errorf("%d parentheses: %s", maxDepth, got)
	}
	if got := scanOne(t, nest(maxDepth+1)).Traits; got != Calls {
		t.Errorf("%d parentheses: %q", maxDepth+1, got)
	}
	if got := scanOne(t, nest(100000)).Traits; got != Calls {
		t.Errorf("100000 parentheses: %q", got)
	}
}
