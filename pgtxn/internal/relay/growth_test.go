package relay

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

// What a session does all day, and what a client sends to harm others, costs no more
// than it should.

// Portals go with their transaction, also of a session that never gives its backend back.
func TestPortalsAreForgotten(t *testing.T) {
	p := database(t).behind(t, 1, inSessionMode)
	c := p.connect(t)
	c.send(parse("s", "SELECT 1"), syncMsg)
	c.expect("1", "Z I")
	for i := range 20 {
		portal := fmt.Sprint("C_", i)
		c.send(bind(portal, "s"), execute(portal, 0), syncMsg)
		c.expect("2", "D 1", "C SELECT 1", "Z I")
	}
	p.proxy.eachLender(func(l *lender) {
		for _, s := range l.sessions {
			if n := len(s.portals); n > 0 {
				t.Errorf("%d portals are remembered", n)
			}
		}
	})
}

// Start-up values that are set again behind thousands of RESETs are limited as the text is.
func TestResetTooOften(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.MaxStatement = 100_000 })
	c := p.connect(t, "options", "-c my.x="+strings.Repeat("x", 1000))
	if got := c.ask(strings.Repeat("RESET my.x;", 200)); !strings.HasPrefix(got, "E ERROR 54000 ") || !strings.HasSuffix(got, ", Z I") {
		t.Errorf("%.200s", got)
	}
	c.must("SET my.x = ''")
	c.must(strings.Repeat("RESET my.x;", 20))
	if got := c.value("SHOW my.x"); len(got) != 1000 {
		t.Error(got)
	}
}

// An error may be long, and a client's statements many: the one is read once.
func TestClientNamesInALongError(t *testing.T) {
	s := &Session{clientStatements: clientStatements{stmts: make(map[string]*prepared)}}
	for i := range 1000 {
		s.stmts[fmt.Sprint("s", i)] = &prepared{name: fmt.Sprintf("%s%032x", ownPrefix, i)}
	}
	body := []byte("of " + strings.Repeat(ownPrefix, 1000) + fmt.Sprintf("%s%032x and ?%s%032x, %s", ownPrefix, 7, ownPrefix, 5000, ownPrefix))
	want := []byte("of " + strings.Repeat(ownPrefix, 1000) + fmt.Sprintf("s7 and %s%032x, %s", ownPrefix, 5000, ownPrefix))
	var got []byte
	allocations := testing.AllocsPerRun(1, func() { got = s.clientNames(body, nil) })
	if !bytes.Equal(got, want) {
		t.Errorf("%s", got)
	}
	if allocations > 100 {
		t.Errorf("%v allocations", allocations)
	}
}

// What a text of very many statements took is given back.
func TestManyStatements(t *testing.T) {
	sh := new(shard)
	s := &Session{shard: sh}
	if got := s.scan([]byte(strings.Repeat("SELECT 1;", 10*keptStatements))); len(got) != 10*keptStatements {
		t.Error(len(got))
	}
	if got := s.scan([]byte(strings.Repeat("SELECT 1;", 2*maxStatements))); len(got) != maxStatements+1 {
		t.Error(len(got))
	}
	if n := cap(sh.statements); n > keptStatements {
		t.Errorf("there is room for %d statements", n)
	}
	if got := s.scan([]byte("BEGIN")); len(got) != 1 || got[0].Kind != sqlscan.Begin || cap(sh.statements) == 0 {
		t.Error(got, cap(sh.statements))
	}
}

// Names come as the client's bytes, and Prometheus takes UTF-8 only: it ends the process
// over a label that is not.
func TestLabelsAreText(t *testing.T) {
	p := database(t)
	name := p.user
	p = p.behind(t, 1, func(cfg *Config) { cfg.Upstream.User = name })
	c := p.dial(t)
	c.login("user", "j\xf6rg", "database", p.database)
	c.must("SELECT 1")
	users := 0
	for labels := range p.proxy.Totals() {
		if !utf8.ValidString(labels.User) {
			t.Errorf("user %q", labels.User)
		}
		if labels.User != "" {
			users++
		}
	}
	if users != 1 {
		t.Error(users, "users")
	}
}

// A long pipeline is answered like a short one, and no more of it is under way at a time
// than can be looked through.
func TestLongPipeline(t *testing.T) {
	const rounds = 2 * maxAhead
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		c.send(query("SELECT pg_sleep(1)"), parse("s", "SELECT 1"), syncMsg)
		sent := make(chan error)
		go func() {
			_, err := c.conn.Write(slices.Concat(bytes.Repeat(slices.Concat(bind("", "s"), execute("", 0)), rounds), syncMsg))
			sent <- err
		}()
		if p.proxy != nil {
			ahead := 0
			eventually(t, "the pipeline is under way", func() bool {
				p.proxy.eachLender(func(l *lender) {
					for _, s := range l.sessions {
						if s.srv != nil {
							ahead = s.srv.replies.n
						}
					}
				})
				return ahead > maxAhead/2
			})
			if ahead > maxAhead+10 {
				t.Errorf("%d answers are due at a time", ahead)
			}
		}
		c.expect("T", "D ", "C SELECT 1", "Z I", "1", "Z I")
		for range rounds {
			c.expect("2", "D 1", "C SELECT 1")
		}
		c.expect("Z I")
		if err := <-sent; err != nil {
			t.Error(err)
		}
	})
}

// CopyDone outside of COPY, which nothing answers, is no way around that.
func TestLongPipelineOfCopyDone(t *testing.T) {
	const n = 4 * maxAhead
	test := func(t *testing.T, p, direct place) {
		c, blocker := p.connect(t), direct.connect(t)
		blocker.must("BEGIN; SELECT pg_advisory_xact_lock(1)")
		sent := make(chan error)
		go func() {
			_, err := c.conn.Write(slices.Concat(query("SELECT pg_advisory_xact_lock(1)"), bytes.Repeat(copyDone, n), query("SELECT 1")))
			sent <- err
		}()
		if p.proxy != nil {
			ahead := 0
			eventually(t, "it waits, or has taken all", func() (done bool) {
				p.proxy.eachLender(func(l *lender) {
					for _, s := range l.sessions {
						if s.srv != nil {
							done = s.catchingUp || s.received >= n*uint64(len(copyDone))
							ahead = s.srv.replies.n
						}
					}
				})
				return done
			})
			if ahead > maxAhead+10 {
				t.Errorf("%d are noted at a time", ahead)
			}
		}
		blocker.must("COMMIT")
		c.expect("T", "D ", "C SELECT 1", "Z I", "T", "D 1", "C SELECT 1", "Z I")
		if err := <-sent; err != nil {
			t.Error(err)
		}
	}
	direct := database(t)
	t.Run("direct", func(t *testing.T) { test(t, direct, direct) })
	t.Run("proxy", func(t *testing.T) { test(t, direct.behind(t, 1), direct) })
}

// Who tries one name of a database after the other leaves no pool behind for each.
func TestPoolsOfNoDatabase(t *testing.T) {
	hub := start(t, config("", 1)).Hub
	sh := hub.shards[0]
	sh.loop.Call(func() {
		used := sh.lender(lenderKey{database: "used"}, config("", 1))
		used.initial = map[string]string{}
		for i := range 3 * maxUnused {
			sh.lender(lenderKey{database: fmt.Sprint("no", i)}, config("", 1))
		}
		if n := len(sh.lenders); n > 2*maxUnused || sh.lenders[lenderKey{database: "used"}] != used {
			t.Errorf("%d pools", n)
		}
	})
}

// A session that ends takes its timer with it, or it would be in memory for pin_timeout.
func TestPinTimerEnds(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.PinTimeout = time.Hour })
	c := p.connect(t)
	c.must("SELECT pg_advisory_lock(1)")
	var s *Session
	watched := func() (yes bool) {
		s.shard.loop.Call(func() { yes = s.stopWatching != nil })
		return yes
	}
	p.proxy.eachLender(func(l *lender) {
		for _, only := range l.sessions {
			s = only
		}
	})
	eventually(t, "the pin has its time", watched)
	c.leave()
	eventually(t, "the session has ended", func() bool { return len(p.proxy.Sessions()) == 0 })
	if watched() {
		t.Error("there is a timer for a session that has ended")
	}
}

// Those of a text of too many are not told apart.
func TestTooManyStatements(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.must(strings.Repeat("SELECT;", maxStatements) + "SET my.x = 'a'; SELECT")
	if got := p.proxy.Sessions()[0].Pins; !slices.Contains(got, "oversized statement") {
		t.Error(got)
	}
	if got := c.value("SHOW my.x"); got != "a" {
		t.Error(got)
	}
}
