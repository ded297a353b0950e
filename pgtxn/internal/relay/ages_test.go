package relay

import (
	"testing"
	"time"
)

// aged has the backend that the session of c holds look as if it had connected an hour
// ago but for left, and returns when that will be over.
func (p place) aged(left time.Duration) (due time.Time) {
	p.proxy.eachLender(func(l *lender) {
		for _, s := range l.sessions {
			if s.srv != nil {
				s.srv.Born = time.Now().Add(left - time.Hour)
				due = s.srv.Born.Add(time.Hour)
			}
		}
	})
	return due
}

// A backend goes at its time also if another was to go first when it was lent.
func TestEarlierDeadline(t *testing.T) {
	p := database(t).behind(t, 2, func(cfg *Config) { cfg.MaxLifetime = time.Hour })
	one, two := p.connect(t), p.connect(t)
	one.must("BEGIN")
	two.must("SELECT 1")
	p.aged(50 * time.Millisecond)
	one.must("COMMIT")
	eventually(t, "one backend is closed", func() bool { return p.backends(t) == "1" })
	two.must("SELECT 1")
}

// It is not lent again when its time has come and the timer is late.
func TestNotLentWhenTooOld(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.MaxLifetime = time.Hour })
	c := p.connect(t)
	c.must("BEGIN")
	pid := c.value(whoServes)
	due := p.aged(200 * time.Millisecond)
	c.must("COMMIT")
	p.proxy.eachLender(func(l *lender) {
		if l.stopReaping != nil { // nil if this took until then
			l.stopReaping()
		}
	})
	eventually(t, "its time has come", func() bool { return time.Now().After(due) })
	if got := c.value(whoServes); got == pid {
		t.Error("it was lent again")
	}
}

// After a reload has closed all that were idle, those that come to be idle later go as well.
func TestIdleTimeoutGoesOn(t *testing.T) {
	p := database(t).behind(t, 1, func(cfg *Config) { cfg.IdleTimeout = time.Hour })
	c := p.connect(t)
	c.must("SELECT 1")
	p.proxy.eachLender(func(l *lender) {
		for m := range l.pool.Filled {
			m.Backend.idleSince = m.Backend.idleSince.Add(-time.Minute)
		}
	})
	p.reconfigure(func(cfg *Config) { cfg.IdleTimeout = 50 * time.Millisecond })
	eventually(t, "the backend is closed", func() bool { return p.backends(t) == "0" })
	c.must("SELECT 1")
	eventually(t, "the next is closed, too", func() bool { return p.backends(t) == "0" })
}
