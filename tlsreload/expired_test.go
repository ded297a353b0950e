package tlsreload_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
)

// A certificate that expires after it was served does not take down others: it is
// served on, by another configuration and by a start, as degraded. Only what was
// never good prevents a start.
func TestExpiredMeanwhile(t *testing.T) {
	h := newHouse(t)
	end := time.Now().Add(4 * time.Second)
	a := h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	b := h.put(t, "b", h.ca.Issue(t, []string{"b.test"}, func(c *x509.Certificate) { c.NotAfter = end }))
	const sets = "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nset b {\ncertificate DIR/b.crt DIR/b.key\n}\n"
	const options = sets + "watch off\n"
	h.start(t, sets+"poll_interval 50ms")
	incaddy.Await(t, "the pair has expired, and that is seen", func() bool { return h.status(t).Sets[1].Degraded })
	if now := time.Now(); now.Before(end) {
		t.Errorf("degraded at %s, before it expired at %s", now, end)
	}
	expect := func(when, whence string) {
		t.Helper()
		h.expect(t, h.pgtxn, "a.test", a)
		h.expect(t, h.pgtxn, "b.test", b, func(cfg *tls.Config) { cfg.Time = func() time.Time { return end.Add(-2 * time.Second) } })
		status := h.status(t)
		if status.Sets[0].Degraded || !status.Sets[1].Degraded || !strings.Contains(status.Sets[1].LastError[0].Error(), "b.key: the certificate expired at") {
			t.Errorf("%s: %+v", when, status.Sets)
		}
		if log := h.log(); whence != "" && !strings.Contains(log, "the sources are broken; serving "+whence) {
			t.Errorf("%s: the log does not say so", when)
		}
	}
	expect("watching", "")
	h.start(t, options+"ocsp off")
	expect("another configuration", "what was served before this configuration")
	h.stop(t)
	h.start(t, options)
	expect("start", "the set that was kept at")
	h.stop(t)
	remove(t, h, "storage/tlsreload/last_good/b.json")
	if err := h.load(t, h.caddyfile(options)); err == nil || !strings.Contains(err.Error(), "set b: ") || !strings.Contains(err.Error(), "expired at") {
		t.Errorf("start without a last good set: %v", err)
	}
}

// Sources that are late at a start are taken as what the configuration means, when they come.
func TestLateSources(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.start(t, "set main {\ncertificate DIR/a.crt DIR/a.key\n}")
	h.start(t, "set main {\ncertificate DIR/b.crt DIR/b.key\n}\nwatch off")
	want := h.put(t, "b", h.ca.Issue(t, []string{"b.test"}))
	if result := h.reload(t, "", "reloaded"); len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0].Reason, "the name a.test any more") {
		t.Errorf("%+v", result)
	}
	h.expect(t, h.pgtxn, "b.test", want)
	h.put(t, "b", h.ca.Issue(t, []string{"c.test"}))
	h.reload(t, "", "failed")
}
