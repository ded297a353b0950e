package relay

import (
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
)

// A listener that is there when those it was for have left has its end, too.
func TestListenerForNobody(t *testing.T) {
	var logins atomic.Int32
	asked, left := make(chan struct{}), make(chan struct{})
	p := database(t).behind(t, 1, func(cfg *Config) {
		cfg.Upstream.Secret = func(string) auth.Secret {
			if logins.Add(1) == 2 { // behind that of the backend
				close(asked)
				<-left
			}
			return auth.Secret{}
		}
	})
	c := p.connect(t)
	c.must("LISTEN a")
	<-asked
	c.leave()
	eventually(t, "the session has ended", func() bool { return len(p.proxy.Sessions()) == 0 })
	close(left)
	eventually(t, "the listener is there, for a while", func() (ends bool) {
		p.proxy.eachLender(func(l *lender) { ends = l.listener != nil && l.listener.ready && l.listener.endIdle != nil })
		return ends
	})
}

// A backend that goes away before the channels have come to it takes none with it.
func TestListenerMeetsALostBackend(t *testing.T) {
	p := database(t).behind(t, 1)
	c := p.connect(t)
	c.must("LISTEN a")
	p.onTheListener(t, 1)
	pid, _ := strconv.Atoi(sql(t, "postgres", "SELECT pid FROM pg_stat_activity WHERE application_name <> 'caddy_pgtxn listen' AND datname = '"+p.database+"'"))
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.send(query("NOTIFY a, 'heard'"))
	eventually(t, "the channels are on their way", func() bool { return p.proxy.Sessions()[0].Backend != nil })
	sql(t, "postgres", "SELECT pg_terminate_backend("+strconv.Itoa(pid)+")")
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.until("Z"), ", "); got != "C NOTIFY, A a heard, Z I" {
		t.Error(got)
	}
}

// A move to a listener that does not answer is given up: the session keeps its backend, and hears by that.
func TestListenerHangs(t *testing.T) {
	p := database(t).behind(t, 2, func(cfg *Config) { cfg.ConnectTimeout, cfg.Log = 2*time.Second, quiet() })
	c, speaker := p.connect(t), p.connect(t)
	c.must("LISTEN a")
	p.onTheListener(t, 1)
	c.must("BEGIN")
	signal := func(sig syscall.Signal) {
		pid := sql(t, p.database, "SELECT pid FROM pg_stat_activity WHERE application_name = 'caddy_pgtxn listen' AND datname = current_database()")
		n, _ := strconv.Atoi(pid)
		if err := syscall.Kill(n, sig); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	c.must("COMMIT")
	s := p.session(c)
	eventually(t, "a move has begun", func() (moving bool) {
		s.shard.loop.Call(func() { moving = s.listens.moving() })
		return moving
	})
	c.must("SELECT 1")
	speaker.must("NOTIFY a, 'while it hangs'")
	c.expect("A a while it hangs")
	signal(syscall.SIGCONT)
	speaker.must("NOTIFY a, 'and goes on'")
	c.expect("A a and goes on")
	c.must("SELECT 1")
	c.must("UNLISTEN a")
	atRest(t, p)
}
