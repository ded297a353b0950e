package tlsreload_test

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// link makes a symbolic link appear at once, as certbot and Kubernetes do.
func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func folder(t *testing.T, elements ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(elements...), 0o700); err != nil {
		t.Fatal(err)
	}
}

// replacements are the ways in which files are replaced.
var replacements = []struct {
	name    string
	options string
	put     func(*testing.T, *house, testca.Pair)
}{
	{"written in place", "certificate DIR/a.crt DIR/a.key", func(t *testing.T, h *house, pair testca.Pair) {
		h.put(t, "a", pair)
	}},
	{"renamed", "certificate DIR/a.crt DIR/a.key", func(t *testing.T, h *house, pair testca.Pair) {
		h.put(t, "new", pair)
		for _, ending := range []string{".crt", ".key"} {
			if err := os.Rename(filepath.Join(h.dir, "new"+ending), filepath.Join(h.dir, "a"+ending)); err != nil {
				t.Fatal(err)
			}
		}
	}},
	{"Kubernetes secret", "folder DIR/secret", func(t *testing.T, h *house, pair testca.Pair) {
		secret := filepath.Join(h.dir, "secret")
		version := "..v" + pair.Fingerprint
		folder(t, secret, version)
		h.put(t, filepath.Join("secret", version, "tls"), pair)
		link(t, version, filepath.Join(secret, "..data"))
		for _, name := range []string{"tls.crt", "tls.key"} {
			if _, err := os.Lstat(filepath.Join(secret, name)); err != nil {
				link(t, "..data/"+name, filepath.Join(secret, name))
			}
		}
	}},
	{"link above the file", "certificate DIR/now/tls.crt DIR/now/tls.key", func(t *testing.T, h *house, pair testca.Pair) {
		folder(t, h.dir, pair.Fingerprint)
		h.put(t, filepath.Join(pair.Fingerprint, "tls"), pair)
		link(t, pair.Fingerprint, filepath.Join(h.dir, "now"))
	}},
	{"certbot", "folder DIR/live/a.test", func(t *testing.T, h *house, pair testca.Pair) {
		folder(t, h.dir, "live", "a.test")
		folder(t, h.dir, "archive")
		leaf, rest := split(pair.Chain)
		for name, content := range map[string][]byte{"cert": leaf, "chain": rest, "fullchain": pair.Chain, "privkey": pair.Key} {
			version := filepath.Join("archive", name+pair.Fingerprint+".pem")
			h.write(t, version, content)
			link(t, filepath.Join("../..", version), filepath.Join(h.dir, "live", "a.test", name+".pem"))
		}
	}},
	{"storage, looked at", "storage certs/a.crt certs/a.key", func(t *testing.T, h *house, pair testca.Pair) {
		folder(t, h.dir, "storage", "certs")
		h.put(t, "storage/certs/a", pair)
	}},
	{"bundle", "certificate DIR/a.pem", func(t *testing.T, h *house, pair testca.Pair) {
		h.write(t, "a.pem", append(pair.Key, pair.Chain...))
	}},
}

// Files that change are served by themselves, however they are replaced.
func TestWatch(t *testing.T) {
	for _, test := range replacements {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			below := h.ca.Intermediate(t, "intermediate")
			interval := "1h" // notifications only
			if test.name == "storage, looked at" {
				interval = "20ms"
			}
			test.put(t, h, below.Issue(t, []string{"a.test"}))
			h.start(t, "set a {\n"+test.options+"\n}\npoll_interval "+interval)
			for range 3 {
				pair := below.Issue(t, []string{"a.test"})
				test.put(t, h, pair)
				incaddy.Await(t, "the new certificate is shown", func() bool {
					shown, err := h.shown(h.pgtxn, "a.test")
					if err != nil {
						t.Fatal(err)
					}
					return shown == pair.Fingerprint
				})
			}
		})
	}
}

// A pair that is broken for longer than somebody may take to write it is a
// failure. It is over when the pair is whole again.
func TestWatchFailure(t *testing.T) {
	h := newHouse(t)
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\n}")
	next := h.ca.Issue(t, []string{"a.test"})
	h.write(t, "a.key", next.Key)
	incaddy.Await(t, "the set is degraded", func() bool { return h.status(t).Degraded })
	h.expect(t, h.pgtxn, "a.test", want)
	h.write(t, "a.crt", next.Chain)
	incaddy.Await(t, "the set is good again", func() bool { return !h.status(t).Degraded })
	h.expect(t, h.pgtxn, "a.test", next.Fingerprint)
}

// SIGUSR1 reloads, also with a configuration that Caddy knows no file of.
func TestSignal(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off")
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	incaddy.Await(t, "the new certificate is shown", func() bool {
		// Again and again: nobody says when the module has begun to listen.
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		shown, err := h.shown(h.pgtxn, "a.test")
		return err == nil && shown == want
	})
}

// What was too early is served when its time has come.
func TestNotYetValid(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\n}\npoll_interval 50ms")
	pair := h.ca.Issue(t, []string{"a.test"}, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(6 * time.Second) })
	h.put(t, "a", pair)
	h.reload(t, "", "failed")
	incaddy.Await(t, "it is served", func() bool {
		shown, err := h.shown(h.pgtxn, "a.test")
		return err == nil && shown == pair.Fingerprint
	})
	incaddy.Await(t, "the set is good again", func() bool { return !h.status(t).Degraded })
}
