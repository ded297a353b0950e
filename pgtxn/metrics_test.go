package pgtxn

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/caddyserver/caddy/v2/modules/metrics" // the admin API's /metrics
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
)

// scraped is what Caddy's /metrics says.
type scraped map[string]*dto.MetricFamily

func (p *proxy) scrape(t *testing.T) scraped {
	t.Helper()
	response, body := p.request(t, http.MethodGet, "/metrics")
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", response.Status, body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value sums the metrics of a name with these labels, written as label=value. Of a histogram it is the count.
func (s scraped) value(name string, labels ...string) (sum float64) {
	for _, m := range s["caddy_pgtxn_"+name].GetMetric() {
		has := 0
		for _, l := range m.GetLabel() {
			if slices.Contains(labels, l.GetName()+"="+l.GetValue()) {
				has++
			}
		}
		if has == len(labels) {
			sum += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// What the metrics say after what clients did, over a configuration reload too: what each thing adds, for other tests
// of this process have counted before.
func TestMetrics(t *testing.T) {
	const options = "upstream UPSTREAM\npool_size 1\ncustom_settings shared\nlisten pin\nauth trust\ntls"
	user := "metrics"
	startPostgres(t)
	sql(t, "CREATE ROLE metrics LOGIN")
	p := start(t, options, certificates)
	p.awaitCertificate(t)
	before := p.scrape(t)
	of := func(labels ...string) []string { return append(labels, "user="+user, "database=postgres") }
	expect := func(s scraped, want float64, name string, labels ...string) {
		t.Helper()
		if got := s.value(name, labels...) - before.value(name, labels...); got != want {
			t.Errorf("%s %v: %v more, want %v", name, labels, got, want)
		}
	}

	one := p.mustConnect(t, "user=metrics sslmode=disable")
	two := p.overTLS(t, "user=metrics")
	exec(t, one, "SET work_mem = '5MB'; SET my.x = 1")             // 2 statements
	exec(t, one, "SELECT 1")                                       // still on its backend
	exec(t, two, "SELECT 2")                                       // a sync with a scrub, which resets all at once
	exec(t, one, "BEGIN; SAVEPOINT a; SAVEPOINT b; ROLLBACK TO a") // a sync that sets 2; 4 statements
	if _, err := one.Exec(t.Context(), "SELECT 1/0"); sqlState(err) != "22012" {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { // waits for the only backend
		_, err := two.PgConn().Exec(context.Background(), "LISTEN x").ReadAll()
		done <- err
	}()
	waiting := func() bool { s := p.scrape(t); return s.value("clients", of("state=waiting")...) == 1 }
	incaddy.Await(t, "the other client waits", waiting)
	open := p.scrape(t)
	expect(open, 1, "clients", of("state=active")...)
	expect(open, 1, "backends", of("state=active")...)
	expect(open, 1, "pool_size", of()...)
	expect(open, 1, "savepoints_open", of()...)
	if open.value("oldest_wait_seconds", of()...) <= 0 {
		t.Error("nobody has waited the longest")
	}
	exec(t, one, "ROLLBACK")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	incaddy.Await(t, "a pin", func() bool { return p.scrape(t).value("pins_total", of("reason=LISTEN")...) == 1 })
	pinned := p.scrape(t)
	expect(pinned, 1, "pinned_clients", of("reason=LISTEN")...)
	expect(pinned, 1, "pinned_backends", of()...)

	p.load(t, options) // what was counted is not lost
	s := p.scrape(t)
	expect(s, 2, "clients", of()...)
	expect(s, 2, "sessions_total", of()...)
	expect(s, 5, "transactions_total", of()...)
	expect(s, 11, "statements_total", of()...)
	expect(s, 1, "savepoint_depth", of()...)
	expect(s, 2, "wait_seconds", of()...) // the first one's, until a backend had connected, and the LISTEN's
	expect(s, 0, "wait_timeouts_total", of()...)
	expect(s, 1, "server_errors_total", of("sqlstate_class=22")...)
	expect(s, 1, "pins_total", of("reason=LISTEN")...)
	expect(s, 3, "scrubs_total", of()...)
	expect(s, 2, "sync_variables_total", of()...)
	expect(s, 2, "logins_total", "result=accepted")
	if s.value("tls_handshakes_total", "version=TLS 1.3") <= before.value("tls_handshakes_total", "version=TLS 1.3") {
		t.Error("no TLS handshake")
	}
	expect(s, 1, "backend_connections_total", of("tls=true")...)
	if s.value("sent_bytes_total", of()...) < 100 || s.value("received_bytes_total", of()...) < 100 {
		t.Error("no bytes")
	}
}

// Errors, refusals and cancel requests are counted by what they were.
func TestMetricsOfFailures(t *testing.T) {
	startPostgres(t)
	sql(t, "CREATE ROLE failing LOGIN")
	p := start(t, "upstream UPSTREAM\npool_size 1\nwait_timeout 2s\nauth scram-sha-256\nusers "+
		userList(t, `"failing" "secret"`)+"\nhostssl\ntls", certificates)
	p.awaitCertificate(t)
	before := p.scrape(t)
	p.addr = strings.Replace(p.addr, "127.0.0.1", "localhost", 1)
	conn := p.mustConnect(t, "user=failing password=secret sslmode=require")
	other := p.mustConnect(t, "user=failing password=secret sslmode=require")
	for _, params := range []string{"user=failing password=wrong sslmode=require", "user=failing password=secret sslmode=disable"} {
		if _, err := p.connect(t, params); err == nil {
			t.Fatal("let in with " + params)
		}
	}
	exec(t, conn, "BEGIN")
	if _, err := other.Exec(t.Context(), "SELECT 1"); sqlState(err) != "53300" {
		t.Error(err)
	}
	if err := conn.PgConn().CancelRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	incaddy.Await(t, "the cancel request is counted", func() bool { return p.scrape(t).value("cancel_requests_total", "result=idle") > 0 })
	s := p.scrape(t)
	for name, labels := range map[string][]string{
		"logins_total": {"result=failed"}, "wait_timeouts_total": {"user=failing"}, "proxy_errors_total": {"user=failing", "sqlstate_class=53"},
		"cancel_requests_total": {"result=idle"},
	} {
		if got := s.value(name, labels...) - before.value(name, labels...); got != 1 {
			t.Errorf("%s %v: %v more", name, labels, got)
		}
	}
	if got := s.value("logins_total", "result=refused") - before.value("logins_total", "result=refused"); got != 1 {
		t.Errorf("%v refused", got)
	}
}

// Users and databases are the clients' to choose. Those that the server does not have make no series of their own.
func TestMetricsLabelsAreBounded(t *testing.T) {
	p := start(t, "upstream UPSTREAM\nauth trust")
	series := func() int { return len(p.scrape(t)["caddy_pgtxn_transactions_total"].GetMetric()) }
	p.mustConnect(t, "user=bob sslmode=disable")
	before := series()
	for i := range 20 {
		if _, err := p.connect(t, fmt.Sprintf("user=nobody%d sslmode=disable", i)); err == nil {
			t.Fatal("let in")
		}
	}
	if now := series(); now > before+1 { // that of all of them
		t.Errorf("%d series became %d", before, now)
	}
	if s := p.scrape(t); s.value("backend_connection_failures_total", "user=", "database=") < 20 {
		t.Error("their failures are not counted")
	}
}

// The metrics are as Prometheus has them, and docs/metrics.md has each one with its type and labels.
func TestMetricsAreDocumented(t *testing.T) {
	p := start(t, "upstream UPSTREAM\nauth trust\nlisten pin")
	exec(t, p.mustConnect(t, "user=bob sslmode=disable"), "LISTEN x")
	_, body := p.request(t, http.MethodGet, "/metrics")
	var ours strings.Builder
	for line := range strings.Lines(body) {
		if strings.Contains(line, "caddy_pgtxn_") {
			ours.WriteString(line)
		}
	}
	problems, err := promlint.New(strings.NewReader(ours.String())).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", err, problems)
	}
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := regexp.MustCompile("(?m)^\\| `(caddy_pgtxn_[a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1)
	described := make(chan *prometheus.Desc, 100)
	collector{}.Describe(described)
	close(described)
	var names []string
	for d := range described {
		name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1]
		names = append(names, name)
		if !slices.ContainsFunc(documented, func(m []string) bool { return m[1] == name }) {
			t.Errorf("%s is not in docs/metrics.md", name)
		}
	}
	for _, m := range documented {
		if !slices.Contains(names, m[1]) {
			t.Errorf("docs/metrics.md has %s, and there is none", m[1])
		}
	}
}

// userList writes a users file and returns its path.
func userList(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.txt")
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
