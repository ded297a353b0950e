package pgtxn

import (
	"context"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
)

// startProcess runs a Caddy in a process of its own.
func startProcess(t *testing.T, options string) (p *proxy, caddy *osexec.Cmd) {
	t.Helper()
	p = prepare(t)
	caddy = p.spawn(t, options)
	incaddy.Await(t, "Caddy serves", func() bool {
		conn, err := p.connect(t, "user=bob sslmode=disable")
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err == nil
	})
	return p, caddy
}

// spawn starts the process, until the end of the test.
func (p *proxy) spawn(t *testing.T, options string) *osexec.Cmd {
	t.Helper()
	file := filepath.Join(p.dir, "Caddyfile")
	text := strings.ReplaceAll(caddyfileOf(p.addr, p.globals, options), "UPSTREAM", postgres.Addr)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	caddy := osexec.Command(os.Args[0], "run", "--config", file)
	caddy.Env = append(os.Environ(), incaddy.AsCaddy+"=1", "XDG_DATA_HOME="+p.dir)
	if err := caddy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = caddy.Process.Kill()
		_ = caddy.Wait() // or it may still write into the folder that is removed next
	})
	return caddy
}

// A Caddy that is told to stop ends idle sessions at once, lets transactions end, takes nobody in, and cuts at last what
// goes on for longer, which the server then cancels, and says so.
func TestShutdown(t *testing.T) {
	p, caddy := startProcess(t, "upstream UPSTREAM\nauth trust\nshutdown_timeout 5s")
	idle, ends, goesOn := p.mustConnect(t, "user=bob sslmode=disable"), p.mustConnect(t, "user=bob sslmode=disable"),
		p.mustConnect(t, "user=bob sslmode=disable application_name=goes_on")
	exec1 := func(text string) { exec(t, ends, text) }
	exec1("BEGIN")
	cut := make(chan error, 1)
	go func() {
		_, err := goesOn.Exec(context.Background(), "SELECT 'goes on', pg_sleep(600)")
		cut <- err
	}()
	sleeping := func() string {
		return sql(t, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%goes on%sleep%' AND state = 'active' AND pid <> pg_backend_pid()")
	}
	incaddy.Await(t, "the statement runs", func() bool { return sleeping() == "1" })

	if err := caddy.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := idle.PgConn().Conn().SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := idle.WaitForNotification(t.Context()); sqlState(err) != "57P01" {
		t.Errorf("the idle client got %v", err)
	}
	if conn, err := p.connect(t, "user=bob sslmode=disable"); err == nil {
		t.Errorf("a new client was let in: %v", conn.Config().ConnString())
	}
	exec1("SELECT 1")
	exec1("COMMIT")
	if _, err := ends.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("the session goes on behind its transaction")
	}
	if err := <-cut; sqlState(err) != "57P01" {
		t.Errorf("who was cut got %v", err)
	}
	if err := caddy.Wait(); err != nil {
		t.Errorf("Caddy: %v", err)
	}
	incaddy.Await(t, "the server runs it no longer", func() bool { return sleeping() == "0" })
	log := p.log(t)
	for _, want := range []string{`"all sessions have ended","cut":1`, `a session was cut in its transaction"`, `"application_name":"goes_on"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s", want)
		}
	}
	if n := strings.Count(log, `"session ended"`); n != 4 {
		t.Errorf("%d sessions ended in the log, not 4", n)
	}
	if t.Failed() {
		t.Log(log)
	}
}
