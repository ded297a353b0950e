package pgtxn

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/caddyevents/eventsconfig" // the global option events
)

func init() {
	caddy.RegisterModule(&recorder{})
}

// recorder is an event handler that shows what it is given to the test.
type recorder struct{}

var recorded = make(chan map[string]any, 100)

func (*recorder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.recorder", New: func() caddy.Module { return new(recorder) }}
}

func (*recorder) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

func (*recorder) Handle(_ context.Context, e caddy.Event) error {
	recorded <- e.Data
	return nil
}

// Drift is an event: also that of a session which began before the configuration
// was reloaded.
func TestDriftEvent(t *testing.T) {
	const options = "upstream UPSTREAM\npool_size 1\nauth trust\nverify always"
	p := start(t, options, "events {\non pgtxn.drift recorder\n}")
	sql(t, `CREATE TABLE IF NOT EXISTS drifts (a int);
		CREATE OR REPLACE FUNCTION drift() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN SET work_mem = ''7MB''; RETURN new; END';
		CREATE OR REPLACE TRIGGER drift BEFORE INSERT ON drifts FOR EACH ROW EXECUTE FUNCTION drift();
		GRANT ALL ON drifts TO PUBLIC`)
	conn := p.mustConnect(t, "user=bob sslmode=disable")
	for _, when := range []string{"at first", "behind a reload"} {
		exec(t, conn, "RESET work_mem")
		exec(t, conn, "INSERT INTO drifts VALUES (1)")
		select {
		case data := <-recorded:
			if fmt.Sprint(data["variables"]) != "[work_mem]" || data["user"] != "bob" || data["database"] != "postgres" || data["session"] == "" {
				t.Errorf("%s the event says %v", when, data)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s there is no event", when)
		}
		p.load(t, options)
	}
}
