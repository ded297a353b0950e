package monitoring

import (
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// documented is the metrics of both modules, by their documents, which tests of theirs hold to be complete.
func documented(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, page := range []string{"../../docs/metrics.md", "../../docs/tlsreload.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, regexp.MustCompile(`caddy_(pgtxn|tlsreload)_[a-z_]+`).FindAllString(string(text), -1)...)
	}
	return names
}

// check parses a query and returns the metrics in it, all of which must exist.
func check(t *testing.T, query string) (metrics []string) {
	t.Helper()
	known := documented(t)
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v", query, err)
		return nil
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		name := selector.Name
		for _, m := range selector.LabelMatchers {
			if m.Name == labels.MetricName {
				name = m.Value
			}
		}
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if base := strings.TrimSuffix(name, suffix); slices.Contains(known, base) {
				name = base
			}
		}
		if !slices.Contains(known, name) {
			t.Errorf("%s: there is no metric %s", query, name)
		}
		metrics = append(metrics, name)
		return nil
	})
	return metrics
}

func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			ID      int
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	var shown []string
	for _, panel := range dashboard.Panels {
		if ids[panel.ID] {
			t.Errorf("two panels with the id %d", panel.ID)
		}
		ids[panel.ID] = true
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("panel %d shows nothing", panel.ID)
		}
		for _, target := range panel.Targets {
			query := strings.ReplaceAll(target.Expr, "$__rate_interval", "5m") // as Grafana does
			shown = append(shown, check(t, query)...)
		}
	}
	for _, name := range documented(t) {
		if strings.HasPrefix(name, "caddy_pgtxn_") && name != "caddy_pgtxn_" && !slices.Contains(shown, name) {
			t.Errorf("%s is nowhere on the dashboard", name)
		}
	}
}

func TestAlerts(t *testing.T) {
	groups, errs := rulefmt.ParseFile("alerts.yml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	n := 0
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			n++
			if len(check(t, rule.Expr)) == 0 {
				t.Errorf("%s has no metric", rule.Alert)
			}
		}
	}
	if n == 0 {
		t.Fatal("no rules")
	}
}

// The test can fail.
func TestCheckCanFail(t *testing.T) {
	if _, err := parser.NewParser(parser.Options{}).ParseExpr("sum by (x rate(y)"); err == nil {
		t.Error("a query that is none was parsed")
	}
	if slices.Contains(documented(t), "caddy_pgtxn_nothing_total") {
		t.Error("a metric that does not exist is documented")
	}
}
