package manual

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// blockTime is how long a block may take, on a machine that has other work: one builds Caddy.
const blockTime = 5 * time.Minute

// prelude comes before each block: go build ./… is of the checkout, an HTTP status of 400 or more is a failure, and whatever
// fails fails the block.
const prelude = `set -euo pipefail
go() { if [[ "$*" == *./cmd/* ]]; then (cd "$CHECKOUT" && command go "$@"); else command go "$@"; fi; }
curl() { command curl --fail-with-body --max-time 30 "$@"; }
`

// A sandbox is what the commands of one page run in.
type sandbox struct {
	t          *testing.T
	folder     string
	ports      map[string]int // by those in the documents
	env        []string
	background []*exec.Cmd
	printed    string // by the last block that was run
}

// newSandbox makes a folder that looks like a checkout, with the Caddy that was built and the files in etc that the
// documents name, and a PostgreSQL server if there is something to run.
func newSandbox(t *testing.T, runs bool) *sandbox {
	s := &sandbox{t: t, folder: t.TempDir(), ports: map[string]int{}}
	for _, documented := range []string{"2019", "5432", "6432", "9180"} {
		s.ports[documented] = freePort(t)
	}
	if runs {
		s.ports["5432"] = pgtest.Start(t).Port
	}
	for _, name := range []string{"bin", "examples"} {
		s.must(os.Symlink(filepath.Join(checkout, name), filepath.Join(s.folder, name)))
	}
	s.must(os.Mkdir(filepath.Join(s.folder, "path"), 0o755))
	s.must(os.Symlink(caddy, filepath.Join(s.folder, "path", "caddy")))
	ca := testca.New(t, "authority")
	pair := ca.Issue(t, []string{"db.example.com"})
	for name, content := range map[string][]byte{
		"caddy/users.txt": []byte("\"app\" \"secret\"\n"), "pgbouncer/userlist.txt": []byte("\"app\" \"secret\"\n"),
		"caddy/postgres-ca.crt": ca.PEM(), "caddy/clients-ca.pem": ca.PEM(), "ca.crt": ca.PEM(),
		"certs/tls.crt": pair.Chain, "certs/tls.key": pair.Key,
	} {
		file := filepath.Join(s.folder, "etc", name)
		s.must(os.MkdirAll(filepath.Dir(file), 0o755))
		s.must(os.WriteFile(file, content, 0o600))
	}
	s.env = s.environment()
	t.Cleanup(s.stop)
	return s
}

func freePort(t *testing.T) int {
	port, err := pgtest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func (s *sandbox) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *sandbox) address(documented string) string {
	return "127.0.0.1:" + strconv.Itoa(s.ports[documented])
}

// environment is that of the commands: psql finds the server, caddy its admin API, and the examples their addresses.
func (s *sandbox) environment() []string {
	env := append(os.Environ(),
		"CHECKOUT="+checkout, "XDG_CONFIG_HOME="+s.folder, "XDG_DATA_HOME="+s.folder,
		"PATH="+filepath.Join(s.folder, "path")+":"+os.Getenv("PATH"), "LC_ALL=C",
		"CADDY_ADMIN="+s.address("2019"), "PGTXN_METRICS="+s.address("9180"), "PGTXN_APP_PASSWORD=secret",
		"TLSRELOAD_CERT="+s.folder+"/etc/certs/tls.crt", "TLSRELOAD_KEY="+s.folder+"/etc/certs/tls.key",
		"PGHOST=127.0.0.1", "PGPORT="+strconv.Itoa(s.ports["5432"]), "PGUSER="+pgtest.Superuser, "PGDATABASE=postgres")
	for _, example := range []string{"PGTXN", "TLSRELOAD"} {
		env = append(env, example+"_ADMIN="+s.address("2019"), example+"_LISTEN="+s.address("6432"),
			example+"_UPSTREAM="+s.address("5432"))
	}
	return env
}

var documentedPort = regexp.MustCompile(`\b(2019|5432|6432|9180)\b`)

// here is a text of the documents with this sandbox's ports and folder.
func (s *sandbox) here(text string) string {
	text = documentedPort.ReplaceAllStringFunc(text, func(port string) string {
		return strconv.Itoa(s.ports[port])
	})
	return regexp.MustCompile(`(^|[\s"'=])/etc/(caddy|certs|pgbouncer|ca\.crt)`).ReplaceAllString(text, "${1}"+s.folder+"/etc/$2")
}

// documented is what here was made of.
func (s *sandbox) documented(text string) string {
	for port, own := range s.ports {
		text = regexp.MustCompile(`\b`+strconv.Itoa(own)+`\b`).ReplaceAllString(text, port)
	}
	return strings.ReplaceAll(text, s.folder+"/etc/", "/etc/")
}

// shell runs a block and returns what it printed.
func (s *sandbox) shell(text string) (printed string, err error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), blockTime)
	defer cancel()
	out, err := os.CreateTemp(s.folder, "output-") // not a pipe, which what is left running would hold
	s.must(err)
	defer out.Close()
	cmd := s.command(ctx, text, out)
	err = cmd.Run()
	content, readErr := os.ReadFile(out.Name())
	s.must(readErr)
	return s.documented(string(content)), err
}

func (s *sandbox) command(ctx context.Context, text string, out *os.File) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-c", prelude+s.here(text))
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.folder, s.env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// leaveRunning starts a block, and waits for the admin API of the Caddy in it.
func (s *sandbox) leaveRunning(text string) error {
	out, err := os.CreateTemp(s.folder, "output-")
	s.must(err)
	cmd := s.command(context.Background(), text, out)
	s.must(cmd.Start())
	s.background = append(s.background, cmd)
	if !s.await(func() bool { return s.admin(http.MethodGet, "/config/apps") == http.StatusOK }) {
		content, _ := os.ReadFile(out.Name())
		return fmt.Errorf("Caddy does not run: %s", content)
	}
	return nil
}

// admin asks the admin API for nothing but the status; 0 if there is none.
func (s *sandbox) admin(method, path string) (status int) {
	request, err := http.NewRequest(method, "http://"+s.address("2019")+path, nil)
	s.must(err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// await asks again and again until something is so.
func (s *sandbox) await(so func() bool) bool {
	for deadline := time.Now().Add(blockTime); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// stop ends what the page has left running, and waits until it has ended: the folder is removed next.
func (s *sandbox) stop() {
	for _, cmd := range s.background {
		s.must(syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM))
		_ = cmd.Wait() // it was told to end
		if !s.await(func() bool { return syscall.Kill(-cmd.Process.Pid, 0) != nil }) {
			s.t.Errorf("%v does not end", cmd)
		}
	}
	if s.admin(http.MethodPost, "/stop") != 0 && !s.await(func() bool { return s.admin(http.MethodGet, "/config/") == 0 }) { // of a caddy start
		s.t.Error("Caddy does not stop")
	}
}
