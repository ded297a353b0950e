package tlsreload

import (
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload/internal/certset"
)

// reloads counts for the process; the rest is read from the app that runs.
var reloads = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "caddy_tlsreload_reloads_total",
	Help: "Reloads by result: reloaded, unchanged or failed.",
}, []string{"result"})

func countReload(result string) { reloads.WithLabelValues(result).Inc() }

func init() {
	for _, result := range []string{resultReloaded, resultUnchanged, resultFailed} {
		reloads.WithLabelValues(result) // so that the first failure is an increase
	}
}

var (
	notAfter = prometheus.NewDesc("caddy_tlsreload_certificate_not_after_timestamp_seconds",
		"When a certificate expires.", []string{"set", "name", "key_type", "serial"}, nil)
	nextUpdate = prometheus.NewDesc("caddy_tlsreload_client_crl_next_update_timestamp_seconds",
		"From when on a revocation list is out of date, and the clients of its issuer are refused.", []string{"set", "issuer"}, nil)
	lastSuccess = prometheus.NewDesc("caddy_tlsreload_last_reload_success_timestamp_seconds",
		"When the sources of a set were last read without an error.", []string{"set"}, nil)
	lastSuccessful = prometheus.NewDesc("caddy_tlsreload_last_reload_successful",
		"Whether the last attempt to reload a set was successful.", []string{"set"}, nil)
	degraded = prometheus.NewDesc("caddy_tlsreload_degraded",
		"Whether a set serves something else than its sources hold, or what is no longer good.", []string{"set"}, nil)
	unclean = prometheus.NewDesc("caddy_tlsreload_unclean_start",
		"Whether the previous process did not end cleanly.", nil, nil)
)

// collector shows the app that runs, in the registry of whichever configuration.
type collector struct{}

func registerMetrics(ctx caddy.Context) error {
	for _, c := range []prometheus.Collector{reloads, collector{}} {
		if err := ctx.GetMetricsRegistry().Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Describe implements prometheus.Collector.
func (collector) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{notAfter, nextUpdate, lastSuccess, lastSuccessful, degraded, unclean} {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (collector) Collect(to chan<- prometheus.Metric) {
	app := current()
	if app == nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, set := range app.snapshot.Load().Sets {
		for labels, end := range ends(set) {
			gauge(notAfter, float64(end.Unix()), labels[:]...)
		}
		for issuer, next := range nextUpdates(set) {
			gauge(nextUpdate, float64(next.Unix()), set.Name, issuer)
		}
		state := app.state(set.Name)
		if state.LastSuccess != nil {
			gauge(lastSuccess, float64(state.LastSuccess.UnixMilli())/1000, set.Name)
		}
		gauge(lastSuccessful, number(state.LastResult != resultFailed), set.Name)
		gauge(degraded, number(state.Degraded), set.Name)
	}
	gauge(unclean, number(app.unclean != ""))
}

// ends returns when the certificates of a set expire, by their labels. Of those
// that have the same ones, such as the same certificate in two files, it is the
// first to expire.
func ends(set *certset.Set) map[[4]string]time.Time {
	found := map[[4]string]time.Time{}
	for _, cert := range set.All() {
		leaf := cert.TLS.Leaf
		name := leaf.Subject.CommonName
		if len(cert.Names) > 0 {
			name = cert.Names[0]
		}
		labels := [4]string{set.Name, name, cert.KeyType(), cert.Serial()}
		if end, double := found[labels]; !double || leaf.NotAfter.Before(end) {
			found[labels] = leaf.NotAfter
		}
	}
	return found
}

// nextUpdates returns when the first revocation list of each issuer is out of
// date.
func nextUpdates(set *certset.Set) map[string]time.Time {
	found := map[string]time.Time{}
	for _, list := range set.Clients.CRLs {
		issuer := list.Issuer.String()
		if next, double := found[issuer]; !list.NextUpdate.IsZero() && (!double || list.NextUpdate.Before(next)) {
			found[issuer] = list.NextUpdate
		}
	}
	return found
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
