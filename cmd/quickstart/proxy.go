package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// A proxy is Caddy, built from this checkout and running the example.
type proxy struct {
	listen, admin string // host:port
	process       *pgtest.Process
	output        *os.File
}

// startTime is how long Caddy may take to have its configuration running.
const startTime = 30 * time.Second

// startProxy builds Caddy and starts it before the upstream. Its folder, which goes with it, has the binary, the log, and
// what Caddy would else keep in the home folder.
func startProxy(ctx context.Context, upstream string) (*proxy, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "quickstart-")
	if err != nil {
		return nil, err
	}
	p, err := buildAndStart(ctx, root, folder, upstream)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := p.waitReady(ctx); err != nil {
		err = fmt.Errorf("the proxy did not start: %w\n%s", err, pgtest.Tail(p.log(), 20))
		return nil, errors.Join(err, p.process.Stop())
	}
	return p, nil
}

func buildAndStart(ctx context.Context, root, folder, upstream string) (*proxy, error) {
	fmt.Println("   go build ./cmd/caddy-pgtxn   (all of Caddy: the first time takes minutes)")
	binary := filepath.Join(folder, "caddy-pgtxn")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/caddy-pgtxn")
	build.Dir, build.Stdout, build.Stderr = root, os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("building Caddy: %w", err)
	}
	p := &proxy{}
	var err error
	if p.listen, err = freeAddress("127.0.0.1:6432"); err != nil {
		return nil, err
	}
	if p.admin, err = freeAddress("127.0.0.1:2019"); err != nil {
		return nil, err
	}
	if p.output, err = os.Create(filepath.Join(folder, "log")); err != nil {
		return nil, err
	}
	caddyfile := filepath.Join("examples", "quickstart", "Caddyfile")
	fmt.Printf("   PGTXN_LISTEN=%s PGTXN_ADMIN=%s PGTXN_UPSTREAM=%s caddy-pgtxn run --config %s\n", p.listen, p.admin, upstream, caddyfile)
	p.process = &pgtest.Process{
		Args: []string{binary, "run", "--adapter", "caddyfile", "--config", filepath.Join(root, caddyfile)},
		Env: append(os.Environ(), "PGTXN_LISTEN="+p.listen, "PGTXN_ADMIN="+p.admin, "PGTXN_UPSTREAM="+upstream,
			"XDG_CONFIG_HOME="+folder, "XDG_DATA_HOME="+folder),
		Folder: folder, Signal: "TERM", Output: p.output,
	}
	return p, p.process.Start()
}

// waitReady asks the admin API for the configuration until it is there: Caddy answers this once it has loaded it.
func (p *proxy) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	a := &admin{"http://" + p.admin}
	for {
		var config any
		err := a.get(ctx, "/config/", &config)
		if err == nil && config != nil {
			return nil
		}
		select {
		case <-p.process.Done():
			return fmt.Errorf("it ended: %w", p.process.Err())
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// log returns what Caddy has logged.
func (p *proxy) log() string {
	text, _ := io.ReadAll(io.NewSectionReader(p.output, 0, 1<<30))
	return string(text)
}

// moduleRoot is the checkout's folder, wherever in it the command was started.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("looking for the checkout with go list -m: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
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
