package tlsreload_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload"
)

// badMaterial is what must not be served: how the files are spoilt, with a new
// pair at hand that would be good, and what the answer says.
var badMaterial = []struct {
	name  string
	spoil func(t *testing.T, h *house, below *testca.Authority)
	file  string // that the answer names
	want  string
}{
	{"missing certificate", func(t *testing.T, h *house, _ *testca.Authority) { remove(t, h, "a.crt") }, "a.crt", "no such file"},
	{"missing key", func(t *testing.T, h *house, _ *testca.Authority) { remove(t, h, "a.key") }, "a.key", "no such file"},
	{"empty certificate", func(t *testing.T, h *house, _ *testca.Authority) { h.write(t, "a.crt", nil) }, "a.crt", "empty"},
	{"empty key", func(t *testing.T, h *house, _ *testca.Authority) { h.write(t, "a.key", []byte("\n")) }, "a.key", "empty"},
	{"directory", func(t *testing.T, h *house, _ *testca.Authority) {
		remove(t, h, "a.crt")
		if err := os.Mkdir(filepath.Join(h.dir, "a.crt"), 0o700); err != nil {
			t.Fatal(err)
		}
	}, "a.crt", "it is a folder"},
	{"unreadable", func(t *testing.T, h *house, _ *testca.Authority) { // also for root
		remove(t, h, "a.key")
		if err := os.Symlink("a.key", filepath.Join(h.dir, "a.key")); err != nil {
			t.Fatal(err)
		}
	}, "a.key", "it can't be read"},
	{"wrong key", func(t *testing.T, h *house, below *testca.Authority) {
		h.write(t, "a.key", below.Issue(t, []string{"a.test"}).Key)
	}, "a.key", "does not fit the certificate"},
	{"expired", func(t *testing.T, h *house, below *testca.Authority) {
		h.put(t, "a", below.Issue(t, []string{"a.test"}, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }))
	}, "a.crt", "expired at"},
	{"not yet valid", func(t *testing.T, h *house, below *testca.Authority) {
		h.put(t, "a", below.Issue(t, []string{"a.test"}, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }))
	}, "a.crt", "is not valid before"},
	{"wrong order", func(t *testing.T, h *house, below *testca.Authority) {
		pair := below.Issue(t, []string{"a.test"})
		leaf, intermediate := split(pair.Chain)
		h.write(t, "a.crt", append(intermediate, leaf...))
		h.write(t, "a.key", pair.Key)
	}, "a.crt", "wrong order"},
	{"missing intermediate", func(t *testing.T, h *house, below *testca.Authority) {
		pair := below.Issue(t, []string{"a.test"})
		pair.Chain, _ = split(pair.Chain)
		h.put(t, "a", pair)
	}, "a.crt", "is missing; it was there before"},
	{"intermediate of somebody else", func(t *testing.T, h *house, below *testca.Authority) {
		pair := below.Issue(t, []string{"a.test"})
		leaf, _ := split(pair.Chain)
		pair.Chain = append(leaf, h.ca.Intermediate(t, "other").PEM()...)
		h.put(t, "a", pair)
	}, "a.crt", "the chain is broken"},
	{"half written", func(t *testing.T, h *house, below *testca.Authority) {
		pair := below.Issue(t, []string{"a.test"})
		pair.Chain = pair.Chain[:len(pair.Chain)/3]
		h.put(t, "a", pair)
	}, "a.crt", "half written"},
	{"key half written", func(t *testing.T, h *house, below *testca.Authority) {
		pair := below.Issue(t, []string{"a.test"})
		pair.Key = pair.Key[:len(pair.Key)/2]
		h.put(t, "a", pair)
	}, "a.key", "half written"},
	{"100 MB", func(t *testing.T, h *house, _ *testca.Authority) {
		if err := os.Truncate(filepath.Join(h.dir, "a.crt"), 100<<20); err != nil {
			t.Fatal(err)
		}
	}, "a.crt", "104857600 bytes"},
	{"not PEM", func(t *testing.T, h *house, _ *testca.Authority) { h.write(t, "a.crt", []byte("<html>")) }, "a.crt", "not PEM"},
	{"DER", func(t *testing.T, h *house, below *testca.Authority) {
		h.write(t, "a.crt", below.Issue(t, []string{"a.test"}).Leaf.Raw)
	}, "a.crt", "openssl x509 -inform der"},
	{"encrypted key", func(t *testing.T, h *house, _ *testca.Authority) {
		h.write(t, "a.key", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}))
	}, "a.key", "the key is encrypted"},
	{"a key where the certificate should be", func(t *testing.T, h *house, below *testca.Authority) {
		h.write(t, "a.crt", below.Issue(t, []string{"a.test"}).Key)
	}, "a.crt", "no certificate in it, only PRIVATE KEY"},
	{"lost name", func(t *testing.T, h *house, below *testca.Authority) {
		h.put(t, "a", below.Issue(t, []string{"c.test"}))
	}, "", "no certificate has the name a.test any more"},
	{"no name", func(t *testing.T, h *house, below *testca.Authority) { h.put(t, "a", below.Issue(t, nil)) }, "a.crt", "no DNS name"},
	{"weak key", func(t *testing.T, h *house, below *testca.Authority) {
		h.put(t, "a", below.IssueFor(t, testca.NewRSAKey(t, 1024), []string{"a.test"}))
	}, "a.crt", "RSA key of 1024 bits"},
	{"second set", func(t *testing.T, h *house, below *testca.Authority) {
		h.put(t, "a", below.Issue(t, []string{"a.test"}))
		h.write(t, "b.crt", nil)
	}, "b.crt", "empty"},
}

func remove(t *testing.T, h *house, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(h.dir, name)); err != nil {
		t.Fatal(err)
	}
}

func split(chain []byte) (leaf, rest []byte) {
	end := bytes.Index(chain, []byte("-----END CERTIFICATE-----\n")) + len("-----END CERTIFICATE-----\n")
	return chain[:end:end], chain[end:]
}

// With bad material the old set is served, and the answer says why: after a
// reload, a dry run, and after a start, where it comes from the storage.
func TestBadMaterial(t *testing.T) {
	for _, test := range badMaterial {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("GODEBUG", "rsa1024min=0") // to make the weak key
			h := newHouse(t)
			below := h.ca.Intermediate(t, "intermediate")
			want := h.put(t, "a", below.Issue(t, []string{"a.test"}))
			wantB := h.put(t, "b", below.Issue(t, []string{"b.test"}))
			const sets = "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nset b {\ncertificate DIR/b.crt DIR/b.key\n}\nwatch off"
			h.start(t, sets)
			test.spoil(t, h, below)
			for _, name := range []string{"a.crt", "a.key", "b.crt", "b.key"} { // not fresh: nobody waits for the rest
				_ = os.Chtimes(filepath.Join(h.dir, name), time.Time{}, time.Now().Add(-time.Minute))
			}
			for _, query := range []string{"?dry_run", ""} {
				result := h.reload(t, query, "failed")
				found := false
				for _, p := range result.Problems {
					found = found || strings.Contains(p.Reason, test.want) && strings.HasSuffix(p.Source, test.file) || strings.Contains(p.Error(), test.file) && strings.Contains(p.Reason, test.want)
				}
				if !found || !strings.Contains(result.Error, test.want) {
					t.Errorf("reload%s says: %q; want %s: %s", query, result.Problems, test.file, test.want)
				}
				if len(result.Sets) != 2 || result.Sets[0].Certificates[0].Fingerprint != want {
					t.Errorf("the answer does not say what is served: %+v", result.Sets)
				}
			}
			h.expect(t, h.pgtxn, "a.test", want)
			h.expect(t, h.l4tls, "b.test", wantB)
			var status tlsreload.StatusView
			h.request(t, http.MethodGet, "/tlsreload/status", &status)
			if !status.Degraded || len(status.Sets) != 2 {
				t.Errorf("status %+v", status)
			}
			if strings.Contains(test.want, "any more") {
				return // another configuration may mean it
			}
			h.stop(t)
			h.start(t, sets)
			h.expect(t, h.pgtxn, "a.test", h.pairNow(t, want, test.name))
			h.expect(t, h.l4tls, "b.test", wantB)
			if !strings.Contains(h.log(), "the sources are broken; serving the set that was kept at") {
				t.Error("the log does not say that the last good set is served")
			}
		})
	}
}

// pairNow: with the second set broken, the first one is read at start.
func (h *house) pairNow(t *testing.T, before, test string) string {
	t.Helper()
	if test != "second set" {
		return before
	}
	text, err := os.ReadFile(filepath.Join(h.dir, "a.crt"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return testca.Fingerprint(cert)
}

// A pair of which a reload has read the new certificate and the old key is read again.
func TestTornPair(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	folder(t, filepath.Join(h.dir, "storage"))
	stored := h.ca.Issue(t, []string{"b.test"})
	h.put(t, "storage/b", stored)
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\nstorage b.crt b.key\n}\nwatch off")
	next := h.ca.Issue(t, []string{"a.test"})
	h.write(t, "a.crt", next.Chain)
	// What is read behind the pair says when that has been read.
	behind := filepath.Join(h.dir, "storage", "b.crt")
	if err := os.Rename(behind, behind+".new"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(behind, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() {
		fifo, err := os.OpenFile(behind, os.O_WRONLY, 0)
		if err == nil {
			h.write(t, "a.key", next.Key)
			_, err = fifo.Write(stored.Chain)
			err = errors.Join(err, os.Rename(behind+".new", behind), fifo.Close())
		}
		written <- err
	}()
	h.reload(t, "", "reloaded")
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	h.expect(t, h.pgtxn, "a.test", next.Fingerprint)
}

// A failure is over when the files are good again, and a forced reload loses
// names.
func TestRecovery(t *testing.T) {
	h := newHouse(t)
	pair := h.ca.Issue(t, []string{"a.test"})
	h.put(t, "a", pair)
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off")
	h.reload(t, "", "unchanged")
	h.write(t, "a.key", nil)
	h.reload(t, "", "failed")
	h.put(t, "a", pair)
	h.reload(t, "", "unchanged")
	var status tlsreload.StatusView
	h.request(t, http.MethodGet, "/tlsreload/status", &status)
	if status.Degraded || status.Sets[0].LastResult != "unchanged" {
		t.Errorf("status %+v", status)
	}
	want := h.put(t, "a", h.ca.Issue(t, []string{"other.test"}))
	h.reload(t, "", "failed")
	h.reload(t, "?force", "reloaded")
	h.expect(t, h.pgtxn, "other.test", want)
	if _, err := h.shown(h.l4tls, "a.test"); err == nil {
		t.Error("a name that was lost is still served")
	}
}

// A set that could not be kept for the next start is kept by the first reload
// that can, though nothing has changed, and by watching.
func TestKeptLater(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	const options = "set a {\ncertificate DIR/a.crt DIR/a.key\n}\n"
	kept := filepath.Join(h.dir, "storage", "tlsreload", "last_good")
	spoil := func() (fingerprint string) {
		if err := errors.Join(os.RemoveAll(kept), os.WriteFile(kept, nil, 0o600)); err != nil { // no folder can be there
			t.Fatal(err)
		}
		return h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	}
	h.start(t, options+"watch off")
	spoil()
	for _, result := range []string{"reloaded", "unchanged"} {
		if result := h.reload(t, "", result); len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0].Reason, "can't be kept") {
			t.Errorf("%+v", result)
		}
	}
	remove(t, h, "storage/tlsreload/last_good")
	if result := h.reload(t, "", "unchanged"); len(result.Warnings) > 0 {
		t.Errorf("%+v", result)
	}
	if kept := h.stored(t, "last_good/a.json"); len(kept) != 1 {
		t.Error("it is not kept")
	}
	h.start(t, options+"poll_interval 20ms")
	want := spoil()
	incaddy.Await(t, "the log says that it can't be kept", func() bool { return strings.Count(h.log(), "can't be kept") > 2 })
	remove(t, h, "storage/tlsreload/last_good")
	incaddy.Await(t, "it is kept", func() bool { return len(h.stored(t, "last_good/a.json")) == 1 })
	h.stop(t)
	h.write(t, "a.key", nil)
	h.start(t, options+"watch off")
	h.expect(t, h.pgtxn, "a.test", want)
}

// Without good sources and without a last good set, there is no start.
func TestNoStart(t *testing.T) {
	h := newHouse(t)
	err := h.load(t, h.caddyfile("set a {\ncertificate DIR/a.crt DIR/a.key\n}"))
	if err == nil || !strings.Contains(err.Error(), "a.crt: it can't be read: no such file") {
		t.Errorf("start: %v", err)
	}
}
