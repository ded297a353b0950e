package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Superuser is the role that initdb made; the only one a new server has.
const Superuser = "postgres"

// A Server is a running PostgreSQL server.
type Server struct {
	Addr      string // "127.0.0.1:port"
	Host      string // "127.0.0.1"
	Port      int
	SocketDir string // folder of the Unix socket, what libpq takes as its host
	Superuser string // "postgres"

	bin     string
	process *Process
	log     *os.File // never closed, so that it can be read after its folder is gone
}

// startTime is how long a server may take to start, initdb included, on a machine that has other work.
const startTime = 2 * time.Minute

// Start runs a server for the length of a test. If the test fails, the end of the server's log is in the test's.
func Start(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	s, err := Run(ctx, options...)
	if errors.Is(err, errNoBaseBackup) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("end of the log of PostgreSQL at %s:\n%s", s.Addr, Tail(s.Log(), 40))
		}
		if err := s.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// errPortTaken: somebody took the port between our looking and PostgreSQL's binding.
var errPortTaken = errors.New("port taken")

// Run starts a server and returns when it lets clients in; ctx bounds the start only. Call Stop.
func Run(ctx context.Context, options ...Option) (*Server, error) {
	bin, err := FindOrInstall(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	var c config
	for _, option := range options {
		option(&c)
	}
	for range 3 {
		var s *Server
		if s, err = run(ctx, bin, &c); !errors.Is(err, errPortTaken) {
			return s, err
		}
	}
	return nil, err
}

// run makes the folder, and one attempt with one port.
func run(ctx context.Context, bin string, c *config) (*Server, error) {
	account, err := serverAccount()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		return nil, err
	}
	s, err := startIn(ctx, folder, bin, account, c)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := s.waitReady(ctx); err != nil {
		text := s.Log()
		if strings.Contains(text, "Address already in use") {
			err = errPortTaken
		}
		return nil, errors.Join(fmt.Errorf("PostgreSQL did not start: %w\n%s", err, Tail(text, 20)), s.Stop())
	}
	return s, nil
}

// startIn sets a server up in folder and starts its process.
func startIn(ctx context.Context, folder, bin string, account account, c *config) (*Server, error) {
	if err := account.own(folder); err != nil {
		return nil, err
	}
	data := filepath.Join(folder, "data")
	if c.primary != nil {
		if err := c.primary.baseBackup(ctx, data, account); err != nil {
			return nil, err
		}
	} else if err := initdb(ctx, bin, data, account); err != nil {
		return nil, err
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	if err := c.write(data, port, folder, account); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	s := &Server{
		Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Host: "127.0.0.1", Port: port,
		SocketDir: folder, Superuser: Superuser, bin: bin, log: log,
		process: &Process{
			Args: []string{filepath.Join(bin, "postgres"), "-D", data}, Env: cleanEnv(), Folder: folder,
			Signal: "QUIT", // PostgreSQL's immediate shutdown: nothing here is worth a checkpoint
			Output: log, User: account.credential,
		},
	}
	if c.restartable {
		s.process.Args = append([]string{"/bin/sh", "-c", restarter, "restarter"}, s.process.Args...)
		s.process.Signal = "TERM" // a shell in the background is deaf to QUIT
	}
	if err := s.process.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return s, nil
}

// write puts the configuration into the data folder that initdb made. The key must be its owner's alone.
func (c *config) write(data string, port int, socketDir string, account account) error {
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = conf.WriteString(c.confFile(port, socketDir))
	if err := errors.Join(err, conf.Close()); err != nil {
		return err
	}
	for name, content := range c.files() {
		path := filepath.Join(data, name)
		if err := errors.Join(os.WriteFile(path, content, 0o600), account.own(path)); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends the server and removes its folder. Log still works.
func (s *Server) Stop() error { return s.process.Stop() }

// User is who the server runs as, and who must own what it shall write to besides its own folder; nil: the user of this
// process.
func (s *Server) User() *syscall.Credential { return s.process.User }

// Bin returns the path of one of PostgreSQL's programs: psql, pgbench, pg_dump and so on. A name that is not beside
// the server is left to PATH.
func (s *Server) Bin(name string) string {
	path := filepath.Join(s.bin, name)
	if _, err := os.Stat(path); err != nil {
		return name
	}
	return path
}

// SQL runs statements as the superuser through the Unix socket, with psql, and returns the rows without headers.
func (s *Server) SQL(ctx context.Context, database, statements string) (string, error) {
	cmd := exec.CommandContext(ctx, s.Bin("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1",
		"-h", s.SocketDir, "-p", strconv.Itoa(s.Port), "-U", s.Superuser, "-d", database)
	cmd.Env, cmd.Stdin = cleanEnv(), strings.NewReader(statements)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// Log returns what the server has logged.
func (s *Server) Log() string {
	text, _ := io.ReadAll(io.NewSectionReader(s.log, 0, 1<<30))
	return string(text)
}

// Tail returns the last lines of a text.
func Tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
