package pgtxn

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-pgtxn/caddy-pgtxn/adminapi"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/relay"
)

func topCommand() *cobra.Command {
	cmd := subcommand("top", "Shows pools with their rates again and again, until Ctrl-C", cobra.NoArgs, runTop)
	addFilters(cmd)
	cmd.Flags().DurationP("interval", "n", 2*time.Second, "How long between two tables")
	cmd.Flags().Int("count", 0, "How many tables; 0: until Ctrl-C")
	return cmd
}

// runTop draws over the last table in a terminal; elsewhere tables follow each other.
func runTop(client *adminapi.Client, flags caddycmd.Flags) error {
	interval, count := flags.Duration("interval"), flags.Int("count")
	if interval <= 0 {
		return errors.New("interval: expected more than 0, such as 2s")
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	ticks := time.NewTicker(interval)
	defer ticks.Stop()

	var last top
	for n := 1; ; n++ {
		now, err := last.next(client, flags)
		if err != nil {
			return adminapi.Reason(err)
		}
		switch {
		case flags.Bool("json"):
			err = json.NewEncoder(os.Stdout).Encode(now)
		default:
			err = terminal().draw(os.Stdout, &now)
		}
		if err != nil || n == count {
			return err
		}
		last = now
		select {
		case <-ticks.C:
		case <-interrupted:
			return nil
		}
	}
}

// top is the pools at one moment, with what has changed since the one before.
type top struct {
	Time  time.Time `json:"time"`
	Pools []rated   `json:"pools"`
}

// rated is a pool with its rates. They are 0 in the first table.
type rated struct {
	relay.PoolView
	TransactionRate float64 `json:"transactions_per_second"`
	StatementRate   float64 `json:"statements_per_second"`
	ReceivedRate    float64 `json:"received_bytes_per_second"`
	SentRate        float64 `json:"sent_bytes_per_second"`
	MeanWait        float64 `json:"mean_wait_seconds"` // of those that waited

	known bool // there was a table before
}

func (p *rated) key() string {
	return strings.Join(append([]string{p.User, p.Database}, p.Upstream...), "\x00")
}

func (t *top) next(client *adminapi.Client, flags caddycmd.Flags) (now top, err error) {
	answer, err := client.Ask(http.MethodGet, "/pgtxn/pools"+query(flags, "user", "database"))
	if err != nil {
		return now, err
	}
	var views []relay.PoolView
	if err := json.Unmarshal(answer, &views); err != nil {
		return now, err
	}
	before := map[string]*rated{}
	for i := range t.Pools {
		before[t.Pools[i].key()] = &t.Pools[i]
	}
	now = top{Time: time.Now(), Pools: []rated{}}
	for _, view := range views {
		pool := rated{PoolView: view}
		if was := before[pool.key()]; was != nil && was.Transactions <= pool.Transactions {
			pool.since(was, now.Time.Sub(t.Time).Seconds())
		}
		now.Pools = append(now.Pools, pool)
	}
	return now, nil
}

func (p *rated) since(was *rated, seconds float64) {
	p.known = true
	p.TransactionRate = float64(p.Transactions-was.Transactions) / seconds
	p.StatementRate = float64(p.Statements-was.Statements) / seconds
	p.ReceivedRate = float64(p.Received-was.Received) / seconds
	p.SentRate = float64(p.Sent-was.Sent) / seconds
	if waits := p.Waits - was.Waits; waits > 0 {
		p.MeanWait = (p.Waited - was.Waited) / float64(waits)
	}
}
