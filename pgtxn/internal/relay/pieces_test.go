package relay

import (
	"fmt"
	"strings"
	"testing"
)

// sendInTwo sends a message so that the proxy reads it in two pieces.
func (p place) sendInTwo(t *testing.T, c *client, message []byte, at int) {
	t.Helper()
	before := uint64(0)
	received := func() uint64 { return p.proxy.Sessions()[0].Received }
	if p.proxy != nil {
		before = received()
	}
	c.send(message[:at])
	if p.proxy != nil {
		eventually(t, "the first piece has been read", func() bool { return received() > before })
	}
	c.send(message[at:])
}

// The name of a custom setting that is set in secret is found in the parameters, where
// ever the reads end.
func TestNameInASecondPiece(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		c, other := p.connect(t), p.connect(t)
		c.send(parse("s", "SELECT set_config($1, $2, false)"), syncMsg)
		c.expect("1", "Z I")
		p.sendInTwo(t, c, bind("", "s", "my.x", "kept"), 12)
		c.send(execute("", 0), syncMsg)
		c.expect("2", "D kept", "C SELECT 1", "Z I")
		other.must("SELECT 1")
		if got := c.value("SELECT current_setting('my.x', true)"); got != "kept" {
			t.Error(got)
		}
		p.sendInTwo(t, c, functionCall(oidSetConfig, "my.y", "kept", "f"), 12)
		c.expect("V kept", "Z I")
		p.unpins(t)
		other.must("SELECT 1")
		if got := c.value("SELECT current_setting('my.y', true)"); got != "kept" {
			t.Error(got)
		}
	})
}

// unpins waits until the first session of the place keeps no backend.
func (p place) unpins(t *testing.T) {
	t.Helper()
	if p.proxy == nil {
		return
	}
	eventually(t, "the session keeps no backend", func() bool {
		v := p.proxy.Sessions()[0]
		return len(v.Pins) == 0 && v.Backend == nil
	})
}

// Names that are too many to be asked for pin until DISCARD ALL, and no longer.
func TestTooManyNames(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.must("CREATE FUNCTION hide(name text, value text) RETURNS text LANGUAGE SQL AS 'SELECT set_config(name, value, false)'")
	var names strings.Builder
	for i := range maxCustomNames + 1 {
		fmt.Fprintf(&names, " my.x%d", i)
	}
	c.must("SELECT hide('work_mem', '5MB'), length('" + names.String() + "')")
	c.must("DISCARD ALL")
	c.must("SELECT hide('work_mem', '6MB')")
	p.unpins(t)
}
