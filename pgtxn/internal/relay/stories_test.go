package relay

import (
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/story"
)

// Every story, on PostgreSQL itself and through proxies with one backend and
// with two, in all the ways that package story knows.
func TestStories(t *testing.T) {
	server := pgtest.Start(t)
	direct := story.Target{Addr: server.Addr, Database: "postgres", User: "postgres"}
	stories, err := story.Load("../../testdata/stories", direct)
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]story.Target{"direct": direct}
	for name, size := range map[string]int{"pool of 1": 1, "pool of 2": 2} {
		target := direct
		target.Addr, target.Pool = start(t, config(server.Addr, size)).addr, size
		targets[name] = target
	}
	runner := story.NewRunner(t, direct)
	for name, target := range targets {
		t.Run(name, func(t *testing.T) {
			for _, s := range stories {
				t.Run(s.Name(), func(t *testing.T) { runner.Run(t, target, s) })
			}
		})
	}
}
