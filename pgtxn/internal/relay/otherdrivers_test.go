package relay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Drivers of other languages do the same in each and print what
// testdata/drivers/expected.txt says, directly and through a pool of two in which
// other clients set the same variable. The programs connect by libpq's environment
// variables; that of Java is given a URL.
//
// node-postgres comes from npm, by the lockfile. The rest is what the machine has:
// scripts/drivers installs it, and has all of them run.

const otherDrivers = "testdata/drivers"

var drivers = map[string]func(t *testing.T, p place) *exec.Cmd{
	"node-postgres": func(t *testing.T, _ place) *exec.Cmd {
		cmd := exec.Command("node", "driver.js")
		cmd.Dir = nodeModules(t)
		return cmd
	},
	"psycopg2": func(*testing.T, place) *exec.Cmd { return python("run_psycopg2.py") },
	"psycopg3": func(*testing.T, place) *exec.Cmd { return python("run_psycopg3.py") },
	"asyncpg":  func(*testing.T, place) *exec.Cmd { return python("run_asyncpg.py") },
	"pgjdbc": func(_ *testing.T, p place) *exec.Cmd {
		url := fmt.Sprintf("jdbc:postgresql://%s/%s?user=%s&sslmode=disable&autosave=always&prepareThreshold=1", p.addr, p.database, p.user)
		return exec.Command("java", "-cp", "/usr/share/java/postgresql.jar", filepath.Join(otherDrivers, "Driver.java"), url)
	},
}

func python(program string) *exec.Cmd {
	return exec.Command("/usr/bin/python3", filepath.Join(otherDrivers, program)) // for which Debian's packages are
}

func TestOtherDrivers(t *testing.T) {
	expected, err := os.ReadFile(filepath.Join(otherDrivers, "expected.txt"))
	if err != nil {
		t.Fatal(err)
	}
	chosen := strings.Fields(os.Getenv("PGTXN_DRIVERS"))
	if len(chosen) == 0 {
		if _, err := exec.LookPath("npm"); err != nil {
			t.Fatalf("%v; scripts/test installs npm", err)
		}
		chosen = []string{"node-postgres"}
	}
	for _, name := range chosen {
		if name == "libpq18" { // see there, in package pgtxn
			continue
		}
		command := drivers[name]
		if command == nil {
			t.Fatalf("PGTXN_DRIVERS: there is no driver %q", name)
		}
		run := func(t *testing.T, p place) {
			if got := p.output(t, command(t, p)); got != string(expected) {
				t.Errorf("it printed\n%s\nexpected\n%s", got, expected)
			}
		}
		t.Run(name+" direct", func(t *testing.T) { run(t, database(t)) })
		t.Run(name+" proxy", func(t *testing.T) {
			p := database(t).behind(t, 2)
			leave := p.company(t, 6)
			run(t, p)
			leave()
			atRest(t, p)
		})
	}
}

// output runs a program for a place and returns what it prints.
func (p place) output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	host, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "PGHOST="+host, "PGPORT="+port, "PGUSER="+p.user, "PGDATABASE="+p.database, "PGSSLMODE=disable")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &errs, patience
	expire := time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() })
	defer expire.Stop()
	if err := cmd.Run(); err != nil {
		t.Errorf("%v: %v\n%s", cmd.Args, err, errs.String())
	}
	return out.String()
}

// company has other clients change variables on the backends until they leave.
func (p place) company(t *testing.T, clients int) (leave func()) {
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range clients {
		c := p.connect(t)
		own := fmt.Sprintf("%dkB", 1025+64*i)
		c.must("SET work_mem = '" + own + "'")
		all.Go(func() {
			for ctx.Err() == nil {
				for _, ask := range [...]string{"BEGIN; SET LOCAL my.x = '1'; COMMIT", "SHOW work_mem"} {
					_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
					if _, err := c.conn.Write(query(ask)); err != nil {
						t.Error(err)
						return
					}
					for {
						typ, body, err := c.read()
						if err != nil {
							t.Error(err)
							return
						}
						if line := show(typ, body); typ == 'D' && line != "D "+own || typ == 'E' {
							t.Errorf("a client in the company of the driver: %s, and not %s", line, own)
						}
						if typ == 'Z' {
							break
						}
					}
				}
			}
			c.drop()
		})
	}
	return func() {
		stop()
		all.Wait()
	}
}

// nodeModules returns a folder with the program and what its lockfile names, which
// npm fetches once.
func nodeModules(t *testing.T) string {
	t.Helper()
	files := []string{"package.json", "package-lock.json", "driver.js"}
	hash := sha256.New()
	contents := map[string][]byte{}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(otherDrivers, "node", name))
		if err != nil {
			t.Fatal(err)
		}
		contents[name] = text
		hash.Write(text)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(cache, "caddy-pgtxn", "node-"+hex.EncodeToString(hash.Sum(nil)[:8]))
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), "fetch-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(work)
	for name, text := range contents {
		if err := os.WriteFile(filepath.Join(work, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
	npm.Dir = work
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(work, folder); err != nil {
		if _, missing := os.Stat(folder); missing != nil { // else another run was faster
			t.Fatal(err)
		}
	}
	return folder
}
