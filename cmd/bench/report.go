package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
)

// report is all that a run measured.
type report struct {
	Setting  string            `json:"setting"`
	Versions map[string]string `json:"versions"`
	Rows     []*row            `json:"rows"`
	Idle     []idleRow         `json:"idle,omitempty"`

	names []string // of the contenders, in the order of -targets
}

// row is one workload: for each contender a sample a round, nil where the load failed.
type row struct {
	Name    string               `json:"name"`
	Unit    string               `json:"unit"`
	About   string               `json:"about"`
	Samples map[string][]*sample `json:"samples"`
}

type idleRow struct {
	Name string `json:"name"`
	idleMemory
}

// values picks a figure of one contender's samples.
func (r *row) values(name string, figure func(*sample) float64) []float64 {
	var all []float64
	for _, s := range r.Samples[name] {
		if s != nil {
			all = append(all, figure(s))
		}
	}
	return all
}

// ratio is the median over the rounds of a figure divided by the other's in the same round, so that a machine that is
// slow for a while is slow for both; "" where there is nothing to compare.
func (r *row) ratio(name, other string, figure func(*sample) float64) string {
	var all []float64
	for round, s := range r.Samples[name] {
		if others := r.Samples[other]; s != nil && round < len(others) && others[round] != nil {
			if mine, its := figure(s), figure(others[round]); mine > 0 && its > 0 {
				all = append(all, mine/its)
			}
		}
	}
	if len(all) == 0 || name == other {
		return ""
	}
	return fmt.Sprintf("%.2f", median(all))
}

func rate(s *sample) float64 { return s.Rate }
func cpu(s *sample) float64  { return s.CPU }

// relay returns the name of the plain relay among the contenders: HAProxy if it is there.
func (r *report) relay() string {
	if slices.Contains(r.names, "haproxy") {
		return "haproxy"
	}
	return "caddy-l4"
}

// markdown writes the tables.
func (r *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", r.Setting)
	for _, name := range r.names {
		fmt.Fprintf(w, "- %s: %s\n", name, r.Versions[name])
	}
	if len(r.Rows) > 0 {
		r.loads(w)
	}
	if len(r.Idle) > 0 {
		fmt.Fprintf(w, "\n| idle clients | contender | RSS before, MB | RSS with them, MB | kB per client |\n|---|---|---:|---:|---:|\n")
		for _, i := range r.Idle {
			fmt.Fprintf(w, "| %d | %s | %.1f | %.1f | %.1f |\n",
				i.Clients, i.Name, float64(i.BeforeKB)/1024, float64(i.WithKB)/1024, i.PerClient)
		}
	}
}

func (r *report) loads(w io.Writer) {
	fmt.Fprintf(w, "\nMedians over the rounds. CPU: user and system time of the proxy process per unit, ± half the range. "+
		"Ratios: rate and CPU divided by those of direct, %s (plain relay) and pgbouncer in the same round.\n\n", r.relay())
	fmt.Fprintf(w, "| load | contender | per second | p50 ms | p99 ms | CPU µs | rate: direct | relay | pgbouncer | CPU: relay | pgbouncer | wrong values |\n"+
		"|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, row := range r.Rows {
		for _, name := range r.names {
			fmt.Fprintf(w, "| %s | %s | %s |\n", row.Name, name, strings.Join(row.cells(name, r.relay()), " | "))
		}
	}
	fmt.Fprintln(w)
	told := ""
	for _, row := range r.Rows {
		if kind := path.Dir(row.Name); kind != told { // the last element is the number of clients
			fmt.Fprintf(w, "- %s (%s): %s\n", kind, row.Unit, row.About)
			told = kind
		}
	}
}

// cells are the columns of one contender in a row, after its name.
func (r *row) cells(name, relay string) []string {
	rates := r.values(name, rate)
	if len(rates) == 0 {
		return append([]string{"failed"}, make([]string, 9)...)
	}
	cost := ""
	if cpus := r.values(name, cpu); median(cpus) > 0 {
		cost = fmt.Sprintf("%.1f", median(cpus))
		if len(cpus) > 1 {
			cost += fmt.Sprintf(" ±%.1f", halfRange(cpus))
		}
	}
	checked, wrong := 0, 0
	for _, s := range r.Samples[name] {
		if s != nil {
			checked, wrong = checked+s.Checked, wrong+s.Wrong
		}
	}
	verdict := ""
	if checked > 0 {
		verdict = fmt.Sprintf("%d of %d", wrong, checked)
	}
	return []string{
		fmt.Sprintf("%.0f %s", median(rates), r.Unit),
		fmt.Sprintf("%.3f", median(r.values(name, func(s *sample) float64 { return s.P50 }))),
		fmt.Sprintf("%.3f", median(r.values(name, func(s *sample) float64 { return s.P99 }))),
		cost,
		r.ratio(name, "direct", rate), r.ratio(name, relay, rate), r.ratio(name, "pgbouncer", rate),
		r.ratio(name, relay, cpu), r.ratio(name, "pgbouncer", cpu),
		verdict,
	}
}

func (r *report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// setting says what the figures depend on.
func (o *options) setting() string {
	return fmt.Sprintf("%s; %d CPUs; %d rounds of %d s; pools of %d; TCP on 127.0.0.1 on both sides; "+
		"load generator, proxy and server on the same machine.", machine(), runtime.NumCPU(), o.rounds, o.seconds, o.pool)
}

func machine() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
