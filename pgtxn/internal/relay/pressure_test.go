package relay

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Back pressure: who does not read is not read from, nothing piles up in between,
// and others are served meanwhile.

// stuffs writes all, in the background, and says when it can't go on for a while.
func (c *client) stuffs(all []byte) (stuck <-chan struct{}, done <-chan error) {
	full, end := make(chan struct{}), make(chan error, 1)
	go func() {
		for told := false; ; {
			_ = c.conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			n, err := c.conn.Write(all)
			all = all[n:]
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				end <- err
				return
			}
			if n == 0 && !told {
				close(full)
				told = true
			}
		}
	}()
	return full, end
}

// nextNumber reads up to a row whose first column is a number.
func (c *client) nextNumber() (n int) {
	c.t.Helper()
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(patience))
		head, err := c.in.Peek(11) // type, length, columns, length of the first
		if err != nil {
			c.t.Fatal(err)
		}
		row, size, digits := head[0] == 'D', 1+int(binary.BigEndian.Uint32(head[1:])), int(binary.BigEndian.Uint32(head[7:]))
		if row {
			head, _ = c.in.Peek(11 + digits)
			for _, digit := range head[11:] {
				n = 10*n + int(digit-'0')
			}
		}
		if _, err := c.in.Discard(size); err != nil || row {
			return n
		}
	}
}

// A client writes megabytes of queries before it reads the first answer.
func TestPipelineNotRead(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		if p.proxy != nil {
			p.proxy.cfg.PoolSize = 2
			p.proxy.Configure(p.proxy.cfg)
		}
		c, other := p.connect(t), p.connect(t)
		const queries, size = 4000, 10000
		padding := "/*" + strings.Repeat(" ", size) + "*/"
		var all []byte
		for i := range queries / 2 {
			all = append(all, query(fmt.Sprintf("SELECT %d, repeat('x', %d) %s", 2*i, size, padding))...)
			all = append(all, oneShot(fmt.Sprintf("SELECT %d, repeat('x', %d) %s", 2*i+1, size, padding))...)
			all = append(all, syncMsg...)
		}
		stuck, done := c.stuffs(all)
		select {
		case <-stuck:
		case err := <-done:
			t.Fatal("all was taken without an answer being read: ", err)
		}
		other.must("SELECT 1")
		for i := range queries {
			if got := c.nextNumber(); got != i {
				t.Fatalf("answer %d is that to query %d", i, got)
			}
		}
		c.until("Z")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		atRest(t, p)
	})
}

// A client does not read a large result: the server waits, not the proxy's memory.
func TestResultNotRead(t *testing.T) {
	p := database(t).behind(t, 2)
	c, other := p.connect(t), p.connect(t)
	grew := growth(t, func() {
		c.send(query("SELECT repeat('x', 1000) FROM generate_series(1, 60000)"))
		eventually(t, "the server waits for its client", func() bool {
			return sql(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite' AND datname = '"+p.database+"'") == "1"
		})
		for range 100 {
			other.must("SELECT 1")
		}
		if n := c.skim('D', 'Z'); n != 60000*1006 {
			t.Error(n, "bytes in rows")
		}
	})
	if grew > largeBound {
		t.Errorf("memory grew by %d MB", grew>>20)
	}
	atRest(t, p)
}

// The server does not read, being busy, and its client sends a large parameter.
func TestParameterNotRead(t *testing.T) {
	p := database(t).behind(t, 2)
	c, other := p.connect(t), p.connect(t)
	other.must("CREATE TABLE t (a int)")
	other.must("BEGIN; LOCK TABLE t")
	parameter := bind("", "", strings.Repeat("x", large))
	grew := growth(t, func() {
		c.send(query("SELECT count(*) FROM t"), parse("", "SELECT length($1)", 25))
		stuck, done := c.stuffs(parameter)
		select {
		case <-stuck:
		case err := <-done:
			t.Fatal("all was taken though the server does not read: ", err)
		}
		other.must("COMMIT")
		c.expect("T", "D 0", "C SELECT 1", "Z I")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		c.send(execute("", 0), syncMsg)
		c.expect("1", "2", fmt.Sprint("D ", large), "C SELECT 1", "Z I")
	})
	if grew > largeBound {
		t.Errorf("memory grew by %d MB", grew>>20)
	}
	atRest(t, p)
}

// COPY fails early, and its client goes on sending: the data is read and dropped
// to the end, and the client is heard again behind it.
func TestCopyDataNobodyWants(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c, other := p.connect(t), p.connect(t)
		c.must("CREATE TABLE t (a int)")
		for range 5 {
			c.send(query("COPY t FROM STDIN"))
			c.expect("G")
			data := copyData(strings.Repeat("not a number\n", 5000))
			_, done := c.stuffs([]byte(strings.Repeat(string(data), 300)))
			c.expect(`E ERROR 22P02 invalid input syntax for type integer: "not a number"`, "Z I")
			other.must("SELECT 1")
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			c.send(copyDone)
			if got := c.ask("SELECT 'goes on'"); got != "D goes on, C SELECT 1, Z I" {
				t.Fatal(got)
			}
		}
		atRest(t, p)
	})
}

// A client that does not read, and leaves, does not keep the backend.
func TestResultNeverRead(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.send(query("SELECT repeat('x', 1000) FROM generate_series(1, 60000)"))
	eventually(t, "the server waits for its client", func() bool {
		return sql(t, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite' AND datname = '"+p.database+"'") == "1"
	})
	c.drop()
	p.connect(t).must("SELECT 1")
	atRest(t, p)
}
