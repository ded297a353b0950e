package tlsreload

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// Set is certificates from some sources that are checked and replaced
// together: all of them or none. Placeholders such as {env.NAME} are replaced
// in paths, keys and names when the configuration is loaded.
type Set struct {
	// Certificate files, each with its chain behind it, and the files of their
	// keys, in PEM.
	Certificates []Pair `json:"certificates,omitempty"`

	// Folders in which certificates and keys are found by what is in the files,
	// with the endings .pem, .crt, .cer and .key, but not in folders below: a
	// mounted Kubernetes secret, or a folder of certbot's below live.
	Folders []string `json:"folders,omitempty"`

	// Keys of Caddy's storage under which certificates and keys are, in PEM.
	Storage []Pair `json:"storage,omitempty"`

	// Any modules that load certificates for Caddy's tls app, by their name,
	// such as load_pem. They are asked again at each reload.
	LoadersRaw caddy.ModuleMap `json:"loaders,omitempty" caddy:"namespace=tls.certificates"`

	// The names of a self-signed certificate, for which a key is made once and
	// kept in Caddy's storage. It is used as long as none of the files, folders
	// and storage keys exists. If they did, and are missing later, the last good
	// certificates go on being served, until a reload is asked for. Default: none.
	SelfSigned []string `json:"self_signed,omitempty"`

	// Whether clients that send no name get the first certificate of this set:
	// most clients that connect to an IP address. One set at most. Default:
	// false, but a set that is the only one is the default.
	Default bool `json:"default,omitempty"`

	// Names, also with a wildcard, that belong to the set although no certificate
	// has them yet. What a reload brings for them is served at once by all
	// listeners; of other new names only pgtxn knows before the configuration is
	// loaded again. Caddy manages no certificates for them. Default: none.
	Reserve []string `json:"reserve,omitempty"`

	// Whether connections through pgtxn that were served with a certificate of
	// this set end when it is replaced, as after a call with drain: each as soon
	// as it is idle outside of a transaction. Default: false, they stay.
	Drain bool `json:"drain,omitempty"`

	// PEM files with the root certificates that each chain must lead to.
	// Without them, a chain that ends early can only be told for sure if it was
	// longer before. Default: none.
	Roots []string `json:"roots,omitempty"`

	// PEM files with the authorities of clients' certificates, for the verifier
	// tlsreload of a connection policy's client authentication. Default: none.
	ClientCAs []string `json:"client_cas,omitempty"`

	// Files with revocation lists of these authorities, in PEM or DER. One that
	// has passed its nextUpdate is an error. Default: none.
	ClientCRLs []string `json:"client_crls,omitempty"`

	// The certificate and key that are shown to servers. Default: none.
	Upstream *Pair `json:"upstream,omitempty"`

	// PEM files with the authorities of servers' certificates. Default: none.
	UpstreamCAs []string `json:"upstream_cas,omitempty"`

	name    string
	loaders []loader
	made    *certset.Certificate // self-signed, not in the storage yet
}

// Pair is where a certificate and its key are.
type Pair struct {
	// The certificate, with its chain behind it.
	Certificate string `json:"certificate,omitempty"`

	// The key. Default: it is with the certificate.
	Key string `json:"key,omitempty"`
}

type loader struct {
	name string
	caddytls.CertificateLoader
}

// provision replaces placeholders and loads the loaders.
func (s *Set) provision(ctx caddy.Context, name string) error {
	s.name = name
	repl := caddy.NewReplacer()
	var errs []error
	replace := func(text *string) {
		value, err := repl.ReplaceOrErr(*text, true, true)
		if err == nil && value == "" {
			err = errors.New("a path, key or name is empty")
		}
		errs = append(errs, err)
		*text = value
	}
	for _, list := range [][]string{s.Folders, s.SelfSigned, s.Reserve, s.Roots, s.ClientCAs, s.ClientCRLs, s.UpstreamCAs} {
		for i := range list {
			replace(&list[i])
		}
	}
	for _, pair := range s.pairs() {
		pair.Key = cmp.Or(pair.Key, pair.Certificate)
		replace(&pair.Certificate)
		replace(&pair.Key)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if len(s.Certificates)+len(s.Folders)+len(s.Storage)+len(s.LoadersRaw)+len(s.SelfSigned)+
		len(s.ClientCAs)+len(s.UpstreamCAs) == 0 && s.Upstream == nil {
		return errors.New("it has no source; name a certificate, a folder or another")
	}
	return s.loadLoaders(ctx)
}

// pairs returns all pairs, to be changed.
func (s *Set) pairs() []*Pair {
	var pairs []*Pair
	for i := range s.Certificates {
		pairs = append(pairs, &s.Certificates[i])
	}
	for i := range s.Storage {
		pairs = append(pairs, &s.Storage[i])
	}
	if s.Upstream != nil {
		pairs = append(pairs, s.Upstream)
	}
	return pairs
}

func (s *Set) loadLoaders(ctx caddy.Context) error {
	if len(s.LoadersRaw) == 0 {
		return nil
	}
	modules, err := ctx.LoadModule(s, "LoadersRaw")
	if err != nil {
		return fmt.Errorf("loaders: %w", err)
	}
	for name, module := range modules.(map[string]any) {
		l, ok := module.(caddytls.CertificateLoader)
		if !ok {
			return fmt.Errorf("loaders: %s is not a module that loads certificates", name)
		}
		s.loaders = append(s.loaders, loader{name, l})
	}
	return nil
}
