package relay

import (
	"context"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/hba"
)

// proxy is a hub behind a listener, as Caddy would run it.
type proxy struct {
	*Hub
	addr string
	cfg  *Config
}

// config is what most tests use.
func config(server string, poolSize int) *Config {
	level := slog.LevelError
	if os.Getenv("PGTXN_TEST_LOG") != "" {
		level = slog.LevelDebug
	}
	return &Config{
		Identity: server,
		Upstream: &backend.Config{
			Addresses: []string{server}, SSLMode: backend.Disable,
			Secret: func(string) auth.Secret { return auth.Secret{} },
		},
		Rules: trust(), Keys: new(auth.Keyring), Failures: NewFailures(0),
		PoolSize: poolSize, WaitTimeout: 30 * time.Second,
		ConnectTimeout: 10 * time.Second, LoginTimeout: 10 * time.Second,
		MaxStatement: 4 << 20, MaxPrepared: 100, MaxClientPrepared: 1000, ScrubAlways: true, LogMinWait: -1,
		SharedCustom: true, // so that clients do get the backends of others
		Log:          slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	}
}

// start serves cfg until the test ends.
func start(tb testing.TB, cfg *Config) *proxy {
	tb.Helper()
	hub, err := NewHub()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(hub.Close)
	addr := listen(tb, func(conn net.Conn) { _ = hub.Serve(context.Background(), conn, nil, cfg, nil) })
	return &proxy{Hub: hub, addr: addr, cfg: cfg}
}

// listen accepts connections until the test ends, each on a goroutine of its own, and returns its address.
func listen(tb testing.TB, serve func(net.Conn)) string {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return ln.Addr().String()
}

// trust lets everybody in.
func trust() (rules hba.Rules) {
	for _, line := range []string{"host all all all trust", "host replication all all trust"} {
		rule, _ := hba.ParseRule(line)
		rules = append(rules, rule)
	}
	return rules
}
