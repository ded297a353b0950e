package tlsreload

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// Draining: connections that were served with a certificate which is no longer
// served end when an operator asks for it. What ending one means is for its
// listener to say; here is which ones.

// Connection is a client's connection with what is known of the certificate it
// was served with. Its zero value is one without TLS. It may be asked from many
// goroutines, once the handshake is over.
type Connection struct {
	// Again opens another connection to where this one came in, up to where TLS
	// begins; nil if that is not known. It may outlive the connection.
	Again func(context.Context) (net.Conn, error)

	begun time.Time // no later than the snapshot was taken
	shown []shown   // one, unless it can't be told which
}

// shown is a certificate that may have been shown, by set and fingerprint.
type shown struct{ set, fingerprint string }

type connectionKey struct{}

// Handshake returns a context for a handshake with a configuration of [Wrap],
// which then notes the certificate.
func (c *Connection) Handshake(ctx context.Context) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// connectionOf returns the connection whose handshake it is, or one that nobody
// looks at.
func connectionOf(hello *tls.ClientHelloInfo) *Connection {
	if c, ok := hello.Context().Value(connectionKey{}).(*Connection); ok {
		return c
	}
	return new(Connection)
}

// note notes a certificate of the snapshot.
func (c *Connection) note(snapshot *certset.Snapshot, fingerprint string) {
	if set, served := snapshot.Owners[fingerprint]; served {
		c.shown = append(c.shown, shown{set, fingerprint})
	}
}

// Accepted notes what the connection may have been shown in a handshake that
// somebody else has made since then, such as the stock tls handler: each
// certificate that fits, and what may have been there before.
func (c *Connection) Accepted(hello *tls.ClientHelloInfo, at time.Time) {
	app := current()
	if app == nil {
		return
	}
	c.begun = at
	snapshot := app.snapshot.Load()
	settled := app.settled.Load() // behind the snapshot: it is nil if that is being swapped
	for _, cert := range snapshot.Candidates(hello, "") {
		c.note(snapshot, cert.Fingerprint)
		if settled == nil || at.Before(*settled) { // then it may have been another one
			c.shown = append(c.shown, shown{set: snapshot.Owners[cert.Fingerprint]})
		}
	}
}

// Drained says whether the connection is to end: when that was last asked for, it
// had begun, and its certificate was no longer served. It takes no lock.
func (c *Connection) Drained() bool {
	last := drains.last.Load()
	if last == nil {
		return false
	}
	return slices.ContainsFunc(c.shown, func(s shown) bool {
		asked, ok := (*last)[s.set]
		if !ok {
			asked, ok = (*last)[notConfigured]
		}
		if !ok || !c.begun.Before(asked.at) {
			return false
		}
		_, served := asked.served[s.fingerprint]
		return !served
	})
}

// asked is when connections of a set were last asked to be drained, and the
// fingerprints of what was served then.
type asked struct {
	at     time.Time
	served map[string]string
}

// notConfigured stands for the sets that the configuration did not have when all
// were asked to be drained.
const notConfigured = ""

// drains is what the process remembers of draining.
var drains struct {
	last atomic.Pointer[map[string]asked] // by set; changed under the lock of process

	mu       sync.Mutex
	drainers []func(why string) int
}

// OnDrain has drain called when connections are to be drained: it ends those of
// its listeners that are [Connection.Drained], or sees to it that they will
// end, and returns how many they are. Those that are not known yet are its to
// ask before they are served.
func OnDrain(drain func(why string) int) {
	drains.mu.Lock()
	defer drains.mu.Unlock()
	drains.drainers = append(drains.drainers, drain)
}

// drain drains the connections of some sets, none for all, if asked to, or if
// their options say so, and returns how many there are; nil if it did not. The
// caller has the lock of process.
func (a *App) drain(names []string, always bool) *int {
	sets, _ := a.names(names) // they exist
	sets = slices.DeleteFunc(sets, func(name string) bool { return !always && !a.Sets[name].Drain })
	if len(sets) == 0 {
		return nil
	}
	now := asked{time.Now(), a.snapshot.Load().Owners}
	last := map[string]asked{}
	if always && len(names) == 0 {
		last[notConfigured] = now
	} else if before := drains.last.Load(); before != nil {
		maps.Copy(last, *before)
	}
	for _, set := range sets {
		last[set] = now
	}
	drains.last.Store(&last)
	drains.mu.Lock()
	defer drains.mu.Unlock()
	n := 0
	for _, drain := range drains.drainers {
		n += drain("its certificate is no longer served")
	}
	if n > 0 {
		a.log.Info("connections on certificates that are no longer served are drained", "sets", sets, "connections", n)
	}
	return &n
}
