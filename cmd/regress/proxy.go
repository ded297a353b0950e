package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

const caddyfile = `{
	admin off
	persist_config off
	skip_install_trust
	layer4 {
		127.0.0.1:%d {
			route {
				pgtxn {
					upstream %s
					pool_size %d
					auth trust
					%s
				}
			}
		}
	}
}
`

// A proxy is Caddy, built from this checkout.
type proxy struct {
	*pgtest.Process
	port int
}

// startTime is how long a proxy may take until a query through it is answered.
const startTime = 20 * time.Second

// startProxy starts Caddy before the server and waits until a query through it has been answered.
func (s *suite) startProxy(ctx context.Context, server *pgtest.Server, pool int, logName string) (*proxy, error) {
	port, err := pgtest.FreePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(s.dir, "proxy-")
	if err != nil {
		return nil, err
	}
	config := filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(config, fmt.Appendf(nil, caddyfile, port, server.Addr, pool, strings.ReplaceAll(s.opt.options, ";", "\n")), 0o644); err != nil {
		return nil, err
	}
	log, err := os.Create(logName)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &proxy{port: port, Process: &pgtest.Process{
		Args: []string{s.proxy, "run", "--adapter", "caddyfile", "--config", config},
		Env:  append(os.Environ(), "HOME="+folder, "XDG_CONFIG_HOME="+folder, "XDG_DATA_HOME="+folder),
		// Sessions of a killed psql may still be there: not the graceful end, which waits for them.
		Folder: folder, Signal: "QUIT", Output: log,
	}}
	if err := p.Start(); err != nil {
		return nil, err
	}
	if err := p.waitReady(ctx, s.database()); err != nil {
		text, _ := os.ReadFile(logName)
		return nil, errors.Join(fmt.Errorf("the proxy did not start: %w\n%s", err, pgtest.Tail(string(text), 15)), p.Stop())
	}
	return p, nil
}

func (p *proxy) waitReady(ctx context.Context, database string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		conn, err := connect(ctx, p.port, database)
		if err == nil {
			_, err = conn.Exec(ctx, "SELECT 1").ReadAll()
			return errors.Join(err, conn.Close(ctx))
		}
		select {
		case <-p.Done():
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("no answer in %v: %w", startTime, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func connect(ctx context.Context, port int, database string) (*pgconn.PgConn, error) {
	return pgconn.Connect(ctx, fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=%s sslmode=disable", port, pgtest.Superuser, database))
}
