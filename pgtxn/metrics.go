package pgtxn

import (
	"crypto/tls"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

// collector shows the process's hub in the registry of whichever configuration: what is counted goes on over reloads.
type collector struct{}

func registerMetrics(ctx caddy.Context) error {
	return ctx.GetMetricsRegistry().Register(collector{})
}

// Describe implements prometheus.Collector.
func (collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range metrics {
		to <- m.desc
	}
	for _, m := range entryMetrics {
		to <- m.desc
	}
	to <- serverUp
	to <- serverRole
}

// Collect implements prometheus.Collector.
func (collector) Collect(to chan<- prometheus.Metric) {
	hub, err := theHub()
	if err != nil {
		return
	}
	for labels, totals := range hub.Totals() {
		pool := []string{labels.Upstream, labels.User, labels.Database}
		for _, m := range metrics {
			m.collect(totals, func(value float64, label ...string) {
				to <- prometheus.MustNewConstMetric(m.desc, m.kind, value, append(pool[:3:3], label...)...)
			}, func(h *relay.Histogram, bounds []float64, exemplars []relay.Exemplar) {
				buckets, below := make(map[float64]uint64), uint64(0)
				for i, bound := range bounds {
					below += h.Buckets[i]
					buckets[bound] = below
				}
				to <- withExemplars(prometheus.MustNewConstHistogram(m.desc, h.Count, h.Sum, buckets, pool...), exemplars)
			})
		}
	}
	collectServers(to)
	entries := hub.Entries()
	for _, m := range entryMetrics {
		m.collect(&entries, func(value float64, label ...string) {
			to <- prometheus.MustNewConstMetric(m.desc, prometheus.CounterValue, value, label...)
		})
	}
}

// withExemplars adds those that there are; OpenMetrics alone shows them.
func withExemplars(m prometheus.Metric, exemplars []relay.Exemplar) prometheus.Metric {
	var there []prometheus.Exemplar
	for _, e := range exemplars {
		if !e.At.IsZero() {
			labels := prometheus.Labels{"transaction_id": e.Transaction.String()}
			there = append(there, prometheus.Exemplar{Value: e.Value, Labels: labels, Timestamp: e.At})
		}
	}
	if there == nil {
		return m
	}
	return prometheus.MustNewMetricWithExemplars(m, there...)
}

// metric is one that each pool has.
type metric struct {
	desc    *prometheus.Desc
	kind    prometheus.ValueType // of all but histograms
	collect func(t *relay.Totals, one func(value float64, label ...string), histogram histogramOf)
}

// histogramOf takes one, with the bounds of its buckets.
type histogramOf func(h *relay.Histogram, bounds []float64, exemplars []relay.Exemplar)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("caddy_pgtxn_"+name, help, labels, nil)
}

func ofPool(name, help string, labels ...string) *prometheus.Desc {
	return desc(name, help, append([]string{"upstream", "user", "database"}, labels...)...)
}

func counter(name, help string, value func(*relay.Totals) uint64) metric {
	return metric{ofPool(name, help), prometheus.CounterValue, func(t *relay.Totals, one func(float64, ...string), _ histogramOf) {
		one(float64(value(t)))
	}}
}

func gauge(name, help string, value func(*relay.State) float64) metric {
	return metric{ofPool(name, help), prometheus.GaugeValue, func(t *relay.Totals, one func(float64, ...string), _ histogramOf) {
		one(value(&t.State))
	}}
}

// by is a metric with a label more. Values are in the order of the label's; of counters those that are 0 are left out
// unless always is set.
func by[N int | uint64](kind prometheus.ValueType, name, help, label string, always bool, labels []string, values func(*relay.Totals) []N) metric {
	return metric{ofPool(name, help, label), kind, func(t *relay.Totals, one func(float64, ...string), _ histogramOf) {
		for i, n := range values(t) {
			if always || n > 0 {
				one(float64(n), labels[i])
			}
		}
	}}
}

func histogram(name, help string, bounds []float64, value func(*relay.Totals) *relay.Histogram, exemplars func(*relay.Totals) []relay.Exemplar) metric {
	return metric{desc: ofPool(name, help), collect: func(t *relay.Totals, _ func(float64, ...string), all histogramOf) {
		all(value(t), bounds, exemplars(t))
	}}
}

var metrics = []metric{
	// Now.
	by(prometheus.GaugeValue, "clients", "Clients by state: starting, idle (without a server connection), waiting (for one), active (with one).", "state", true,
		relay.States, func(t *relay.Totals) []int {
			return []int{t.State.Starting, t.State.Idle, t.State.Waiting, t.State.Active}
		}),
	by(prometheus.GaugeValue, "backends", "Server connections by state: idle, active (lent to a client), connecting.", "state", true,
		[]string{"idle", "active", "connecting"}, func(t *relay.Totals) []int {
			return []int{t.State.BackendsIdle, t.State.BackendsActive, t.State.BackendsConnecting}
		}),
	gauge("pool_size", "The most server connections there may be.", func(s *relay.State) float64 { return float64(s.PoolSize) }),
	gauge("pools_paused", "Pools that are paused.", func(s *relay.State) float64 { return float64(s.Paused) }),
	gauge("oldest_wait_seconds", "How long the client has waited for a server connection that has waited the longest.",
		func(s *relay.State) float64 { return s.OldestWait.Seconds() }),
	gauge("savepoints_open", "The most savepoints that are open in one session.", func(s *relay.State) float64 { return float64(s.Depth) }),
	by(prometheus.GaugeValue, "pinned_clients", "Clients that keep their server connection between transactions, by reason.", "reason", false,
		relay.PinReasons(), func(t *relay.Totals) []int { return t.State.Pinned[:] }),
	gauge("pinned_backends", "Server connections that clients keep between transactions, but for pool_mode session, and currval or lastval.",
		func(s *relay.State) float64 { return float64(s.PinnedBackends) }),

	// What clients did.
	counter("sessions_total", "Clients that were let in.", func(t *relay.Totals) uint64 { return t.Clients }),
	counter("transactions_total", "Transactions, those of single statements included.", func(t *relay.Totals) uint64 { return t.Transactions }),
	counter("statements_total", "Statements that clients sent to be run.", func(t *relay.Totals) uint64 { return t.Statements }),
	counter("received_bytes_total", "Bytes from clients that are logged in, without TLS.", func(t *relay.Totals) uint64 { return t.Received }),
	counter("sent_bytes_total", "Bytes to clients that are logged in, without TLS.", func(t *relay.Totals) uint64 { return t.Sent }),
	histogram("savepoint_depth", "Transactions with savepoints, by the most that were open at a time.", relay.DepthBounds[:],
		func(t *relay.Totals) *relay.Histogram { return &t.Depths }, func(*relay.Totals) []relay.Exemplar { return nil }),
	by(prometheus.CounterValue, "server_errors_total", "Errors of the server, by class of their SQLSTATE.", "sqlstate_class", false,
		relay.SQLStateClasses[:], func(t *relay.Totals) []uint64 { return t.ServerErrors[:] }),
	by(prometheus.CounterValue, "proxy_errors_total", "Errors of the proxy's own that sessions got, by class of their SQLSTATE.", "sqlstate_class", false,
		relay.SQLStateClasses[:], func(t *relay.Totals) []uint64 { return t.ProxyErrors[:] }),

	// Lending.
	counter("backends_lent_total", "How often a client got a server connection.", func(t *relay.Totals) uint64 { return t.Lent }),
	histogram("wait_seconds", "How long clients waited that got no server connection at once.", relay.WaitBounds[:],
		func(t *relay.Totals) *relay.Histogram { return &t.Waits }, func(t *relay.Totals) []relay.Exemplar { return t.WaitExemplars[:] }),
	counter("wait_timeouts_total", "Waits that ended with wait_timeout.", func(t *relay.Totals) uint64 { return t.WaitTimeouts }),
	by(prometheus.CounterValue, "pins_total", "How often a client came to keep its server connection between transactions, by reason.", "reason", false,
		relay.PinReasons(), func(t *relay.Totals) []uint64 { return t.Pins[:] }),

	// State.
	counter("syncs_total", "How often a server connection was given a client's variables.", func(t *relay.Totals) uint64 { return t.Syncs }),
	counter("sync_variables_total", "Variables set or reset one by one for that.", func(t *relay.Totals) uint64 { return t.SyncVariables }),
	counter("syncs_avoided_total", "How often a client with variables of its own got a server connection that had them already.",
		func(t *relay.Totals) uint64 { return t.SyncsAvoided }),
	counter("scrubs_total", "Leaks prevented: how often a server connection was reset before another client got it, since variables may have been set in secret.",
		func(t *relay.Totals) uint64 { return t.Scrubs }),
	counter("inspections_total", "How often the server was asked what a transaction changed in secret.", func(t *relay.Totals) uint64 { return t.Inspections }),
	counter("drifts_total", "How often verify found other variables than were tracked.", func(t *relay.Totals) uint64 { return t.Drifts }),
	counter("disagreements_total", "How often the server's transaction status was not the one tracked.", func(t *relay.Totals) uint64 { return t.Disagreements }),

	// Servers.
	by(prometheus.CounterValue, "backend_connections_total", "Server connections made, by whether they have TLS.", "tls", true,
		[]string{"false", "true"}, func(t *relay.Totals) []uint64 { return []uint64{t.Connected - t.ConnectedTLS, t.ConnectedTLS} }),
	counter("backend_connection_failures_total", "Server connections that could not be made.", func(t *relay.Totals) uint64 { return t.ConnectFailures }),
}

// entryMetric is one of the process: of clients that have no session yet.
type entryMetric struct {
	desc    *prometheus.Desc
	collect func(e *relay.Entries, one func(value float64, label ...string))
}

var entryMetrics = []entryMetric{
	{desc("logins_total", "Clients by what became of their login: accepted, failed (wrong password or unknown user), refused, timeout, abandoned, broken (not the protocol, or TLS failed).", "result"),
		each([]string{"accepted", "failed", "refused", "timeout", "abandoned", "broken"}, func(e *relay.Entries) []uint64 { return e.Logins[:] })},
	{desc("cancel_requests_total", "Cancel requests: sent (to the server), waiting (the client waited for a server connection), idle (nothing was under way), unknown (no such key), failed, forwarded (to a peer).", "result"),
		each([]string{"sent", "waiting", "idle", "unknown", "failed", "forwarded"}, func(e *relay.Entries) []uint64 { return e.Cancels[:] })},
	{desc("tls_handshakes_total", "TLS handshakes with clients that succeeded, by version.", "version"),
		func(e *relay.Entries, one func(float64, ...string)) {
			for version, n := range e.Handshakes {
				one(float64(n), tls.VersionName(version))
			}
		}},
	{desc("tls_handshake_failures_total", "TLS handshakes with clients that failed."),
		func(e *relay.Entries, one func(float64, ...string)) { one(float64(e.HandshakesFailed)) }},
}

func each(labels []string, values func(*relay.Entries) []uint64) func(*relay.Entries, func(float64, ...string)) {
	return func(e *relay.Entries, one func(float64, ...string)) {
		for i, n := range values(e) {
			one(float64(n), labels[i])
		}
	}
}
