package relay

import (
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

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
