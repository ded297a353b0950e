package tlsreload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

func init() {
	caddy.RegisterModule(&App{})
}

// The defaults of the options.
const (
	defaultPollInterval = time.Minute
	defaultExpiring     = 14 * 24 * time.Hour
)

// storagePrefix is where in Caddy's storage everything of this module is.
const storagePrefix = "tlsreload"

// App serves certificates from files, folders, storage and loaders, and
// replaces them in the running process without closing a connection: at a call
// of the admin API, at SIGUSR1, or when the files change. Names in its sets
// belong to it: Caddy does not manage certificates for them.
//
// Certificates are served to everything that gets its certificates from Caddy:
// HTTP sites, the tls handler of the layer4 app, pgtxn.
type App struct {
	// The sets of certificates, by name. Each is checked and replaced as a
	// whole. A name has letters, digits, - and _. At least one is needed.
	Sets map[string]*Set `json:"sets,omitempty"`

	// Whether changes of files are noticed, by notifications of the system and
	// by looking at them from time to time: on or off. Default: on.
	Watch string `json:"watch,omitempty"`

	// How often files are looked at, for where notifications fail, such as on
	// network file systems; also values in Caddy's storage. Default: 1m.
	PollInterval caddy.Duration `json:"poll_interval,omitempty"`

	// Whether the last good sets, private keys included, are kept in Caddy's
	// storage, to be served after a start at which the sources are broken: on
	// or off. Default: on.
	LastGood string `json:"last_good,omitempty"`

	// How long before a certificate expires the event tlsreload.expiring is
	// sent. Default: 14d.
	Expiring caddy.Duration `json:"expiring,omitempty"`

	// Whether answers of OCSP responders are stapled to the certificates that
	// name one: on or off. Default: on.
	OCSP string `json:"ocsp,omitempty"`

	ctx    caddy.Context
	log    *slog.Logger
	tls    *caddytls.TLS
	events *caddyevents.App

	snapshot atomic.Pointer[certset.Snapshot] // what is served; never nil
	settled  atomic.Pointer[time.Time]        // since when nobody is shown anything older; nil while it is swapped
	managed  []string                         // the names that Caddy asks us for
	probes   *prober
	doors    doors
	staples  *stapler
	unclean  string // what is known of an unclean end of the process before
	end      context.CancelFunc
	running  sync.WaitGroup

	mu      sync.Mutex // guards the following
	states  map[string]*setState
	emitted chan struct{} // closed when the event before the next one was handled; or nil
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "tlsreload",
		New: func() caddy.Module { return new(App) },
	}
}

// process is what all configurations have in common.
var process struct {
	// Mutex makes reloads, starts and stops one at a time.
	sync.Mutex
	// started holds the apps whose configurations run, the newest last: two
	// while one takes over from another.
	started     []*App
	newest      atomic.Pointer[App] // of started; read without the lock
	generations atomic.Uint64
	// unclean is what is known of the process before this one, if it did not
	// end cleanly.
	unclean string
}

// current returns the app of the configuration that runs, or nil.
func current() *App { return process.newest.Load() }

// newest returns what is served now: that of the configuration that runs, or a's
// own, if that is newer, as while a is being started. A connection that came in
// under an earlier configuration is not to be shown what was replaced since then.
func (a *App) newest() *certset.Snapshot {
	own := a.snapshot.Load()
	if running := current(); running != nil {
		if theirs := running.snapshot.Load(); theirs.Generation > own.Generation {
			return theirs
		}
	}
	return own
}

// setStarted replaces the list of apps that run. The caller has the lock.
func setStarted(apps []*App) {
	process.started = apps
	process.newest.Store(nil)
	if n := len(apps); n > 0 {
		process.newest.Store(apps[n-1])
	}
}

var setName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Validate checks the options, without what they refer to.
func (a *App) Validate() error {
	if len(a.Sets) == 0 {
		return errors.New("there is no set of certificates; add one with a certificate and its key")
	}
	defaults := 0
	for name, set := range a.Sets {
		if !setName.MatchString(name) {
			return fmt.Errorf("set '%s': a name has only letters, digits, - and _", name)
		}
		if set != nil && set.Default {
			defaults++
		}
	}
	if defaults > 1 {
		return fmt.Errorf("%d sets are the default, and one can be", defaults)
	}
	for option, value := range map[string]string{"watch": a.Watch, "last_good": a.LastGood, "ocsp": a.OCSP} {
		if !slices.Contains([]string{"", on, off}, value) {
			return fmt.Errorf("%s: unknown '%s'; use on or off", option, value)
		}
	}
	if a.PollInterval < 0 || a.Expiring < 0 {
		return errors.New("poll_interval and expiring can't be less than 0; leave them out for the default")
	}
	return nil
}

// The values of the options that are on or off.
const on, off = "on", "off"

// Provision reads the sources, so that a configuration is complete before the
// first of its listeners opens. It changes nothing outside of a: it also runs
// for configurations that will never be used.
func (a *App) Provision(ctx caddy.Context) error {
	if err := a.Validate(); err != nil { // before anything is read
		return err
	}
	a.ctx, a.log, a.staples = ctx, ctx.Slogger(), newStapler()
	a.states = map[string]*setState{}
	a.snapshot.Store(certset.NewSnapshot(0, nil))
	for name, set := range a.Sets {
		if set == nil {
			set = new(Set)
			a.Sets[name] = set
		}
		if err := set.provision(ctx, name); err != nil {
			return fmt.Errorf("set '%s': %w", name, err)
		}
		a.states[name] = new(setState)
	}
	_, _ = caddy.InstanceID() // as long as no app has started: of two that ask at once for the first time, each makes up its own
	if err := a.loadApps(ctx); err != nil {
		return err
	}
	if err := a.firstRead(); err != nil {
		return err
	}
	if err := a.manage(); err != nil {
		return err
	}
	var err error
	if a.probes, err = newProber(ctx, a); err != nil {
		return err
	}
	return registerMetrics(ctx)
}

// loadApps gets the other apps. HTTP goes first, so that the policies that it
// makes for its sites' names come after ours, whatever the order of the apps.
func (a *App) loadApps(ctx caddy.Context) error {
	if _, err := ctx.AppIfConfigured("http"); err != nil && !errors.Is(err, caddy.ErrNotConfigured) {
		return err
	}
	app, err := ctx.App("tls")
	if err != nil {
		return err
	}
	a.tls = app.(*caddytls.TLS)
	if app, err = ctx.App("events"); err != nil {
		return err
	}
	a.events = app.(*caddyevents.App)
	return a.events.On("started", a)
}

// Start stores what was made, before clients see it.
func (a *App) Start() error {
	process.Lock()
	defer process.Unlock()
	for name := range a.Sets {
		a.keepSelfSigned(name)
	}
	return nil
}

// Handle hears that all apps of the configuration have started. From now on
// reloads and the admin API work on this one, and all who want to can hear its
// events.
func (a *App) Handle(context.Context, caddy.Event) error {
	if a.end != nil { // somebody else's event of the same name
		return nil
	}
	first := a.takeOver()
	if a.changed() { // since it was read: an older set would be served otherwise
		_, _ = a.reload(Request{Trigger: triggerStart}) // all sets exist
	}
	a.claim()
	a.settleIn()
	a.tellStart(first)
	a.startBackground()
	return nil
}

// takeOver makes a the app that runs, and says whether it is the first of the
// process.
func (a *App) takeOver() (first bool) {
	process.Lock()
	defer process.Unlock()
	first = len(process.started) == 0
	if first {
		process.unclean = a.markRunning()
	}
	a.unclean = process.unclean
	setStarted(append(process.started, a))
	return first
}

// settleIn keeps what is served for the next start, and drains connections on
// what was served before by another configuration.
func (a *App) settleIn() {
	process.Lock()
	defer process.Unlock()
	for _, set := range a.snapshot.Load().Sets {
		if !a.state(set.Name).Degraded {
			_ = a.keep(set) // its error is in the log
		}
	}
	a.settle()
	a.drain(nil, false)
}

// settle notes that what was served before is shown to nobody any more.
func (a *App) settle() {
	now := time.Now()
	a.settled.Store(&now)
}

// startBackground starts what goes on until the configuration ends.
func (a *App) startBackground() {
	ctx, cancel := context.WithCancel(a.ctx)
	a.end = cancel
	goOn := func(work func(context.Context)) { a.running.Go(func() { work(ctx) }) }
	goOn(a.watchExpiry)
	goOn(a.heedSignal)
	if a.Watch != off {
		goOn(a.watch)
	}
	if a.OCSP != off {
		goOn(a.staple)
	}
}

// Stop ends what Handle began. When the last configuration with this app ends,
// that is a clean end.
func (a *App) Stop() error {
	if a.end == nil { // another app could not start, or it has ended
		return nil
	}
	a.end()
	a.end = nil
	a.running.Wait()
	process.Lock()
	defer process.Unlock()
	setStarted(slices.DeleteFunc(process.started, func(other *App) bool { return other == a }))
	if len(process.started) == 0 {
		a.unmarkRunning()
	}
	return nil
}

// Cleanup stops a if Caddy did not: a configuration may fail behind the start of
// its apps, such as by an address of the admin API that is taken.
func (a *App) Cleanup() error { return a.Stop() }

// Interface guards
var (
	_ caddy.App           = (*App)(nil)
	_ caddy.Provisioner   = (*App)(nil)
	_ caddy.CleanerUpper  = (*App)(nil)
	_ caddy.Validator     = (*App)(nil)
	_ caddyevents.Handler = (*App)(nil)
)
