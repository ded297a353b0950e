package pgtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// initdbArgs: the C locale makes messages and sort order the same on every machine.
var initdbArgs = []string{"--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=" + Superuser}

// initdb makes a data folder: a copy of the template if there is one, else with initdb, and then leaves a template for
// the next. A template that can't be had or made is no error: it only saves time.
func initdb(ctx context.Context, bin, data string, account account) error {
	template := templateFolder(ctx, bin)
	if template != "" {
		if err := copyTree(template, data); err == nil {
			return account.ownTree(data)
		}
		if err := os.RemoveAll(data); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), append([]string{"-D", data}, initdbArgs...)...)
	cmd.Env, cmd.Dir = cleanEnv(), filepath.Dir(data)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account.credential}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if template != "" {
		saveTemplate(data, template)
	}
	return nil
}

// saveTemplate appears under its name at once or not at all: tests of several packages come here at the same time.
func saveTemplate(data, template string) {
	half, err := os.MkdirTemp(filepath.Dir(template), "half-")
	if err != nil {
		return
	}
	defer os.RemoveAll(half)
	whole := filepath.Join(half, "data")
	if err := copyTree(data, whole); err == nil {
		_ = os.Rename(whole, template) // fails if another was faster, and its template is as good
	}
}

// copyTree copies a data folder; PostgreSQL wants it to be its owner's alone.
func copyTree(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return os.Chmod(to, 0o700)
}

// templateFolder returns where the template of this version of PostgreSQL is or would be; "" if there can be none. The
// folder of all templates has a name that others could have taken: it must be ours alone.
func templateFolder(ctx context.Context, bin string) string {
	version, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return ""
	}
	all := filepath.Join(os.TempDir(), fmt.Sprintf("pgtest-templates-%d", os.Geteuid()))
	if err := os.Mkdir(all, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return ""
	}
	info, err := os.Lstat(all)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return ""
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
		return ""
	}
	key := sha256.Sum256([]byte(strings.Join(append([]string{bin, string(version)}, initdbArgs...), "\x00")))
	return filepath.Join(all, fmt.Sprintf("%x", key[:8]))
}

// cleanEnv is the environment without what PostgreSQL's programs take as settings or as a language.
func cleanEnv() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if name != "TZ" && name != "LANGUAGE" && !strings.HasPrefix(name, "PG") && !strings.HasPrefix(name, "LC_") {
			env = append(env, pair)
		}
	}
	return env
}

// An account is the user that a server runs as, and that owns its files.
type account struct {
	credential *syscall.Credential // nil: that of this process
}

// serverAccount is this process's own, but for root, which PostgreSQL refuses: then postgres, or else nobody.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return account{}, err
		}
		return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return account{}, errors.New("root can't run PostgreSQL, and there is neither a user postgres nor a user nobody")
}

// own gives a file or folder to the account.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Lchown(path, int(a.credential.Uid), int(a.credential.Gid))
}

// ownTree gives a folder and all in it to the account.
func (a account) ownTree(root string) error {
	if a.credential == nil {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, a.own(path))
	})
}
