package relay

import "testing"

// Pipelines: many messages before one Sync, several Syncs in one flight, Flush
// instead of Sync, and errors among them.

func TestPipelines(t *testing.T) {
	const zero = "E ERROR 22012 division by zero"
	fail, amid := oneShot("SELECT 1/0"), "Z I"
	if sql(t, "postgres", "SELECT current_setting('server_version_num')::int >= 180000") == "t" {
		amid = "Z T" // the implicit transaction goes on
	}
	tests := []struct {
		name string
		send [][]byte
		want []string
	}{
		{"Flush, and Sync later", [][]byte{oneShot("SELECT 1"), flushMsg}, []string{"1", "2", "D 1", "C SELECT 1"}},
		{"more before the Sync", [][]byte{oneShot("SELECT 2"), flushMsg}, []string{"1", "2", "D 2", "C SELECT 1"}},
		{"the Sync", [][]byte{syncMsg}, []string{"Z I"}},
		{"Flush and Sync with nothing between", [][]byte{flushMsg, syncMsg, flushMsg, syncMsg, syncMsg}, []string{"Z I", "Z I", "Z I"}},
		{"an error is answered at once, what follows is not until Sync", [][]byte{oneShot("SELECT 1"), fail}, []string{"1", "2", "D 1", "C SELECT 1", "1", zero}},
		{"skipped", [][]byte{oneShot("SELECT 3"), flushMsg, describeStmt("x"), closeStmt("x"), execute("", 0), syncMsg}, []string{"Z I"}},
		{"errors in several batches of one flight", [][]byte{fail, oneShot("SELECT 1"), syncMsg, oneShot("SELECT 2"), syncMsg, oneShot("SELECT 3"), fail, oneShot("SELECT 4"), syncMsg, query("SELECT 5")},
			[]string{"1", zero, "Z I", "1", "2", "D 2", "C SELECT 1", "Z I", "1", "2", "D 3", "C SELECT 1", "1", zero, "Z I", "T", "D 5", "C SELECT 1", "Z I"}},
		{"Query amid a pipeline", [][]byte{oneShot("SELECT 1"), query("SELECT 2"), oneShot("SELECT 3"), syncMsg},
			[]string{"1", "2", "D 1", "C SELECT 1", "T", "D 2", "C SELECT 1", amid, "1", "2", "D 3", "C SELECT 1", "Z I"}},
		{"Query that is skipped", [][]byte{fail, query("SELECT 2"), oneShot("SELECT 3"), syncMsg, query("SELECT 4")},
			[]string{"1", zero, "Z I", "T", "D 4", "C SELECT 1", "Z I"}},
		{"Query that fails amid a pipeline", [][]byte{oneShot("SELECT 1"), query("SELECT 1/0"), oneShot("SELECT 3"), syncMsg},
			[]string{"1", "2", "D 1", "C SELECT 1", zero, "Z I", "1", "2", "D 3", "C SELECT 1", "Z I"}},
		{"a transaction in one pipeline", [][]byte{oneShot("BEGIN"), oneShot("SET my.x = 1"), oneShot("COMMIT"), oneShot("SHOW my.x"), syncMsg},
			[]string{"1", "2", "C BEGIN", "1", "2", "C SET", "1", "2", "C COMMIT", "1", "2", "D 1", "C SHOW", "Z I"}},
		{"one that fails", [][]byte{oneShot("BEGIN"), oneShot("SET my.x = 2"), fail, oneShot("COMMIT"), syncMsg, oneShot("ROLLBACK"), syncMsg, query("SHOW my.x")},
			[]string{"1", "2", "C BEGIN", "1", "2", "C SET", "1", zero, "Z E", "1", "2", "C ROLLBACK", "Z I", "T", "D 1", "C SHOW", "Z I"}},
		{"empty ones", [][]byte{query(""), query(";"), oneShot(""), syncMsg, query("-- nothing")}, []string{"I", "Z I", "I", "Z I", "1", "2", "I", "Z I", "I", "Z I"}},
		{"Terminate behind it", [][]byte{oneShot("SELECT 1"), syncMsg, query("SELECT 2"), message('X')},
			[]string{"1", "2", "D 1", "C SELECT 1", "Z I", "T", "D 2", "C SELECT 1", "Z I", closedLine}},
	}
	both(t, func(t *testing.T, p place) {
		c, other := p.connect(t), p.connect(t)
		for _, test := range tests {
			t.Log(test.name)
			c.send(test.send...)
			c.expect(test.want...)
			if last := test.want[len(test.want)-1]; last == "Z I" { // then the backend is free for others
				other.must("SELECT 1")
			}
		}
		atRest(t, p)
	})
}

// A pipeline without a Sync keeps its transaction, and so its backend.
func TestPipelineOpenUntilSync(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		c.must("CREATE TABLE t (a int)")
		c.send(oneShot("INSERT INTO t VALUES (1)"), flushMsg)
		c.expect("1", "2", "C INSERT 0 1")
		if p.proxy == nil {
			if got := p.connect(t).value("SELECT count(*) FROM t"); got != "0" {
				t.Error("committed before Sync")
			}
		} else if views := p.proxy.Sessions(); views[0].State != "active" {
			t.Errorf("the session is %s", views[0].State)
		}
		c.send(syncMsg)
		c.expect("Z I")
		if got := p.connect(t).value("SELECT count(*) FROM t"); got != "1" {
			t.Error("not committed at Sync")
		}
	})
}

// What does not follow the protocol is refused as the server would.
func TestProtocolViolations(t *testing.T) {
	const badLength = "E FATAL 08P01 invalid message length" // PostgreSQL tells it to its log alone
	tests := []struct {
		name string
		send []byte
		want string
	}{
		{"unknown type", []byte{'!', 0, 0, 0, 4}, "E FATAL 08P01 invalid frontend message type 33"},
		{"zero", []byte{0, 0, 0, 0, 4}, "E FATAL 08P01 invalid frontend message type 0"},
		{"length too small", []byte{'Q', 0, 0, 0, 3}, badLength},
		{"length negative", []byte{'Q', 255, 255, 255, 255}, badLength},
		{"Execute too long", []byte{'E', 0, 1, 0, 0}, badLength},
		{"Describe too long", []byte{'D', 0, 1, 0, 0}, badLength},
		{"Close too long", []byte{'C', 1, 0, 0, 0}, badLength},
		{"Sync too long", []byte{'S', 0, 1, 0, 0}, badLength},
		{"Terminate too long", []byte{'X', 0, 1, 0, 0}, badLength},
	}
	both(t, func(t *testing.T, p place) {
		for _, test := range tests {
			c := p.connect(t)
			c.send(query("SELECT 1"), test.send)
			c.expect("T", "D 1", "C SELECT 1", "Z I")
			if got := c.line(); got != test.want && (test.want != badLength || got != closedLine) {
				t.Errorf("%s: %s, want %s", test.name, got, test.want)
			}
		}
		p.connect(t).must("SELECT 1")
		atRest(t, p)
	})
}

// Messages that are short of what their type needs.
func TestMalformedMessages(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		for _, m := range [][]byte{
			message('B', []byte("abc")), message('P', []byte("abc")), message('P', []byte("\x00abc")),
			message('D'), message('C'), message('E', []byte("abc")), message('Q', []byte("abc")), message('F', []byte("a")),
		} {
			c := p.connect(t)
			c.send(m, syncMsg)
			line := c.line()
			if len(line) < 13 || line[:13] != "E ERROR 08P01" && line[:13] != "E FATAL 08P01" {
				t.Errorf("%q: %s", m, line)
			}
			c.drop()
		}
		p.connect(t).must("SELECT 1")
		atRest(t, p)
	})
}
