package tlsreload

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2/notify"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// The events, with their data.
const (
	eventReloaded    = "tlsreload.reloaded"      // sets, trigger
	eventFailed      = "tlsreload.failed"        // sets, trigger, error
	eventExpiring    = "tlsreload.expiring"      // set, names, sha256, not_after
	eventCRLExpiring = "tlsreload.crl_expiring"  // set, issuer, next_update
	eventUnclean     = "tlsreload.unclean_start" // reason
)

// expiryInterval is how often certificates and revocation lists are looked at for
// their end. Of the same one is told once a day, and anew by each configuration.
const (
	expiryInterval = time.Hour
	tellAgain      = 24 * time.Hour
)

// emit has an event handled, after those before it. Nobody waits for that: the
// handler may be a command that has Caddy load a configuration, which waits for
// us.
func (a *App) emit(name string, data map[string]any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before, done := a.emitted, make(chan struct{})
	a.emitted = done
	go func() {
		defer close(done)
		if before != nil {
			<-before
		}
		a.events.Emit(a.ctx, name, data)
	}()
}

// tellStart tells what there is to tell of a start, the first of the process or
// that of another configuration.
func (a *App) tellStart(first bool) {
	if first && a.unclean != "" {
		a.log.Warn("unclean end of the previous process", "reason", a.unclean)
		a.emit(eventUnclean, map[string]any{"reason": a.unclean})
	}
	for name := range a.Sets {
		if s := a.state(name); s.Degraded {
			a.emit(eventFailed, map[string]any{"sets": []string{name}, "trigger": s.Trigger, "error": sentence(s.LastError)})
		}
	}
	a.tellSystemd()
}

// report tells everybody what became of a reload.
func (a *App) report(req Request, result *Result) {
	var sets []string
	for _, set := range result.Sets {
		sets = append(sets, set.Name)
	}
	countReload(result.Result)
	for _, w := range result.Warnings {
		a.log.Warn(w.Error(), "trigger", req.Trigger)
	}
	switch result.Result {
	case resultFailed:
		a.log.Error("reload failed; what was served before is still served", "sets", sets, "trigger", req.Trigger, "error", result.Error)
		a.emit(eventFailed, map[string]any{"sets": sets, "trigger": req.Trigger, "error": result.Error})
	case resultReloaded:
		a.log.Info("reloaded", "sets", sets, "trigger", req.Trigger)
		a.emit(eventReloaded, map[string]any{"sets": sets, "trigger": req.Trigger})
		a.staples.wake()
	}
	a.tellSystemd()
}

// tellSystemd sets the status text that systemctl shows.
func (a *App) tellSystemd() {
	certificates, degraded := 0, 0
	snapshot := a.snapshot.Load()
	for _, set := range snapshot.Sets {
		certificates += len(set.All())
		if a.state(set.Name).Degraded {
			degraded++
		}
	}
	text := fmt.Sprintf("tlsreload: %d certificates", certificates)
	if first := snapshot.Expiry(); !first.IsZero() {
		text += ", the first expires at " + first.UTC().Format(time.RFC3339)
	}
	if degraded > 0 {
		text += fmt.Sprintf("; %d of %d sets DEGRADED", degraded, len(snapshot.Sets))
	}
	if err := notify.Status(text); err != nil {
		a.log.Error("systemd could not be told the status", "error", err)
	}
}

// watchExpiry tells of certificates and revocation lists that expire soon, until
// ctx is done.
func (a *App) watchExpiry(ctx context.Context) {
	told := map[string]time.Time{} // by fingerprint, or the signature of a list
	due := func(what string) bool {
		if time.Since(told[what]) <= tellAgain {
			return false
		}
		told[what] = time.Now()
		return true
	}
	ticker := time.NewTicker(expiryInterval)
	defer ticker.Stop()
	for {
		for _, set := range a.snapshot.Load().Sets {
			for _, cert := range set.All() {
				if time.Until(cert.TLS.Leaf.NotAfter) < a.notice() && due(cert.Fingerprint) {
					a.tellExpiring(set.Name, cert)
				}
			}
			for _, list := range set.Clients.CRLs {
				if a.crlExpiring(list) && due(string(list.Signature)) {
					a.tellCRLExpiring(set.Name, list)
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// notice is how long before its end a certificate is told of.
func (a *App) notice() time.Duration {
	return cmp.Or(time.Duration(a.Expiring), defaultExpiring)
}

// crlExpiring says whether a revocation list is to be told of: in the last
// quarter of its time, as many are good for a day only.
func (a *App) crlExpiring(list *x509.RevocationList) bool {
	quarter := list.NextUpdate.Sub(list.ThisUpdate) / 4
	return !list.NextUpdate.IsZero() && time.Until(list.NextUpdate) < min(a.notice(), quarter)
}

func (a *App) tellExpiring(set string, cert *certset.Certificate) {
	end := cert.TLS.Leaf.NotAfter.UTC()
	a.log.Warn("certificate expires soon", "set", set, "names", cert.Names, "source", cert.Source, "not_after", end)
	a.emit(eventExpiring, map[string]any{"set": set, "names": cert.Names, "sha256": cert.Fingerprint, "not_after": end})
}

func (a *App) tellCRLExpiring(set string, list *x509.RevocationList) {
	issuer, end := list.Issuer.String(), list.NextUpdate.UTC()
	a.log.Warn("revocation list expires soon; clients of its issuer are refused then", "set", set, "issuer", issuer, "next_update", end)
	a.emit(eventCRLExpiring, map[string]any{"set": set, "issuer": issuer, "next_update": end})
}
