package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/debian"
)

// peers is a folder with PgBouncer and HAProxy of Debian's newest suite, unpacked with the libraries they were built
// for. Nothing of it is installed: the programs run under the folder's own dynamic loader.
type peers struct {
	root   string
	loader string
}

// peerSuite is the suite that the peers come from; Debian stable's PgBouncer is too old to compare with.
const peerSuite = "sid"

// debianPeers unpacks the peers under the user's cache folder, once: later runs find them there.
func debianPeers(ctx context.Context) (*peers, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	root := filepath.Join(cache, "caddy-pgtxn-bench", "debian-"+peerSuite)
	if _, err := os.Stat(root); errors.Is(err, os.ErrNotExist) {
		if err := unpackPeers(ctx, root); err != nil {
			return nil, fmt.Errorf("unpack pgbouncer and haproxy of Debian %s: %w", peerSuite, err)
		}
	}
	loaders, err := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu*/ld-linux*.so.*"))
	if err != nil || len(loaders) == 0 {
		return nil, fmt.Errorf("no dynamic loader under %s; delete the folder to fetch it again", root)
	}
	return &peers{root: root, loader: loaders[0]}, nil
}

// command is the command line that runs one of the folder's programs with the folder's libraries.
func (p *peers) command(program string, args ...string) []string {
	return append([]string{p.loader, "--library-path", filepath.Dir(p.loader),
		filepath.Join(p.root, "usr/sbin", program)}, args...)
}

// unpackPeers fills root, or leaves nothing behind.
func unpackPeers(ctx context.Context, root string) error {
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(root), "fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	mirror, err := debianMirror(ctx)
	if err != nil {
		return err
	}
	trust := ""
	if key := "/usr/share/keyrings/debian-archive-keyring.gpg"; exists(key) {
		trust = "[signed-by=" + key + "] "
	}
	a, err := debian.NewApt(ctx, work, fmt.Sprintf("deb %s%s %s main\n", trust, mirror, peerSuite))
	if err != nil {
		return err
	}
	packages, err := withLibraries(ctx, a, "pgbouncer", "haproxy")
	if err != nil {
		return err
	}
	if _, err := a.Run(ctx, append([]string{"apt-get", "download"}, packages...)...); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil {
		return err
	}
	tree := filepath.Join(work, "root")
	for _, deb := range debs {
		if _, err := a.Run(ctx, "dpkg-deb", "-x", deb, tree); err != nil {
			return err
		}
	}
	return os.Rename(tree, root)
}

// debianMirror asks apt where this machine gets Debian from.
func debianMirror(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get indextargets: %w", err)
	}
	for uri := range strings.FieldsSeq(string(out)) {
		if path.Base(uri) == "debian" {
			return uri, nil
		}
	}
	return "", errors.New("apt on this machine has no Debian mirror")
}

// withLibraries adds to the packages the libraries that they depend on, and those of the libraries.
func withLibraries(ctx context.Context, a *debian.Apt, packages ...string) ([]string, error) {
	all := slices.Clone(packages)
	for next := packages; len(next) > 0; {
		out, err := a.Run(ctx, append([]string{"apt-cache", "depends", "--important"}, next...)...)
		if err != nil {
			return nil, err
		}
		next = nil
		for line := range strings.Lines(out) {
			kind, name, _ := strings.Cut(strings.TrimSpace(line), ": ")
			library := strings.HasPrefix(name, "lib") || strings.HasPrefix(name, "zlib")
			if strings.HasSuffix(kind, "Depends") && library && !slices.Contains(all, name) {
				all, next = append(all, name), append(next, name)
			}
		}
	}
	return all, nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
