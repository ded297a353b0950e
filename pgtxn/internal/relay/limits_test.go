package relay

import (
	"fmt"
	"strings"
	"testing"
)

// limited is a pool of one backend for sessions of three savepoints and little memory.
func limited(t *testing.T) *client {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.MaxSavepoints, cfg.MaxSessionMemory = 3, 10000 })
	c := p.connect(t)
	c.must("SET my.x = 'before'")
	return c
}

const tooMany = "E ERROR 54000 too many savepoints in one session"

// A savepoint too many is an error like any other: values go back, a savepoint
// before it brings the transaction on, and the session has lost nothing.
func TestSavepointLimit(t *testing.T) {
	c := limited(t)
	c.must("BEGIN; SET my.x = 'a'; SAVEPOINT a; SAVEPOINT b; SET my.x = 'b'; SAVEPOINT c")
	for text, want := range map[string]string{
		"SAVEPOINT d": tooMany + ", Z E", "SELECT 1; SAVEPOINT d": tooMany + ", Z E",
	} {
		if got := c.ask(text); got != want {
			t.Fatalf("%s: %s", text, got)
		}
		if got := c.ask("SAVEPOINT e"); !strings.HasPrefix(got, "E ERROR 25P02") {
			t.Errorf("in the aborted transaction: %s", got)
		}
		c.must("ROLLBACK TO c")
	}
	c.must("RELEASE b; SAVEPOINT d")
	if got := c.value("SHOW my.x"); got != "b" {
		t.Errorf("my.x is %s", got)
	}
	c.must("COMMIT")
	if got := c.value("SHOW my.x"); got != "b" {
		t.Errorf("my.x is %s", got)
	}
}

// The same in a pipeline, where those under way count, and for a statement that
// was prepared before.
func TestSavepointLimitInPipelines(t *testing.T) {
	c := limited(t)
	c.prepare("s", "SAVEPOINT s")
	c.send(oneShot("BEGIN"), oneShot("SET my.x = 'a'"))
	for range 4 {
		c.send(bind("", "s"), execute("", 0))
	}
	c.send(oneShot("SET my.x = 'skipped'"), syncMsg)
	for range 3 {
		c.until("C SAVEPOINT")
	}
	c.expect("2", tooMany, "Z E")
	c.must("ROLLBACK TO s")
	c.prepare("t", "SELECT 'still ' || current_setting('my.x')")
	if got := c.run("t"); got != "D still a, C SELECT 1, Z T" {
		t.Error(got)
	}
	c.must("ROLLBACK")
	if got := c.value("SHOW my.x"); got != "before" {
		t.Errorf("my.x is %s", got)
	}
}

// What is set, and what savepoints would bring back, is bounded together; setting
// less, or again, goes on.
func TestSessionMemoryLimit(t *testing.T) {
	const tooMuch = "E ERROR 54000 the variables of this session take too much memory"
	large := strings.Repeat("x", 4000)
	c := limited(t)
	c.must("SET my.y = '" + large + "'")
	if got := c.ask("SET my.z = '" + large + large + "'"); got != tooMuch+", Z I" {
		t.Error(got)
	}
	c.must("RESET my.y; SET my.z = 'y" + large + "'; BEGIN; SAVEPOINT a; SET my.z = 'z'; SAVEPOINT a")
	c.send(oneShot("SET my.y = '"+large+large+"'"), syncMsg)
	c.expect("1", "2", tooMuch, "Z E")
	c.must("ROLLBACK TO a; RELEASE a; ROLLBACK TO a; COMMIT")
	if got := c.value("SHOW my.z"); got != "y"+large {
		t.Errorf("my.z has %d bytes", len(got))
	}
	for i := range 1000 {
		c.must(fmt.Sprintf("BEGIN; SET my.x = 'value %d'; SAVEPOINT a; SET my.x = ''; ROLLBACK", i))
	}
}
