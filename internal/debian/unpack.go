package debian

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
)

// Programs is a folder with programs of a newer Debian than the machine's, and the libraries they were built for. Nothing
// of it is installed: the programs run under the folder's own dynamic loader.
type Programs struct {
	root   string
	loader string
}

// Unpack fills root, once: later calls find it there. The packages are those of a suite, with all libraries that they
// need.
func Unpack(ctx context.Context, root, suite string, packages ...string) (*Programs, error) {
	if _, err := os.Stat(root); errors.Is(err, os.ErrNotExist) {
		if err := unpack(ctx, root, suite, packages); err != nil {
			return nil, fmt.Errorf("unpack %s of Debian %s: %w", strings.Join(packages, " and "), suite, err)
		}
	}
	loaders, err := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu*/ld-linux*.so.*"))
	if err != nil || len(loaders) == 0 {
		return nil, fmt.Errorf("no dynamic loader under %s; delete the folder to fetch it again", root)
	}
	return &Programs{root: root, loader: loaders[0]}, nil
}

// Command is the command line that runs one of the folder's programs, such as usr/bin/psql, with the folder's libraries.
func (p *Programs) Command(program string, args ...string) []string {
	return append([]string{p.loader, "--library-path", filepath.Dir(p.loader), filepath.Join(p.root, program)}, args...)
}

// unpack fills root, or leaves nothing behind.
func unpack(ctx context.Context, root, suite string, packages []string) error {
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(root), "fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	mirror, err := mirrorOf(ctx)
	if err != nil {
		return err
	}
	trust := ""
	if key := "/usr/share/keyrings/debian-archive-keyring.gpg"; exists(key) {
		trust = "[signed-by=" + key + "] "
	}
	a, err := NewApt(ctx, work, fmt.Sprintf("deb %s%s %s main\n", trust, mirror, suite))
	if err != nil {
		return err
	}
	packages, err = withLibraries(ctx, a, packages)
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

// mirrorOf asks apt where this machine gets Debian from.
func mirrorOf(ctx context.Context) (string, error) {
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
func withLibraries(ctx context.Context, a *Apt, packages []string) ([]string, error) {
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
