package relay

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// What is counted of clients that have no session yet, each on a goroutine of its own.

// Login is how a client's attempt to log in ended.
type Login uint8

// The ends.
const (
	LoginAccepted  Login = iota
	LoginFailed          // wrong password, or unknown user
	LoginRefused         // for another reason that the client was told
	LoginTimeout         // it took longer than it may
	LoginAbandoned       // the client left, as port scans and health checks do
	LoginBroken          // it spoke another protocol, or TLS failed
	numLogins
)

// Cancel is what became of a request to cancel.
type Cancel uint8

// What became of it.
const (
	CancelSent      Cancel = iota // to the server
	CancelWaiting                 // the session waited for a backend, and does not any more
	CancelIdle                    // nothing was under way
	CancelUnknown                 // there is no session with this key
	CancelFailed                  // the server, or the peer, could not be reached
	CancelForwarded               // to the instance that the key names
	numCancels
)

// Entries are counted since the process began.
type Entries struct {
	Logins           [numLogins]uint64
	Cancels          [numCancels]uint64
	Handshakes       map[uint16]uint64 // TLS with clients, by version
	HandshakesFailed uint64
}

// tlsVersions are those that Go speaks.
var tlsVersions = [...]uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13}

// entries counts them.
type entries struct {
	logins           [numLogins]atomic.Uint64
	cancels          [numCancels]atomic.Uint64
	handshakes       [len(tlsVersions)]atomic.Uint64
	handshakesFailed atomic.Uint64
}

// Entries returns what was counted.
func (h *Hub) Entries() Entries {
	e := Entries{Handshakes: make(map[uint16]uint64), HandshakesFailed: h.entries.handshakesFailed.Load()}
	for i := range e.Logins {
		e.Logins[i] = h.entries.logins[i].Load()
	}
	for i := range e.Cancels {
		e.Cancels[i] = h.entries.cancels[i].Load()
	}
	for i, version := range tlsVersions {
		e.Handshakes[version] = h.entries.handshakes[i].Load()
	}
	return e
}

// handshake counts one with a client.
func (e *entries) handshake(conn *tls.Conn, err error) {
	if err != nil {
		e.handshakesFailed.Add(1)
		return
	}
	version := conn.ConnectionState().Version
	for i := range tlsVersions {
		if tlsVersions[i] == version {
			e.handshakes[i].Add(1)
		}
	}
}

// refused counts why a client was not let in.
func (e *entries) refused(err error) {
	login := LoginBroken
	var told *wire.Error
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		login = LoginAbandoned
	case errors.Is(err, os.ErrDeadlineExceeded):
		login = LoginTimeout
	case errors.As(err, &told) && told.Code == wire.AuthenticationFailed("").Code:
		login = LoginFailed
	case errors.As(err, &told):
		login = LoginRefused
	}
	e.logins[login].Add(1)
}
