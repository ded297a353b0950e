package relay

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Sessions that listen leave their backend to others, and hear what they would hear
// on a connection of their own.

// onTheListener waits until n sessions of the place hold no backend, though they listen.
func (p place) onTheListener(t *testing.T, n int) {
	t.Helper()
	if p.proxy == nil {
		return
	}
	eventually(t, fmt.Sprint(n, " sessions without a backend that listen"), func() bool {
		found := 0
		for _, v := range p.proxy.Sessions() {
			if len(v.Channels) > 0 && v.Backend == nil && len(v.Pins) == 0 {
				found++
			}
		}
		return found == n
	})
}

// Ten listeners, one backend: each hears of each notification once, in the order of
// the commits, whoever works meanwhile.
func TestListenersShareABackend(t *testing.T) {
	p := database(t)
	speaker := p.connect(t)
	p = p.behind(t, 1)
	const listeners = 10
	var clients []*client
	for i := range listeners {
		c := p.connect(t)
		c.must(fmt.Sprintf("LISTEN all_of_you; LISTEN c%d", i))
		clients = append(clients, c)
	}
	p.onTheListener(t, listeners)
	speaker.must("NOTIFY all_of_you, 'one'; NOTIFY all_of_you, 'two'; NOTIFY c3, 'three'")
	for i, c := range clients {
		c.expect("A all_of_you one", "A all_of_you two")
		if i == 3 {
			c.expect("A c3 three")
		}
		c.must("SELECT 1")
	}
	clients[3].must("UNLISTEN c3")
	p.onTheListener(t, listeners)
	speaker.must("NOTIFY c3, 'to nobody'; NOTIFY all_of_you, 'four'")
	for _, c := range clients {
		c.expect("A all_of_you four")
	}
}

// What a transaction does to channels is effective when it has committed, and as far
// as it was not rolled back.
func TestListenInTransactions(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		speaker := p.connect(t)
		c := p.connect(t)
		channels := func() string {
			return c.value("SELECT concat_ws(',', VARIADIC ARRAY(SELECT pg_listening_channels() ORDER BY 1))")
		}
		c.must(`CREATE FUNCTION hidden(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE what; END $$`)
		steps := []struct{ do, channels string }{
			{"BEGIN; LISTEN a; SAVEPOINT s; LISTEN b; ROLLBACK TO s; LISTEN c; COMMIT", "a,c"},
			{"BEGIN; UNLISTEN a; LISTEN d; ROLLBACK", "a,c"},
			{"BEGIN; SAVEPOINT s; UNLISTEN *; ROLLBACK TO s; UNLISTEN c; COMMIT", "a"},
			{`LISTEN "We ""shout"""`, `We "shout",a`},
			{"SELECT hidden('LISTEN b')", `We "shout",a,b`},
			{"SELECT hidden('UNLISTEN a')", `We "shout",b`},
			{"BEGIN; LISTEN x; SELECT 1/0; COMMIT", `We "shout",b`},
			{"UNLISTEN *; LISTEN e", "e"},
			{"DISCARD ALL", ""},
			{"LISTEN f; LISTEN f", "f"},
			{"RESET ALL; UNLISTEN nothing", "f"},
		}
		heard := 0
		for _, step := range steps {
			for statement := range strings.SplitSeq(step.do, "; ") {
				c.ask(statement)
			}
			if got := channels(); got != step.channels {
				t.Fatalf("%s: listens to %q, not %q", step.do, got, step.channels)
			}
			listens := 0
			if step.channels != "" {
				listens = 1
			}
			p.onTheListener(t, listens)
			if got := channels(); got != step.channels {
				t.Fatalf("%s: later it listens to %q, not %q", step.do, got, step.channels)
			}
			var want []string
			for _, channel := range strings.Split(step.channels, ",") {
				if channel != "" {
					heard++
					speaker.must(fmt.Sprintf(`SELECT pg_notify('%s', '%d')`, channel, heard))
					want = append(want, fmt.Sprintf("A %s %d", channel, heard))
				}
			}
			c.expect(want...)
		}
	})
}

// Nothing comes in a transaction. What was sent in it comes with its end, be it the
// client's own or another's.
func TestNotifiedBetweenTransactions(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		if p.proxy != nil {
			p = database(t).behind(t, 2)
		}
		speaker, c := p.connect(t), p.connect(t)
		c.must("LISTEN a")
		p.onTheListener(t, 1)
		c.must("BEGIN")
		speaker.must("NOTIFY a, 'theirs'")
		c.send(query("SELECT 1"), query("NOTIFY a, 'mine'"), query("COMMIT"))
		c.expect("T", "D 1", "C SELECT 1", "Z T", "C NOTIFY", "Z T", "C COMMIT", "A a theirs", "A a mine", "Z I")
		p.onTheListener(t, 1)
		c.send(oneShot("NOTIFY a, 'again'"), syncMsg)
		c.expect("1", "2", "C NOTIFY", "A a again", "Z I")
		c.must("BEGIN; LISTEN b")
		c.send(query("PREPARE TRANSACTION 'x'"))
		c.expect("E ERROR 0A000 cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY", "Z I")
	})
}

// While clients come and go between backends and the listener, and others commit
// notifications as fast as they can, each hears of all, once and in order.
func TestNoNotificationIsLost(t *testing.T) {
	p := database(t)
	p.connect(t).must("CREATE SEQUENCE s")
	const rounds, listeners = 400, 6
	speaker := p.connect(t)
	p = p.behind(t, 2)
	var clients []*client
	for range listeners {
		c := p.connect(t)
		c.must("LISTEN a")
		clients = append(clients, c)
	}
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			own := fmt.Sprint("own", i)
			heard, sent, heardOwn := 0, 0, 0
			for heard < rounds {
				sent++
				var text string
				switch sent % 4 {
				case 0:
					text = "BEGIN; UNLISTEN a; ROLLBACK"
				case 1:
					text = fmt.Sprintf("LISTEN %s; NOTIFY %s", own, own)
				case 2:
					text = "SELECT set_config('my.x', '1', false)"
				default:
					text = "LISTEN b; UNLISTEN b"
				}
				_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
				if _, err := c.conn.Write(query(text)); err != nil {
					t.Error(err)
					return
				}
				for done := false; !done; {
					typ, body, err := c.read()
					if err != nil {
						t.Errorf("listener %d, behind %d: %v", i, heard, err)
						return
					}
					if typ == 'E' {
						t.Error(show(typ, body))
					}
					done = typ == 'Z'
					if typ != 'A' {
						continue
					}
					words := strings.Fields(show(typ, body))
					if words[1] == own {
						if heardOwn++; binary.BigEndian.Uint32(body) != c.pid {
							t.Error("its own notification has another's process id")
						}
						continue
					}
					if n, _ := strconv.Atoi(words[2]); n != heard+1 {
						t.Errorf("listener %d heard %d behind %d", i, n, heard)
						return
					}
					heard++
				}
			}
			if want := (sent + 3) / 4; heardOwn != want {
				t.Errorf("listener %d heard %d of %d notifications of its own", i, heardOwn, want)
			}
		})
	}
	for range rounds {
		speaker.must("SELECT pg_notify('a', nextval('s')::text)")
	}
	all.Wait()
}

// When the listening connection is lost, whoever it listened for is told, as on a
// connection of its own; a session that has a backend goes on.
func TestListenerLost(t *testing.T) {
	p := database(t)
	speaker := p.connect(t)
	p = p.behind(t, 2)
	idle, busy := p.connect(t), p.connect(t)
	idle.must("LISTEN a")
	busy.must("LISTEN a")
	p.onTheListener(t, 2)
	busy.must("BEGIN")
	sql(t, p.database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caddy_pgtxn listen' AND datname = current_database()")
	idle.expect("E FATAL 08006 connection to upstream server lost", closedLine)
	busy.must("COMMIT")
	speaker.must("NOTIFY a, 'still there'")
	busy.expect("A a still there")
}

// A client in another encoding than the pool's, with a table of its own, or with a timeout
// that a move might not meet, keeps its backend and is notified by it; so does everybody with the option.
func TestListenOnABackend(t *testing.T) {
	p := database(t)
	speaker := p.connect(t)
	for _, test := range []struct {
		name, also string
		change     []func(*Config)
	}{
		{"encoding", "SET client_encoding = 'LATIN1'", nil},
		{"temporary table", "CREATE TEMP TABLE t ()", nil},
		{"short timeout", "SET statement_timeout = 900", nil},
		{"option", "SELECT 1", []func(*Config){func(cfg *Config) { cfg.PinListen = true }}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := p.behind(t, 1, test.change...)
			c := p.connect(t)
			c.must(test.also)
			c.must("LISTEN a")
			c.must("SELECT 1")
			speaker.must("NOTIFY a, 'ä'")
			if test.name == "encoding" {
				c.expect("A a \xe4")
			} else {
				c.expect("A a ä")
			}
			if v := p.proxy.Sessions()[0]; !slices.Contains(v.Pins, "LISTEN") || v.Backend == nil {
				t.Error(v.Pins, v.Backend)
			}
			c.leave()
		})
	}
}

// Which place tells a notification, and which keeps it: in each state of a move.
func TestWhoTellsANotification(t *testing.T) {
	for _, test := range []struct {
		at                        ear
		moving, backend, listens  bool
		fromBackend, fromListener verdict
	}{
		{onBackend, false, false, false, tell, drop},
		{onListener, false, false, false, drop, tell},
		{onBackend, true, false, false, tell, drop},
		{onBackend, true, true, false, drop, drop},
		{onBackend, true, false, true, tell, tellLater},
		{onListener, true, false, false, drop, tell},
		{onListener, true, true, false, tellLater, tell},
		{onListener, true, false, true, drop, drop},
	} {
		l := listens{at: test.at, marked: [2]bool{onBackend: test.backend, onListener: test.listens}}
		if test.moving {
			l.endTime = func() {}
		}
		if b, li := l.verdict(onBackend), l.verdict(onListener); b != test.fromBackend || li != test.fromListener {
			t.Errorf("%+v: %v, %v", test, b, li)
		}
	}
}
