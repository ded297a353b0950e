package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// createDatabase is what pg_regress does without --use-existing; %[1]s stands for the database.
const createDatabase = `CREATE DATABASE %[1]s TEMPLATE template0;
ALTER DATABASE %[1]s SET lc_messages TO 'C';
ALTER DATABASE %[1]s SET lc_monetary TO 'C';
ALTER DATABASE %[1]s SET lc_numeric TO 'C';
ALTER DATABASE %[1]s SET lc_time TO 'C';
ALTER DATABASE %[1]s SET bytea_output TO 'hex';
ALTER DATABASE %[1]s SET timezone_abbreviations TO 'Default'`

// once makes one run, with a server of its own: roles and tablespaces that a failed test leaves are not the database's.
func (s *suite) once(ctx context.Context, m mode) (r *result, err error) {
	out := filepath.Join(s.opt.out, m.name)
	if err := errors.Join(os.RemoveAll(out), os.MkdirAll(out, 0o755)); err != nil {
		return nil, err
	}
	server, err := pgtest.Run(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, server.Stop(), os.WriteFile(filepath.Join(out, "server.log"), []byte(server.Log()), 0o644))
	}()
	if _, err := server.SQL(ctx, "postgres", fmt.Sprintf(createDatabase, s.database())); err != nil {
		return nil, err
	}
	port := server.Port
	if m.pool > 0 {
		if s.isolation() {
			m.pool = isolationPool
		}
		p, err := s.startProxy(ctx, server, m.pool, filepath.Join(out, "proxy.log"))
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.Stop()) }()
		port = p.port
	}
	var company *churn
	if m.churn {
		if company, err = startChurn(ctx, port, s.database()); err != nil {
			return nil, err
		}
		defer func() { _, _, _ = company.stop() }()
	}
	started := time.Now()
	text, err := s.pgRegress(ctx, m, server, port, out)
	if err != nil {
		return nil, err
	}
	r = parse(text)
	r.mode, r.took = m, time.Since(started)
	if m.churn {
		r.churned, r.wrong, r.company = company.stop()
	}
	return r, nil
}

// pgRegress runs the tests and returns what pg_regress prints, which says for each whether it passed. As the tests make
// the server write to the output folder, and read what psql has written, it runs as the server's user, in a folder that
// belongs to this user.
func (s *suite) pgRegress(ctx context.Context, m mode, server *pgtest.Server, port int, out string) (string, error) {
	work := filepath.Join(s.dir, m.name)
	if err := os.Mkdir(work, 0o755); err != nil {
		return "", err
	}
	user := server.User()
	if user != nil {
		if err := os.Chown(work, int(user.Uid), int(user.Gid)); err != nil {
			return "", err
		}
	}
	log, err := os.Create(filepath.Join(out, "pg_regress.log"))
	if err != nil {
		return "", err
	}
	defer log.Close()
	limited, stop := context.WithTimeout(ctx, s.opt.limit)
	defer stop()
	program := "regress/pg_regress"
	if s.isolation() {
		program = "isolation/pg_isolation_regress"
	}
	cmd := exec.CommandContext(limited, filepath.Join(s.bin, "../lib/pgxs/src/test", program), s.args(m, port, work)...)
	if s.isolation() {
		cmd.Env = s.isolationEnv(m)
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = work, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: user}
	// Its psql processes are in its group.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		return "", err
	}
	text, err := os.ReadFile(log.Name())
	if err != nil {
		return "", err
	}
	if limited.Err() != nil {
		say("%s: not all tests had ended after %v", m.name, s.opt.limit)
	}
	return string(text), os.CopyFS(filepath.Join(out, "output"), os.DirFS(work))
}

// args is pg_regress's command line.
func (s *suite) args(m mode, port int, work string) []string {
	args := []string{
		"--use-existing", "--dbname=" + s.database(), "--host=127.0.0.1", "--port=" + strconv.Itoa(port), "--user=" + pgtest.Superuser,
		"--bindir=" + s.bin, "--dlpath=" + s.library, "--inputdir=" + s.inputs, "--outputdir=" + work,
	}
	if !m.parallel {
		args = append(args, "--max-connections=1")
	}
	if len(s.opt.tests) > 0 {
		return append(args, s.opt.tests...)
	}
	schedule := "parallel_schedule"
	if s.isolation() {
		schedule = "isolation_schedule"
	}
	return append(args, fmt.Sprintf("--schedule=%s/%s", s.inputs, schedule))
}
