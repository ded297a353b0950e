package tlsreload_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload"
)

// process is a Caddy of its own: this test binary, told to be it.
type process struct {
	*exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
}

// run starts Caddy with a house's configuration and returns when it serves or
// has ended.
func (h *house) run(t testing.TB, options string) *process {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(h.caddyfile(options)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return h.runConfig(t, config)
}

func (h *house) runConfig(t testing.TB, config []byte) *process {
	t.Helper()
	h.write(t, "config.json", config)
	p := &process{Cmd: exec.Command(os.Args[0], "run", "--config", filepath.Join(h.dir, "config.json")), ended: make(chan struct{})}
	p.Stdout, p.Stderr = &p.output, &p.output
	p.Env = append(os.Environ(), incaddy.AsCaddy+"=1", "HOME="+h.dir, "XDG_DATA_HOME="+h.dir, "XDG_CONFIG_HOME="+h.dir)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	incaddy.Await(t, "Caddy serves, or ends", func() bool {
		select {
		case <-p.ended:
			return true
		default:
		}
		response, err := http.Get("http://" + h.admin + "/tlsreload/status")
		if err != nil {
			return false
		}
		response.Body.Close()
		conn, err := net.DialTimeout("tcp", h.pgtxn, time.Second) // opened in no certain order, or never
		if err != nil {
			return false
		}
		conn.Close()
		return response.StatusCode == http.StatusOK
	})
	return p
}

func (p *process) kill() {
	_ = p.Process.Kill()
	<-p.ended
}

// After kill -9 in the middle of reloads, the next start serves a whole set,
// none older than the last that was answered for, even if the sources are
// broken by then. The unclean end is noticed, and a clean one is not.
func TestKilled(t *testing.T) {
	h := newHouse(t)
	const options = "set main {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off"
	var fingerprints []string // of all pairs that were ever written, in order
	write := func() {
		pair := h.ca.Issue(t, []string{"a.test"})
		fingerprints = append(fingerprints, pair.Fingerprint)
		h.put(t, "a", pair)
	}
	write()
	answered, broken, fromStorage := 0, 0, 0
	kills := times(t, "KILLS", 10)
	for i := range kills {
		p := h.run(t, options)
		shown, err := h.shown(h.pgtxn, "a.test")
		if err != nil {
			t.Fatalf("start %d: %v\n%s", i, err, p.output.String())
		}
		at := index(fingerprints, shown)
		if at < answered {
			t.Fatalf("start %d serves pair %d, and %d was answered for", i, at, answered)
		}
		var status tlsreload.StatusView
		h.request(t, http.MethodGet, "/tlsreload/status", &status)
		if noticed := strings.Contains(status.UncleanStart, "did not end cleanly"); noticed != (i > 0) {
			t.Fatalf("start %d: unclean start: %q", i, status.UncleanStart)
		}
		if status.Degraded {
			fromStorage++
		}
		write() // a start with broken sources needs a good one to be killed in
		timer := time.AfterFunc(rand.N(60*time.Millisecond), func() { _ = p.Process.Kill() })
		for { // until the process is gone
			result, err := h.tryReload(t.Context())
			if err != nil {
				break
			}
			if result.Result == "reloaded" {
				answered = index(fingerprints, result.Sets[0].Certificates[0].Fingerprint)
			}
			write()
		}
		timer.Stop()
		p.kill()
		if i%2 == 1 {
			broken++
			h.write(t, "a.key", nil)
		}
	}
	t.Logf("%d kills, %d pairs written, %d starts with broken sources, %d served from the storage", kills, len(fingerprints), broken, fromStorage)
	if fromStorage == 0 {
		t.Error("the last good set was never needed")
	}

	h.run(t, options).end(t)
	p := h.run(t, options)
	var status tlsreload.StatusView
	h.request(t, http.MethodGet, "/tlsreload/status", &status)
	if status.UncleanStart != "" {
		t.Errorf("after a clean end: %s", status.UncleanStart)
	}
	p.end(t)
}

// end has Caddy stop as systemd does.
func (p *process) end(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-p.ended
}

func index(list []string, element string) int {
	for i, e := range list {
		if e == element {
			return i
		}
	}
	return -1
}

func (h *house) tryReload(ctx context.Context) (result tlsreload.Result, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+h.admin+"/tlsreload/reload", nil)
	if err != nil {
		return result, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return result, err
	}
	defer response.Body.Close()
	return result, json.NewDecoder(response.Body).Decode(&result)
}

// A configuration that fails to start does not make an unclean end forgotten, and
// it is told of once.
func TestUncleanBehindFailure(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	const options = "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off"
	p := h.run(t, options)
	var mark string
	var before []byte
	incaddy.Await(t, "the process has left its mark", func() bool {
		id, err := os.ReadFile(filepath.Join(h.dir, "caddy", "instance.uuid"))
		mark = filepath.Join(h.dir, "storage", "tlsreload", "running", string(id)+".json")
		if err == nil {
			before, err = os.ReadFile(mark)
		}
		return err == nil && json.Valid(before)
	})
	p.kill()
	good := h.pgtxn
	h.pgtxn = "192.0.2.1:1"
	h.run(t, options)
	h.pgtxn = good
	if after, err := os.ReadFile(mark); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the mark is %q, %v", after, err)
	}
	h.run(t, options)
	want := fmt.Sprintf("process %d, ", p.Process.Pid)
	if status := h.status(t); !strings.HasPrefix(status.UncleanStart, want) {
		t.Errorf("unclean start: %q", status.UncleanStart)
	}
	config, err := os.ReadFile(filepath.Join(h.dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.admin+"/load", bytes.NewReader(config))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Cache-Control", "must-revalidate")
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	response.Body.Close()
	if status := h.status(t); !strings.HasPrefix(status.UncleanStart, want) || strings.Count(h.log(), "unclean end") != 1 {
		t.Errorf("behind another configuration: %q, told %d times", status.UncleanStart, strings.Count(h.log(), "unclean end"))
	}
}

// Broken sources and no last good set: exit code 1, and the reason.
func TestExitCode(t *testing.T) {
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.write(t, "a.key", nil)
	p := h.run(t, "set main {\ncertificate DIR/a.crt DIR/a.key\n}")
	p.kill()
	if code := p.ProcessState.ExitCode(); code != 1 || !strings.Contains(h.log(), "a.key: it is empty") {
		t.Errorf("exit code %d", code)
	}
}
