package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// ErrNoPostgres means that this machine has no PostgreSQL server binaries, or none where they are looked for.
var ErrNoPostgres = errors.New("no PostgreSQL server binaries in PGTEST_BIN, /usr/lib/postgresql/*/bin or PATH; " +
	"on Debian and Ubuntu: apt-get install postgresql")

// Find returns the folder of PostgreSQL's server binaries. A PGTEST_BIN without them is an error, not a reason to take
// others than those asked for.
func Find() (string, error) {
	if dir := os.Getenv("PGTEST_BIN"); dir != "" {
		if !hasServer(dir) {
			return "", fmt.Errorf("PGTEST_BIN=%s: no initdb and postgres there", dir)
		}
		return dir, nil
	}
	if dir := newest("/usr/lib/postgresql"); dir != "" {
		return dir, nil
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		// Followed, because packagers link single programs into PATH and initdb looks for postgres beside itself.
		if initdb, err = filepath.EvalSymlinks(initdb); err == nil && hasServer(filepath.Dir(initdb)) {
			return filepath.Dir(initdb), nil
		}
	}
	return "", ErrNoPostgres
}

// newest returns the bin folder of the highest major version that Debian's layout under root has, or "".
func newest(root string) string {
	best, bestVersion := "", 0
	dirs, _ := filepath.Glob(filepath.Join(root, "*", "bin"))
	for _, dir := range dirs {
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		if err == nil && version > bestVersion && hasServer(dir) {
			best, bestVersion = dir, version
		}
	}
	return best
}

func hasServer(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}

// InstallPackages installs Debian's packages of these names with apt-get, which takes root; it waits for another
// apt-get that is at work. What apt-get says goes to out.
func InstallPackages(ctx context.Context, out io.Writer, names ...string) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("no apt-get on this machine")
	}
	if os.Geteuid() != 0 {
		return errors.New("only root can install packages")
	}
	for _, args := range [][]string{{"update"}, append([]string{"install", "-y", "--no-install-recommends"}, names...)} {
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%v: %w", cmd.Args, err)
		}
	}
	return nil
}

// FindOrInstall is Find, and installs the package postgresql where Find finds nothing. It says to out that it does.
func FindOrInstall(ctx context.Context, out io.Writer) (string, error) {
	dir, err := Find()
	if !errors.Is(err, ErrNoPostgres) {
		return dir, err
	}
	fmt.Fprintln(out, "PostgreSQL's server binaries are missing: installing the package postgresql")
	if installErr := InstallPackages(ctx, out, "postgresql"); installErr != nil {
		return "", fmt.Errorf("%w (%v)", err, installErr)
	}
	return Find()
}
