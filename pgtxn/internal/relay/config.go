package relay

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/hba"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/netloop"
)

// Config is how one listener serves its clients. It is not changed once in use.
type Config struct {
	// Identity tells pools apart beside user and database: equal identities
	// mean the same servers, reached in the same way.
	Identity string
	Upstream *backend.Config

	PoolSize       int           // backends per user and database
	WaitTimeout    time.Duration // how long a client waits for a backend; 0: for ever
	IdleTimeout    time.Duration // an idle backend is closed after it; 0: never
	MaxLifetime    time.Duration // a backend is not lent again after it; 0: for ever
	ConnectTimeout time.Duration // dialling, TLS and login at the server
	LoginTimeout   time.Duration // TLS, start-up and authentication of a client
	// Socket is for connections to servers and clients; setting it on the latter is for who calls Serve.
	Socket netloop.SocketOptions
	// ShutdownTimeout is how long transactions may take to end when the process stops; it is for who calls Shutdown.
	ShutdownTimeout time.Duration
	LogMinWait      time.Duration // a wait for a backend of at least this length is logged; less than 0: none

	// SessionMode says whose sessions keep their backend from the first statement to
	// the end. Nil: nobody's.
	SessionMode func(user, database string) bool

	// ScrubAlways has a backend scrubbed before another session gets it, whatever
	// ran on it; else only what writes counts, since triggers may run.
	ScrubAlways bool
	// Inspect says after what the server is asked what was changed in secret.
	Inspect Inspect
	// Verify says how often the tracked variables are compared with the backend's.
	Verify Verify
	// OnDrift, if not nil, is told of a difference that Verify found, on the loop: it
	// must not block.
	OnDrift func(Drift)
	// SharedCustom lends a backend to sessions that have not set all the custom
	// settings which were ever set on it: they find them to be '' instead of NULL.
	SharedCustom bool
	// MaxStatement bounds the text of a statement that is read, in bytes; a
	// longer one passes unread and pins the session.
	MaxStatement int
	// MaxSavepoints bounds the savepoints of a transaction; 0: no limit.
	MaxSavepoints int
	// MaxSessionMemory bounds what a session's variables take, those that its
	// savepoints would bring back included, in bytes; 0: no limit.
	MaxSessionMemory int
	// MaxPrepared bounds the prepared statements of clients on each backend, and
	// MaxClientPrepared those that one client has names for.
	MaxPrepared, MaxClientPrepared int

	// MaxPinned bounds the sessions of a pool that keep a backend between
	// transactions, and PinTimeout how long one does without using it; 0: no limit.
	MaxPinned  int
	PinTimeout time.Duration

	// PinListen has a session that listens keep its backend; else the pool listens for it.
	PinListen bool
	// Sequences says who keeps its backend for currval and lastval.
	Sequences Sequences

	// PeerID is the number of this instance among those that share an address, to
	// MaxPeerID; 0: there are no others.
	PeerID int
	// Peers are the addresses of the others, by their numbers.
	Peers map[int]string

	// TLS returns the configuration for one client's handshake, or nil if TLS
	// is not offered.
	TLS func() *tls.Config
	// Rules say how clients have to prove who they are; UserMap which users their
	// certificates may be.
	Rules   hba.Rules
	UserMap hba.Map
	// IsMember says whether a user is a member of a role; nil if neither depends on it.
	IsMember func(ctx context.Context, user, role string) (bool, error)
	// CertsVerified says that every certificate of a client that comes through a
	// handshake has been judged by a verifier.
	CertsVerified bool
	// Failures limits wrong passwords.
	Failures *Failures
	// Console, if not nil, is a database that the servers are not asked for.
	Console *Console
	// OverTLS says that connections come out of TLS already. Those that are Secured
	// may have a certificate.
	OverTLS bool
	// Users knows the users; rules without passwords do without it.
	Users Users
	// Keys are given the keys that clients' proofs show, for logins at the servers.
	Keys *auth.Keyring

	Log *slog.Logger
}

// Users knows what clients have to prove that they know.
type Users interface {
	// Lookup returns the secret of a user. For one who is not known it is a mock that
	// nothing opens. An error says that it could not be found out.
	Lookup(ctx context.Context, user string) (secret auth.Secret, known bool, err error)
}
