package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/caddyrun"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// A proxy is Caddy, built from this checkout and running the example.
type proxy struct {
	listen, admin string // host:port
	*caddyrun.Process
}

// startProxy builds Caddy and starts it before the upstream.
func startProxy(ctx context.Context, upstream string) (*proxy, error) {
	root, err := caddyrun.Root(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "quickstart-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) // what runs needs its file no more
	fmt.Println("   go build ./cmd/caddy-pgtxn   (all of Caddy: the first time takes minutes)")
	binary, err := caddyrun.Build(ctx, root, folder, os.Stdout)
	if err != nil {
		return nil, err
	}
	p := &proxy{}
	if p.listen, err = freeAddress("127.0.0.1:6432"); err != nil {
		return nil, err
	}
	if p.admin, err = freeAddress("127.0.0.1:2019"); err != nil {
		return nil, err
	}
	caddyfile := filepath.Join("examples", "quickstart", "Caddyfile")
	fmt.Printf("   PGTXN_LISTEN=%s PGTXN_ADMIN=%s PGTXN_UPSTREAM=%s caddy-pgtxn run --config %s\n", p.listen, p.admin, upstream, caddyfile)
	p.Process, err = caddyrun.Start(ctx, binary, filepath.Join(root, caddyfile), p.admin, "TERM",
		"PGTXN_LISTEN="+p.listen, "PGTXN_ADMIN="+p.admin, "PGTXN_UPSTREAM="+upstream)
	return p, err
}

// freeAddress returns the address, or one with another port if it is taken, and says so.
func freeAddress(address string) (string, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return address, l.Close()
	}
	port, err := pgtest.FreePort()
	if err != nil {
		return "", err
	}
	host, _ := split(address)
	other := net.JoinHostPort(host, strconv.Itoa(port))
	fmt.Printf("   %s is taken: using %s\n", address, other)
	return other, nil
}

// split takes apart an address of this command's own making, which is why it can't fail.
func split(address string) (host, port string) {
	host, port, _ = net.SplitHostPort(address)
	return host, port
}
