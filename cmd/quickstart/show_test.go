package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

const oneSession = `{"id":"7","client":"127.0.0.1:4000","user":"u","database":"d","application_name":"n",
	"state":"active","transaction":"T","frames":[
		{"kind":"session","variables":[
			{"name":"my.x","value":"of A","layer":"session","known":true,"hash":"1f"},
			{"name":"role","value":"r","layer":"session","known":false,"hash":"2e"}]},
		{"kind":"transaction","variables":[]},
		{"kind":"savepoint","name":"a","variables":[{"name":"work_mem","value":"9MB","layer":"local","known":true,"hash":"3d"}]}],
	"pins":["temp objects"],"backend":{"pid":123,"address":"127.0.0.1:5432"}}`

func TestAdmin(t *testing.T) {
	routes := http.NewServeMux()
	serve := func(path, body string) {
		routes.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	}
	serve("GET /pgtxn/sessions", `[{"id":"6","client":"127.0.0.1:3999","frames":null,"backend":null},`+oneSession+`]`)
	serve("GET /pgtxn/sessions/7", oneSession)
	serve("GET /pgtxn/pools", `[{"user":"u","database":"other","size":9},{"user":"u","database":"d","size":4,"active":1,"idle":2,"waiting":3}]`)
	server := httptest.NewServer(routes)
	defer server.Close()
	a := &admin{server.URL}

	found, err := a.sessionOf(t.Context(), "127.0.0.1:4000")
	if err != nil || found.ID != "7" {
		t.Fatalf("session by its client: %+v, %v", found, err)
	}
	if _, err := a.sessionOf(t.Context(), "127.0.0.1:1"); err == nil {
		t.Error("found a session that is not there")
	}
	if _, err := a.session(t.Context(), "8"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a session that is not there: %v", err)
	}
	s, err := a.session(t.Context(), "7")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := printFrames(&table, s.Frames); err != nil {
		t.Fatal(err)
	}
	want := "        session      my.x=of A  role=r\n" +
		"        transaction  -\n" +
		"        savepoint a  work_mem=9MB(local)\n"
	if table.String() != want {
		t.Errorf("table:\n%swant:\n%s", table.String(), want)
	}
	got := lines(s.Frames, func(name string) bool { return name != "role" })
	if want := []string{"session my.x=of A", "transaction", "savepoint a work_mem=9MB(local)"}; !slices.Equal(got, want) {
		t.Errorf("lines: %q, want %q", got, want)
	}
	if p, err := a.pool(t.Context(), "u", "d"); err != nil || p != (pool{"u", "d", 4, 1, 2, 3}) {
		t.Errorf("pool: %+v, %v", p, err)
	}
}

// A show whose clients have a backend each, and an admin API that knows no frames, must be found wrong in these, and
// only in these: the values are right.
func TestShowCanFail(t *testing.T) {
	server := pgtest.Start(t)
	routes := http.NewServeMux()
	answer := func(path string, value func() any) {
		routes.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(value()) })
	}
	answer("GET /pgtxn/sessions", func() any {
		clients, err := server.SQL(t.Context(), "postgres",
			"SELECT host(client_addr) || ':' || client_port FROM pg_stat_activity WHERE client_port > 0")
		if err != nil {
			t.Error(err)
		}
		var sessions []session
		for client := range strings.Lines(clients) {
			sessions = append(sessions, session{ID: "1", Client: strings.TrimSpace(client)})
		}
		return sessions
	})
	answer("GET /pgtxn/sessions/1", func() any { return session{ID: "1", State: "waiting"} })
	answer("GET /pgtxn/pools", func() any {
		return []pool{{User: "postgres", Database: "postgres", Size: 1, Active: 1, Waiting: 1}}
	})
	a := httptest.NewServer(routes)
	defer a.Close()

	s := &show{admin: &admin{a.URL}}
	if err := s.run(t.Context(), server.Addr, "postgres", "postgres"); err != nil {
		t.Fatal(err)
	}
	const pids, frames = 2, 12
	if s.wrong != pids+frames {
		t.Errorf("%d of %d checks failed, want %d for backends and %d for frames", s.wrong, s.checks, pids, frames)
	}
}
