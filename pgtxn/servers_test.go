package pgtxn

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// What the admin API, the metrics and the command say of servers: one is there, one is
// a standby where a primary is wanted, one is down.
func TestServers(t *testing.T) {
	primary := pgtest.Start(t)
	standby := pgtest.Start(t, pgtest.StandbyOf(primary))
	port, err := pgtest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	down := fmt.Sprintf("127.0.0.1:%d", port)
	p := start(t, "upstream "+down+" "+standby.Addr+" "+primary.Addr+"\ntarget_session_attrs primary\nhealth_interval 1h\nauth trust")
	for _, v := range get[[]serverView](t, p, "/pgtxn/servers") {
		if v.State != "unknown" || v.LastCheck != nil || v.NextCheck != nil {
			t.Errorf("before anybody has come: %+v", v)
		}
	}
	exec(t, p.mustConnect(t, "user=postgres sslmode=disable"), "SELECT 1")
	views := get[[]serverView](t, p, "/pgtxn/servers")
	want := []struct{ address, state, role, lastError string }{
		{down, "down", "", "connection refused"},
		{standby.Addr, "unfit", "standby", "server is in hot standby mode"},
		{primary.Addr, "up", "primary", ""},
	}
	if len(views) != len(want) {
		t.Fatalf("%+v", views)
	}
	for i, w := range want {
		v, bad := views[i], w.state != "up"
		if v.Address != w.address || v.State != w.state || v.Role != w.role || !strings.Contains(v.LastError, w.lastError) ||
			v.TargetSessionAttrs != "primary" || v.LastCheck == nil || (v.NextCheck != nil) != bad || (v.LastFailure != nil) != bad {
			t.Errorf("%+v, want %+v", v, w)
		}
	}
	s := p.scrape(t)
	if up := s.value("server_up", "target_session_attrs=primary"); up != 1 {
		t.Errorf("%v servers are up", up)
	}
	if s.value("server_role", "role=standby", "address="+standby.Addr) != 1 || s.value("server_role", "role=primary") != 1 {
		t.Error("the roles are wrong")
	}
	table := &strings.Builder{}
	serverTable(table, views)
	line := regexp.QuoteMeta(standby.Addr) + `\tprimary\tunfit\tstandby\t\d+s ago\t`
	if text := table.String(); !regexp.MustCompile(line).MatchString(text) {
		t.Error(text)
	}
}
