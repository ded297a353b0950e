package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// contender is a way to reach the server: how its proxy is set up and started.
type contender struct {
	name    string
	version string
	signal  string // that ends it at once, open connections or not

	// configure writes what the proxy reads into folder and returns the command line of one that listens on port.
	// Nil: clients go to the server itself.
	configure func(folder string, port int) ([]string, error)
}

// target is a contender that runs.
type target struct {
	contender
	addr    string
	pid     int // of the proxy; 0: there is none
	process *pgtest.Process
	log     *os.File
}

// readyTime is how long a proxy may take until a query through it is answered.
const readyTime = 20 * time.Second

// startTarget starts the contender's proxy and waits until a query through it has been answered.
func (b *bench) startTarget(ctx context.Context, c contender) (*target, error) {
	if c.configure == nil {
		return &target{contender: c, addr: b.server.Addr}, nil
	}
	port, err := pgtest.FreePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(b.dir, c.name+"-")
	if err != nil {
		return nil, err
	}
	// PgBouncer reads its files as another user.
	if err := os.Chmod(folder, 0o755); err != nil {
		return nil, err
	}
	argv, err := c.configure(folder, port)
	if err != nil {
		return nil, err
	}
	t := &target{contender: c, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	if err := t.launch(b, folder, argv); err != nil {
		return nil, err
	}
	if err := t.waitReady(ctx, b, folder); err != nil {
		text, _ := os.ReadFile(t.log.Name())
		return nil, errors.Join(fmt.Errorf("%s: %w\n%s", c.name, err, pgtest.Tail(string(text), 15)), t.stop())
	}
	return t, nil
}

// launch starts the process; the pid that it leaves in its folder is its own, not that of the shell around it.
func (t *target) launch(b *bench, folder string, argv []string) error {
	log, err := os.Create(filepath.Join(b.dir, filepath.Base(folder)+".log"))
	if err != nil {
		return err
	}
	t.log = log
	t.process = &pgtest.Process{
		Args:   append([]string{"/bin/sh", "-c", `echo $$ >pid.new && mv pid.new pid && exec "$@"`, t.name}, argv...),
		Env:    append(os.Environ(), "HOME="+folder, "XDG_CONFIG_HOME="+folder, "XDG_DATA_HOME="+folder),
		Folder: folder,
		Signal: t.signal,
		Output: log,
	}
	if err := t.process.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	return nil
}

func (t *target) waitReady(ctx context.Context, b *bench, folder string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for {
		err := t.probe(ctx, b)
		if err == nil {
			pid, err := os.ReadFile(filepath.Join(folder, "pid"))
			if err != nil {
				return err
			}
			t.pid, err = strconv.Atoi(strings.TrimSpace(string(pid)))
			return err
		}
		select {
		case <-t.process.Done():
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("no answer in %v: %w", readyTime, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// probe asks one query through the target.
func (t *target) probe(ctx context.Context, b *bench) error {
	conn, err := t.connect(ctx, b, false)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "SELECT 1").ReadAll()
	return errors.Join(err, conn.Close(ctx))
}

// connect opens a client connection through the target, with TLS if asked.
func (t *target) connect(ctx context.Context, b *bench, tls bool) (*pgconn.PgConn, error) {
	host, port, _ := net.SplitHostPort(t.addr)
	return pgconn.Connect(ctx, fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=%s",
		host, port, b.server.Superuser, database, sslMode(tls)))
}

func sslMode(tls bool) string {
	if tls {
		return "require"
	}
	return "disable"
}

// cpu is what the proxy has used so far; 0 where there is none.
func (t *target) cpu() (time.Duration, error) {
	if t.pid == 0 {
		return 0, nil
	}
	return processCPU(t.pid)
}

func (t *target) stop() error {
	if t.process == nil {
		return nil
	}
	return errors.Join(t.process.Stop(), t.log.Close())
}

// contender finds or builds what the named one needs.
func (b *bench) contender(ctx context.Context, name string) (contender, error) {
	switch name {
	case "direct":
		version, err := b.server.SQL(ctx, database, "SHOW server_version")
		return contender{name: name, version: "PostgreSQL " + version}, err
	case "haproxy", "pgbouncer":
		p, err := debianPeers(ctx)
		if err != nil {
			return contender{}, err
		}
		if name == "haproxy" {
			return b.haproxy(ctx, p)
		}
		return b.pgbouncer(ctx, p)
	case "pgtxn":
		return b.caddy(ctx, name, pgtxnCaddyfile)
	case "caddy-l4":
		return b.caddy(ctx, name, relayCaddyfile)
	}
	return contender{}, fmt.Errorf("no target %q: there are direct, haproxy, pgbouncer, caddy-l4 and pgtxn", name)
}
