package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func testRow() *row {
	return &row{Name: "select/simple/16", Unit: transaction, Samples: map[string][]*sample{
		"direct":    {{Rate: 1000}, {Rate: 2000}, {Rate: 1500}},
		"haproxy":   {{Rate: 800, CPU: 10}, {Rate: 1000, CPU: 10}, nil},
		"pgbouncer": {{Rate: 500, CPU: 20, Checked: 50, Wrong: 40}, {Rate: 500, CPU: 30, Checked: 50, Wrong: 45}, {Rate: 500, CPU: 20}},
		"pgtxn":     {nil, nil, nil},
	}}
}

func TestRatio(t *testing.T) {
	tests := []struct {
		name, other string
		figure      func(*sample) float64
		want        string
	}{
		{"pgbouncer", "direct", rate, "0.33"}, // the median of 0.5, 0.25 and 0.33, not of one median by the other
		{"pgbouncer", "haproxy", cpu, "2.50"}, // the round that failed is left out
		{"pgbouncer", "direct", cpu, ""},      // direct has no proxy
		{"haproxy", "haproxy", rate, ""},
		{"haproxy", "pgtxn", rate, ""},
		{"haproxy", "not measured", rate, ""},
	}
	for _, test := range tests {
		if got := testRow().ratio(test.name, test.other, test.figure); got != test.want {
			t.Errorf("%s by %s: %q, want %q", test.name, test.other, got, test.want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	r := &report{
		Setting: "a machine", Versions: map[string]string{"pgbouncer": "PgBouncer 1.26"}, Rows: []*row{testRow()},
		Idle:  []idleRow{{"pgbouncer", idleMemory{Clients: 1000, BeforeKB: 2048, WithKB: 5048, PerClient: 3}}},
		names: []string{"direct", "haproxy", "pgbouncer", "pgtxn"},
	}
	var out strings.Builder
	r.markdown(&out)
	for _, want := range []string{
		"- pgbouncer: PgBouncer 1.26\n",
		"| select/simple/16 | pgbouncer | 500 txn | 0.000 | 0.000 | 20.0 ±5.0 | 0.33 | 0.56 |  | 2.50 |  | 85 of 100 |\n",
		"| select/simple/16 | pgtxn | failed |  |  |  |  |  |  |  |  |  |\n",
		"| 1000 | pgbouncer | 2.0 | 4.9 | 3.0 |\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %q in:\n%s", want, out.String())
		}
	}
	columns := 0
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		if n := strings.Count(line, "|"); columns == 0 {
			columns = n
		} else if n != columns {
			t.Errorf("%d columns instead of %d: %s", n-1, columns-1, line)
		}
	}
}

func TestWorkloads(t *testing.T) {
	tests := []struct {
		clients []int
		rows    string
		want    []string
	}{
		{[]int{1, 16, 64}, "simple", []string{"select/simple/1", "select/simple/16", "select/simple/64", "tls/simple/16"}},
		{[]int{1, 16, 64}, "settings|tpcb", []string{"tpcb/16", "settings/16", "settings/64"}},
		{[]int{1}, "settings|savepoint", []string{"savepoint/1"}},
	}
	for _, test := range tests {
		b := &bench{opt: &options{clients: test.clients}}
		var got []string
		for _, w := range b.workloads(regexp.MustCompile(test.rows)) {
			got = append(got, w.name)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("clients %v, rows %s: %v, want %v", test.clients, test.rows, got, test.want)
		}
	}
}
