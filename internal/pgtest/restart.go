package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Restartable is for servers that are to be taken down and up again.
func Restartable() Option {
	return func(c *config) { c.restartable = true }
}

// restarter keeps the server running: when it ends it is started again, as soon as there is no file called down.
const restarter = `
trap 'kill -s QUIT "$child" 2>/dev/null; wait "$child"; exit 0' TERM
while :; do
	while [ -e down ]; do sleep 0.02; done
	"$@" & child=$!
	wait "$child"
done
`

// Down stops a Restartable server as pg_ctl stop does, and returns when it has ended. Mode is smart, fast or immediate.
func (s *Server) Down(ctx context.Context, mode string) error {
	if err := os.WriteFile(s.downFile(), nil, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "pg_ctl"), "stop", "-w", "-s", "-m", mode, "-D", filepath.Join(s.process.Folder, "data"))
	cmd.Env, cmd.Dir, cmd.SysProcAttr = cleanEnv(), s.process.Folder, &syscall.SysProcAttr{Credential: s.process.User}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_ctl stop: %w\n%s", err, out)
	}
	return nil
}

// Up starts a server again that is down, and returns when it lets clients in.
func (s *Server) Up(ctx context.Context) error {
	if err := os.Remove(s.downFile()); err != nil {
		return err
	}
	return s.waitReady(ctx)
}

func (s *Server) downFile() string { return filepath.Join(s.process.Folder, "down") }
