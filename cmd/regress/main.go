// Command regress runs PostgreSQL's own regression suite through this project's pooler, and says which tests pass on a
// direct connection and fail through it.
//
//	go run ./cmd/regress                                        # all runs: some minutes each
//	go run ./cmd/regress -runs direct,serial
//	go run ./cmd/regress -runs serial -tests 'test_setup temp'  # some tests alone
//	go run ./cmd/regress -runs churn -options 'pin_sequences on'
//	go run ./cmd/regress -suite isolation -runs direct,serial
//
// Each run has a server, a database and a proxy of its own and is one pass of pg_regress --use-existing over the
// schedule parallel_schedule:
//
//	direct           one test at a time, no proxy: what counts as passed
//	serial           one test at a time, through a pool of 4
//	churn            as serial, while other clients use the same pool, set variables and check that theirs are kept
//	parallel         up to 20 tests at a time, through a pool of 20
//	direct-churn     churn and parallel without the proxy: a test that fails here too fails for the company it is in
//	direct-parallel
//
// The isolation suite has several sessions in each test, which wait for each other: its pool is always of 20, and the tests
// are run one at a time. See between/isolation.c for how the tester finds out who waits.
//
// What pg_regress leaves (regression.diffs, regression.out, results) is in a folder for each run below -out, with the
// proxy's and the server's log. Tests and expected files are PostgreSQL's, unchanged.
//
// It needs a Debian or a system like it, with the packages postgresql and gcc. The sources are those of the package that
// is installed: apt-get fetches them once, with lists of its own, into the user's cache folder. The proxy is built from the
// checkout in the current directory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type options struct {
	suite   string
	options string // of pgtxn
	runs    []mode
	tests   []string // instead of the schedule
	out     string
	limit   time.Duration
}

// mode is a way to run the suite.
type mode struct {
	name            string
	pool            int // 0: without the proxy
	parallel, churn bool
}

var modes = []mode{
	{name: "direct"},
	{name: "serial", pool: 4},
	{name: "churn", pool: 4, churn: true},
	{name: "parallel", pool: 20, parallel: true},
	{name: "direct-churn", churn: true},
	{name: "direct-parallel", parallel: true},
}

func main() {
	opt, err := parseFlags()
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, opt)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "regress:", err)
		os.Exit(1)
	}
}

func parseFlags() (*options, error) {
	var o options
	flag.StringVar(&o.suite, "suite", "regress", "`regress` or isolation")
	runs := flag.String("runs", "direct,serial,churn,parallel", "what to run; there are direct-churn and direct-parallel too")
	flag.StringVar(&o.options, "options", "", "more `lines` for the handler's block in the Caddyfile, with semicolons between them")
	tests := flag.String("tests", "", "`names` of tests to run in this order, instead of all; most need test_setup first")
	flag.StringVar(&o.out, "out", "bin/regress", "`folder` for what the runs leave; what is there of an earlier one goes")
	flag.DurationVar(&o.limit, "limit", 20*time.Minute, "how long a run may take; tests that have not ended then have failed")
	flag.Parse()
	for name := range strings.SplitSeq(*runs, ",") {
		i := slices.IndexFunc(modes, func(m mode) bool { return m.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-runs: there is no %q", name)
		}
		o.runs = append(o.runs, modes[i])
	}
	if o.suite != "regress" && o.suite != "isolation" {
		return nil, fmt.Errorf("-suite: there is no %q", o.suite)
	}
	if flag.NArg() > 0 {
		flag.Usage()
		return nil, errors.New("there are no arguments besides the flags")
	}
	o.tests = strings.Fields(*tests)
	var err error
	o.out, err = filepath.Abs(o.out)
	return &o, err
}

// suite is what all runs share.
type suite struct {
	opt     *options
	dir     string // temporary, removed at the end; the server's user can read what is in it
	bin     string // of PostgreSQL's programs
	inputs  string // src/test/regress or isolation, of PostgreSQL's sources
	library string // folder of the shared libraries that the tests load
	between string // the library between isolationtester and libpq
	proxy   string // Caddy with the plugin; "" if no run needs it
}

func run(ctx context.Context, opt *options) (err error) {
	dir, err := os.MkdirTemp("", "caddy-pgtxn-regress-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// The server, psql and pg_regress go there as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	s := &suite{opt: opt, dir: dir}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	var all []*result
	for _, m := range opt.runs {
		say("%s", m.name)
		r, err := s.once(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		say("%s: %s", m.name, r.summary())
		all = append(all, r)
	}
	report(os.Stdout, all)
	fmt.Printf("\nDiffs and logs: %s\n", opt.out)
	return nil
}

// say tells how far the run is, apart from its result.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
