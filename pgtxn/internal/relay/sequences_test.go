package relay

import "testing"

// What a sequence gave is known in the session that drew from it, in its later
// transactions too where that is asked for, and in no other.
func TestSequences(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		if p.proxy != nil { // the other client needs a backend beside the pinned one
			p = database(t).behind(t, 2, func(cfg *Config) { cfg.PinSequences = true })
		}
		c, other := p.connect(t), p.connect(t)
		const undefined = "E ERROR 55000 lastval is not yet defined in this session, Z I"
		other.must("CREATE TABLE t (id serial, a int)")
		other.must("DISCARD ALL")
		draws := []struct{ sql, last string }{
			{"INSERT INTO t (a) VALUES (1)", "1"}, {"INSERT INTO t (a) SELECT 1 FROM generate_series(1, 3)", "4"},
			{"SELECT nextval('t_id_seq')", "5"}, {"SELECT setval('t_id_seq', 20), nextval('t_id_seq')", "21"},
		}
		for _, draw := range draws {
			c.must(draw.sql)
			if got := other.ask("SELECT lastval()"); got != undefined {
				t.Errorf("behind %s another client gets %s", draw.sql, got)
			}
			other.must("DISCARD ALL")
			if got := c.value("SELECT lastval()") + " " + c.value("SELECT currval('t_id_seq')"); got != draw.last+" "+draw.last {
				t.Errorf("behind %s: %s, not %s", draw.sql, got, draw.last)
			}
			c.must("DISCARD ALL")
		}
	})
}

// By default a session is not pinned for it. What it drew is nobody else's, also
// where only what writes is scrubbed.
func TestSequencesOfOthers(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.ScrubAlways = false })
	c, other := p.connect(t), p.connect(t)
	c.must("CREATE SEQUENCE s")
	for _, draw := range []string{"SELECT nextval('s')", "SELECT setval('s', 7)"} {
		c.must(draw)
		if got := other.ask("SELECT currval('s')"); got != `E ERROR 55000 currval of sequence "s" is not yet defined in this session, Z I` {
			t.Errorf("behind %s another client gets %s", draw, got)
		}
		other.must("DISCARD ALL")
	}
}
