package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// StandbyOf makes the server a streaming standby of another one. SELECT pg_promote() makes it a primary.
func StandbyOf(primary *Server) Option {
	return func(c *config) { c.primary = primary }
}

// baseBackup makes the data folder of a standby.
func (s *Server) baseBackup(ctx context.Context, data string, account account) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "pg_basebackup"), "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
		"-D", data, "-h", s.SocketDir, "-p", strconv.Itoa(s.Port), "-U", s.Superuser)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = cleanEnv(), filepath.Dir(data), &syscall.SysProcAttr{Credential: account.credential}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrNotExist) {
		return errNoBaseBackup
	}
	if err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	return nil
}

var errNoBaseBackup = errors.New("this PostgreSQL comes without pg_basebackup")
