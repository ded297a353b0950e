package backend

import (
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/auth"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Servers of before version 14 are asked for what newer ones report. These answer
// the same in both ways.
func TestServersThatDoNotReport(t *testing.T) {
	primary := pgtest.Start(t)
	standby := pgtest.Start(t, pgtest.StandbyOf(primary))
	for _, s := range []*pgtest.Server{primary, standby} {
		cfg := &Config{
			Addresses: []string{s.Addr}, SSLMode: Disable,
			Secret: func(string) auth.Secret { return auth.Secret{} },
		}
		params := []wire.Param{{Name: "user", Value: "postgres"}, {Name: "database", Value: "postgres"}}
		conn, err := Dial(t.Context(), cfg, time.Minute, params)
		if err != nil {
			t.Fatal(err)
		}
		for _, attrs := range []SessionAttrs{ReadWrite, ReadOnly, Primary, Standby} {
			asked, err := conn.askedFor(attrs)
			if reported := conn.Unfit(attrs); err != nil || asked != reported || (asked == "") != (s == primary) && (attrs == ReadWrite || attrs == Primary) {
				t.Errorf("%s: asked %q, %v, reported %q", attrs, asked, err, reported)
			}
		}
		conn.Sock.Close()
	}
}
