package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// result is what came of one run.
type result struct {
	mode   mode
	passed map[string]bool // by the test's name; a test that did not end is not here
	order  []string        // the names as they ran
	took   time.Duration

	churned, wrong int   // transactions of the other clients, and those that saw another's value
	company        error // why one of the other clients could not go on
}

// testLine is how pg_regress says what came of a test, up to version 15 and from 16 on (TAP). Names stand in columns.
var testLine = regexp.MustCompile(`(?m)^(?:(?:test| {4}) ?(\S+) +\.\.\. (ok|FAILED|failed)\b|(ok|not ok) +\d+ +[-+] (\S+) +\d+ ms)`)

// parse reads what pg_regress has printed.
func parse(text string) *result {
	r := &result{passed: map[string]bool{}}
	for _, m := range testLine.FindAllStringSubmatch(text, -1) {
		name, status := m[1]+m[4], m[2]+m[3]
		r.order = append(r.order, name)
		r.passed[name] = status == "ok"
	}
	return r
}

func (r *result) count() int {
	n := 0
	for _, passed := range r.passed {
		if passed {
			n++
		}
	}
	return n
}

func (r *result) summary() string {
	text := fmt.Sprintf("%d of %d passed, %.0f s", r.count(), len(r.order), r.took.Seconds())
	if r.mode.churn {
		text += fmt.Sprintf("; the other clients: %d transactions, %d with a wrong value", r.churned, r.wrong)
	}
	if r.company != nil {
		text += fmt.Sprintf("; one of them ended: %v", r.company)
	}
	return text
}

// lost are the tests that passed in base and did not in r, in their order.
func (r *result) lost(base *result) []string {
	return slices.DeleteFunc(slices.Clone(base.order), func(name string) bool { return !base.passed[name] || r.passed[name] })
}

// report writes what the runs gave, and names the tests that make the difference to the run direct, if that was one.
func report(w io.Writer, all []*result) {
	i := slices.IndexFunc(all, func(r *result) bool { return r.mode.name == "direct" })
	fmt.Fprintf(w, "| run | passed | of | pass directly, fail here | seconds |\n|---|---:|---:|---:|---:|\n")
	for _, r := range all {
		lost := ""
		if i >= 0 && r != all[i] {
			lost = fmt.Sprint(len(r.lost(all[i])))
		}
		fmt.Fprintf(w, "| %s | %d | %d | %s | %.0f |\n", r.mode.name, r.count(), len(r.order), lost, r.took.Seconds())
	}
	for _, r := range all {
		if r.mode.churn {
			fmt.Fprintf(w, "\n%s: %s\n", r.mode.name, r.summary())
		}
		if i >= 0 && r != all[i] {
			fmt.Fprintf(w, "\n%s fails, and direct passes: %s\n", r.mode.name, strings.Join(r.lost(all[i]), " "))
			continue
		}
		failed := slices.DeleteFunc(slices.Clone(r.order), func(name string) bool { return r.passed[name] })
		fmt.Fprintf(w, "\n%s fails: %s\n", r.mode.name, strings.Join(failed, " "))
	}
}
