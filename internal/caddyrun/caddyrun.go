// Package caddyrun builds Caddy from this checkout and runs it, for commands and tests.
package caddyrun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// Root is the checkout's folder, wherever in it this was started.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("looking for the checkout with go list -m: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Build makes the caddy command in a folder and returns its path. What the compiler says goes to out.
func Build(ctx context.Context, root, folder string, out io.Writer) (binary string, err error) {
	binary = filepath.Join(folder, "caddy-pgtxn")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/caddy-pgtxn")
	build.Dir, build.Stdout, build.Stderr = root, out, out
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("building Caddy: %w", err)
	}
	return binary, nil
}

// A Process is a Caddy that runs. It has a folder of its own, for what it would else keep in the home folder, and its log.
type Process struct {
	*pgtest.Process
	output *os.File
}

// startTime is how long Caddy may take to have its configuration running.
const startTime = 30 * time.Second

// Start runs a Caddyfile, with these variables added to the environment, and returns when it is in force: then Caddy's
// admin API answers at admin. Signal is what ends it, see [pgtest.Process].
func Start(ctx context.Context, binary, caddyfile, admin, signal string, env ...string) (*Process, error) {
	folder, err := os.MkdirTemp("", "caddy-")
	if err != nil {
		return nil, err
	}
	output, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	p := &Process{output: output, Process: &pgtest.Process{
		Args:   []string{binary, "run", "--adapter", "caddyfile", "--config", caddyfile},
		Env:    append(append(os.Environ(), "HOME="+folder, "XDG_CONFIG_HOME="+folder, "XDG_DATA_HOME="+folder), env...),
		Folder: folder, Signal: signal, Output: output,
	}}
	if err := p.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := p.waitReady(ctx, admin); err != nil {
		err = fmt.Errorf("starting Caddy with %s: %w\n%s", caddyfile, err, pgtest.Tail(p.Log(), 20))
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// waitReady asks for the configuration until it is there: Caddy answers this once it has loaded it.
func (p *Process) waitReady(ctx context.Context, admin string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		loaded, err := loaded(ctx, admin)
		if loaded {
			return nil
		}
		select {
		case <-p.Done():
			return fmt.Errorf("it ended: %w", p.Err())
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func loaded(ctx context.Context, admin string) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/config/", nil)
	if err != nil {
		return false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	config, err := io.ReadAll(response.Body)
	return err == nil && strings.TrimSpace(string(config)) != "null", err
}

// Log returns what Caddy has logged.
func (p *Process) Log() string {
	text, _ := io.ReadAll(io.NewSectionReader(p.output, 0, 1<<30))
	return string(text)
}
