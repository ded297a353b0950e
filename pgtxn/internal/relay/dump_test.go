package relay

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const dumped = `
	CREATE EXTENSION IF NOT EXISTS pg_trgm;
	CREATE TYPE mood AS ENUM ('sad', 'ok');
	CREATE TABLE a (id serial PRIMARY KEY, t text, m mood, at timestamptz DEFAULT '2026-01-02 03:04:05+06', f float8);
	CREATE TABLE b (id int REFERENCES a, data bytea);
	CREATE INDEX ON a USING gin (t gin_trgm_ops);
	CREATE VIEW v AS SELECT a.t, count(*) FROM a JOIN b USING (id) GROUP BY 1;
	CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
	CREATE TRIGGER tr BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f();
	INSERT INTO a (t, m, f) SELECT 'row ' || g, 'ok', g / 7.0 FROM generate_series(1, 2000) g;
	INSERT INTO b SELECT g, decode(md5(g::text), 'hex') FROM generate_series(1, 2000) g;
	SELECT lo_from_bytea(0, 'large object')`

// What pg_dump writes through the proxy is what it writes directly, byte by byte, also
// with several connections that share a snapshot; and pg_restore makes the same of it.
func TestDumpAndRestore(t *testing.T) {
	direct := database(t)
	c := direct.connect(t)
	version, _, _ := strings.Cut(c.reported["server_version"], " ")
	if out := direct.program(t, "", "pg_dump", "--version"); !strings.Contains(out, " "+version) {
		t.Skipf("the server is %s, and there is only %s", version, out)
	}
	c.must(dumped)
	through := direct.behind(t, 6)
	dump := func(p place, args ...string) string {
		t.Helper()
		return token.ReplaceAllString(p.program(t, "", "pg_dump", args...), "")
	}
	want := dump(direct)
	if got := dump(through); got != want || len(want) < 10000 {
		t.Errorf("the dump differs: %d bytes, and %d directly", len(got), len(want))
	}
	parallel := func(p place) (folder, script string) {
		folder = filepath.Join(t.TempDir(), "dump")
		p.program(t, "", "pg_dump", "-Fd", "-j", "4", "-f", folder)
		return folder, token.ReplaceAllString(p.program(t, "", "pg_restore", "-f", "-", folder), "")
	}
	_, wantScript := parallel(direct)
	folder, script := parallel(through)
	if script != wantScript || len(script) < 10000 {
		t.Errorf("the parallel dump differs: %d bytes, and %d directly", len(script), len(wantScript))
	}
	copied := database(t)
	copied.behind(t, 6).program(t, "", "pg_restore", "-j", "4", "-d", copied.database, folder)
	if got := dump(copied); got != want {
		t.Errorf("what was restored is dumped as %d bytes, not %d", len(got), len(want))
	}
	copied.connect(t).must("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
	c.must("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
}

// token is the random word with which psql is restricted in newer dumps.
var token = regexp.MustCompile(`(?m)^\\(un)?restrict .*$`)
