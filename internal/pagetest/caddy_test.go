package pagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// patience is how long anything may take that is waited for.
const patience = time.Minute

// proxy is Caddy in a process of its own, as people run it.
type proxy struct {
	addr, admin string
	dir, binary string
	process     *exec.Cmd
	cert        testca.Pair
}

// A browser opens the admin API where an origin may be empty (docs/admin.md).
const caddyfile = `{
	admin %[1]s {
		origins %[1]s ""
	}
	persist_config off
	storage file_system {
		root %[2]s
	}
	tlsreload {
		set main {
			certificate %[2]s/cert %[2]s/key
		}
	}
	layer4 {
		%[3]s {
			route {
				pgtxn {
					upstream %[4]s
					auth trust
				}
			}
		}
	}
}
`

func start(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{dir: t.TempDir(), cert: testca.New(t, "Test CA").Issue(t, []string{"db.example.com"})}
	p.binary = filepath.Join(p.dir, "caddy")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", p.binary, "./cmd/caddy-pgtxn")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building Caddy: %v\n%s", err, out)
	}
	for _, address := range []*string{&p.addr, &p.admin} {
		port, err := pgtest.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		*address = fmt.Sprintf("localhost:%d", port)
	}
	upstream := pgtest.Start(t).Addr
	for name, text := range map[string]string{
		"cert": string(p.cert.Chain), "key": string(p.cert.Key), "Caddyfile": fmt.Sprintf(caddyfile, p.admin, p.dir, p.addr, upstream),
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.up(t)
	t.Cleanup(func() {
		p.down(t)
		if log, err := os.ReadFile(filepath.Join(p.dir, "log")); err == nil && t.Failed() {
			t.Logf("end of Caddy's log:\n%s", pgtest.Tail(string(log), 15))
		}
	})
	return p
}

// up starts Caddy and returns when it answers.
func (p *proxy) up(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.process = exec.Command(p.binary, "run", "--config", filepath.Join(p.dir, "Caddyfile"))
	p.process.Env = append(os.Environ(), "HOME="+p.dir)
	p.process.Stdout, p.process.Stderr = log, log
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
	answers := func() error {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			return err
		}
		conn.Close()
		response, err := http.Get("http://" + p.admin + "/pgtxn/pools")
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // there is no signal of a port that opens
		err := answers()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Caddy does not answer: %v", err)
		}
	}
}

func (p *proxy) down(t *testing.T) {
	t.Helper()
	_ = p.process.Process.Signal(os.Interrupt)
	_ = p.process.Wait()
}

// api reads what the admin API says.
func api[T any](t *testing.T, p *proxy, path string) (view T) {
	t.Helper()
	response, err := http.Get("http://" + p.admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&view); err != nil {
		t.Fatalf("GET %s: %s: %v", path, response.Status, err)
	}
	return view
}

func (p *proxy) connect(t *testing.T, application string) *pgx.Conn {
	t.Helper()
	host, port, _ := strings.Cut(p.addr, ":")
	config, err := pgx.ParseConfig("sslmode=disable user=postgres dbname=postgres host=" + host + " port=" + port)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["application_name"] = application
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec1(t *testing.T, conn *pgx.Conn, statements string) {
	t.Helper()
	if _, err := conn.PgConn().Exec(t.Context(), statements).ReadAll(); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}
