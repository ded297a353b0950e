package tlsreload

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// kept is a set as it is in the storage: one value, so that it is whole or not
// there. It has private keys; Caddy's file storage gives it the mode 0600.
type kept struct {
	Saved        time.Time  `json:"saved"`
	Default      bool       `json:"default,omitempty"`
	Certificates []keptPair `json:"certificates,omitempty"`
	Upstream     *keptPair  `json:"upstream,omitempty"`
	UpstreamCAs  string     `json:"upstream_cas,omitempty"`
	ClientCAs    string     `json:"client_cas,omitempty"`
	ClientCRLs   [][]byte   `json:"client_crls,omitempty"` // DER
}

type keptPair struct {
	Source string `json:"source"`
	PEM    string `json:"pem"` // chain and key
}

func lastGoodKey(set string) string { return storagePrefix + "/last_good/" + set + ".json" }

// keep stores a set for a start with broken sources. If it fails, the next reload
// tries it again, also one that changes nothing.
func (a *App) keep(set *certset.Set) error {
	if a.LastGood == off {
		return nil
	}
	text, err := encode(set)
	if err == nil {
		err = a.ctx.Storage().Store(a.ctx, lastGoodKey(set.Name), text)
	}
	if err != nil {
		err = fmt.Errorf("set %s can't be kept for a start with broken sources: %w", set.Name, err)
		a.log.Error(err.Error())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.states[set.Name].unkept = err != nil
	return err
}

// lastGood returns the newest good state of a set, the one that is served or
// the one that was kept, and which it is; or nil, and why there is none. It was
// checked when it began to be served: if time has made it bad since then, or the
// clock is wrong, it is still better than no set, and Caddy not running at all.
func (a *App) lastGood(name string) (good *certset.Set, whence string) {
	if running := current(); running != nil {
		if set := running.snapshot.Load().Set(name); set != nil {
			return set, "what was served before this configuration"
		}
	}
	if a.LastGood == off {
		return nil, "keeping the last good set is off"
	}
	text, err := a.ctx.Storage().Load(a.ctx, lastGoodKey(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "there is no last good set"
	}
	if err == nil {
		good, whence, err = decode(name, text)
	}
	if err != nil {
		return nil, fmt.Sprintf("the last good set can't be read: %v", err)
	}
	return good, whence
}

func encode(set *certset.Set) ([]byte, error) {
	k := kept{
		Saved: time.Now().UTC(), Default: set.Default,
		UpstreamCAs: string(certset.EncodeCertificates(set.UpstreamRoots)),
		ClientCAs:   string(certset.EncodeCertificates(set.Clients.Roots)),
	}
	for _, cert := range set.Certificates {
		pair, err := encodePair(cert)
		if err != nil {
			return nil, err
		}
		k.Certificates = append(k.Certificates, *pair)
	}
	if set.Upstream != nil {
		pair, err := encodePair(set.Upstream)
		if err != nil {
			return nil, err
		}
		k.Upstream = pair
	}
	for _, list := range set.Clients.CRLs {
		k.ClientCRLs = append(k.ClientCRLs, list.Raw)
	}
	return json.Marshal(k)
}

func encodePair(cert *certset.Certificate) (*keptPair, error) {
	text, err := cert.PEM()
	return &keptPair{cert.Source, string(text)}, err
}

func decode(name string, content []byte) (*certset.Set, string, error) {
	var k kept
	if err := json.Unmarshal(content, &k); err != nil {
		return nil, "", err
	}
	set := &certset.Set{Name: name, Default: k.Default}
	pair := func(p keptPair) (*certset.Certificate, error) {
		text := certset.Text{Source: p.Source, Content: []byte(p.PEM)}
		return certset.ParsePair(text, text)
	}
	var errs []error
	for _, p := range k.Certificates {
		cert, err := pair(p)
		errs = append(errs, err)
		set.Certificates = append(set.Certificates, cert)
	}
	var err error
	if k.Upstream != nil {
		set.Upstream, err = pair(*k.Upstream)
		errs = append(errs, err)
	}
	if k.UpstreamCAs != "" {
		set.UpstreamRoots, err = certset.ParseCertificates(certset.Text{Content: []byte(k.UpstreamCAs)})
		errs = append(errs, err)
	}
	if k.ClientCAs != "" {
		set.Clients.Roots, err = certset.ParseCertificates(certset.Text{Content: []byte(k.ClientCAs)})
		errs = append(errs, err)
	}
	for _, der := range k.ClientCRLs {
		lists, err := certset.ParseCRLs(certset.Text{Content: der})
		errs = append(errs, err)
		set.Clients.CRLs = append(set.Clients.CRLs, lists...)
	}
	return set, "the set that was kept at " + k.Saved.Format(time.RFC3339), errors.Join(errs...)
}
