package pgtxn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"github.com/caddyserver/certmagic"
	"github.com/mholt/caddy-l4/layer4"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload"
)

func init() {
	caddy.RegisterModule(&App{})
}

// App applies the handlers' options to the pools that live when their
// configuration starts. It need not be configured: the handlers see to it that
// it runs. What it can have are listeners of its own, the short form of the
// Caddyfile.
type App struct {
	// Servers as those of the layer4 app, by names. They run beside that app's own.
	Servers map[string]*layer4.Server `json:"servers,omitempty"`
	// Names that Caddy gets certificates for and keeps up to date. Those that no
	// public authority would sign, such as localhost, get one of Caddy's own.
	AutomateNames []string `json:"automate_names,omitempty"`

	layer4 layer4.App // of Servers
	tls    *caddytls.TLS

	configs    []*relay.Config // of the handlers of this configuration
	handlerLog slog.Handler    // of one of them, as they all have the same name
	sslsets    []string        // of all of them
	ctx        caddy.Context
	listeners  func() listeners
	stopped    atomic.Bool
	storage    certmagic.Storage
	log        *slog.Logger
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "pgtxn",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision takes what is kept of earlier processes. Storage that does not work is no reason
// not to serve.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx, a.storage, a.log = ctx, ctx.Storage(), ctx.Slogger()
	a.listeners = sync.OnceValue(func() listeners { return a.listenersOf(ctx) })
	if err := loadSaltSecret(ctx, a.storage); err != nil {
		a.log.Warn("the salts of unknown users are new in this process", "key", saltSecretKey, "error", err)
	}
	if err := a.provisionServers(ctx); err != nil {
		return err
	}
	return registerMetrics(ctx)
}

// register takes the configuration of a handler. Those that share pools must
// agree on what the pools are like.
func (a *App) register(cfg *relay.Config) error {
	for _, other := range a.configs {
		if option := difference(cfg, other); other.Identity == cfg.Identity && option != "" {
			return fmt.Errorf("%s: another pgtxn handler shares the pools of %s, with another value; give both the same",
				option, strings.Join(cfg.Upstream.Addresses, " "))
		}
	}
	a.configs = append(a.configs, cfg)
	return nil
}

// difference names an option of pools that differs, or is "".
func difference(a, b *relay.Config) string {
	switch {
	case a.PoolSize != b.PoolSize:
		return "pool_size"
	case a.WaitTimeout != b.WaitTimeout:
		return "wait_timeout"
	case a.IdleTimeout != b.IdleTimeout:
		return "idle_timeout"
	case a.MaxLifetime != b.MaxLifetime:
		return "max_lifetime"
	case a.ConnectTimeout != b.ConnectTimeout:
		return "connect_timeout"
	case a.Upstream.HealthInterval != b.Upstream.HealthInterval:
		return "health_interval"
	case a.MaxPinned != b.MaxPinned:
		return "max_pinned"
	case a.PinTimeout != b.PinTimeout:
		return "pin_timeout"
	case a.Socket.KeepAlive != b.Socket.KeepAlive:
		return "tcp_keepalives_idle, tcp_keepalives_interval, tcp_keepalives_count"
	case a.Socket.UserTimeout != b.Socket.UserTimeout:
		return "tcp_user_timeout"
	}
	return ""
}

// process is what all configurations have in common. Connections outlive
// theirs, so nothing here ends with one.
var process struct {
	sync.Mutex
	hub *relay.Hub
	// keyrings are those of all pools that there have been, by their identities.
	keyrings map[string]*auth.Keyring
	// started holds the apps that run, the newest last. There are two while
	// one configuration takes over from another.
	started []*App
	// newest is the last of them, for who must not wait; nil if none runs.
	newest atomic.Pointer[App]
}

// theHub returns the hub of this process.
func theHub() (*relay.Hub, error) {
	process.Lock()
	defer process.Unlock()
	if process.hub == nil {
		hub, err := relay.NewHub()
		if err != nil {
			return nil, err
		}
		process.hub = hub
	}
	return process.hub, nil
}

// keyring returns the keys of the users whose pools have this identity. Pools live
// on over a reload, and connect with them when no client is there.
func keyring(identity string) *auth.Keyring {
	process.Lock()
	defer process.Unlock()
	ring := process.keyrings[identity]
	if ring == nil {
		ring = new(auth.Keyring)
		if process.keyrings == nil {
			process.keyrings = make(map[string]*auth.Keyring)
		}
		process.keyrings[identity] = ring
	}
	return ring
}

// Start applies this configuration to the pools that live, and listens.
func (a *App) Start() error {
	for _, name := range a.sslsets { // the app tlsreload may be loaded behind a handler
		if err := tlsreload.HasUpstream(a.ctx, name); err != nil {
			return fmt.Errorf("sslset: %w", err)
		}
	}
	hub, err := theHub()
	if err != nil {
		return err
	}
	process.Lock()
	process.started = append(process.started, a)
	process.newest.Store(a)
	process.Unlock()
	a.apply(hub)
	if err := keepSaltSecret(context.Background(), a.storage); err != nil {
		a.log.Warn("the salts of unknown users will be new in the next process", "key", saltSecretKey, "error", err)
	}
	if err := a.startServers(); err != nil {
		return errors.Join(err, a.Stop()) // Caddy stops only those that have started
	}
	return nil
}

// Stop applies the configuration that goes on, if there is one: after a reload
// that failed, this is not the newest. Sessions whose listener is gone are
// drained. When Caddy exits, all sessions end.
func (a *App) Stop() error {
	if err := a.layer4.Stop(); err != nil {
		return err
	}
	if caddy.Exiting() {
		a.shutDown()
		return nil
	}
	process.Lock()
	process.started = slices.DeleteFunc(process.started, func(other *App) bool { return other == a })
	var newest *App
	if n := len(process.started); n > 0 {
		newest = process.started[n-1]
	}
	process.newest.Store(newest)
	a.stopped.Store(true)
	hub := process.hub
	process.Unlock()
	if newest != nil {
		newest.apply(hub)
	}
	drain("its listener was removed from the configuration")
	return nil
}

// drain ends the sessions whose certificate is no longer to be used, or whose
// listener is gone.
func drain(why string) int {
	process.Lock()
	hub := process.hub
	process.Unlock()
	if hub == nil { // nobody has come yet
		return 0
	}
	return hub.Drain((*relay.Session).Unwelcome, why)
}

// shutDown waits for the transactions that are open, as long as the most patient
// handler allows, and says what it cut.
func (a *App) shutDown() {
	hub, err := theHub()
	if err != nil {
		return
	}
	var grace time.Duration
	for _, cfg := range a.configs {
		grace = max(grace, cfg.ShutdownTimeout)
	}
	ctx, stop := context.WithTimeout(context.Background(), grace)
	defer stop()
	cut := hub.Shutdown(ctx)
	for _, s := range cut {
		a.log.Warn("shutting down: a session was cut in its transaction", "session", s.ID, "transaction", s.TransactionID,
			"client", s.Client, "user", s.User, "database", s.Database, "application_name", s.ApplicationName)
	}
	a.log.Info("all sessions have ended", "cut", len(cut), "shutdown_timeout", grace)
}

func (a *App) apply(hub *relay.Hub) {
	for _, cfg := range a.configs {
		hub.Configure(cfg)
	}
}

// Interface guards
var (
	_ caddy.App         = (*App)(nil)
	_ caddy.Provisioner = (*App)(nil)
)
