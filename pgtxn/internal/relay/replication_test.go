package relay

import (
	"encoding/binary"
	"strings"
	"testing"
)

// Both-way streams: a replication connection, on which both ends send CopyData.

// readStream reads CopyData until one holds want, answers what asks for a reply,
// and returns how many there were.
func (c *client) readStream(want string) (n int) {
	c.t.Helper()
	for {
		typ, body, err := c.read()
		if err != nil || typ != 'd' {
			c.t.Fatalf("in the stream: %q %v", typ, err)
		}
		n++
		switch {
		case body[0] == 'w' && strings.Contains(string(body[25:]), want):
			return n
		case body[0] == 'k' && body[17] == 1:
			c.send(standbyStatus(binary.BigEndian.Uint64(body[1:])))
		}
	}
}

// standbyStatus tells how far the receiver has come.
func standbyStatus(at uint64) []byte {
	body := []byte{'r'}
	for range 3 {
		body = binary.BigEndian.AppendUint64(body, at)
	}
	return copyData(string(append(body, make([]byte, 9)...)))
}

// endStream ends the copying and reads the rest of the command's answer.
func (c *client) endStream() {
	c.t.Helper()
	c.send(copyDone)
	for line := c.line(); line != "c"; line = c.line() {
		if line[0] != 'd' {
			c.t.Fatal(line)
		}
	}
	c.until("Z I")
}

func TestReplicationLogical(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		writer, c := p.connect(t), p.connect(t, "replication", "database")
		if p.proxy != nil {
			p.proxy.cfg.PoolSize = 2
			p.proxy.Configure(p.proxy.cfg)
		}
		slot := "slot_" + p.database
		c.send(query("CREATE_REPLICATION_SLOT " + slot + " TEMPORARY LOGICAL test_decoding"))
		lines := c.until("Z")
		if !strings.HasPrefix(lines[1], "D "+slot+"|") {
			t.Fatal(lines)
		}
		writer.must("CREATE TABLE t (a int, b text)")
		if got := c.ask("SELECT 'SQL too'"); got != "D SQL too, C SELECT 1, Z I" {
			t.Error(got)
		}
		c.send(query("START_REPLICATION SLOT " + slot + " LOGICAL 0/0"))
		c.expect("W")
		writer.must("INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 500) g; INSERT INTO t VALUES (0, 'last one')")
		c.send(standbyStatus(0))
		if n := c.readStream("last one"); n < 500 {
			t.Errorf("only %d messages", n)
		}
		writer.must("SELECT 1")
		c.endStream()
		if got := c.ask("SELECT 'SQL again'"); got != "D SQL again, C SELECT 1, Z I" {
			t.Error(got)
		}
		c.leave()
		atRest(t, p)
	})
}

func TestReplicationPhysical(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t, "replication", "true")
		c.send(query("IDENTIFY_SYSTEM"))
		lines := c.until("Z")
		columns := strings.Split(strings.TrimPrefix(lines[1], "D "), "|")
		if len(columns) != 4 {
			t.Fatal(lines)
		}
		c.send(query("START_REPLICATION PHYSICAL " + columns[2] + " TIMELINE " + columns[1]))
		c.expect("W")
		sql(t, "postgres", "SELECT pg_logical_emit_message(true, 'test', 'the message of "+p.database+"')")
		c.readStream("the message of " + p.database)
		c.endStream()
		c.send(query("SHOW port"))
		if got := c.until("Z"); !strings.HasPrefix(got[1], "D ") {
			t.Error(got)
		}
		c.leave()
	})
}

// A stream that its client just leaves takes its backend along, and the place is
// free for others.
func TestReplicationDropped(t *testing.T) {
	p := database(t).behind(t, 1)
	for range 3 {
		c := p.connect(t, "replication", "database")
		slot := "slot_" + p.database
		c.send(query("CREATE_REPLICATION_SLOT " + slot + " TEMPORARY LOGICAL test_decoding"))
		c.until("Z")
		c.send(query("START_REPLICATION SLOT " + slot + " LOGICAL 0/0"))
		c.expect("W")
		c.drop()
		p.connect(t).must("SELECT 1")
	}
	atRest(t, p)
}
