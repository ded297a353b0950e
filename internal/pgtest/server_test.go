package pgtest

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

func TestServer(t *testing.T) {
	s := Start(t, Setting("work_mem", "7MB"), Setting("my.x", `it's a \`))
	if s.Port >= 32768 {
		t.Errorf("port %d is one of those for outgoing connections", s.Port)
	}
	for question, want := range map[string]string{
		"SHOW work_mem":                  "7MB",
		"SHOW my.x":                      `it's a \`,
		"SHOW max_connections":           "200",
		"SHOW max_prepared_transactions": "20",
		"SHOW fsync":                     "off",
		"SELECT 1; SELECT 2":             "1\n2",
	} {
		if got, err := s.SQL(t.Context(), "postgres", question); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", question, got, err, want)
		}
	}
	if _, err := s.SQL(t.Context(), "postgres", "SELECT nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a failed statement's error is %v", err)
	}

	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.Log(), "ready to accept connections") {
		t.Errorf("log: %s", s.Log())
	}
	if _, err := os.Stat(s.SocketDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	if conn, err := net.Dial("tcp", s.Addr); err == nil {
		conn.Close()
		t.Error("something still listens on its port")
	}
}

func TestPasswords(t *testing.T) {
	s := Start(t, HBA(
		"host all trusted 127.0.0.1/32 trust",
		"host all scram 127.0.0.1/32 scram-sha-256",
		"host all md5 127.0.0.1/32 md5"))
	roles := `CREATE ROLE trusted LOGIN;
		CREATE ROLE scram LOGIN PASSWORD 'right';
		SET password_encryption = 'md5';
		CREATE ROLE md5 LOGIN PASSWORD 'right'`
	if _, err := s.SQL(t.Context(), "postgres", roles); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"trusted", "scram", "md5"} {
		if err := connect(t, s, "user="+user+" password=right sslmode=disable"); err != nil {
			t.Error(err)
		}
		err := connect(t, s, "user="+user+" password=wrong sslmode=disable")
		if refused := err != nil; refused != (user != "trusted") {
			t.Errorf("%s with a wrong password: %v", user, err)
		}
	}
	if err := connect(t, s, "user=postgres sslmode=disable"); err == nil {
		t.Error("a user was let in whom no line names")
	}
}

func TestTLS(t *testing.T) {
	cert, key := testca.SelfSigned(t)
	root := filepath.Join(t.TempDir(), "root.crt")
	if err := os.WriteFile(root, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	s := Start(t, TLS(cert, key, cert), HBA("hostssl all all 127.0.0.1/32 trust"))
	if err := connect(t, s, "user=postgres sslmode=verify-full sslrootcert="+root); err != nil {
		t.Error(err)
	}
	if err := connect(t, s, "user=postgres sslmode=disable"); err == nil {
		t.Error("a plain connection was let in by a hostssl line")
	}
	if got, err := s.SQL(t.Context(), "postgres", "SHOW ssl_ca_file"); err != nil || got != clientCAFile {
		t.Errorf("ssl_ca_file is %q, %v", got, err)
	}
}

func TestFailedStart(t *testing.T) {
	t.Setenv("TMPDIR", sharedTempDir(t))
	s, err := Run(t.Context(), Setting("shared_buffers", "nonsense"))
	if err == nil {
		t.Fatal(errors.Join(errors.New("it started"), s.Stop()))
	}
	if !strings.Contains(err.Error(), "shared_buffers") {
		t.Errorf("the error does not say why: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "pgtest-*")); len(left) != 1 {
		t.Errorf("left behind, besides the templates: %v", left)
	}
}

func TestTemplate(t *testing.T) {
	t.Setenv("TMPDIR", sharedTempDir(t))
	Start(t)
	templates, _ := filepath.Glob(filepath.Join(os.TempDir(), "pgtest-templates-*", "*"))
	if len(templates) != 1 {
		t.Fatalf("templates: %v", templates)
	}
	if err := os.WriteFile(filepath.Join(templates[0], "mark"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := Start(t)
	if _, err := os.Stat(filepath.Join(s.SocketDir, "data", "mark")); err != nil {
		t.Errorf("the second server was not made from the template: %v", err)
	}
	// A folder that others could write to is not to be trusted.
	if err := os.Chmod(filepath.Dir(templates[0]), 0o777); err != nil {
		t.Fatal(err)
	}
	bin, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	if got := templateFolder(t.Context(), bin); got != "" {
		t.Errorf("a template out of a folder open to all would be taken: %s", got)
	}
}

// sharedTempDir is a folder that the account of a server can reach; t.TempDir's parent is closed to it.
func sharedTempDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "pgtest_test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// connect logs in over TCP, with psql's kind of connection string.
func connect(t *testing.T, s *Server, params string) error {
	t.Helper()
	config, err := pgconn.ParseConfig(params + " host=" + s.Host + " dbname=postgres")
	if err != nil {
		t.Fatal(err)
	}
	config.Port = uint16(s.Port)
	conn, err := pgconn.ConnectConfig(t.Context(), config)
	if err != nil {
		return err
	}
	return conn.Close(context.Background())
}
