package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// idleMemory is what a proxy that has just been started needs for idle clients.
type idleMemory struct {
	Clients   int     `json:"clients"`
	BeforeKB  int     `json:"before_kb"`
	WithKB    int     `json:"with_kb"`
	PerClient float64 `json:"kb_per_client"`
}

// measureIdle starts the contender anew, since what other loads left in its heap would be used first. Each client has
// made one transaction before it idles.
func (b *bench) measureIdle(ctx context.Context, c contender) (m idleMemory, err error) {
	t, err := b.startTarget(ctx, c)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	m.Clients = b.opt.idle
	if m.BeforeKB, err = settledKB(t.pid); err != nil {
		return m, err
	}
	var conns []*pgconn.PgConn
	defer func() {
		for _, conn := range conns {
			_ = conn.Close(ctx)
		}
	}()
	for range b.opt.idle {
		conn, err := t.connect(ctx, b, false)
		if err != nil {
			return m, fmt.Errorf("client %d: %w", len(conns)+1, err)
		}
		conns = append(conns, conn)
		if _, err := conn.Exec(ctx, "SELECT 1").ReadAll(); err != nil {
			return m, fmt.Errorf("client %d: %w", len(conns), err)
		}
	}
	if m.WithKB, err = settledKB(t.pid); err != nil {
		return m, err
	}
	m.PerClient = float64(m.WithKB-m.BeforeKB) / float64(m.Clients)
	return m, nil
}
