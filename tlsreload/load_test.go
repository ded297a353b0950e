package tlsreload_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// times is how often a long test does what it does: TLSRELOAD_<name>, or fewer.
func times(t *testing.T, name string, fewer int) int {
	t.Helper()
	text := os.Getenv("TLSRELOAD_" + name)
	if text == "" {
		return fewer
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// answered is what was answered to reloads, for clients that handshake all the
// time. The counter is odd while a reload is under way.
type answered struct {
	sync.RWMutex
	counter     int
	fingerprint string
}

func (a *answered) now() (int, string) {
	a.RLock()
	defer a.RUnlock()
	return a.counter, a.fingerprint
}

func (a *answered) set(fingerprint string) {
	a.Lock()
	defer a.Unlock()
	a.counter++
	a.fingerprint = fingerprint
}

// judge has a client work, and says what is wrong with what it was shown; "" is
// shown to one that does not tell.
func (a *answered) judge(work func() (shown string, err error), pairs []testca.Pair) error {
	before, want := a.now()
	shown, err := work()
	after, _ := a.now()
	switch {
	case err != nil || shown == "":
		return err
	case before == after && before%2 == 0 && shown != want:
		return fmt.Errorf("%.8s after the answer that it is %.8s", shown, want)
	case shown != pairs[0].Fingerprint && shown != pairs[1].Fingerprint:
		return fmt.Errorf("%.8s is neither", shown)
	}
	return nil
}

// Two certificates take turns while clients of all kinds connect without pause
// and others stay: no handshake fails, no connection is dropped, and a
// handshake that begins after an answer shows what was answered.
func TestReloadsUnderLoad(t *testing.T) {
	startPostgres(t)
	h := newHouse(t)
	below := h.ca.Intermediate(t, "intermediate")
	pairs := []testca.Pair{below.Issue(t, []string{"localhost"}), below.IssueFor(t, testca.NewRSAKey(t, 2048), []string{"localhost"})}
	h.put(t, "a", pairs[0])
	h.write(t, "root.crt", h.ca.PEM())
	h.start(t, "set main {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off\nlast_good on")

	var truth answered
	truth.set("")
	truth.set(pairs[0].Fingerprint)
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var handshakes, queries atomic.Int64
	client := func(name string, work func() (shown string, err error)) {
		clients.Go(func() {
			for ; ctx.Err() == nil; handshakes.Add(1) {
				if err := truth.judge(work, pairs); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, negotiation := range []string{"postgres", "direct"} {
			client(fmt.Sprintf("pgx %s %x", negotiation, version), func() (string, error) {
				return h.query(negotiation, version)
			})
		}
		client(fmt.Sprintf("stock tls handler %x", version), func() (string, error) {
			return h.shown(h.l4tls, "localhost", func(cfg *tls.Config) { cfg.MinVersion, cfg.MaxVersion = version, version })
		})
		client(fmt.Sprintf("psql %x", version), func() (string, error) { return "", h.psql(version) })
	}
	stay(ctx, t, h, &clients, &queries)

	reloads := times(t, "RELOADS", 100)
	begun := time.Now()
	for i := range reloads {
		next := pairs[(i+1)%2]
		_, now := truth.now()
		truth.set(now)
		h.put(t, "a", next)
		h.reload(t, "", "reloaded")
		truth.set(next.Fingerprint)
		if t.Failed() {
			break
		}
		h.expect(t, h.pgtxn, "localhost", next.Fingerprint)
		h.expect(t, h.l4tls, "localhost", next.Fingerprint)
	}
	t.Logf("%d reloads in %.1f s, %d connections, %d queries on those that stayed", reloads, time.Since(begun).Seconds(), handshakes.Load(), queries.Load())
	stop()
	clients.Wait()
	if handshakes.Load() < 10 || queries.Load() < 10 {
		t.Error("there was no load")
	}
}

// stay keeps sessions open that began with the first certificate.
func stay(ctx context.Context, t *testing.T, h *house, clients *sync.WaitGroup, queries *atomic.Int64) {
	t.Helper()
	for range 2 {
		cfg, err := h.config("postgres", tls.VersionTLS13, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.ConnectConfig(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		clients.Go(func() {
			defer conn.Close(context.Background())
			for ctx.Err() == nil {
				if _, err := conn.Exec(context.Background(), "SELECT 1"); err != nil {
					t.Errorf("a connection was dropped: %v", err)
					return
				}
				queries.Add(1)
				select {
				case <-ctx.Done():
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
	}
}

// config is for a client of pgtxn that checks the certificate and calls see
// with its fingerprint.
func (h *house) config(negotiation string, version uint16, see func(string)) (*pgx.ConnConfig, error) {
	_, port, _ := strings.Cut(h.pgtxn, ":")
	cfg, err := pgx.ParseConfig("host=localhost port=" + port + " user=postgres dbname=postgres sslmode=verify-full sslnegotiation=" + negotiation + " sslrootcert=" + filepath.Join(h.dir, "root.crt"))
	if err != nil {
		return nil, err
	}
	cfg.TLSConfig.MinVersion, cfg.TLSConfig.MaxVersion = version, version
	cfg.TLSConfig.VerifyConnection = func(state tls.ConnectionState) error {
		see(testca.Fingerprint(state.PeerCertificates[0]))
		return nil
	}
	cfg.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	return cfg, nil
}

func (h *house) query(negotiation string, version uint16) (shown string, err error) {
	cfg, err := h.config(negotiation, version, func(fingerprint string) { shown = fingerprint })
	if err != nil {
		return "", err
	}
	conn, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), "SELECT 1")
	return shown, err
}

// psql connects as libpq does, checks the certificate and asks a question.
func (h *house) psql(version uint16) error {
	_, port, _ := strings.Cut(h.pgtxn, ":")
	name := map[uint16]string{tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3"}[version]
	cmd := exec.Command(postgres.Bin("psql"), "-XqAtc", "SELECT 'x'",
		"host=localhost hostaddr=127.0.0.1 port="+port+" user=postgres dbname=postgres sslmode=verify-full sslrootcert="+filepath.Join(h.dir, "root.crt")+
			" ssl_min_protocol_version="+name+" ssl_max_protocol_version="+name)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "x" {
		return errors.Join(err, fmt.Errorf("psql: %s", out))
	}
	return nil
}
