package tlsreload

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// ManagedView is a certificate of Caddy's own automation: by ACME, by its
// internal authority or on demand.
type ManagedView struct {
	Names       []string  `json:"names"`
	Issuer      string    `json:"issuer"`
	Fingerprint string    `json:"sha256"`
	NotAfter    time.Time `json:"not_after"`
	// Served: it is in the memory of this process, not only in the storage.
	Served bool `json:"served"`
}

// managedCertificates finds them where Caddy keeps them. What can't be read is
// missing, and is in the log.
func (a *App) managedCertificates() []ManagedView {
	found := []ManagedView{}
	keys, err := a.ctx.Storage().List(a.ctx, "certificates", true)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // as before the first of them
		a.log.Warn("managed certificates can't be listed", "error", err)
	}
	for _, key := range keys {
		if !strings.HasSuffix(key, ".crt") {
			continue
		}
		content, err := a.ctx.Storage().Load(a.ctx, key)
		if err != nil {
			a.log.Warn("a managed certificate can't be read", "key", key, "error", err)
			continue
		}
		chain, err := certset.ParseCertificates(certset.Text{Source: key, Content: content})
		if err != nil {
			a.log.Warn("a managed certificate can't be read", "key", key, "error", err)
			continue
		}
		view := ManagedView{Issuer: chain[0].Issuer.String(), Fingerprint: certset.Fingerprint(chain[0]), NotAfter: chain[0].NotAfter.UTC()}
		view.Names = append(view.Names, chain[0].DNSNames...)
		for _, ip := range chain[0].IPAddresses {
			view.Names = append(view.Names, ip.String())
		}
		for _, name := range view.Names {
			for _, cached := range caddytls.AllMatchingCertificates(name) {
				view.Served = view.Served || certset.Fingerprint(cached.Leaf) == view.Fingerprint
			}
		}
		found = append(found, view)
	}
	slices.SortFunc(found, func(a, b ManagedView) int { return a.NotAfter.Compare(b.NotAfter) })
	return found
}
