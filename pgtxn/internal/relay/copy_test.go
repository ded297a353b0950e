package relay

import (
	"strings"
	"testing"
)

// COPY in both protocols. What follows each COPY shows that nobody has lost count.

func TestCopyIn(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		c.must("CREATE TABLE t (a int, b text)")
		rows := strings.Repeat("1\tx\n", 10)
		start := [][]byte{parse("", "COPY t FROM STDIN"), bind("", ""), execute("", 0)}
		steps := []struct {
			name string
			send [][]byte
			want []string
		}{
			{"simple", [][]byte{query("COPY t FROM STDIN")}, []string{"G"}},
			{"data and CopyDone", [][]byte{copyData(rows), copyData(rows), copyDone}, []string{"C COPY 20", "Z I"}},
			{"libpq: Sync behind Execute", append(start, syncMsg), []string{"1", "2", "G"}},
			{"and once more behind CopyDone", [][]byte{copyData(rows), copyDone, syncMsg}, []string{"C COPY 10", "Z I"}},
			{"no Sync behind Execute", append(start, flushMsg), []string{"1", "2", "G"}},
			{"Flush and Sync among the data", [][]byte{copyData(rows), flushMsg, syncMsg, copyData(rows), copyDone, syncMsg}, []string{"C COPY 20", "Z I"}},
			{"all in one flight, simple", [][]byte{query("COPY t FROM STDIN"), copyData(rows), copyDone}, []string{"G", "C COPY 10", "Z I"}},
			{"all in one flight, extended", append(start, copyData(rows), copyDone, syncMsg), []string{"1", "2", "G", "C COPY 10", "Z I"}},
			{"all in one flight, libpq", append(start, syncMsg, copyData(rows), copyDone, syncMsg), []string{"1", "2", "G", "C COPY 10", "Z I"}},
			{"and more behind it", append(start, copyData(rows), copyDone, oneShot("SELECT 7"), syncMsg, query("SELECT 8")),
				[]string{"1", "2", "G", "C COPY 10", "1", "2", "D 7", "C SELECT 1", "Z I", "T", "D 8", "C SELECT 1", "Z I"}},
			{"two in one message", [][]byte{query("COPY t FROM STDIN; COPY t FROM STDIN; SELECT 9")}, []string{"G"}},
			{"the second", [][]byte{copyData(rows), copyDone}, []string{"C COPY 10", "G"}},
			{"and the rest", [][]byte{copyDone}, []string{"C COPY 0", "T", "D 9", "C SELECT 1", "Z I"}},
			{"simple with a Sync", [][]byte{query("COPY t FROM STDIN"), syncMsg, copyDone}, []string{"G", "C COPY 0", "Z I"}},
		}
		for _, s := range steps {
			t.Log(s.name)
			c.send(s.send...)
			c.expect(s.want...)
		}
		if got := c.ask("SELECT count(*) FROM t"); got != "D 100, C SELECT 1, Z I" {
			t.Error(got)
		}
		atRest(t, p)
	})
}

func TestCopyInFails(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		c.must("CREATE TABLE t (a int, b text)")
		start := [][]byte{parse("", "COPY t FROM STDIN"), bind("", ""), execute("", 0)}
		const failed = "E ERROR 57014 COPY from stdin failed: no more"
		const bad = `E ERROR 22P02 invalid input syntax for type integer: "x"`
		steps := []struct {
			name string
			send [][]byte
			want []string
		}{
			{"CopyFail, simple", [][]byte{query("COPY t FROM STDIN"), copyData("1\tx\n"), copyFail("no more")}, []string{"G", failed, "Z I"}},
			{"CopyFail, extended", append(start, copyData("1\tx\n"), copyFail("no more"), syncMsg), []string{"1", "2", "G", failed, "Z I"}},
			{"CopyFail, libpq", append(start, syncMsg), []string{"1", "2", "G"}},
			{"and Sync", [][]byte{copyFail("no more"), syncMsg}, []string{failed, "Z I"}},
			{"server, simple", [][]byte{query("COPY t FROM STDIN"), copyData("x\tx\n"), copyData("1\t1\n"), copyDone}, []string{"G", bad, "Z I"}},
			{"server, extended", append(start, copyData("x\tx\n"), copyData("1\t1\n"), copyDone, syncMsg), []string{"1", "2", "G", bad, "Z I"}},
			{"server, libpq", append(start, syncMsg), []string{"1", "2", "G"}},
			{"and Sync", [][]byte{copyData("x\tx\n"), copyDone, syncMsg}, []string{bad, "Z I"}},
			{"data that nobody wants", [][]byte{copyData("1\t1\n"), copyFail("x"), copyDone, query("SELECT 1")}, []string{"T", "D 1", "C SELECT 1", "Z I"}},
			{"refused before it begins", append(start[1:1], parse("", "COPY missing FROM STDIN"), bind("", ""), execute("", 0), syncMsg),
				[]string{"1", "2", `E ERROR 42P01 relation "missing" does not exist`, "Z I"}},
			{"in a transaction", [][]byte{query("BEGIN"), query("COPY t FROM STDIN"), copyData("x\n")}, []string{"C BEGIN", "Z T", "G"}},
			{"that fails", [][]byte{copyDone}, []string{bad, "Z E"}},
			{"and ends", [][]byte{query("COMMIT")}, []string{"C ROLLBACK", "Z I"}},
		}
		for _, s := range steps {
			t.Log(s.name)
			c.send(s.send...)
			c.expect(s.want...)
		}
		if got := c.ask("SELECT count(*) FROM t"); got != "D 0, C SELECT 1, Z I" {
			t.Error(got)
		}
		atRest(t, p)
	})
}

// A COPY into what can't be copied into fails after CopyInResponse and before the
// server reads the Sync that libpq has sent behind Execute: that one is answered.
func TestCopyInFailsBeforeItReads(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		c.must("CREATE VIEW v AS SELECT 1 AS a")
		c.send(parse("", "COPY v FROM STDIN"), bind("", ""), execute("", 0), syncMsg)
		const bad = `E ERROR 42809 cannot copy to view "v"`
		c.expect("1", "2", "G", bad, "Z I")
		c.send(copyData("1\n"), copyDone, syncMsg)
		c.expect("Z I")
		if got := c.ask("SELECT 5"); got != "D 5, C SELECT 1, Z I" {
			t.Error(got)
		}
		c.send(parse("", "COPY v FROM STDIN"), bind("", ""), execute("", 0), syncMsg, copyData("1\n"), copyDone, syncMsg, query("SELECT 6"))
		c.expect("1", "2", "G", bad, "Z I", "Z I", "T", "D 6", "C SELECT 1", "Z I")
	})
}

func TestCopyOut(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		const sql = "COPY (SELECT generate_series(1, 3)) TO STDOUT"
		c.send(query(sql))
		c.expect("H", "d 1\n", "d 2\n", "d 3\n", "c", "C COPY 3", "Z I")
		c.send(oneShot(sql), oneShot("SELECT 4"), syncMsg)
		c.expect("1", "2", "H", "d 1\n", "d 2\n", "d 3\n", "c", "C COPY 3", "1", "2", "D 4", "C SELECT 1", "Z I")
		c.send(query("COPY (SELECT 1 / (3 - g) FROM generate_series(1, 5) g) TO STDOUT"))
		c.expect("H", "d 0\n", "d 1\n", "E ERROR 22012 division by zero", "Z I")
		atRest(t, p)
	})
}

// Data of every length goes through unchanged, from a table to another.
func TestCopyCarriesAllBytes(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		from, to := p.connect(t), p.connect(t)
		from.must("CREATE TABLE a AS SELECT g, repeat(chr(33 + g % 90), g * 37 % 5000) AS s FROM generate_series(1, 2000) g")
		from.must("CREATE TABLE b (LIKE a)")
		from.send(query("COPY a TO STDOUT"))
		lines := from.until("Z")
		data := lines[1 : len(lines)-3]
		to.send(query("COPY b FROM STDIN"))
		to.expect("G")
		for _, d := range data {
			to.send(copyData(d[2:]))
		}
		to.send(copyDone)
		to.expect("C COPY 2000", "Z I")
		if got := to.value("SELECT count(*) FROM (TABLE a EXCEPT TABLE b) d"); got != "0" {
			t.Error(got, "rows differ")
		}
	})
}
