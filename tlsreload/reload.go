package tlsreload

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// How long is waited for material that may be in the middle of being written.
const (
	tornTime   = 2 * time.Second // a file that was changed longer ago is as it is meant to be
	retryDelay = 50 * time.Millisecond
	maxTries   = 10
)

// Request is what a reload is asked for.
type Request struct {
	Sets    []string // none: all
	Force   bool     // also if names or intermediates are lost, or revocation lists are out of date
	DryRun  bool     // only check
	Drain   bool     // connections on certificates that are no longer served, as the option of sets
	Trigger string   // who asked: api, console, signal, or one of the following
}

// What causes a reload that nobody asked for.
const (
	triggerStart = "start"
	triggerWatch = "watch"
)

// unasked says whether it is none that an operator asked for.
func (r *Request) unasked() bool { return r.Trigger == triggerStart || r.Trigger == triggerWatch }

// Result is what became of a reload.
type Result struct {
	// Result is reloaded, unchanged, valid (a dry run) or failed.
	Result string `json:"result"`
	// Error is why it failed, in one line.
	Error    string            `json:"error,omitempty"`
	Problems []certset.Problem `json:"problems,omitempty"`
	Warnings []certset.Problem `json:"warnings,omitempty"`
	// Sets are those of the request: as they are served, or would be after a
	// dry run. After a failure, they are what goes on being served.
	Sets []SetView `json:"sets"`
	// Draining is how many connections are on certificates of these sets that are
	// no longer served, and end between transactions; nil if nobody asked for it.
	Draining *int `json:"draining,omitempty"`
}

const (
	resultReloaded  = "reloaded"
	resultUnchanged = "unchanged"
	resultValid     = "valid"
	resultFailed    = "failed"
)

// gather reads sets until they are whole, or it is clear that they won't be.
// What is wrong with each is in its errs.
func (a *App) gather(names []string, req Request) []reading {
	var before [][sha256.Size]byte
	for try := 1; ; try++ {
		var readings []reading
		var digests [][sha256.Size]byte
		broken, settled := false, true
		for _, name := range names {
			r := a.Sets[name].read(a.ctx, a.ctx.Storage())
			a.check(&r, req)
			if len(r.errs) > 0 {
				broken, settled = true, settled && time.Since(r.changed) > tornTime
			}
			readings, digests = append(readings, r), append(digests, r.digest)
		}
		if !broken || try == maxTries || settled && slices.Equal(digests, before) {
			return readings
		}
		before = digests
		select {
		case <-a.ctx.Done():
			return readings
		case <-time.After(retryDelay):
		}
	}
}

// check says what is wrong with a set that was read.
func (a *App) check(r *reading, req Request) {
	if req.unasked() && a.vanished(r) {
		r.errs = append(r.absent, r.errs...)
	}
	old := a.snapshot.Load().Set(r.set.Name)
	if old == nil { // what another configuration served, or another process
		old, _ = a.lastGood(r.set.Name)
	}
	public, _ := x509.SystemCertPool() // without one, less can be said about chains
	errs, warnings := certset.Check(r.set, old, certset.Rules{
		Now: time.Now(), Force: req.Force, Reconfigured: a.state(r.set.Name).LastSuccess == nil, Roots: r.roots, Public: public,
	})
	if len(r.errs) > 0 {
		errs, warnings = nil, nil // they would follow from these
	}
	r.errs, r.warnings = append(r.errs, errs...), append(r.warnings, warnings...)
	if len(r.errs) == 0 && len(r.set.All())+len(r.set.Clients.Roots)+len(r.set.UpstreamRoots) == 0 {
		r.errs = []certset.Problem{{Reason: "set " + r.set.Name + ": its sources hold nothing"}}
	}
}

// vanished says whether a set would become self-signed that was not: what is
// served, or was kept, came from sources that don't exist now. They may be late,
// such as a mount at boot. If it has expired meanwhile, self-signed is better.
func (a *App) vanished(r *reading) bool {
	if len(r.absent) == 0 {
		return false
	}
	good, _ := a.lastGood(r.set.Name)
	return good != nil && !good.Expired(time.Now()) && slices.ContainsFunc(good.Certificates, func(c *certset.Certificate) bool { return !isSelfSigned(c) })
}

// changed says whether the sources hold something else than at the last
// attempt, be it good or bad.
func (a *App) changed() bool {
	process.Lock()
	defer process.Unlock()
	for name, set := range a.Sets {
		r := set.read(a.ctx, a.ctx.Storage())
		if r.digest != a.state(name).digest {
			return true
		}
	}
	return false
}

// reload does what the request says, whether or not the caller waits for it.
// Its error is for a request that can't be done at all; material that is not
// good is a Result.
func (a *App) reload(req Request) (*Result, error) {
	names, err := a.names(req.Sets)
	if err != nil {
		return nil, err
	}
	result := a.reloadLocked(names, req)
	if !req.DryRun {
		a.report(req, result)
	}
	return result, nil
}

// Reload reloads all sets of the configuration that runs, if it has any; trigger is who asked.
func Reload(trigger string) error {
	app := current()
	if app == nil {
		return nil
	}
	result, err := app.reload(Request{Trigger: trigger})
	if err == nil && result.Result == resultFailed {
		err = errors.New(result.Error)
	}
	return err
}

// names checks the names of sets; none stand for all.
func (a *App) names(asked []string) ([]string, error) {
	var all []string
	for name := range a.Sets {
		all = append(all, name)
	}
	slices.Sort(all)
	if len(asked) == 0 {
		return all, nil
	}
	for _, name := range asked {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("there is no set %s; the sets are %s", name, strings.Join(all, ", "))
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(asked))), nil
}

// reloadLocked is all of a reload that no other may interfere with.
func (a *App) reloadLocked(names []string, req Request) *Result {
	process.Lock()
	defer process.Unlock()
	old := a.snapshot.Load()
	readings := a.gather(names, req)
	result := &Result{Result: resultUnchanged}
	for _, r := range readings {
		result.Problems = append(result.Problems, r.errs...)
		result.Warnings = append(result.Warnings, r.warnings...)
		if !r.set.Equal(old.Set(r.set.Name)) {
			result.Result = resultReloaded
		}
	}
	if a.ctx.Err() != nil {
		result.Problems = append(result.Problems, certset.Problem{Reason: "another configuration has been loaded meanwhile; it has read the sets itself"})
	}
	if len(result.Problems) > 0 {
		result.Result = resultFailed
		result.Error = sentence(result.Problems)
	}
	result.Sets = views(old, readings, result.Result == resultFailed)
	if req.DryRun {
		if result.Result != resultFailed {
			result.Result = resultValid
		}
		return result
	}
	if result.Result != resultFailed {
		a.store(old, readings, result)
	}
	if result.Result == resultReloaded {
		a.settled.Store(nil)
		a.swap(old, readings)
		a.probes.confirm(a.ctx, result)
		a.settle()
	}
	a.note(req, readings, result) // who reads that all is well finds it so
	if result.Result != resultFailed {
		result.Draining = a.drain(req.Sets, req.Drain)
	}
	return result
}

// store keeps sets for the next start: new ones, and those that could not be kept
// before. That comes before they are served: what was answered for is what a
// start after a crash finds.
func (a *App) store(old *certset.Snapshot, readings []reading, result *Result) {
	for _, r := range readings {
		if name := r.set.Name; r.set.Equal(old.Set(name)) && !a.state(name).unkept {
			continue
		}
		a.keepSelfSigned(r.set.Name)
		if err := a.keep(r.set); err != nil {
			result.Warnings = append(result.Warnings, certset.Problem{Reason: err.Error()})
		}
	}
}

// swap serves the new sets.
func (a *App) swap(old *certset.Snapshot, readings []reading) {
	sets := slices.Clone(old.Sets)
	for _, r := range readings {
		next := r.set.WithStaplesOf(old.Set(r.set.Name))
		i := slices.IndexFunc(sets, func(s *certset.Set) bool { return s.Name == r.set.Name })
		if i < 0 {
			sets = append(sets, next)
		} else if !sets[i].Equal(next) {
			sets[i] = next
		}
	}
	a.snapshot.Store(certset.NewSnapshot(process.generations.Add(1), sets))
}

func sentence(problems []certset.Problem) string {
	var errs []string
	for _, p := range problems {
		errs = append(errs, p.Error())
	}
	return strings.Join(errs, "; ")
}

// firstRead fills the snapshot of a configuration that is being loaded. For a
// set whose sources are broken it takes the one that is served, or else the one
// that was kept. Without either the configuration can't be loaded.
func (a *App) firstRead() error {
	names, err := a.names(nil)
	if err != nil {
		return err
	}
	process.Lock()
	defer process.Unlock()
	var sets []*certset.Set
	var errs []error
	req := Request{Trigger: triggerStart}
	for _, r := range a.gather(names, req) {
		name := r.set.Name
		result := &Result{Result: resultReloaded, Problems: r.errs, Warnings: r.warnings}
		if len(r.errs) > 0 {
			result.Result = resultFailed
			good, whence := a.lastGood(name)
			if good == nil {
				errs = append(errs, fmt.Errorf("set %s: %s (and %s)", name, sentence(r.errs), whence))
				continue
			}
			r.set = good
			a.log.Error("the sources are broken; serving "+whence, "set", name, "error", sentence(r.errs))
		}
		if running := current(); running != nil {
			r.set = r.set.WithStaplesOf(running.snapshot.Load().Set(name))
		}
		for _, w := range r.warnings {
			a.log.Warn(w.Error(), "set", name)
		}
		a.note(req, []reading{r}, result)
		sets = append(sets, r.set)
	}
	a.snapshot.Store(certset.NewSnapshot(process.generations.Add(1), sets))
	return errors.Join(errs...)
}
