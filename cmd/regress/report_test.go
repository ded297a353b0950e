package main

import (
	"slices"
	"strings"
	"testing"
)

// What pg_regress of version 15 and of version 17 print.
const (
	old = `(using postmaster on 127.0.0.1, port 5432)
test test_setup                   ... ok          305 ms
parallel group (3 tests):  name char text
     char                         ... ok           34 ms
     text                         ... FAILED       36 ms
     random                       ... failed (ignored)       91 ms
test tablespace                   ... FAILED (test process exited with exit code 2)      112 ms
`
	tap = `# using postmaster on 127.0.0.1, port 5432
ok 1         - test_setup                                305 ms
# parallel group (3 tests):  name char text
ok 2         + char                                       34 ms
not ok 3     + text                                       36 ms
not ok 4     + random                                     91 ms
not ok 5     - tablespace                                112 ms
# (test process exited with exit code 2)
1..5
`
)

func TestParse(t *testing.T) {
	for _, text := range []string{old, tap} {
		r := parse(text)
		if want := []string{"test_setup", "char", "text", "random", "tablespace"}; !slices.Equal(r.order, want) {
			t.Errorf("tests %v, want %v", r.order, want)
		}
		if r.count() != 2 || !r.passed["test_setup"] || !r.passed["char"] {
			t.Errorf("passed: %v", r.passed)
		}
	}
}

func TestReport(t *testing.T) {
	direct := parse(strings.Replace(old, "text                         ... FAILED", "text                         ... ok", 1))
	direct.mode = modes[0]
	serial := parse(old[:strings.Index(old, "     random")]) // it was killed
	serial.mode = modes[1]
	churn := parse(strings.Replace(old, "char                         ... ok", "char                         ... FAILED", 1))
	churn.mode, churn.churned, churn.wrong = modes[2], 100, 1
	var out strings.Builder
	report(&out, []*result{direct, serial, churn})
	for _, want := range []string{
		"| direct | 3 | 5 |  | 0 |",
		"| serial | 2 | 3 | 1 | 0 |",
		"| churn | 1 | 5 | 2 | 0 |",
		"direct fails: random tablespace\n",
		"serial fails, and direct passes: text\n",
		"churn fails, and direct passes: char text\n",
		"100 transactions, 1 with a wrong value",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
