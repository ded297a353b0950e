package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/debian"
)

// peers is a folder with PgBouncer and HAProxy of Debian's newest suite; Debian stable's PgBouncer is too old to compare
// with.
type peers struct{ *debian.Programs }

const peerSuite = "sid"

// debianPeers unpacks the peers under the user's cache folder, once: later runs find them there.
func debianPeers(ctx context.Context) (*peers, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	p, err := debian.Unpack(ctx, filepath.Join(cache, "caddy-pgtxn-bench", "debian-"+peerSuite), peerSuite, "pgbouncer", "haproxy")
	return &peers{p}, err
}

// command is the command line that runs one of the folder's programs with the folder's libraries.
func (p *peers) command(program string, args ...string) []string {
	return p.Command(filepath.Join("usr/sbin", program), args...)
}
