package sqlscan

import (
	"strings"
	"testing"
)

var frequent = []struct{ name, text string }{
	{"Select", "SELECT abalance FROM pgbench_accounts WHERE aid = 12345"},
	{"Insert", "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 2, 3, 4, CURRENT_TIMESTAMP)"},
	{"Update", "UPDATE pgbench_accounts SET abalance = abalance + 5 WHERE aid = 12345"},
	{"Functions", "SELECT lower(name), count(*) FROM users GROUP BY 1"},
	{"Begin", "BEGIN"},
	{"Commit", "COMMIT"},
	{"Batch", "BEGIN; UPDATE t SET a = a + 1 WHERE b = 'x'; COMMIT;"},
}

var sink int

func scanAll(text []byte) {
	for s := New(text, Options{}); s.Next(); {
		sink += int(s.Statement().Kind)
	}
}

func TestAllocations(t *testing.T) {
	for _, f := range frequent {
		text := []byte(f.text)
		if n := testing.AllocsPerRun(100, func() { scanAll(text) }); n != 0 {
			t.Errorf("%s: %v allocations", f.text, n)
		}
	}
	// A savepoint costs its name and no more.
	text := []byte("SAVEPOINT a_name_that_does_not_fit_into_thirty_two_bytes")
	if n := testing.AllocsPerRun(100, func() { scanAll(text) }); n > 1 {
		t.Errorf("SAVEPOINT: %v allocations", n)
	}
}

func BenchmarkScan(b *testing.B) {
	cases := append(frequent[:len(frequent):len(frequent)],
		struct{ name, text string }{"Savepoint", "SAVEPOINT a"},
		struct{ name, text string }{"Set", "SET statement_timeout = '30s'"},
		struct{ name, text string }{"Rows", "INSERT INTO t (a, b) VALUES " + strings.Repeat("(12345, 'some text'), ", 5000) + "(1, 'x')"},
		struct{ name, text string }{"Literal", "INSERT INTO t (a) VALUES ('" + strings.Repeat("some text ", 10000) + "')"})
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			text := []byte(c.text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				scanAll(text)
			}
		})
	}
}
