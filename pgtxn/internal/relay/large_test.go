package relay

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Large things pass in pieces: what the proxy needs for them does not depend on
// their size. Client and proxy are one process here, and the client keeps nothing.

const (
	largest    = 64 << 20
	large      = 32 << 20
	largeBound = 8 << 20 // by which the process may grow meanwhile, garbage included
)

// growth runs f and returns by how much it made the process grow, at most.
func growth(t *testing.T, f func()) int {
	t.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Fatal("the peak of memory can't be reset: ", err)
	}
	before := memory(t, "VmRSS")
	f()
	grew := memory(t, "VmHWM") - before
	if info, _ := debug.ReadBuildInfo(); slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		grew /= 5 // the race detector has four bytes for each that is used for the first time
	}
	return grew
}

// memory is a line of /proc/self/status, in bytes.
func memory(t *testing.T, name string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// skim reads messages up to one of type end and returns how many bytes those of
// type typ held.
func (c *client) skim(typ, end byte) (held int) {
	c.t.Helper()
	buf := make([]byte, 64<<10)
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(patience))
		var head [5]byte
		if _, err := io.ReadFull(c.in, head[:]); err != nil {
			c.t.Fatal(err)
		}
		rest := int(binary.BigEndian.Uint32(head[1:])) - 4
		if head[0] == 'E' {
			body, _ := io.ReadAll(io.LimitReader(c.in, int64(rest)))
			c.t.Fatal(show('E', body))
		}
		if head[0] == typ {
			held += rest
		}
		for rest > 0 {
			_ = c.conn.SetReadDeadline(time.Now().Add(patience))
			n, err := c.in.Read(buf[:min(rest, len(buf))])
			if err != nil {
				c.t.Fatal(err)
			}
			rest -= n
		}
		if head[0] == end {
			return held
		}
	}
}

// pour sends a message of type typ: before, then n bytes, then after.
func (c *client) pour(typ byte, before []byte, n int, after []byte) {
	c.t.Helper()
	total := 4 + len(before) + n + len(after)
	c.send([]byte{typ}, binary.BigEndian.AppendUint32(nil, uint32(total)), before)
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	for ; n > 0; n -= min(n, len(chunk)) {
		c.write(chunk[:min(n, len(chunk))])
	}
	c.send(after)
}

func TestLargeRowsAndParameters(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		largest, large := largest, large
		if p.proxy == nil { // that PostgreSQL can do it needs no large proof
			largest, large = 1<<20, 1<<20
		}
		bindHead := append([]byte("\x00s\x00\x00\x00\x00\x01"), int32s(largest)...)
		statementHead := []byte("SELECT length('")
		tests := []struct {
			name string
			do   func()
		}{
			{"a value in a row", func() {
				c.send(query(fmt.Sprintf("SELECT repeat('x', %d)", largest)))
				if n := c.skim('D', 'Z'); n != 6+largest {
					t.Error(n, "bytes of a row")
				}
			}},
			{"many rows", func() {
				c.send(query("SELECT repeat('x', 1000) FROM generate_series(1, 60000)"))
				if n := c.skim('D', 'Z'); n != 60000*1006 {
					t.Error(n, "bytes in rows")
				}
			}},
			{"a parameter", func() {
				c.send(parse("s", "SELECT length($1)", 25))
				c.pour('B', bindHead, largest, []byte{0, 0})
				c.send(execute("", 0), closeStmt("s"), syncMsg)
				c.expect("1", "2", fmt.Sprint("D ", largest), "C SELECT 1", "3", "Z I")
			}},
			{"a FunctionCall's argument", func() {
				const oidTextLen = 1257
				c.pour('F', append(append(int32s(oidTextLen), 0, 0, 0, 1), int32s(large)...), large, []byte{0, 0})
				c.expect(fmt.Sprint("V ", large), "Z I")
			}},
			{"COPY data in one message", func() {
				c.must("CREATE TABLE t (a text); ALTER TABLE t ALTER a SET STORAGE EXTERNAL")
				c.send(query("COPY t FROM STDIN"))
				c.expect("G")
				c.pour('d', nil, large, []byte("\n"))
				c.send(copyDone)
				c.expect("C COPY 1", "Z I")
			}},
			{"COPY data the other way", func() {
				c.send(query("COPY t TO STDOUT"))
				if n := c.skim('d', 'Z'); n != large+1 {
					t.Error(n, "bytes of copy data")
				}
				c.must("DROP TABLE t")
			}},
			{"a statement", func() {
				c.pour('Q', statementHead, large, []byte("')\x00"))
				c.expect("T", fmt.Sprint("D ", large), "C SELECT 1", "Z I")
			}},
			{"a prepared statement", func() {
				c.pour('P', append([]byte("big\x00"), statementHead...), large, []byte("')\x00\x00\x00"))
				c.send(describeStmt("big"), bind("", "big"), execute("", 0), syncMsg, closeStmt("big"), syncMsg)
				c.expect("1", "t", "T", "2", fmt.Sprint("D ", large), "C SELECT 1", "Z I", "3", "Z I")
			}},
			{"an unnamed one", func() {
				c.pour('P', append([]byte("\x00"), statementHead...), large, []byte("')\x00\x00\x00"))
				c.send(bind("", ""), execute("", 0), syncMsg, bind("", ""), execute("", 0), syncMsg)
				c.expect("1", "2", fmt.Sprint("D ", large), "C SELECT 1", "Z I", "2", fmt.Sprint("D ", large), "C SELECT 1", "Z I")
			}},
		}
		for _, test := range tests {
			if grew := growth(t, test.do); grew > largeBound {
				t.Errorf("%s: memory grew by %d MB", test.name, grew>>20)
			}
		}
		c.leave()
		atRest(t, p)
	})
}

// A statement too long to be read is passed all the same, and its session pinned.
func TestOversizedStatements(t *testing.T) {
	p := database(t).behind(t, 2, func(cfg *Config) { cfg.MaxStatement = 1000 })
	long := "/*" + strings.Repeat("x", 1000) + "*/"
	tests := []struct {
		name string
		send [][]byte
		want []string
	}{
		{"Query", [][]byte{query(long + "SELECT 1")}, []string{"T", "D 1", "C SELECT 1", "Z I"}},
		{"several statements", [][]byte{query(long + "SET my.x = 'a'; BEGIN"), query("SHOW my.x"), query("COMMIT")},
			[]string{"C SET", "C BEGIN", "Z T", "T", "D a", "C SHOW", "Z T", "C COMMIT", "Z I"}},
		{"with an error", [][]byte{query(long + "SELECT 1/0"), query(long + "nonsense")},
			[]string{"E ERROR 22012 division by zero", "Z I", `E ERROR 42601 syntax error at or near "nonsense"`, "Z I"}},
		{"Parse", [][]byte{parse("", "SELECT 'short'"), parse("", long+"SELECT 2"), bind("", ""), execute("", 0), syncMsg, bind("", ""), execute("", 0), syncMsg},
			[]string{"1", "1", "2", "D 2", "C SELECT 1", "Z I", "2", "D 2", "C SELECT 1", "Z I"}},
		{"what the one before was does not count", [][]byte{parse("", "COMMIT"), parse("", long+"BEGIN"), bind("", ""), execute("", 0), syncMsg, query("ROLLBACK")},
			[]string{"1", "1", "2", "C BEGIN", "Z T", "C ROLLBACK", "Z I"}},
		{"named", [][]byte{parse("a", long+"SELECT 3"), syncMsg, describeStmt("a"), bind("", "a"), execute("", 0), closeStmt("a"), bind("", "a"), syncMsg},
			[]string{"1", "Z I", "t", "T", "2", "D 3", "C SELECT 1", "3", `E ERROR 26000 prepared statement "a" does not exist`, "Z I"}},
	}
	other := p.connect(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := p.connect(t)
			c.must("SET my.y = 'applied first'")
			other.must("SET my.y = 'other'") // so that c's values have to be applied again
			c.send(test.send...)
			c.expect(test.want...)
			if got := c.value("SHOW my.y"); got != "applied first" {
				t.Error(got)
			}
			pinned := false
			for _, view := range p.proxy.Sessions() {
				pinned = pinned || strings.Contains(strings.Join(view.Pins, ","), "oversized statement")
			}
			if !pinned {
				t.Error("nobody is pinned")
			}
			c.leave()
		})
	}
	atRest(t, p)
}
