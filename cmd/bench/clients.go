package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// clientLoad is a load that pgbench cannot make, or whose answers it cannot check: each client is a goroutine of this
// process with a pgconn connection.
type clientLoad struct {
	clients int
	open    func(ctx context.Context, b *bench, t *target, number int) (*client, error)
}

// client makes one transaction a step.
type client struct {
	step  func(ctx context.Context) error
	close func(ctx context.Context) error
	units float64 // of the report that a step makes
	wrong int     // steps so far whose answer was another's
	check bool    // whether steps look for that
}

// run opens the clients, and measures from when all are open until all have made the step that they were in when the
// time was over.
func (l clientLoad) run(ctx context.Context, b *bench, t *target) (sample, error) {
	var clients []*client
	defer func() {
		for _, c := range clients {
			_ = c.close(ctx) // of a connection that may have failed already, which its step has told
		}
	}()
	for i := range l.clients {
		c, err := l.open(ctx, b, t, i)
		if err != nil {
			return sample{}, err
		}
		clients = append(clients, c)
	}
	before, err := t.cpu()
	if err != nil {
		return sample{}, err
	}
	start := time.Now()
	latencies, err := stepUntil(ctx, clients, start.Add(time.Duration(b.opt.seconds)*time.Second))
	if err != nil {
		return sample{}, err
	}
	took := time.Since(start).Seconds()
	after, err := t.cpu()
	if err != nil {
		return sample{}, err
	}
	s := sample{}
	units := float64(len(latencies)) * clients[0].units
	s.Rate = units / took
	s.CPU = float64(after-before) / float64(time.Microsecond) / units
	s.P50, s.P99 = percentiles(latencies)
	for _, c := range clients {
		s.Wrong += c.wrong
	}
	if clients[0].check {
		s.Checked = len(latencies)
	}
	return s, nil
}

// stepUntil lets all clients step, each in a goroutine, and returns how long each step took.
func stepUntil(ctx context.Context, clients []*client, deadline time.Time) ([]time.Duration, error) {
	took := make([][]time.Duration, len(clients))
	errs := make([]error, len(clients))
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			for now := time.Now(); now.Before(deadline) && errs[i] == nil; {
				errs[i] = c.step(ctx)
				next := time.Now()
				took[i] = append(took[i], next.Sub(now))
				now = next
			}
		})
	}
	all.Wait()
	var joined []time.Duration
	for _, some := range took {
		joined = append(joined, some...)
	}
	return joined, errors.Join(errs...)
}

// settingsLoad: a pooler that mixes sessions up answers with another client's values, or with none. Of the four
// variables PostgreSQL reports application_name to clients (and search_path from version 18 on), the others not.
func settingsLoad(clients int) clientLoad {
	const ask = `SELECT abalance, concat_ws('|', current_setting('my.tenant', true), current_setting('statement_timeout'),
		current_setting('search_path'), current_setting('application_name')) FROM pgbench_accounts WHERE aid = %d`
	return clientLoad{clients, func(ctx context.Context, b *bench, t *target, number int) (*client, error) {
		conn, err := t.connect(ctx, b, false)
		if err != nil {
			return nil, err
		}
		set := fmt.Sprintf("SET my.tenant = 'tenant %[1]d'; SET statement_timeout = '%[2]dms'; "+
			"SET search_path = tenant_%[1]d, public; SET application_name = 'app %[1]d'", number, 600_001+number)
		want := fmt.Sprintf("tenant %[1]d|%[2]dms|tenant_%[1]d, public|app %[1]d", number, 600_001+number)
		// One message each: several in one would be one transaction, and a pooler may treat it as such.
		for text := range strings.SplitSeq(set, "; ") {
			if _, err := conn.Exec(ctx, text).ReadAll(); err != nil {
				return nil, errors.Join(err, conn.Close(ctx))
			}
		}
		c := &client{close: conn.Close, units: 1, check: true}
		c.step = func(ctx context.Context) error {
			results, err := conn.Exec(ctx, fmt.Sprintf(ask, 1+rand.IntN(accounts))).ReadAll()
			if err != nil {
				return err
			}
			if string(results[0].Rows[0][1]) != want {
				c.wrong++
			}
			return nil
		}
		return c, nil
	}}
}

// listenLoad: each client listens to a channel from its start on. A pooler that gives its backend to others has to move that.
func listenLoad(clients int) clientLoad {
	return clientLoad{clients, func(ctx context.Context, b *bench, t *target, _ int) (*client, error) {
		conn, err := t.connect(ctx, b, false)
		if err != nil {
			return nil, err
		}
		if _, err := conn.Exec(ctx, "LISTEN news").ReadAll(); err != nil {
			return nil, errors.Join(err, conn.Close(ctx))
		}
		step := func(ctx context.Context) error {
			_, err := conn.Exec(ctx, fmt.Sprintf("SELECT abalance FROM pgbench_accounts WHERE aid = %d", 1+rand.IntN(accounts))).ReadAll()
			return err
		}
		return &client{step: step, close: conn.Close, units: 1}, nil
	}}
}

// connectLoad is not pgbench -C, which opens its connections one after the other in each thread and leaves the time
// that it takes out of its latencies.
func connectLoad(clients int, tls bool) clientLoad {
	return clientLoad{clients, func(_ context.Context, b *bench, t *target, _ int) (*client, error) {
		step := func(ctx context.Context) error {
			conn, err := t.connect(ctx, b, tls)
			if err != nil {
				return err
			}
			_, err = conn.Exec(ctx, "SELECT 1").ReadAll()
			return errors.Join(err, conn.Close(ctx))
		}
		return &client{step: step, close: func(context.Context) error { return nil }, units: 1}, nil
	}}
}

// bulkMB is how many megabytes a transaction of the bulk loads carries.
const bulkMB = 16

func rowsLoad(clients int) clientLoad {
	return bulkLoad(clients, func(ctx context.Context, conn *pgconn.PgConn) error {
		rows := conn.Exec(ctx, fmt.Sprintf("SELECT repeat('x', 1000000) FROM generate_series(1, %d)", bulkMB))
		size := 0
		for rows.NextResult() {
			for r := rows.ResultReader(); r.NextRow(); {
				size += len(r.Values()[0])
			}
		}
		return errors.Join(rows.Close(), expectBytes(size))
	})
}

func copyOutLoad(clients int) clientLoad {
	return bulkLoad(clients, func(ctx context.Context, conn *pgconn.PgConn) error {
		var size countingWriter
		_, err := conn.CopyTo(ctx, &size, fmt.Sprintf(
			"COPY (SELECT repeat('x', 999) FROM generate_series(1, %d)) TO STDOUT", bulkMB*1000))
		return errors.Join(err, expectBytes(int(size)))
	})
}

// copyInLoad: with WHERE false the server reads the rows and keeps none, so the table does not grow.
func copyInLoad(clients int) clientLoad {
	rows := bytes.Repeat(append(bytes.Repeat([]byte("x"), 999), '\n'), bulkMB*1000)
	return bulkLoad(clients, func(ctx context.Context, conn *pgconn.PgConn) error {
		_, err := conn.CopyFrom(ctx, bytes.NewReader(rows), "COPY bench_copy FROM STDIN WHERE false")
		return err
	})
}

func bulkLoad(clients int, step func(context.Context, *pgconn.PgConn) error) clientLoad {
	return clientLoad{clients, func(ctx context.Context, b *bench, t *target, _ int) (*client, error) {
		conn, err := t.connect(ctx, b, false)
		if err != nil {
			return nil, err
		}
		once := func(ctx context.Context) error { return step(ctx, conn) }
		return &client{step: once, close: conn.Close, units: bulkMB}, nil
	}}
}

func expectBytes(got int) error {
	if want := bulkMB * 1_000_000; got != want {
		return fmt.Errorf("%d bytes came, expected %d", got, want)
	}
	return nil
}

type countingWriter int

func (w *countingWriter) Write(p []byte) (int, error) {
	*w += countingWriter(len(p))
	return len(p), nil
}
