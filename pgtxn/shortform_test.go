package pgtxn

import (
	"encoding/json"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// adapted is the JSON of a Caddyfile with these global options.
func adapted(t *testing.T, globals string) (config struct {
	Apps struct {
		PgTxn struct {
			Servers       any
			AutomateNames []string `json:"automate_names"`
		} `json:"pgtxn"`
		Layer4 struct{ Servers any }
		TLS    struct {
			Certificates struct{ Automate []string }
		}
	}
},
) {
	t.Helper()
	text, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("{\n"+globals+"\n}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	return config
}

// The short form makes the very servers that the full form makes, and has certificates for the same names.
func TestShortFormIsTheFullForm(t *testing.T) {
	const options = "upstream postgres.internal:5432\nusers /etc/caddy/users.txt\n"
	const withDefault = "tls {\nconnection_policy {\ndefault_sni db.example.com\n}\n}\n"
	for _, test := range []struct{ short, full string }{
		{
			"pgtxn db.example.com:6432 {\n" + options + "}",
			"tls_automate_names db.example.com\nlayer4 {\n:6432 {\nroute {\npgtxn {\n" + options + withDefault + "hostssl\n}\n}\n}\n}",
		},
		{
			"pgtxn db.example.com:6432 db2.example.com:6432 127.0.0.1:6433 {\n" + options + "tls\n}",
			"tls_automate_names db.example.com db2.example.com\nlayer4 {\n:6432 127.0.0.1:6433 {\nroute {\npgtxn {\n" + options + withDefault + "hostssl\n}\n}\n}\n}",
		},
		{
			"pgtxn db.example.com:6432 {\n" + options + "tls {\nconnection_policy {\nalpn x\n}\n}\nhba {\nhost all all all trust\n}\n}",
			"tls_automate_names db.example.com\nlayer4 {\n:6432 {\nroute {\npgtxn {\n" + options +
				"tls {\nconnection_policy {\nalpn x\n}\n}\nhba {\nhost all all all trust\n}\n}\n}\n}\n}",
		},
		{
			"pgtxn 127.0.0.1:6432 [::1]:6432 {\n" + options + "}\npgtxn :6433 {\nupstream b\n}",
			"layer4 {\n127.0.0.1:6432 [::1]:6432 {\nroute {\npgtxn {\n" + options + "}\n}\n}\n:6433 {\nroute {\npgtxn {\nupstream b\n}\n}\n}\n}",
		},
	} {
		short, full := adapted(t, test.short).Apps, adapted(t, test.full).Apps
		if full.Layer4.Servers == nil || !reflect.DeepEqual(short.PgTxn.Servers, full.Layer4.Servers) {
			t.Errorf("%s:\n got %v\nwant %v", test.short, short.PgTxn.Servers, full.Layer4.Servers)
		}
		if !reflect.DeepEqual(short.PgTxn.AutomateNames, full.TLS.Certificates.Automate) {
			t.Errorf("%s: certificates for %q, want %q", test.short, short.PgTxn.AutomateNames, full.TLS.Certificates.Automate)
		}
	}
}

// The option layer4 may stand beside it, before or behind.
func TestShortFormBesideLayer4(t *testing.T) {
	const short, full = "pgtxn :6432 {\nupstream a\n}\n", "layer4 {\n:6433 {\nroute {\npgtxn {\nupstream b\n}\n}\n}\n}\n"
	before, behind := adapted(t, short+full), adapted(t, full+short)
	if !reflect.DeepEqual(before, behind) {
		t.Errorf("the order matters:\n%v\n%v", before, behind)
	}
	if before.Apps.PgTxn.Servers == nil || before.Apps.Layer4.Servers == nil {
		t.Errorf("one of them is lost: %+v", before)
	}
}

func TestShortFormMistakes(t *testing.T) {
	for _, test := range []struct{ globals, want string }{
		{"pgtxn", "pgtxn: expected an address such as db.example.com:6432 behind it, at Caddyfile:2"},
		{"pgtxn {\nupstream a\n}", "pgtxn: expected an address such as db.example.com:6432 behind it, at Caddyfile:2"},
		{"pgtxn db.example.com {\nupstream a\n}", "pgtxn: address 'db.example.com': expected name:port, ip:port, :port or unix//path, such as db.example.com:6432, at Caddyfile:2"},
		{"pgtxn :x {\nupstream a\n}", `pgtxn: address ':x': invalid start port: strconv.ParseUint: parsing "x": invalid syntax, at Caddyfile:2`},
		{"pgtxn a*b:1 {\nupstream a\n}", "pgtxn: address 'a*b:1': there is no certificate for a name such as 'a*b', at Caddyfile:2"},
		{"pgtxn a.example:1 {\nupstream a\n}\npgtxn b.example:1 {\nupstream b\n}", "pgtxn: there is a listener on :1 already; give one block all the names, or another port, at Caddyfile:5"},
		{"pgtxn db.example.com:1 unix//run/pgtxn {\nupstream a\n}", "pgtxn: with a name all clients need TLS, which is not on unix//run/pgtxn: give the socket a block of its own, or write rules with hba, at Caddyfile:2"},
		{"pgtxn :1 {\nupstrem a\n}", "pgtxn: unknown option 'upstrem': did you mean 'upstream'?, at Caddyfile:3"},
	} {
		_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("{\n"+test.globals+"\n}\n"), nil)
		if err == nil || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("%q:\n got %v\nwant …%s", test.globals, err, test.want)
		}
	}
}

// Both forms listen in one configuration; the name gets its certificate, which clients without a name are shown, too;
// and the next configuration takes over.
func TestShortFormServes(t *testing.T) {
	p := prepare(t)
	port, err := pgtest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	options := "upstream UPSTREAM\nauth trust\n"
	short := fmt.Sprintf("pgtxn localhost:%d {\n%s}\n", port, options)
	p.loadCaddyfile(t, caddyfileOf(p.addr, p.globals+short, options))
	p.mustConnect(t, "user=bob sslmode=disable")

	full := p.addr
	p.addr = fmt.Sprintf("127.0.0.1:%d", port)
	p.awaitCertificate(t)
	root := "sslrootcert=" + p.rootCert()
	conn := p.mustConnect(t, "user=bob sslmode=verify-ca sslsni=0 "+root)
	p.addr = fmt.Sprintf("localhost:%d", port)
	p.mustConnect(t, "user=bob sslmode=verify-full "+root)
	if _, err := p.connect(t, "user=bob sslmode=disable"); sqlState(err) != "28000" {
		t.Errorf("without TLS: %v", err)
	}

	p.loadCaddyfile(t, "{\n"+p.globals+short+"}\n")
	p.awaitCertificate(t)
	if got := ask(t, conn, "SELECT 'lives on'"); got != "lives on" {
		t.Error(got)
	}
	p.mustConnect(t, "user=bob sslmode=require")
	p.addr = full
	if _, err := p.connect(t, "user=bob"); err == nil {
		t.Error("the listener that is no longer configured lets clients in")
	}
}

// A configuration whose listener can't be had leaves nothing behind: the one that runs is in force again.
func TestShortFormFails(t *testing.T) {
	p := start(t, "upstream UPSTREAM\npool_size 2\nauth trust")
	p.mustConnect(t, "user=bob sslmode=disable")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := freeAddress(t)
	running := process.newest.Load()
	text := caddyfileOf(p.addr, p.globals+"pgtxn "+free+" "+taken.Addr().String()+" {\nupstream UPSTREAM\npool_size 3\nauth trust\n}\n",
		"upstream UPSTREAM\npool_size 3\nauth trust")
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(strings.ReplaceAll(text, "UPSTREAM", postgres.Addr)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err == nil {
		t.Fatal("it has started")
	}
	if process.newest.Load() != running {
		t.Error("the configuration that failed is the newest")
	}
	if got := poolSize(t, "bob"); got != 2 {
		t.Errorf("pool size %d, want 2 as before", got)
	}
	if conn, err := net.Dial("tcp", free); err == nil {
		conn.Close()
		t.Error("its other listener is still there")
	}
}
