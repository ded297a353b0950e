package relay

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// The sync: a backend is given its next client's variables ahead of the client's
// own message, in the same write, and if that fails nothing of the client's runs.

// gate forwards to a server. When armed it holds the server's answers back until
// the words have gone to it: who waits for an answer before sending them hangs.
type gate struct {
	mu     sync.Mutex
	open   sync.Cond
	words  string
	writes []string // of the client's, since armed
}

func newGate(t testing.TB, addr string) (g *gate, near string) {
	g = &gate{}
	g.open.L = &g.mu
	return g, between(t, addr, func(near, far net.Conn) {
		go g.pass(far, near, g.sent)
		go g.pass(near, far, g.answered)
	})
}

func (g *gate) pass(dst, src net.Conn, see func([]byte)) {
	defer dst.Close()
	defer src.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := src.Read(buf)
		if err != nil {
			return
		}
		see(buf[:n])
		if _, err := dst.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (g *gate) sent(p []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writes = append(g.writes, string(p))
	if g.words != "" && bytes.Contains(p, []byte(g.words)) {
		g.words = ""
		g.open.Broadcast()
	}
}

func (g *gate) answered([]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.words != "" {
		g.open.Wait()
	}
}

func (g *gate) arm(words string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.words, g.writes = words, nil
}

// disarm returns what was written since arm.
func (g *gate) disarm() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.words = ""
	g.open.Broadcast()
	return g.writes
}

func TestSyncInTheSameFlight(t *testing.T) {
	p := database(t)
	g, near := newGate(t, p.addr)
	p.addr = near
	p = p.behind(t, 1)
	one, two := p.connect(t), p.connect(t)
	one.must("SET my.x = 'of one'; SET DateStyle = German")
	one.prepare("s", "SELECT current_setting('my.x')")
	two.must("SET my.x = 'of two'")
	two.prepare("s", "SELECT 'marker', current_setting('my.x')")
	messages := map[string]struct {
		message []byte
		want    string
	}{
		"Query":                          {query("SELECT 'marker', current_setting('my.x')"), "T, D marker|of one, C SELECT 1, Z I"},
		"transaction":                    {append(query("BEGIN --marker"), query("COMMIT")...), "C BEGIN, Z T"},
		"pipeline":                       {append(oneShot("SELECT 'marker', current_setting('my.x')"), syncMsg...), "1, 2, D marker|of one, C SELECT 1, Z I"},
		"statement to be prepared again": {append(bind("marker", "s"), append(execute("marker", 0), syncMsg...)...), "2, D of one, C SELECT 1, Z I"},
	}
	for name, m := range messages {
		t.Run(name, func(t *testing.T) {
			two.must("DEALLOCATE ALL") // its own and the proxy's: all has to be prepared again
			g.arm("marker")
			one.send(m.message)
			got := strings.Join(one.until("Z"), ", ")
			writes := g.disarm()
			if got != m.want {
				t.Error(got)
			}
			if name == "transaction" {
				one.expect("C COMMIT", "Z I")
			}
			for _, w := range writes {
				if strings.Contains(w, "marker") && !strings.Contains(w, "caddy_pgtxn_set") {
					t.Errorf("the sync went in a write of its own: %q", writes)
				}
			}
			two.must("SELECT 1")
			g.arm("marker")
			one.send(m.message) // all is prepared by now
			one.until("Z")
			for _, w := range g.disarm() {
				if strings.Contains(w, "marker") && (!strings.Contains(w, "caddy_pgtxn_set") || strings.Contains(w, "unnest")) {
					t.Errorf("the second time: %q", w)
				}
			}
			if name == "transaction" {
				one.expect("C COMMIT", "Z I")
			}
		})
	}
}

// Who comes back to the backend that it has used last, with nobody in between,
// costs nothing: what it sends is all that is sent.
func TestNoSyncWithoutNeed(t *testing.T) {
	p := database(t)
	g, near := newGate(t, p.addr)
	p.addr = near
	p = p.behind(t, 1)
	c := p.connect(t)
	c.must("SET my.x = 'mine'")
	c.must("SELECT 1")
	g.arm("")
	m := query("SELECT 'all that is sent'")
	for range 5 {
		c.send(m)
		c.until("Z")
	}
	if got := strings.Join(g.disarm(), ""); got != strings.Repeat(string(m), 5) {
		t.Errorf("%q", got)
	}
}

// A sync that fails is the answer to the client's message, which does not run.
func TestSyncFails(t *testing.T) {
	p := database(t)
	direct := p.connect(t)
	direct.must("CREATE TABLE t (a int)")
	through := p.behind(t, 1, func(cfg *Config) { cfg.Log = quiet() })
	const refused = `E ERROR 22023 role "%s" does not exist`
	insert := "INSERT INTO t VALUES (1)"
	bigBind := bind("", "s", strings.Repeat("x", 1<<20))
	tests := []struct {
		name string
		send [][]byte
		want []string // %s is the role
	}{
		{"Query", [][]byte{query(insert)}, []string{refused, "Z I"}},
		{"two of them", [][]byte{query(insert), query("SELECT 1")}, []string{refused, "Z I", refused, "Z I"}},
		{"pipeline", [][]byte{oneShot(insert), oneShot(insert), syncMsg}, []string{refused, "Z I"}},
		{"pipelines", [][]byte{oneShot(insert), syncMsg, oneShot(insert), syncMsg}, []string{refused, "Z I", refused, "Z I"}},
		{"pipeline that flushes", [][]byte{oneShot(insert), flushMsg}, []string{refused}},
		{"BEGIN and more", [][]byte{query("BEGIN"), query(insert), query("COMMIT")}, []string{refused, "Z I", refused, "Z I", refused, "Z I"}},
		{"COMMIT first", [][]byte{query("COMMIT"), query(insert)}, []string{refused, "Z I", refused, "Z I"}},
		{"COMMIT first, in a message", [][]byte{query("/**/;COMMIT; " + insert)}, []string{refused, "Z I"}},
		{"ROLLBACK first, in a pipeline", [][]byte{oneShot("ROLLBACK"), oneShot(insert), syncMsg}, []string{refused, "Z I"}},
		{"FunctionCall", [][]byte{functionCall(oidInt4Inc, "1"), query(insert)}, []string{refused, "Z I", refused, "Z I"}},
		{"COPY with its data", [][]byte{query("COPY t FROM STDIN"), copyData("1\n"), copyDone}, []string{refused, "Z I"}},
		{"COPY in a pipeline", [][]byte{oneShot("COPY t FROM STDIN"), copyData("1\n"), copyDone, syncMsg}, []string{refused, "Z I"}},
		{"DEALLOCATE ALL", [][]byte{query("DEALLOCATE ALL")}, []string{refused, "Z I"}},
		{"DISCARD ALL in a pipeline", [][]byte{oneShot("DISCARD ALL"), oneShot(insert), syncMsg}, []string{refused, "Z I"}},
		{"a large parameter", [][]byte{parse("s", "SELECT length($1)"), bigBind, execute("", 0), syncMsg, query(insert)}, []string{refused, "Z I", refused, "Z I"}},
		{"oversized", [][]byte{query("COMMIT; " + insert + "; --" + strings.Repeat("x", 5<<20))}, []string{refused, "Z I"}},
		{"oversized Parse", [][]byte{parse("", "COMMIT --"+strings.Repeat("x", 5<<20)), bind("", ""), execute("", 0), oneShot(insert), syncMsg}, []string{refused, "Z I"}},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			role := fmt.Sprintf("role_%s_%d", p.database, i)
			direct.must("CREATE ROLE " + role)
			defer direct.must("DROP ROLE IF EXISTS " + role)
			c, other := through.connect(t), through.connect(t)
			c.must("SET ROLE " + role)
			c.must("RESET ROLE; SET my.x = 'mine'; SET ROLE " + role)
			other.must("SET my.x = 'other'")
			direct.must("DROP ROLE " + role)
			c.send(test.send...)
			for i, w := range test.want {
				test.want[i] = strings.Replace(w, "%s", role, 1)
			}
			c.expect(test.want...)
			if test.want[len(test.want)-1] != "Z I" {
				c.send(oneShot(insert), syncMsg)
				c.expect("Z I")
			}
			if got := other.value("SELECT current_user || ' ' || current_setting('my.x')"); got != "postgres other" {
				t.Error("the other client sees", got)
			}
			direct.must("CREATE ROLE " + role) // then the session can go on
			if got := c.value("SELECT current_user || ' ' || current_setting('my.x')"); got != role+" mine" {
				t.Error("afterwards it sees", got)
			}
			c.leave()
			other.leave()
		})
	}
	if got := direct.value("SELECT count(*) FROM t"); got != "0" {
		t.Error(got, "statements ran all the same")
	}
	direct.leave()
	atRest(t, through)
}

// A client whose role is gone can still take another, as on a backend of its own.
func TestWayOutOfDroppedRole(t *testing.T) {
	p := database(t)
	direct := p.connect(t)
	through := p.behind(t, 1, func(cfg *Config) { cfg.Log = quiet() })
	role := "dropped_" + p.database
	for _, test := range []struct{ way, answer, user, x string }{
		{"RESET ROLE", "C RESET, S is_superuser=on, Z I", "postgres", "mine"},
		{"SET ROLE none", "C SET, S is_superuser=on, Z I", "postgres", "mine"},
		{"SET SESSION AUTHORIZATION DEFAULT", "C SET, S is_superuser=on, Z I", "postgres", "mine"},
		{"DISCARD ALL", "C DISCARD ALL, S is_superuser=on, Z I", "postgres", ""},
		{"SET ROLE no_such_role", `E ERROR 22023 role "no_such_role" does not exist, S is_superuser=on, Z I`, "", ""},
		{"RESET ALL", `E ERROR 22023 role "` + role + `" does not exist, Z I`, "", ""},
		{"SET my.x = 'his'", `E ERROR 22023 role "` + role + `" does not exist, Z I`, "", ""},
		{"RESET ROLE; SELECT 1", `E ERROR 22023 role "` + role + `" does not exist, Z I`, "", ""},
	} {
		c, other := through.connect(t), through.connect(t)
		direct.must("CREATE ROLE " + role)
		c.must("SET my.x = 'mine'; SET ROLE " + role)
		other.must("SET my.x = 'other'")
		direct.must("DROP ROLE " + role)
		if got := c.ask("SELECT 1"); got != `E ERROR 22023 role "`+role+`" does not exist, Z I` {
			t.Error("before it sees", got)
		}
		if got := c.ask(test.way); got != test.answer {
			t.Errorf("%s: %s", test.way, got)
		}
		if got := other.value("SELECT current_user || current_setting('my.x')"); got != "postgresother" {
			t.Errorf("behind %s the other client sees %s", test.way, got)
		}
		const who = "SELECT current_user, current_setting('my.x', true)"
		if test.user == "" {
			if got := c.ask(who); got != `E ERROR 22023 role "`+role+`" does not exist, Z I` {
				t.Errorf("behind %s: %s", test.way, got)
			}
		} else if got := c.ask(who); got != "D "+test.user+"|"+test.x+", C SELECT 1, Z I" {
			t.Errorf("behind %s: %s", test.way, got)
		}
		c.leave()
		other.leave()
	}
}

// What a trigger or a function sets in secret is not for the next client.
func TestHiddenChanges(t *testing.T) {
	p := database(t)
	role := "hidden_" + p.database
	direct := p.connect(t)
	direct.must("CREATE ROLE " + role)
	defer direct.must("DROP OWNED BY " + role + "; DROP ROLE " + role)
	direct.must(`CREATE TABLE t (name text, value text); GRANT ALL ON t TO ` + role + `;
		CREATE FUNCTION hide() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(new.name, new.value, false); RETURN new; END';
		CREATE TRIGGER hide BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION hide();
		CREATE FUNCTION hidden(name text, value text) RETURNS text LANGUAGE SQL AS 'SELECT set_config(name, value, false)'`)
	clean := direct.ask(settings)
	through := p.behind(t, 1)
	for _, set := range [][2]string{
		{"my.x", "hidden"}, {"search_path", "hidden"}, {"work_mem", "77MB"}, {"DateStyle", "German"}, {"TimeZone", "Asia/Tokyo"},
		{"role", role}, {"session_authorization", role}, {"statement_timeout", "12345"}, {"default_transaction_read_only", "on"},
		{"client_encoding", "LATIN1"}, {"standard_conforming_strings", "off"},
	} {
		for _, how := range []string{"INSERT INTO t VALUES ('%s', '%s')", "SELECT hidden('%s', '%s')", "DO $$ BEGIN PERFORM set_config('%s', '%s', false); END $$"} {
			t.Run(set[0], func(t *testing.T) {
				c, next := through.connect(t), through.connect(t)
				c.must(fmt.Sprintf(how, set[0], set[1]))
				if got := strings.ToLower(c.value("SELECT current_setting('" + set[0] + "')")); !strings.HasPrefix(got, strings.ToLower(set[1])) {
					t.Errorf("its owner sees %s", got)
				}
				if !strings.HasPrefix(how, "INSERT") {
					c.leave() // pinned until then
				}
				if got := next.ask(settings); got != clean {
					t.Errorf("after "+how+" the next client sees\n%s, not\n%s", set[0], set[1], got, clean)
				}
				next.leave()
			})
		}
	}
}

const settings = `SELECT coalesce(nullif(current_setting('my.x', true), ''), 'none'), current_setting('search_path'), current_setting('work_mem'),
	current_setting('DateStyle'), current_setting('TimeZone'), current_user, session_user, current_setting('statement_timeout'),
	current_setting('default_transaction_read_only'), current_setting('client_encoding'), current_setting('standard_conforming_strings')`

// forgetful has a pool whose one backend keeps one statement: who prepares another has the
// statement of before read anew.
func forgetful(cfg *Config) { cfg.MaxPrepared, cfg.Log = 1, quiet() }

// Behind a sync that fails nothing is read anew, and nothing run.
func TestSyncFailsAheadOfReading(t *testing.T) {
	p := database(t)
	sql(t, "postgres", "CREATE ROLE reading_role")
	p = p.behind(t, 1, forgetful)
	c, other := p.connect(t), p.connect(t)
	other.must("CREATE TABLE t (a text); GRANT USAGE ON SCHEMA public TO public; GRANT INSERT ON t TO public")
	c.prepare("s", "INSERT INTO t VALUES (current_user || 'é')")
	c.must("SET client_encoding = LATIN1")
	c.must("SET ROLE reading_role")
	for i := range 2 {
		other.prepare(fmt.Sprint("other", i), "SELECT 1")
		if got := c.run("s"); got != "C INSERT 0 1, Z I" {
			t.Error(got)
		}
	}
	other.must("REVOKE INSERT ON t FROM public; DROP ROLE reading_role")
	other.prepare("another", "SELECT 1")
	if got := c.run("s"); got != `E ERROR 22023 role "reading_role" does not exist, Z I` {
		t.Error(got)
	}
	if got := other.value("SELECT string_agg(a, ' ') FROM t"); got != "reading_roleé reading_roleé" {
		t.Error(got)
	}
}

// A statement that can't be prepared any more is refused where it would be read anew, and
// its session goes on.
func TestReadAnewInVain(t *testing.T) {
	p := database(t).behind(t, 1, forgetful)
	c, other := p.connect(t), p.connect(t)
	other.must("CREATE TABLE t (a text)")
	c.prepare("s", "SELECT a || 'é' FROM t")
	c.must("SET client_encoding = LATIN1")
	sql(t, p.database, "DROP TABLE t") // past the proxy
	for i := range 2 {
		other.prepare(fmt.Sprint("other", i), "SELECT 1")
		if got := c.run("s"); got != `E ERROR 26000 prepared statement "s" does not exist, Z I` {
			t.Error(got)
		}
	}
	c.must("SELECT 1")
	atRest(t, p)
}
