package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// pgbench is a load that PostgreSQL's own generator makes, in one thread.
type pgbench struct {
	clients int
	tls     bool
	args    []string
}

// savepointScript is six messages in simple mode; \set makes each client's values differ from the others'.
const savepointScript = `BEGIN;
SET my.x = ':client_id';
SAVEPOINT a;
SET my.x = 'inner :client_id';
ROLLBACK TO a;
COMMIT;
`

// outcome of one run of pgbench.
type outcome struct {
	transactions int
	rate         float64 // without the time to connect
	cpu          time.Duration
}

// run measures. The proxy's time to take the clients in and to let them go is not a transaction's: a run of one
// transaction for each client has it too, and is taken off.
func (p pgbench) run(ctx context.Context, b *bench, t *target) (sample, error) {
	base, err := p.exec(ctx, b, t, "-t", "1")
	if err != nil {
		return sample{}, err
	}
	logs, err := os.MkdirTemp(b.dir, "log-")
	if err != nil {
		return sample{}, err
	}
	defer os.RemoveAll(logs)
	full, err := p.exec(ctx, b, t, "-T", strconv.Itoa(b.opt.seconds), "-l", "--log-prefix", filepath.Join(logs, "tx"))
	if err != nil {
		return sample{}, err
	}
	latencies, err := readLatencies(logs)
	if err != nil {
		return sample{}, err
	}
	s := sample{Rate: full.rate}
	s.P50, s.P99 = percentiles(latencies)
	if n := full.transactions - base.transactions; n > 0 {
		s.CPU = float64(full.cpu-base.cpu) / float64(time.Microsecond) / float64(n)
	}
	return s, nil
}

var (
	processedLine = regexp.MustCompile(`(?m)^number of transactions actually processed: (\d+)`)
	failedLine    = regexp.MustCompile(`(?m)^number of failed transactions: (\d+)`)
	rateLine      = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
)

func (p pgbench) exec(ctx context.Context, b *bench, t *target, length ...string) (outcome, error) {
	host, port, _ := net.SplitHostPort(t.addr)
	args := append([]string{"-n", "-j", "1", "-c", strconv.Itoa(p.clients)}, p.args...)
	cmd := exec.CommandContext(ctx, b.server.Bin("pgbench"), append(args, length...)...)
	cmd.Env = append(os.Environ(), "PGHOST="+host, "PGPORT="+port, "PGUSER="+b.server.Superuser,
		"PGDATABASE="+database, "PGSSLMODE="+sslMode(p.tls), "PGGSSENCMODE=disable", "LC_ALL=C")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	before, err := t.cpu()
	if err != nil {
		return outcome{}, err
	}
	if err := cmd.Run(); err != nil {
		return outcome{}, fmt.Errorf("pgbench: %w: %s", err, lastLine(errs.String()))
	}
	after, err := t.cpu()
	if err != nil {
		return outcome{}, err
	}
	if n := number(failedLine, out.String()); n > 0 {
		return outcome{}, fmt.Errorf("pgbench: %v transactions failed", n)
	}
	done := int(number(processedLine, out.String()))
	if done == 0 {
		return outcome{}, errors.New("pgbench: no transaction was processed")
	}
	return outcome{transactions: done, rate: number(rateLine, out.String()), cpu: after - before}, nil
}

// number is what the expression's group finds in pgbench's report; 0 if it is not there.
func number(line *regexp.Regexp, report string) float64 {
	m := line.FindStringSubmatch(report)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	return n
}

// readLatencies reads pgbench's log per transaction: client, number, microseconds, and more that is of no interest
// here (pgbench's documentation, "Per-Transaction Logging").
func readLatencies(folder string) ([]time.Duration, error) {
	files, err := filepath.Glob(filepath.Join(folder, "tx.*"))
	if err != nil {
		return nil, err
	}
	var all []time.Duration
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			if len(fields) < 3 {
				continue
			}
			if us, err := strconv.Atoi(fields[2]); err == nil {
				all = append(all, time.Duration(us)*time.Microsecond)
			}
		}
		if err := errors.Join(lines.Err(), f.Close()); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
