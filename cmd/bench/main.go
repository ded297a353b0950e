// Command bench measures what it costs to go through this project's pooler, side by side in one run with a direct
// connection, a plain TCP relay (HAProxy, or caddy-l4's proxy) and PgBouncer in transaction mode.
//
//	go run ./cmd/bench -rounds 3 -seconds 3 -rows '^select'
//
// It needs a Debian or a system like it: PostgreSQL comes as package internal/pgtest gets it, PgBouncer and HAProxy are
// unpacked from Debian's newest suite into the user's cache folder, and this project's Caddy is built from the checkout
// in the current directory. Everything runs on 127.0.0.1 and is gone when the command ends.
//
// Each row of the report is a load. In each round every contender gets it in turn, beginning with another one in the
// next round; figures are medians over the rounds. On a machine that others use too, trust the CPU time of the proxy
// per transaction, which the proxy's own CPU clock counts, and the ratios within one round, more than rates.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

type options struct {
	rounds, seconds, pool, idle int
	targets                     []string
	clients                     []int
	rows                        *regexp.Regexp
	json                        string
}

func main() {
	opt, err := parseFlags()
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, opt)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseFlags() (*options, error) {
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "how often each load is put on each target")
	flag.IntVar(&o.seconds, "seconds", 3, "how long, each time")
	flag.IntVar(&o.pool, "pool", 8, "server connections of each pooler")
	flag.IntVar(&o.idle, "idle", 1000, "idle clients of the row idle")
	flag.StringVar(&o.json, "json", "", "`file` for all samples of all rounds")
	targets := flag.String("targets", "direct,haproxy,pgbouncer,pgtxn", "what to measure; there is caddy-l4 too")
	clients := flag.String("clients", "1,16,64", "numbers of clients of the select rows; other rows take the middle one")
	rows := flag.String("rows", "", "`regexp` of the rows to measure: "+
		"select/… tpcb savepoint settings listen tls connect/… rows copy/… idle; all if empty")
	flag.Parse()
	o.targets = strings.Split(*targets, ",")
	for text := range strings.SplitSeq(*clients, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-clients: %q is no number of clients", text)
		}
		o.clients = append(o.clients, n)
	}
	slices.Sort(o.clients)
	if o.rounds < 1 || o.seconds < 1 || o.pool < 1 || o.idle < 1 || flag.NArg() > 0 {
		flag.Usage()
		return nil, errors.New("numbers start at 1, and there are no arguments besides the flags")
	}
	var err error
	o.rows, err = regexp.Compile(*rows)
	return &o, err
}

// bench is one run of the command.
type bench struct {
	opt     *options
	dir     string // temporary, removed at the end
	server  *pgtest.Server
	targets []*target
}

func run(ctx context.Context, opt *options) (err error) {
	if err := raiseFileLimit(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "caddy-pgtxn-bench-")
	if err != nil {
		return err
	}
	b := &bench{opt: opt, dir: dir}
	defer func() { err = errors.Join(err, b.stop()) }()
	// PgBouncer reads its files there as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	say("starting PostgreSQL and filling pgbench's tables")
	if err := b.startServer(ctx); err != nil {
		return err
	}
	r := &report{Setting: opt.setting(), Versions: map[string]string{}, names: opt.targets}
	for _, name := range opt.targets {
		say("starting %s", name)
		c, err := b.contender(ctx, name)
		if err != nil {
			return err
		}
		t, err := b.startTarget(ctx, c)
		if err != nil {
			return err
		}
		b.targets = append(b.targets, t)
		r.Versions[name] = c.version
	}
	b.measure(ctx, r)
	if err := ctx.Err(); err != nil {
		return err
	}
	r.markdown(os.Stdout)
	if opt.json != "" {
		return r.writeJSON(opt.json)
	}
	return nil
}

// measure fills the report. A load that fails is told and leaves a gap.
func (b *bench) measure(ctx context.Context, r *report) {
	for _, w := range b.workloads(b.opt.rows) {
		row := &row{Name: w.name, Unit: w.unit, About: w.about, Samples: map[string][]*sample{}}
		for round := range b.opt.rounds {
			for i := range b.targets {
				if ctx.Err() != nil {
					return
				}
				t := b.targets[(i+round)%len(b.targets)]
				row.Samples[t.name] = append(row.Samples[t.name], b.once(ctx, w, t, round))
			}
		}
		r.Rows = append(r.Rows, row)
	}
	if !b.opt.rows.MatchString("idle") {
		return
	}
	for _, t := range b.targets {
		if t.pid == 0 || ctx.Err() != nil {
			continue
		}
		m, err := b.measureIdle(ctx, t.contender)
		if err != nil {
			say("idle, %s: %v", t.name, err)
			continue
		}
		say("idle, %s: %.1f kB per client", t.name, m.PerClient)
		r.Idle = append(r.Idle, idleRow{t.name, m})
	}
}

// once puts one load on one target; nil if it failed.
func (b *bench) once(ctx context.Context, w workload, t *target, round int) *sample {
	s, err := w.run(ctx, b, t)
	if err != nil {
		say("%s, round %d, %s: %v", w.name, round+1, t.name, err)
		return nil
	}
	say("%s, round %d, %s: %.0f %s/s, p50 %.3f ms, CPU %.1f µs", w.name, round+1, t.name, s.Rate, w.unit, s.P50, s.CPU)
	return &s
}

func (b *bench) stop() error {
	var errs []error
	for _, t := range b.targets {
		errs = append(errs, t.stop())
	}
	if b.server != nil {
		errs = append(errs, b.server.Stop())
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}

// raiseFileLimit: a thousand clients are more files than a process may have open by default. The proxies inherit it.
func raiseFileLimit() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// say tells how far the run is, apart from its result.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
