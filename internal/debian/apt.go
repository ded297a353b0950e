// Package debian gets packages and sources of Debian, or a system like it, without installing them.
package debian

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Apt runs apt's programs with lists, cache and sources in a folder of its own, so that the system's stay as they are.
type Apt struct{ dir string }

// NewApt sets apt up in dir, which must be there, with the lines of a sources.list, and reads the lists.
func NewApt(ctx context.Context, dir, sources string) (*Apt, error) {
	files := map[string]string{
		"status":       "",
		"sources.list": sources,
		"apt.conf": fmt.Sprintf(`Dir::Etc::sourcelist "%[1]s/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "%[1]s";
Dir::State::status "%[1]s/status";
Dir::Cache "%[1]s";
APT::Sandbox::User "";
Acquire::Languages "none";
`, dir),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	for _, folder := range []string{"lists/partial", "archives/partial", "root"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return nil, err
		}
	}
	a := &Apt{dir: dir}
	_, err := a.Run(ctx, "apt-get", "update")
	return a, err
}

// Run runs a program in the folder and returns what it prints.
func (a *Apt) Run(ctx context.Context, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = a.dir
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.dir, "apt.conf"), "LC_ALL=C")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(argv[:2], " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}
