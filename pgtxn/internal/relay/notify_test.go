package relay

import (
	"encoding/binary"
	"strings"
	"testing"
)

// NOTICEs come where they belong; who listens keeps its backend and is notified
// like on a connection of its own.

func TestNotices(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c := p.connect(t)
		c.send(query("DROP TABLE IF EXISTS missing; SELECT 1"), oneShot("COMMIT"), oneShot("SELECT 2"), syncMsg)
		c.expect(`N NOTICE 00000 table "missing" does not exist, skipping`, "C DROP TABLE", "T", "D 1", "C SELECT 1", "Z I",
			"1", "2", "N WARNING 25P01 there is no transaction in progress", "C COMMIT", "1", "2", "D 2", "C SELECT 1", "Z I")
		c.send(query("DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END $$"))
		c.expect("N NOTICE 00000 one", "N WARNING 01000 two", "C DO", "Z I")
	})
}

func TestListen(t *testing.T) {
	p := database(t)
	speaker := p.connect(t)
	for name, p := range map[string]place{"direct": p, "proxy": p.behind(t, 2)} {
		t.Run(name, func(t *testing.T) {
			c, bystander := p.connect(t), p.connect(t)
			c.must("LISTEN a")
			speaker.must("NOTIFY a, 'while idle'")
			c.expect("A a while idle")
			bystander.must("SELECT 1")
			c.must("BEGIN")
			speaker.must("NOTIFY a, 'in a transaction'; NOTIFY b, 'not for us'")
			c.send(query("SELECT 1"))
			c.expect("T", "D 1", "C SELECT 1", "Z T")
			c.send(query("COMMIT"))
			c.expect("C COMMIT", "A a in a transaction", "Z I")
			c.send(query("NOTIFY a, 'myself'"))
			c.expect("C NOTIFY", "A a myself", "Z I")
			bystander.send(query("SELECT 'nothing else'"))
			bystander.expect("T", "D nothing else", "C SELECT 1", "Z I")
			c.must("UNLISTEN *")
			c.leave()
		})
	}
}

// A client knows its own notifications by the process id, and those of others.
func TestNotificationOfOneself(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		if p.proxy != nil {
			p = database(t).behind(t, 2)
		}
		c, other := p.connect(t), p.connect(t)
		c.must("LISTEN a")
		for _, sender := range []*client{c, other} {
			sender.send(query("NOTIFY a"))
			typ, body, err := c.read()
			for ; typ != 'A' && err == nil; typ, body, err = c.read() {
			}
			if err != nil {
				t.Fatal(err)
			}
			if own := binary.BigEndian.Uint32(body) == c.pid; own != (sender == c) {
				t.Errorf("a notification is its own: %v", own)
			}
		}
	})
}

// A notification is for its listener whatever the proxy has under way for itself:
// here it keeps preparing statements that were closed for want of room.
func TestListenWhilePreparing(t *testing.T) {
	p := database(t)
	speaker := p.connect(t)
	c := p.behind(t, 2, func(cfg *Config) { cfg.MaxPrepared = 1 }).connect(t)
	c.must("LISTEN a")
	c.prepare("one", "SELECT 1")
	c.prepare("two", "SELECT 2")
	const rounds = 300
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range rounds {
			if _, err := speaker.conn.Write(query("NOTIFY a")); err != nil {
				return
			}
			for typ := byte(0); typ != 'Z'; {
				var err error
				if typ, _, err = speaker.read(); err != nil {
					return
				}
			}
		}
	}()
	heard := 0
	for waiting := true; waiting; {
		select {
		case <-done:
			waiting = false
		default:
		}
		for _, name := range []string{"one", "two"} {
			heard += strings.Count(c.run(name), "A a ")
		}
	}
	for ; heard < rounds; heard++ {
		c.expect("A a ")
	}
	if heard > rounds {
		t.Errorf("%d notifications of %d", heard, rounds)
	}
}

// Nobody hears what an earlier client of its backend listened to.
func TestListenEndsWithItsClient(t *testing.T) {
	p := database(t)
	speaker := p.connect(t)
	p = p.behind(t, 1)
	for _, leave := range []func(*client){(*client).leave, (*client).drop} {
		listener := p.connect(t)
		listener.must("LISTEN a; LISTEN b")
		leave(listener)
		c := p.connect(t)
		c.must("SELECT 1")
		speaker.must("NOTIFY a; NOTIFY b")
		c.send(query("SELECT count(*) FROM pg_listening_channels()"), query("SELECT 1"))
		c.expect("T", "D 0", "C SELECT 1", "Z I", "T", "D 1", "C SELECT 1", "Z I")
		c.leave()
	}
}
