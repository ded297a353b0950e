package pgtxn

import (
	"context"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	_ "github.com/caddyserver/caddy/v2/modules/caddyevents/eventsconfig" // the global option
)

func init() {
	caddy.RegisterModule(certificateWatch{})
}

// cached gets a value for each certificate that is ready for handshakes: Caddy
// has its certificates issued after it has started.
var cached = make(chan struct{}, 100)

// certificateWatch is a handler of Caddy's events.
type certificateWatch struct{}

func (certificateWatch) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "events.handlers.pgtxn_test",
		New: func() caddy.Module { return new(certificateWatch) },
	}
}

func (certificateWatch) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (certificateWatch) Handle(context.Context, caddy.Event) error {
	cached <- struct{}{}
	return nil
}

var _ caddyevents.Handler = certificateWatch{}

// certificates has Caddy's internal authority issue one for localhost.
const certificates = "tls_automate_names localhost\ndefault_sni localhost\nevents {\non cached_managed_cert pgtxn_test\n}"

func awaitCertificate(t *testing.T) {
	t.Helper()
	select {
	case <-cached:
	case <-time.After(30 * time.Second):
		t.Fatal("no certificate was issued")
	}
}
