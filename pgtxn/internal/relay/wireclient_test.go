package relay

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// patience is how long an answer may take before a test gives up: it is only met
// when something hangs.
const patience = time.Minute

// client speaks the protocol message by message, and reads the answers as the
// lines that show makes of them.
type client struct {
	t        testing.TB
	conn     net.Conn
	in       *bufio.Reader
	reported map[string]string
	pid      uint32 // of BackendKeyData
	secret   []byte
}

// connect logs in without a password; params are names and values.
func (p place) connect(t testing.TB, params ...string) *client {
	t.Helper()
	c := p.dial(t)
	c.login(append([]string{"user", p.user, "database", p.database}, params...)...)
	return c
}

// login sends a StartupMessage and reads up to the first ReadyForQuery.
func (c *client) login(params ...string) {
	c.t.Helper()
	c.send(startupMessage(3<<16, params...))
	for {
		switch line := c.line(); {
		case line == "Z I":
			return
		case line[0] == 'E' || isLast(line):
			c.t.Fatalf("login: %s", line)
		}
	}
}

// dial only connects.
func (p place) dial(t testing.TB) *client {
	t.Helper()
	c, err := dial(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	c.t = t
	t.Cleanup(c.drop)
	return c
}

func dial(addr string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return newClient(conn), nil
}

func newClient(conn net.Conn) *client {
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), reported: map[string]string{}}
}

// send writes all messages in one go.
func (c *client) send(messages ...[]byte) {
	c.t.Helper()
	c.write(slices.Concat(messages...))
}

func (c *client) write(data []byte) {
	c.t.Helper()
	_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.conn.Write(data); err != nil {
		c.t.Fatalf("sending: %v", err)
	}
}

// What stands for the end of the connection, and for an answer that does not come.
const (
	closedLine  = "closed"
	silenceLine = "no answer"
)

func isLast(line string) bool { return line == closedLine || line == silenceLine }

// read returns the next message.
func (c *client) read() (typ byte, body []byte, err error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	var head [5]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	_, err = io.ReadFull(c.in, body)
	return head[0], body, err
}

// line returns the next message as a line.
func (c *client) line() string {
	c.t.Helper()
	typ, body, err := c.read()
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return silenceLine
	}
	if err != nil {
		return closedLine // EOF or reset: the same to a client
	}
	switch typ {
	case 'S':
		name, rest, _ := wire.CString(body)
		value, _, _ := wire.CString(rest)
		c.reported[string(name)] = string(value)
	case 'K':
		c.pid, c.secret = binary.BigEndian.Uint32(body), body[4:]
	}
	return show(typ, body)
}

// expect reads as many lines as wanted and compares.
func (c *client) expect(want ...string) {
	c.t.Helper()
	var got []string
	for range want {
		got = append(got, c.line())
		if isLast(got[len(got)-1]) {
			break
		}
	}
	if !slices.Equal(got, want) {
		c.t.Fatalf("answers\n  got  %s\n  want %s", strings.Join(got, "\n       "), strings.Join(want, "\n       "))
	}
}

// until reads up to a line that begins with prefix and returns all.
func (c *client) until(prefix string) (lines []string) {
	c.t.Helper()
	for {
		line := c.line()
		lines = append(lines, line)
		if strings.HasPrefix(line, prefix) {
			return lines
		}
		if isLast(line) {
			c.t.Fatalf("%s before %q: %q", line, prefix, lines)
		}
	}
}

// ask runs one simple Query and returns its answer up to ReadyForQuery, less
// RowDescriptions.
func (c *client) ask(text string) string {
	c.t.Helper()
	c.send(query(text))
	lines := slices.DeleteFunc(c.until("Z"), func(l string) bool { return l == "T" })
	return strings.Join(lines, ", ")
}

// must runs one simple Query that has to succeed.
func (c *client) must(text string) {
	c.t.Helper()
	if got := c.ask(text); strings.HasPrefix(got, "E ") || strings.Contains(got, ", E ") {
		c.t.Fatalf("%s: %s", text, got)
	}
}

// value runs one simple Query of one row and column and returns its text.
func (c *client) value(text string) string {
	c.t.Helper()
	got := c.ask(text)
	row, _, ok := strings.Cut(got, ", C ")
	if !ok || !strings.HasPrefix(row, "D ") {
		c.t.Fatalf("%s: %s", text, got)
	}
	return row[2:]
}

// drop closes the connection without a goodbye.
func (c *client) drop() { c.conn.Close() }

// leave says goodbye and waits until the other end has closed.
func (c *client) leave() {
	c.t.Helper()
	c.send(message('X'))
	c.expect(closedLine)
	c.conn.Close()
}

// show writes a message from a server as one line: its type and what matters in it.
func show(typ byte, body []byte) string {
	switch typ {
	case 'Z':
		return "Z " + string(body)
	case 'C':
		return "C " + strings.TrimSuffix(string(body), "\x00")
	case 'D':
		return "D " + row(body)
	case 'E', 'N':
		f := wire.ParseError(body)
		return fmt.Sprintf("%c %s %s %s", typ, f.Severity, f.Code, f.Message)
	case 'S':
		return "S " + strings.Replace(strings.TrimSuffix(string(body), "\x00"), "\x00", "=", 1)
	case 'A':
		return "A " + strings.ReplaceAll(strings.TrimSuffix(string(body[4:]), "\x00"), "\x00", " ")
	case 'V':
		return "V " + column1(body)
	case 'd':
		return "d " + string(body)
	case 'R':
		return fmt.Sprint("R ", binary.BigEndian.Uint32(body))
	case 'v':
		return fmt.Sprintf("v %x %q", body[:4], strings.Split(strings.TrimSuffix(string(body[8:]), "\x00"), "\x00"))
	}
	return string(typ)
}

func row(body []byte) string {
	var columns []string
	for rest := body[2:]; len(rest) >= 4; {
		n := int32(binary.BigEndian.Uint32(rest))
		if rest = rest[4:]; n < 0 {
			columns = append(columns, "NULL")
			continue
		}
		columns = append(columns, string(rest[:n]))
		rest = rest[n:]
	}
	return strings.Join(columns, "|")
}

func column1(body []byte) string {
	if n := int32(binary.BigEndian.Uint32(body)); n < 0 {
		return "NULL"
	}
	return string(body[4:])
}
