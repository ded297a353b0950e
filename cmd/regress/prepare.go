package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/debian"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// prepare gets the sources and builds what the runs need.
func (s *suite) prepare(ctx context.Context) error {
	var err error
	if s.bin, err = pgtest.FindOrInstall(ctx, os.Stderr); err != nil {
		return err
	}
	sources, err := fetch(ctx, "postgresql-"+filepath.Base(filepath.Dir(s.bin)))
	if err != nil {
		return fmt.Errorf("getting the sources of the PostgreSQL in %s: %w", s.bin, err)
	}
	// The cache may be in a home folder that the server's user can't read.
	s.inputs = filepath.Join(s.dir, "inputs")
	if err := os.CopyFS(s.inputs, os.DirFS(filepath.Join(sources, "src/test", s.opt.suite))); err != nil {
		return err
	}
	build := s.buildLibrary
	if s.isolation() {
		build = s.buildBetween
	}
	if err := build(ctx, sources); err != nil {
		return err
	}
	for _, m := range s.opt.runs {
		if m.pool > 0 {
			return s.buildProxy(ctx)
		}
	}
	return nil
}

// buildProxy names the checkout, that of the current directory: which code was tried is half of what a run says.
func (s *suite) buildProxy(ctx context.Context) error {
	checkout, err := output(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	say("go build ./cmd/caddy-pgtxn in %s   (all of Caddy: the first time takes minutes)", checkout)
	s.proxy = filepath.Join(s.dir, "caddy-pgtxn")
	build := exec.CommandContext(ctx, "go", "build", "-o", s.proxy, "./cmd/caddy-pgtxn")
	build.Dir = checkout
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", build.Args, err, out)
	}
	return nil
}

// fetch returns a folder with src/test/regress and isolation of the installed package's sources and, as the package for building
// extensions has them, the server's headers.
func fetch(ctx context.Context, name string) (string, error) {
	version, err := output(ctx, "dpkg-query", "-W", "-f", "${Version}", name)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "caddy-pgtxn-regress", name+"_"+version+"_both")
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		return folder, err
	}
	say("fetching the sources of %s %s", name, version)
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), "fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := unpack(ctx, work, name, version); err != nil {
		return "", err
	}
	return folder, os.Rename(filepath.Join(work, "tree"), folder)
}

// unpack fills the folder tree in work. Of the sources it takes what PostgreSQL released: Debian's patches change
// nothing in the suite.
func unpack(ctx context.Context, work, name, version string) error {
	lines, err := sourceLines(ctx, name, version)
	if err != nil {
		return err
	}
	apt, err := debian.NewApt(ctx, work, lines)
	if err != nil {
		return err
	}
	headers := strings.Replace(name, "postgresql-", "postgresql-server-dev-", 1)
	for _, argv := range [][]string{
		{"mkdir", "tree"},
		{"apt-get", "source", "--download-only", name + "=" + version},
		{"sh", "-c", "tar -xf *.orig.tar.* -C tree --strip-components=1 --wildcards '*/src/test/regress' '*/src/test/isolation'"},
		{"apt-get", "download", headers + "=" + version},
		{"sh", "-c", "dpkg-deb -x *.deb tree"},
	} {
		if _, err := apt.Run(ctx, argv...); err != nil {
			return err
		}
	}
	return nil
}

// sourceLines returns lines of a sources.list for the repository that this machine has the package from, with its
// sources. apt-cache madison prints "package | version | URI suite/component architecture Packages".
func sourceLines(ctx context.Context, name, version string) (string, error) {
	table, err := output(ctx, "apt-cache", "madison", name)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) != 8 || fields[2] != version || fields[7] != "Packages" {
			continue
		}
		suite, component, _ := strings.Cut(fields[5], "/")
		where := strings.Join([]string{fields[4], suite, component}, " ")
		return "deb " + where + "\ndeb-src " + where + "\n", nil
	}
	return "", fmt.Errorf("no repository of this machine has %s %s any more: apt-get update and install the newest", name, version)
}

// buildLibrary compiles the suite's own shared library, and puts those of contrib beside it that tests load too: the
// server's package has them.
func (s *suite) buildLibrary(ctx context.Context, sources string) error {
	s.library = filepath.Join(s.dir, "library")
	if err := os.Mkdir(s.library, 0o755); err != nil {
		return err
	}
	installed, err := output(ctx, filepath.Join(s.bin, "pg_config"), "--pkglibdir")
	if err != nil {
		return err
	}
	for _, name := range []string{"autoinc.so", "refint.so"} {
		if err := os.Symlink(filepath.Join(installed, name), filepath.Join(s.library, name)); err != nil {
			return err
		}
	}
	include, err := output(ctx, filepath.Join(s.bin, "pg_config"), "--includedir-server")
	if err != nil {
		return err
	}
	_, err = output(ctx, "cc", "-O2", "-w", "-fPIC", "-shared", "-fwrapv", "-fno-strict-aliasing",
		"-I", filepath.Join(sources, include), "-I", filepath.Join(sources, "usr/include/postgresql"),
		"-o", filepath.Join(s.library, "regress.so"), filepath.Join(s.inputs, "regress.c"))
	return err
}

// output runs a program and returns the one thing that it prints.
func output(ctx context.Context, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", argv[0], err, strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
