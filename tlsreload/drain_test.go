package tlsreload_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// connect has a session by the certificate for name, or without TLS if that is
// empty.
func (h *house) connect(t *testing.T, address, name string, change ...func(*tls.Config)) *pgx.Conn {
	t.Helper()
	negotiation := "postgres"
	if address == h.l4tls {
		negotiation = "direct"
	}
	cfg, err := pgx.ParseConfig(fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=require&sslnegotiation=%s", address, negotiation))
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLSConfig = nil
	if name != "" {
		cfg.TLSConfig = &tls.Config{RootCAs: h.roots, ServerName: name, NextProtos: []string{"postgresql"}}
	}
	for _, f := range change {
		f(cfg.TLSConfig)
	}
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func run1(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
}

// expectShutdown expects the session to have been ended as PostgreSQL ends one.
func expectShutdown(t *testing.T, what string, conn *pgx.Conn) {
	t.Helper()
	_, err := conn.Exec(t.Context(), "SELECT 1")
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) || refusal.Code != "57P01" || refusal.Severity != "FATAL" {
		t.Errorf("%s: %v", what, err)
	}
}

func (h *house) expectDraining(t *testing.T, query, want string, n int) {
	t.Helper()
	if result := h.reload(t, query, want); result.Draining == nil || *result.Draining != n {
		t.Errorf("reload%s: %+v, not %d draining", query, result, n)
	}
}

// sessionsFile is a configuration with pgtxn also behind the stock tls handler,
// and two sets.
func (h *house) sessionsFile(options string) string {
	text := h.caddyfile("set a {\ncertificate DIR/a.crt DIR/a.key\n" + options + "}\nset b {\ncertificate DIR/b.crt DIR/b.key\n}\nwatch off")
	const stock = "tls\n\t\t\t\t\techo"
	behind := "tls {\nconnection_policy {\nalpn postgresql\n}\n}\npgtxn {\nupstream " + upstreamAddr() + "\nauth trust\n}"
	return strings.Replace(text, stock, behind, 1)
}

// Connections on a replaced certificate end when that is asked for, between
// transactions; those on others stay.
func TestDrain(t *testing.T) {
	startPostgres(t)
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.put(t, "b", h.ca.Issue(t, []string{"b.test"}))
	if err := h.load(t, h.sessionsFile("")); err != nil {
		t.Fatal(err)
	}
	cache := func(version uint16) func(*tls.Config) {
		cache := tls.NewLRUClientSessionCache(1)
		return func(cfg *tls.Config) { cfg.ClientSessionCache, cfg.MaxVersion = cache, version }
	}
	old := map[string]*pgx.Conn{
		"idle": h.connect(t, h.pgtxn, "a.test"), "pinned": h.connect(t, h.pgtxn, "a.test"), "stock": h.connect(t, h.l4tls, "a.test"),
	}
	for name, version := range map[string]uint16{"resumed 1.2": tls.VersionTLS12, "resumed 1.3": tls.VersionTLS13} {
		resume := cache(version)
		old[name+" first"] = h.connect(t, h.pgtxn, "a.test", resume)
		run1(t, old[name+" first"], "SELECT 1")
		old[name] = h.connect(t, h.pgtxn, "a.test", resume)
		if !old[name].PgConn().Conn().(*tls.Conn).ConnectionState().DidResume {
			t.Errorf("%s is not", name)
		}
	}
	run1(t, old["pinned"], "CREATE TEMP TABLE tt (a int)")
	working := []*pgx.Conn{h.connect(t, h.pgtxn, "a.test"), h.connect(t, h.l4tls, "a.test")}
	for _, conn := range working {
		run1(t, conn, "BEGIN; CREATE TEMP TABLE tt (a int)")
	}
	others := []*pgx.Conn{h.connect(t, h.pgtxn, "b.test"), h.connect(t, h.l4tls, "b.test"), h.connect(t, h.pgtxn, "")}

	h.expectDraining(t, "?drain", "unchanged", 0)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	if result := h.reload(t, "", "reloaded"); result.Draining != nil {
		t.Errorf("%+v", result)
	}
	others = append(others, h.connect(t, h.pgtxn, "a.test"), h.connect(t, h.l4tls, "a.test"))
	h.expectDraining(t, "?drain&set=b", "unchanged", 0)
	for name, conn := range old {
		run1(t, conn, "SELECT '"+name+"'")
	}

	h.expectDraining(t, "?drain", "unchanged", len(old)+len(working))
	for name, conn := range old {
		expectShutdown(t, name, conn)
	}
	h.expectDraining(t, "?drain", "unchanged", len(working))
	for _, conn := range working {
		run1(t, conn, "INSERT INTO tt VALUES (1)")
		if out, code := h.command(t, "reload", "--drain"); code != 0 || !strings.Contains(out, "between transactions: ") {
			t.Errorf("reload --drain: %d\n%s", code, out)
		}
		run1(t, conn, "COMMIT")
		expectShutdown(t, "behind its transaction", conn)
	}
	h.expectDraining(t, "?drain", "unchanged", 0)
	for _, conn := range others {
		run1(t, conn, "SELECT 1")
	}
	var answer string
	if status := h.request(t, http.MethodPost, "/tlsreload/reload?drain&dry_run", &answer); status != http.StatusBadRequest {
		t.Errorf("%d %s", status, answer)
	}
}

// With the option drain each replacement does, by a reload or another
// configuration.
func TestDrainAlways(t *testing.T) {
	startPostgres(t)
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.put(t, "b", h.ca.Issue(t, []string{"b.test"}))
	load := func() {
		t.Helper()
		if err := h.load(t, h.sessionsFile("drain\n")); err != nil {
			t.Fatal(err)
		}
	}
	load()
	stays := h.connect(t, h.pgtxn, "b.test")
	old := h.connect(t, h.pgtxn, "a.test")
	load()
	run1(t, old, "SELECT 1")
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.expectDraining(t, "", "reloaded", 1)
	expectShutdown(t, "behind a reload", old)
	old = h.connect(t, h.pgtxn, "a.test")
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.put(t, "b", h.ca.Issue(t, []string{"b.test"}))
	load()
	expectShutdown(t, "behind a configuration", old)
	run1(t, stays, "SELECT 1")
}

// A session whose login went on while its certificate was replaced is drained
// when it begins.
func TestDrainDuringLogin(t *testing.T) {
	startPostgres(t)
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.start(t, "set a {\ncertificate DIR/a.crt DIR/a.key\n}\nwatch off")
	login := func(meanwhile func()) string {
		conn, err := tls.Dial("tcp", h.pgtxn, &tls.Config{RootCAs: h.roots, ServerName: "a.test", NextProtos: []string{"postgresql"}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		meanwhile()
		if _, err := conn.Write([]byte("\x00\x00\x00\x17\x00\x03\x00\x00user\x00postgres\x00\x00X\x00\x00\x00\x04")); err != nil {
			t.Fatal(err)
		}
		heard, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		return string(heard)
	}
	replaced := func(query string) func() {
		return func() {
			h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
			h.reload(t, query, "reloaded")
		}
	}
	if heard := login(replaced("")); strings.Contains(heard, "57P01") {
		t.Errorf("without drain: %q", heard)
	}
	for _, query := range []string{"?drain", "?drain&set=a", "?drain&set=a&set=a"} {
		if heard := login(replaced(query)); !strings.Contains(heard, "57P01") {
			t.Errorf("with %s: %q", query, heard)
		}
	}
	if heard := login(func() {}); strings.Contains(heard, "57P01") {
		t.Errorf("behind it: %q", heard)
	}
}

// Connections of a set that is no longer configured are drained with all.
func TestDrainOfRemovedSet(t *testing.T) {
	startPostgres(t)
	h := newHouse(t)
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.put(t, "b", h.ca.Issue(t, []string{"b.test"}))
	load := func(name string) {
		t.Helper()
		if err := h.load(t, strings.Replace(h.sessionsFile(""), "set a", "set "+name, 1)); err != nil {
			t.Fatal(err)
		}
	}
	load("a")
	old, stays := h.connect(t, h.pgtxn, "a.test"), h.connect(t, h.pgtxn, "b.test")
	h.expectDraining(t, "?drain", "unchanged", 0)
	load("renamed")
	h.expectDraining(t, "?drain", "unchanged", 0) // the certificate is the same
	h.put(t, "a", h.ca.Issue(t, []string{"a.test"}))
	h.reload(t, "", "reloaded")
	h.expectDraining(t, "?drain&set=renamed&set=b", "unchanged", 0)
	run1(t, old, "SELECT 1")
	h.expectDraining(t, "?drain", "unchanged", 1)
	expectShutdown(t, "of a set that was renamed", old)
	run1(t, stays, "SELECT 1")
	run1(t, h.connect(t, h.pgtxn, "a.test"), "SELECT 1")
}
