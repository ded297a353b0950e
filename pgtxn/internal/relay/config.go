package relay

import (
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
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
	// ShutdownTimeout is how long transactions may take to end when the process stops; it is for who calls Shutdown.
	ShutdownTimeout time.Duration
	LogMinWait      time.Duration // a wait for a backend of at least this length is logged; less than 0: none

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
	// MaxStatement bounds the text of a statement that is read, in bytes; a
	// longer one passes unread and pins the session.
	MaxStatement int
	// MaxPrepared bounds the prepared statements of clients on each backend.
	MaxPrepared int

	// TLS returns the configuration for one client's handshake, or nil if TLS
	// is not offered.
	TLS func() *tls.Config
	// TLSRequired refuses clients that don't ask for TLS, as hostssl does in
	// pg_hba.conf.
	TLSRequired bool
	// OverTLS says that connections come out of TLS already.
	OverTLS bool
	// Users is the user list, or nil: then everybody is let in (trust).
	Users *auth.Users

	Log *slog.Logger
}
