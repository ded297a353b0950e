package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
)

// workload is a row of the report: one load, put on every contender in turn.
type workload struct {
	name  string // kind/variant/clients
	unit  string // what Rate counts and CPU is divided by
	about string
	run   func(ctx context.Context, b *bench, t *target) (sample, error)
}

const (
	transaction = "txn"
	megabyte    = "MB"
	connection  = "connect"
)

// workloads lists the rows. The select rows come for each number of clients; those that need several clients take the
// middle one of the numbers.
func (b *bench) workloads(only *regexp.Regexp) []workload {
	clients := b.opt.clients
	mid := clients[len(clients)/2]
	var all []workload
	add := func(name, unit, about string, run func(context.Context, *bench, *target) (sample, error)) {
		if only.MatchString(name) {
			all = append(all, workload{name, unit, about, run})
		}
	}
	for _, protocol := range []string{"simple", "extended", "prepared"} {
		for _, n := range clients {
			add(fmt.Sprintf("select/%s/%d", protocol, n), transaction, "pgbench -S -M "+protocol,
				pgbench{n, false, []string{"-S", "-M", protocol}}.run)
		}
	}
	add(fmt.Sprintf("tpcb/%d", mid), transaction, "pgbench -b tpcb-like",
		pgbench{mid, false, []string{"-b", "tpcb-like"}}.run)
	add(fmt.Sprintf("savepoint/%d", mid), transaction,
		"pgbench: BEGIN, SET, SAVEPOINT, SET, ROLLBACK TO, COMMIT: six messages", pgbench{mid, false, []string{"-f", b.savepointFile()}}.run)
	for _, n := range slices.DeleteFunc(slices.Clone(clients), func(n int) bool { return n == 1 }) {
		add(fmt.Sprintf("settings/%d", n), transaction,
			"each client SETs four variables of its own once, then selects; every answer holds the four", settingsLoad(n).run)
	}
	add(fmt.Sprintf("listen/%d", mid), transaction, "each client LISTENs once, then selects", listenLoad(mid).run)
	add(fmt.Sprintf("tls/simple/%d", mid), transaction, "pgbench -S over TLS",
		pgbench{mid, true, []string{"-S", "-M", "simple"}}.run)
	add("connect/plain/4", connection, "connect, select, disconnect", connectLoad(4, false).run)
	add("connect/tls/4", connection, "the same with a TLS handshake each", connectLoad(4, true).run)
	add("rows/1MB/4", megabyte, "16 rows of 1 MB a transaction", rowsLoad(4).run)
	add("copy/out/4", megabyte, "COPY TO STDOUT of 16 MB in rows of 1 kB a transaction", copyOutLoad(4).run)
	add("copy/in/4", megabyte, "COPY FROM STDIN of the same", copyInLoad(4).run)
	return all
}
