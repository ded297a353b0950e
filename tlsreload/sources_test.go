package tlsreload_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
)

// A loader of Caddy's is asked again at each reload, and one that panics on a
// damaged file is a reason, not the end.
func TestLoader(t *testing.T) {
	h := newHouse(t)
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	text := h.caddyfile("set a {\nself_signed b.test\n}\nwatch off")
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	loaders, err := json.Marshal(map[string]any{"load_files": []map[string]string{{
		"certificate": filepath.Join(h.dir, "a.crt"), "key": filepath.Join(h.dir, "a.key"),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	config = []byte(strings.Replace(string(config), `"self_signed":["b.test"]`, `"loaders":`+string(loaders), 1))
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	h.expect(t, h.pgtxn, "a.test", want)
	want = h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.reload(t, "", "reloaded")
	h.expect(t, h.pgtxn, "a.test", want)
	h.write(t, "a.key", nil)
	if result := h.reload(t, "", "failed"); !strings.Contains(result.Error, "loader load_files") {
		t.Errorf("%+v", result)
	}
	h.expect(t, h.pgtxn, "a.test", want)
}

// A self-signed pair is made once, and only as long as there is nothing else.
func TestSelfSigned(t *testing.T) {
	h := newHouse(t)
	const options = "set a {\ncertificate DIR/a.crt DIR/a.key\nself_signed a.test 127.0.0.1\n}\nwatch off"
	h.start(t, options)
	trusting := func(cfg *tls.Config) { cfg.InsecureSkipVerify = true }
	first, err := h.shown(h.pgtxn, "a.test", trusting)
	if err != nil {
		t.Fatal(err)
	}
	h.reload(t, "", "unchanged")
	h.stop(t)
	h.start(t, options)
	h.expect(t, h.pgtxn, "a.test", first, trusting)
	h.expect(t, h.l4tls, "", first, anonymous)
	if stored := h.stored(t, "self_signed/a-*.pem"); len(stored) != 1 {
		t.Errorf("stored: %q", stored)
	} else if info, err := os.Stat(stored[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test", "127.0.0.1"}))
	h.reload(t, "", "reloaded")
	h.expect(t, h.pgtxn, "a.test", want)
}

// stored returns the paths of what is in the storage of the module.
func (h *house) stored(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(h.dir, "storage", "tlsreload", pattern))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// One that is made while Caddy runs is stored, too.
func TestSelfSignedLater(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	const options = "set a {\ncertificate DIR/a.crt DIR/a.key\nself_signed a.test\n}\nwatch off\nlast_good off"
	h.start(t, options)
	for _, name := range []string{"a.crt", "a.key"} {
		if err := os.Remove(filepath.Join(h.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	h.reload(t, "?dry_run", "valid")
	if stored := h.stored(t, "self_signed/*"); len(stored) > 0 {
		t.Errorf("a dry run has stored %q", stored)
	}
	want := h.reload(t, "", "reloaded").Sets[0].Certificates[0].Fingerprint
	h.stop(t)
	h.start(t, options)
	h.expect(t, h.pgtxn, "a.test", want, func(cfg *tls.Config) { cfg.InsecureSkipVerify = true })
}

// Other names make another self-signed pair, and the old ones bring the old one.
func TestSelfSignedNames(t *testing.T) {
	h := newHouse(t)
	trusting := func(cfg *tls.Config) { cfg.InsecureSkipVerify = true }
	shown := func(names string) string {
		t.Helper()
		h.start(t, "set a {\nself_signed "+names+"\n}\nwatch off")
		if status := h.status(t); strings.Join(status.Sets[0].Names, " ") != names || status.Degraded {
			t.Errorf("%q with the names %s", status.Sets[0].Names, names)
		}
		fingerprint, err := h.shown(h.pgtxn, "a.test", trusting)
		if err != nil {
			t.Fatal(err)
		}
		return fingerprint
	}
	first := shown("a.test")
	h.stop(t)
	if shown("a.test b.test") == first {
		t.Error("the pair has not changed")
	}
	if again := shown("a.test"); again != first {
		t.Errorf("the old names: %.8s, before %.8s", again, first)
	}
}

// Files that are missing at a start or by themselves are no reason to go back to
// the self-signed pair from one that was served: that is for an operator to ask.
func TestSelfSignedIsNotLate(t *testing.T) {
	h := newHouse(t)
	const options = "set a {\ncertificate DIR/a.crt DIR/a.key\nself_signed a.test\n}\npoll_interval 50ms"
	h.start(t, options) // there has been nothing else
	if h.status(t).Degraded {
		t.Error("degraded before there was another pair")
	}
	h.stop(t)
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.start(t, options)
	h.expect(t, h.pgtxn, "a.test", want)
	degraded := func(when string) {
		t.Helper()
		incaddy.Await(t, "the set is degraded", func() bool { return h.status(t).Degraded })
		h.expect(t, h.pgtxn, "a.test", want)
		if problems := h.status(t).Sets[0].LastError; len(problems) != 2 || !strings.Contains(problems[0].Error(), "a.crt: it can't be read: no such file") {
			t.Errorf("%s: %+v", when, problems)
		}
	}
	for _, name := range []string{"a.crt", "a.key"} {
		if err := os.Remove(filepath.Join(h.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	degraded("watched")
	h.start(t, options+"\nocsp off") // another configuration
	degraded("configuration reload")
	h.stop(t)
	h.start(t, options)
	degraded("start")
	if result := h.reload(t, "", "reloaded"); result.Sets[0].Certificates[0].Fingerprint == want {
		t.Errorf("asked for: %+v", result)
	}
	h.stop(t)
	h.start(t, options)
	if status := h.status(t); status.Degraded || status.Sets[0].Names[0] != "a.test" {
		t.Errorf("a start with the self-signed pair: %+v", status)
	}
}

// A last good pair that has expired is no reason not to start.
func TestSelfSignedBehindExpired(t *testing.T) {
	h := newHouse(t)
	end := time.Now().Add(4 * time.Second)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}, func(c *x509.Certificate) { c.NotAfter = end }))
	const options = "set a {\ncertificate DIR/a.crt DIR/a.key\nself_signed a.test\n}\nwatch off"
	h.start(t, options)
	h.stop(t)
	remove(t, h, "a.crt")
	remove(t, h, "a.key")
	incaddy.Await(t, "the pair has expired", func() bool { return time.Now().After(end) })
	h.start(t, options)
	if status := h.status(t); status.Degraded || !status.Sets[0].Expires.After(end) {
		t.Errorf("%+v", status)
	}
}

// Sets are reloaded alone or together.
func TestOneOfSets(t *testing.T) {
	h := newHouse(t)
	a, _ := h.put(t, "a", h.ca.Issue(t, []string{"a.test"})), h.put(t, "b", h.ca.Issue(t, []string{"b.test"}))
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nset b {\ncertificate DIR/b.crt DIR/b.key\n}\nwatch off")
	newA, newB := h.put(t, "a", h.ca.Issue(t, []string{"a.test"})), h.put(t, "b", h.ca.Issue(t, []string{"b.test"}))
	if result := h.reload(t, "?set=b", "reloaded"); len(result.Sets) != 1 || result.Sets[0].Name != "b" {
		t.Errorf("%+v", result.Sets)
	}
	h.expect(t, h.pgtxn, "a.test", a)
	h.expect(t, h.pgtxn, "b.test", newB)
	h.reload(t, "", "reloaded")
	h.expect(t, h.pgtxn, "a.test", newA)
	var answer string
	if status := h.request(t, "POST", "/tlsreload/reload?set=c", &answer); status != 404 || !strings.Contains(answer, "the sets are a, b") {
		t.Errorf("a set that is not there: %d %s", status, answer)
	}
	for path, want := range map[string]int{"/tlsreload/reload?sett=a": 400, "/tlsreload/reload?force=maybe": 400} {
		if status := h.request(t, "POST", path, &answer); status != want {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	if status := h.request(t, "GET", "/tlsreload/reload", &answer); status != 405 {
		t.Errorf("GET: %d %s", status, answer)
	}
}

// A configuration that fails to load changes nothing, and one that loads with
// broken sources goes on with what was served.
func TestConfigurationReload(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	const options = "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off\nlast_good off"
	h.start(t, options)
	want := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.reload(t, "", "reloaded")
	h.write(t, "a.key", nil)
	h.start(t, options)
	h.expect(t, h.pgtxn, "a.test", want)
	if !h.status(t).Degraded {
		t.Error("not degraded")
	}
	// One that fails only when it starts: the listener is somebody's.
	if err := h.load(t, strings.Replace(h.caddyfile(options), h.pgtxn, "192.0.2.1:1", 1)); err == nil {
		t.Error("a configuration was loaded that can't listen")
	}
	want = h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.reload(t, "", "reloaded")
	h.expect(t, h.pgtxn, "a.test", want)
}

// A folder may have a key twice, as with cert-manager's CombinedPEM: tls.pem is
// both other files in one.
func TestCombinedPEM(t *testing.T) {
	h := newHouse(t)
	pair := h.ca.Issue(t, []string{"a.test"})
	folder(t, h.dir, "secret")
	h.put(t, "secret/tls", pair)
	h.write(t, "secret/tls.pem", append(pair.Key, pair.Chain...))
	h.start(t, "set a {\nfolder DIR/secret\n}\nwatch off")
	h.expect(t, h.pgtxn, "a.test", pair.Fingerprint)
	h.write(t, "secret/other.key", h.ca.Issue(t, []string{"a.test"}).Key)
	if result := h.reload(t, "", "failed"); len(result.Problems) != 1 || !strings.Contains(result.Error, "other.key: no certificate of this folder fits") {
		t.Errorf("a key of another: %+v", result.Problems)
	}
}

// What a reload refused because an intermediate is lost is not served by another
// configuration or a start either, unless somebody has forced it. Names may be
// lost then: it is a warning.
func TestLostAtStart(t *testing.T) {
	h := newHouse(t)
	below := h.ca.Intermediate(t, "intermediate")
	want := h.put(t, "a", below.Issue(t, []string{"a.test"}))
	const options = "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off\n"
	h.start(t, options)
	pair := below.Issue(t, []string{"a.test"})
	pair.Chain, _ = split(pair.Chain)
	h.put(t, "a", pair)
	h.reload(t, "", "failed")
	refused := func(when string) {
		t.Helper()
		h.expect(t, h.pgtxn, "a.test", want)
		if set := h.status(t).Sets[0]; !set.Degraded || !strings.Contains(set.LastError[0].Reason, "it was there before") {
			t.Errorf("%s: %+v", when, set)
		}
	}
	h.start(t, options+"ocsp off")
	refused("another configuration")
	h.stop(t)
	h.start(t, options)
	refused("start")
	h.reload(t, "?force", "reloaded")
	h.stop(t)
	h.start(t, options)
	if set := h.status(t).Sets[0]; set.Degraded {
		t.Errorf("start behind a forced reload: %+v", set)
	}
	want = h.put(t, "a", below.Issue(t, []string{"other.test"}))
	h.start(t, options+"ocsp off")
	h.expect(t, h.pgtxn, "other.test", want)
	if set := h.status(t).Sets[0]; set.Degraded || len(set.Warnings) != 1 || !strings.Contains(set.Warnings[0].Reason, "a.test any more") {
		t.Errorf("another configuration, another name: %+v", set)
	}
}

// A set that is as it was is not degraded because of another in the same reload.
func TestBrokenNeighbour(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.put(t, "b", h.ca.Issue(t, []string{"b.test"}))
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nset b {\ncertificate DIR/b.crt DIR/b.key\n}\nwatch off")
	h.write(t, "b.key", nil)
	h.reload(t, "", "failed")
	if sets := h.status(t).Sets; sets[0].Degraded || sets[0].LastResult != "unchanged" || !sets[1].Degraded {
		t.Errorf("unchanged: %+v", sets)
	}
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.reload(t, "", "failed")
	if sets := h.status(t).Sets; !sets[0].Degraded || !strings.Contains(sets[0].LastError[0].Reason, "another set") {
		t.Errorf("changed: %+v", sets)
	}
}
