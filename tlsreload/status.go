package tlsreload

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// setState is what is known of a set besides what is served.
type setState struct {
	LastAttempt time.Time  `json:"last_attempt"`
	LastSuccess *time.Time `json:"last_success"`
	// LastResult is that of the last attempt, Trigger who asked for it, and
	// LastError why it failed.
	LastResult string            `json:"last_result"`
	Trigger    string            `json:"trigger"`
	LastError  []certset.Problem `json:"last_error,omitempty"`
	Warnings   []certset.Problem `json:"warnings,omitempty"`
	// Degraded: what is served is not what the sources hold, or is no longer good.
	Degraded bool `json:"degraded"`

	digest [sha256.Size]byte // of the sources at the last attempt
	unkept bool              // what is served could not be kept for a start with broken sources
}

// state returns a copy of a set's state.
func (a *App) state(name string) setState {
	a.mu.Lock()
	defer a.mu.Unlock()
	return *a.states[name]
}

// note records an attempt.
func (a *App) note(req Request, readings []reading, result *Result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now().UTC()
	for _, r := range readings {
		s := a.states[r.set.Name]
		s.LastAttempt, s.LastResult, s.Trigger = now, result.Result, req.Trigger
		s.LastError, s.Warnings, s.digest = r.errs, r.warnings, r.digest
		if result.Result == resultFailed && len(r.errs) == 0 {
			if r.set.Equal(a.snapshot.Load().Set(r.set.Name)) {
				s.LastResult = resultUnchanged
			} else {
				s.LastError = []certset.Problem{{Reason: "another set of the same reload is broken"}}
			}
		}
		s.Degraded = s.LastResult == resultFailed
		if !s.Degraded {
			s.LastSuccess = &now
		}
	}
}

// SetView is a set as operators see it.
type SetView struct {
	Name         string            `json:"name"`
	Certificates []CertificateView `json:"certificates"`
	// What clients' and servers' certificates are checked against.
	ClientCAs   []string  `json:"client_cas,omitempty"`
	ClientCRLs  []CRLView `json:"client_crls,omitempty"`
	UpstreamCAs []string  `json:"upstream_cas,omitempty"`
}

// CertificateView is a certificate as operators see it.
type CertificateView struct {
	Names       []string  `json:"names"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"`
	Fingerprint string    `json:"sha256"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	KeyType     string    `json:"key_type"`
	ChainLength int       `json:"chain_length"`
	Source      string    `json:"source"`
	// Use is clients or upstream: to whom it is shown.
	Use string `json:"use"`
	// Change is what a reload did, and Before what it replaced.
	Change certset.Change `json:"change,omitempty"`
	Before string         `json:"replaced_sha256,omitempty"`
	// OCSPUntil is how long the stapled OCSP answer is good for.
	OCSPUntil *time.Time `json:"ocsp_until,omitempty"`
	// Served is what handshakes after the reload showed.
	Served []ServedView `json:"served,omitempty"`
}

// To whom a certificate is shown.
const (
	useClients  = "clients"
	useUpstream = "upstream"
)

// ServedView is what a handshake showed.
type ServedView struct {
	Name string `json:"name"`
	// At is the address, none if it was over a pipe.
	At          string `json:"at,omitempty"`
	Fingerprint string `json:"sha256,omitempty"`
	Expected    bool   `json:"expected"`
	Error       string `json:"error,omitempty"`
}

// CRLView is a revocation list as operators see it.
type CRLView struct {
	Issuer     string    `json:"issuer"`
	NextUpdate time.Time `json:"next_update"`
	Revoked    int       `json:"revoked"`
}

// views shows the sets of a reload: the new ones with what changed, or, after a
// failure, those that are still served.
func views(old *certset.Snapshot, readings []reading, failed bool) []SetView {
	all := []SetView{}
	for _, r := range readings {
		was := old.Set(r.set.Name)
		if failed {
			if was != nil {
				all = append(all, viewSet(was, nil))
			}
			continue
		}
		all = append(all, viewSet(r.set, certset.Compare(was, r.set)))
	}
	return all
}

func viewSet(set *certset.Set, differences []certset.Difference) SetView {
	view := SetView{Name: set.Name, Certificates: []CertificateView{}}
	if differences == nil {
		for _, cert := range set.All() {
			differences = append(differences, certset.Difference{Certificate: cert})
		}
	}
	for _, d := range differences {
		use := useClients
		if !slices.Contains(set.Certificates, d.Certificate) && d.Certificate == set.Upstream {
			use = useUpstream
		}
		view.Certificates = append(view.Certificates, viewCertificate(d, use))
	}
	for _, root := range set.Clients.Roots {
		view.ClientCAs = append(view.ClientCAs, root.Subject.String())
	}
	for _, list := range set.Clients.CRLs {
		view.ClientCRLs = append(view.ClientCRLs, CRLView{list.Issuer.String(), list.NextUpdate.UTC(), len(list.RevokedCertificateEntries)})
	}
	for _, root := range set.UpstreamRoots {
		view.UpstreamCAs = append(view.UpstreamCAs, root.Subject.String())
	}
	return view
}

func viewCertificate(d certset.Difference, use string) CertificateView {
	leaf := d.TLS.Leaf
	return CertificateView{
		Names: d.Names, Issuer: leaf.Issuer.String(), Serial: d.Serial(),
		Fingerprint: d.Fingerprint, NotBefore: leaf.NotBefore.UTC(), NotAfter: leaf.NotAfter.UTC(),
		KeyType: d.KeyType(), ChainLength: len(d.Chain), Source: d.Source,
		Use: use, Change: d.Change, Before: d.Before, OCSPUntil: stapledUntil(d.Certificate),
	}
}

// StatusView is the answer of GET /tlsreload/status.
type StatusView struct {
	// Degraded: at least one set is.
	Degraded bool          `json:"degraded"`
	Sets     []SetStatus   `json:"sets"`
	Managed  []ManagedView `json:"managed"`
	// UncleanStart says what is known of the process before, if it did not end
	// cleanly.
	UncleanStart string `json:"unclean_start,omitempty"`
}

// SetStatus is how a set does.
type SetStatus struct {
	Name string `json:"name"`
	setState
	// Sources are the files, folders, storage keys and loaders.
	Sources []string `json:"sources"`
	// Expires is when the first of its certificates does.
	Expires      *time.Time `json:"expires,omitempty"`
	Certificates int        `json:"certificates"`
	Names        []string   `json:"names"`
}

func (a *App) status() StatusView {
	view := StatusView{Sets: []SetStatus{}, Managed: a.managedCertificates(), UncleanStart: a.unclean}
	for _, set := range a.snapshot.Load().Sets {
		s := SetStatus{
			Name: set.Name, setState: a.state(set.Name), Sources: a.Sets[set.Name].sources(),
			Certificates: len(set.All()), Names: set.Names(),
		}
		if first := certset.NewSnapshot(0, []*certset.Set{set}).Expiry(); !first.IsZero() {
			first = first.UTC()
			s.Expires = &first
		}
		view.Degraded = view.Degraded || s.Degraded
		view.Sets = append(view.Sets, s)
	}
	return view
}

// sources names what a set is read from.
func (s *Set) sources() []string {
	names := s.files()
	for _, pair := range s.Storage {
		names = append(names, storageKey(pair.Certificate))
		if pair.Key != pair.Certificate {
			names = append(names, storageKey(pair.Key))
		}
	}
	for _, l := range s.loaders {
		names = append(names, "loader "+l.name)
	}
	if len(s.SelfSigned) > 0 {
		names = append(names, storageKey(s.selfSignedKey()))
	}
	return names
}

// files returns the files and folders of a set.
func (s *Set) files() []string {
	paths := slices.Clone(s.Folders)
	pairs := slices.Clone(s.Certificates)
	if s.Upstream != nil {
		pairs = append(pairs, *s.Upstream)
	}
	for _, pair := range pairs {
		paths = append(paths, pair.Certificate)
		if pair.Key != pair.Certificate {
			paths = append(paths, pair.Key)
		}
	}
	return slices.Concat(paths, s.Roots, s.ClientCAs, s.ClientCRLs, s.UpstreamCAs)
}
