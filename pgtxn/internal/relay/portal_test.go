package relay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Portals: rows a few at a time, over several Executes and flights.

func TestPortals(t *testing.T) {
	tests := []struct {
		name string
		send [][]byte
		want []string
	}{
		{"opened", [][]byte{query("BEGIN"), parse("s", "SELECT generate_series(1, 5)"), bind("p", "s"), bind("q", "s"), execute("p", 2), syncMsg},
			[]string{"C BEGIN", "Z T", "1", "2", "2", "D 1", "D 2", "s", "Z T"}},
		{"another statement meanwhile", [][]byte{query("SELECT 'between'")}, []string{"T", "D between", "C SELECT 1", "Z T"}},
		{"both in turn", [][]byte{execute("q", 1), execute("p", 2), execute("q", 1), syncMsg}, []string{"D 1", "s", "D 3", "D 4", "s", "D 2", "s", "Z T"}},
		{"Flush between", [][]byte{execute("q", 1), flushMsg}, []string{"D 3", "s"}},
		{"to the end", [][]byte{execute("p", 2), execute("q", 2), syncMsg}, []string{"D 5", "C SELECT 1", "D 4", "D 5", "s", "Z T"}},
		{"once more", [][]byte{execute("p", 2), execute("q", 0), syncMsg}, []string{"C SELECT 0", "C SELECT 0", "Z T"}},
		{"described and closed", [][]byte{describePortal("q"), closePortal("q"), syncMsg, describePortal("q"), syncMsg},
			[]string{"T", "3", "Z T", `E ERROR 34000 portal "q" does not exist`, "Z E"}},
		{"the end of its transaction", [][]byte{query("COMMIT"), execute("p", 1), syncMsg}, []string{"C ROLLBACK", "Z I", `E ERROR 34000 portal "p" does not exist`, "Z I"}},
		{"outside of a transaction: to Sync", [][]byte{bind("p", "s"), execute("p", 2), execute("p", 2), syncMsg, execute("p", 2), syncMsg},
			[]string{"2", "D 1", "D 2", "s", "D 3", "D 4", "s", "Z I", `E ERROR 34000 portal "p" does not exist`, "Z I"}},
		{"the unnamed one", [][]byte{query("BEGIN"), bind("", "s"), execute("", 1), syncMsg, execute("", 1), syncMsg, query("COMMIT")},
			[]string{"C BEGIN", "Z T", "2", "D 1", "s", "Z T", "D 2", "s", "Z T", "C COMMIT", "Z I"}},
		{"a cursor as a portal", [][]byte{query("BEGIN; DECLARE c CURSOR FOR SELECT 7"), execute("c", 1), execute("c", 0), syncMsg, query("CLOSE c; COMMIT")},
			[]string{"C BEGIN", "C DECLARE CURSOR", "Z T", "D 7", "s", "C SELECT 0", "Z T", "C CLOSE CURSOR", "C COMMIT", "Z I"}},
		{"name in use", [][]byte{bind("p", "s"), bind("p", "s"), syncMsg}, []string{"2", `E ERROR 42P03 cursor "p" already exists`, "Z I"}},
		{"COMMIT as a portal", [][]byte{parse("b", "BEGIN"), parse("c", "COMMIT"), bind("pb", "b"), bind("pc", "c"), execute("pb", 0), syncMsg, bind("pc", "c"), execute("pc", 0), syncMsg},
			[]string{"1", "1", "2", "2", "C BEGIN", "Z T", `E ERROR 42P03 cursor "pc" already exists`, "Z E"}},
		{"and its end", [][]byte{bind("pd", "c"), execute("pd", 0), syncMsg}, []string{"2", "C ROLLBACK", "Z I"}},
	}
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		for _, test := range tests {
			t.Log(test.name)
			c.send(test.send...)
			c.expect(test.want...)
		}
		atRest(t, p)
		p.connect(t).must("SELECT 1")
	})
}

// portals is how many the proxy remembers.
func (p place) portals() (n int) {
	p.proxy.eachLender(func(l *lender) {
		for _, s := range l.sessions {
			n += len(s.portals)
		}
	})
	return n
}

// In a transaction, or a pipeline that never pauses, no more are remembered than there may be.
func TestPortalsAreBounded(t *testing.T) {
	const most = maxPortals
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.prepare("s", "SELECT 1")
	c.must("BEGIN")
	for i := range 10 {
		portal := fmt.Sprint("C_", i)
		c.send(bind(portal, "s"), execute(portal, 0), closePortal(portal), syncMsg)
		c.expect("2", "D 1", "C SELECT 1", "3", "Z T")
	}
	if n := p.portals(); n > 0 {
		t.Errorf("%d portals are remembered that were closed", n)
	}
	for i := range most + 10 {
		c.send(bind(fmt.Sprint("D_", i), "s"), flushMsg)
		c.expect("2")
	}
	if n := p.portals(); n > most {
		t.Errorf("%d portals are remembered", n)
	}
	c.send(syncMsg)
	c.expect("Z T")
	c.must("COMMIT")
}

// What a portal has set counts whatever became of it meanwhile.
func TestPortalsThatAreNotKnown(t *testing.T) {
	long := strings.Repeat("p", 63) // PostgreSQL looks no further
	tests := []struct {
		name    string
		skipped []byte // sent behind an error, when p is bound
		send    []byte
	}{
		{"closed in what was skipped", closePortal("p"), execute("p", 0)},
		{"bound again in what was skipped", bind("p", "other"), execute("p", 0)},
		{"closed and bound again", nil, slices.Concat(bind("p", "other"), closePortal("p"), bind("p", "s"), execute("p", 0))},
		{"by another name that is the same", nil, slices.Concat(bind(long+"a", "s"), execute(long+"b", 0))},
	}
	both(t, func(t *testing.T, p place) {
		c, other := p.connect(t), p.connect(t)
		c.prepare("s", "SET my.x = 'portal'")
		c.prepare("other", "SELECT 1")
		for _, test := range tests {
			c.must("SET my.x = 'before'")
			c.must("BEGIN")
			if test.skipped != nil {
				c.send(bind("p", "s"), syncMsg, query("SAVEPOINT a"), oneShot("SELECT 1/0"), test.skipped, syncMsg)
				c.until("Z E")
				c.must("ROLLBACK TO a")
			}
			c.send(test.send, syncMsg)
			c.until("C SET")
			c.until("Z T")
			c.must("COMMIT")
			other.must("SET my.x = 'other'")
			if got := c.value("SHOW my.x"); got != "portal" {
				t.Errorf("%s: my.x is %s", test.name, got)
			}
		}
	})
}
