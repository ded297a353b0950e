package pgtxn

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/testca"
)

// validate does what `caddy validate` does with handlers of these options, in
// JSON, one on each route.
func validate(t *testing.T, handlers ...string) error {
	t.Helper()
	var routes []string
	for _, options := range handlers {
		routes = append(routes, `{"handle": [{"handler": "pgtxn", `+options+`}]}`)
	}
	server := `{"servers": {"s": {"listen": ["127.0.0.1:0"], "routes": [` + strings.Join(routes, ",") + `]}}}`
	cfg := &caddy.Config{AppsRaw: caddy.ModuleMap{"layer4": json.RawMessage(server)}}
	return caddy.Validate(cfg)
}

// What a person sees for each configuration that can't be right.
func TestProvisionErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := testca.SelfSigned(t)
	_, otherKey := testca.SelfSigned(t)
	file("cert", string(cert))
	file("key", string(key))
	file("other", string(otherKey))
	file("text", "no certificate")
	file("users", "\"alice\" \"secret\"\n")
	file("twice", "\"alice\" \"secret\"\n; comment\n\"alice\" \"secret\"\n")
	t.Setenv("PGTXN_TEST_VERIFIER", "SCRAM-SHA-256$4096:c2FsdA==$"+
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	const up, trust = `"upstreams": ["127.0.0.1:5432"]`, `, "auth": "trust"`
	for _, test := range []struct{ options, want string }{
		{`"auth": "trust"`, "upstream: there is none; name at least one server, such as 127.0.0.1:5432"},
		{up + `, "auth": "ldap"`, "auth: unknown method 'ldap'; use one of trust, reject, scram-sha-256, md5, password, cert"},
		{up + `, "auth": "cert map=m"`, "auth: map=m: user_map has no line of a map with this name"},
		{up + `, "hba": ["hostssl all all all cert map=m"]`, "hba: map=m: user_map has no line of a map with this name"},
		{up, "auth: passwords take the option users, the file to check clients against, or auth_user; or let in everybody with trust"},
		{up + `, "hba": ["local all all trust", "hostssl all all all md5"]`, "hba: passwords take the option users, the file to check clients against, or auth_user; or let in everybody with trust"},
		{up + `, "hba": ["local all all trust", "host all all trust"]`, "hba: line 2: address 'trust': want all, or a CIDR such as 10.0.0.0/8; names of hosts, samehost and samenet are not supported"},
		{up + `, "hba": ["host all +staff all trust"]`, "hba: +role and samerole take auth_user, who asks the server for the members of a role"},
		{up + `, "custom_settings": "mine"` + trust, "custom_settings: unknown 'mine'; use one of own, shared"},
		{up + `, "listen": "often"` + trust, "listen: unknown 'often'; use one of shared, pin"},
		{up + trust + `, "hba": ["local all all trust"]`, "hba: it takes the place of auth and hostssl; leave those out, and write the method and hostssl into its lines"},
		{up + trust + `, "user_map": ["m a"]`, "user_map: line 1: want three words, map, name in the certificate, user; not 'm a'"},
		{up + trust + `, "user_map": ["m a +staff"]`, "user_map: +role takes auth_user, who asks the server for the members of a role"},
		{up + trust + `, "max_failed_logins": -1`, "max_failed_logins: -1 is less than 0; leave it out for the default"},
		{up + trust + `, "auth_query": "SELECT 1"`, "auth_query, auth_dbname: they take auth_user, who asks"},
		{up + trust + `, "upstream_password": "x"`, "upstream_password: it takes upstream_user, whose password it is; passwords of several users go into the users file"},
		{up + trust + `, "sslmode": "on"`, "sslmode: unknown 'on'; use one of disable, prefer, require, verify-ca, verify-full"},
		{up + trust + `, "sslrootcert": "DIR/cert"`, "sslrootcert: sslmode prefer does not check certificates; use verify-full, or verify-ca if the server's name is not in its certificate"},
		{up + trust + `, "sslcert": "DIR/cert"`, "sslcert and sslkey: give both or none, the key belongs to the certificate"},
		{up + trust + `, "sslmode": "disable", "sslcert": "DIR/cert", "sslkey": "DIR/key"`, "sslcert: sslmode disable does not use TLS; use verify-full or another"},
		{`"upstreams": ["127.0.0.1:5432"], "auth": "trust", "sslset": "main", "sslmode": "disable"`, "sslset: sslmode disable does not use TLS; use verify-full or another"},
		{`"upstreams": ["127.0.0.1:5432"], "auth": "trust", "sslset": "main", "sslrootcert": "DIR/cert", "sslmode": "verify-full"`, "sslset: it takes the place of sslrootcert, sslcert and sslkey; leave those out"},
		{up + trust + `, "pool_size": -1`, "pool_size: -1 is less than 0; leave it out for the default"},
		{up + trust + `, "max_statement": -1`, "max_statement: -1 is less than 0; leave it out for the default"},
		{up + trust + `, "wait_timeout": -1000000000`, "wait_timeout: -1s is less than 0; leave it out for the default"},
		{up + trust + `, "login_timeout": "-1s"`, "login_timeout: -1s is less than 0; leave it out for the default"},
		{up + trust + `, "target_session_attrs": "master"`, "target_session_attrs: unknown 'master'; use one of any, read-write, read-only, primary, standby, prefer-standby"},
		{up + trust + `, "load_balance_hosts": "on"`, "load_balance_hosts: unknown 'on'; use one of disable, random"},
		{up + trust + `, "health_interval": "-1s"`, "health_interval: -1s is less than 0; leave it out for the default"},
		{up + trust + `, "tcp_keepalives_idle": "100ms"`, "tcp_keepalives_idle: 100ms is not between 1s and 9h6m7s"},
		{up + trust + `, "tcp_keepalives_count": 200`, "tcp_keepalives_count: 200 is not a number from 1 to 127"},
		{up + trust + `, "tcp_user_timeout": "-1s"`, "tcp_user_timeout: -1s is not between 1ms and 596h31m23.647s"},
		{up + trust + `, "peer_id": 128`, "peer_id: 128 is not a number from 1 to 127"},
		{up + trust + `, "peers": {"2": "b:6432"}`, "peer: it takes peer_id, the number of this instance"},
		{up + trust + `, "peer_id": 1, "peers": {"200": "b:6432"}`, "peer: 200 is not a number from 1 to 127"},
		{up + trust + `, "peer_id": 1, "peers": {"2": "b:port"}`, "peer: 'b:port' is not host:port and not the path of a Unix socket"},
		{up + trust + `, "pool_mode": "statement"`, "pool_mode: unknown 'statement'; use one of transaction, session"},
		{up + trust + `, "pool_mode_users": {"u": "statement"}`, "pool_mode: unknown 'statement'; use one of transaction, session"},
		{up + trust + `, "poolsize": 3`, `json: unknown field "poolsize"`},

		{up + `, "users": "DIR/missing"`, "users: stat DIR/missing: no such file or directory"},
		{up + `, "users": "DIR/twice"`, "users: DIR/twice: line 3: the user is in the list twice"},
		{up + `, "users": "{env.PGTXN_TEST_UNSET}"`, "users: evaluated placeholder {env.PGTXN_TEST_UNSET} is empty"},
		{up + trust + `, "sslmode": "verify-full", "sslrootcert": "DIR/missing"`, "sslrootcert: open DIR/missing: no such file or directory"},
		{up + trust + `, "sslmode": "verify-full", "sslrootcert": "DIR/text"`, "sslrootcert: DIR/text has no certificate in PEM form"},
		{up + trust + `, "sslcert": "DIR/cert", "sslkey": "DIR/missing"`, "sslkey: open DIR/missing: no such file or directory"},
		{up + trust + `, "sslcert": "DIR/cert", "sslkey": "DIR/other"`, "sslcert DIR/cert with sslkey DIR/other: tls: private key does not match public key"},
		{up + trust + `, "upstream_user": "app", "upstream_password": "{env.PGTXN_TEST_UNSET}"`, "upstream_password: evaluated placeholder {env.PGTXN_TEST_UNSET} is empty"},
		{up + trust + `, "upstream_user": "app", "upstream_password": "{env.PGTXN_TEST_VERIFIER}"`, "upstream_password: this is a SCRAM verifier, and it takes the password itself to log in"},
		{up + trust + `, "upstream_user": "{nonsense}"`, "upstream_user: unrecognized placeholder {nonsense}"},
		{`"upstreams": ["udp/127.0.0.1:5432"]` + trust, "upstream: 'udp/127.0.0.1:5432' is not host:port and not the path of a Unix socket"},
		{`"upstreams": ["127.0.0.1:postgres"]` + trust, "upstream: '127.0.0.1:postgres' is not host:port and not the path of a Unix socket"},
		{`"upstreams": [":5432"]` + trust, "upstream: ':5432' is not host:port and not the path of a Unix socket"},
		{`"upstreams": ["unix/run/pg"]` + trust, "upstream: the path of a Unix socket begins with a slash, 'run/pg' does not"},
		{`"upstreams": ["unix/DIR"]` + trust, "upstream: DIR is a folder; name the socket in it, such as DIR/.s.PGSQL.5432"},
	} {
		err := validate(t, strings.ReplaceAll(test.options, "DIR", dir))
		if want := strings.ReplaceAll(test.want, "DIR", dir); err == nil {
			t.Errorf("%s: no error, want %s", test.options, want)
		} else if !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("%s:\n got %s\nwant …: %s", test.options, err, want)
		}
	}
	err := validate(t, strings.ReplaceAll(up+`, "users": "DIR/users", "sslcert": "DIR/cert", "sslkey": "DIR/key"`, "DIR", dir))
	if err != nil {
		t.Errorf("a right configuration: %v", err)
	}
}

// Handlers that share pools must agree on them; others need not.
func TestSharedPools(t *testing.T) {
	const a, b = `"auth": "trust", "upstreams": ["127.0.0.1:5432"]`, `"auth": "trust", "upstreams": ["127.0.0.1:5433"]`
	for _, test := range []struct{ first, second, want string }{
		{a, a, ""},
		{a + `, "pool_size": 20`, a, ""},
		{a + `, "max_statement": 100`, a, ""},
		{a + `, "pool_size": 4`, b, ""},
		{a + `, "pool_size": 4`, a + `, "upstream_user": "app"`, ""},
		{a + `, "pool_size": 4`, a, "pool_size: another pgtxn handler shares the pools of 127.0.0.1:5432, with another value; give both the same"},
		{a + `, "wait_timeout": "1s"`, a, "wait_timeout: another"},
		{a + `, "idle_timeout": "1s"`, a, "idle_timeout: another"},
		{a + `, "max_lifetime": "1s"`, a, "max_lifetime: another"},
		{a + `, "connect_timeout": "1s"`, a, "connect_timeout: another"},
		{a + `, "health_interval": "1s"`, a, "health_interval: another"},
		{a + `, "max_pinned": 1`, a, "max_pinned: another"},
		{a + `, "pin_timeout": "1s"`, a, "pin_timeout: another"},
	} {
		err := validate(t, test.first, test.second)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s and %s: %v; want %q", test.first, test.second, err, test.want)
		}
	}
}

func TestDialAddress(t *testing.T) {
	for option, want := range map[string]string{
		"127.0.0.1:5433":          "127.0.0.1:5433",
		"db.example":              "db.example:5432",
		"tcp/db.example:1":        "db.example:1",
		"[::1]:5433":              "[::1]:5433",
		"::1":                     "[::1]:5432",
		"unix//run/.s.PGSQL.5432": "/run/.s.PGSQL.5432",
		"/run/.s.PGSQL.5432":      "/run/.s.PGSQL.5432",
		"unix/@abstract":          "@abstract",
	} {
		if got, err := dialAddress("upstream", option); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", option, got, err, want)
		}
	}
}

// Pools are the same as long as servers, TLS and login are.
func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	root := func(name string) string {
		cert, _ := testca.SelfSigned(t)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, cert, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	copied := root("copied")
	first := root("first")
	text, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, text, 0o600); err != nil {
		t.Fatal(err)
	}
	identity := func(h Handler) string {
		t.Helper()
		_, id, err := h.upstream(new(directory))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	verify := Handler{Upstreams: []string{"a"}, SSLMode: "verify-full", SSLRootCert: first}
	for _, test := range []struct {
		name  string
		a, b  Handler
		equal bool
	}{
		{"sizes", Handler{Upstreams: []string{"a"}}, Handler{Upstreams: []string{"a:5432"}, PoolSize: 3, MaxStatement: 5}, true},
		{"default sslmode", Handler{Upstreams: []string{"a"}}, Handler{Upstreams: []string{"a"}, SSLMode: "prefer"}, true},
		{"password", Handler{UpstreamUser: "u"}, Handler{UpstreamUser: "u", UpstreamPassword: "p"}, true},
		{"users of clients only", Handler{UpstreamUser: "u", Users: "f"}, Handler{UpstreamUser: "u"}, true},
		{"copied file", verify, Handler{Upstreams: []string{"a"}, SSLMode: "verify-full", SSLRootCert: copied}, true},
		{"server", Handler{Upstreams: []string{"a"}}, Handler{Upstreams: []string{"b"}}, false},
		{"order", Handler{Upstreams: []string{"a", "b"}}, Handler{Upstreams: []string{"b", "a"}}, false},
		{"attributes", Handler{TargetSessionAttrs: "primary"}, Handler{TargetSessionAttrs: "standby"}, false},
		{"any", Handler{TargetSessionAttrs: "any"}, Handler{HealthInterval: 1}, true},
		{"sslmode", Handler{SSLMode: "disable"}, Handler{}, false},
		{"user", Handler{UpstreamUser: "u"}, Handler{}, false},
		{"users file", Handler{Users: "f"}, Handler{Users: "g"}, false},
		{"file", verify, Handler{Upstreams: []string{"a"}, SSLMode: "verify-full", SSLRootCert: root("other")}, false},
	} {
		if got := identity(test.a) == identity(test.b); got != test.equal {
			t.Errorf("%s: equal is %t", test.name, got)
		}
	}
}

// A set that is not there is noticed when the configuration is loaded, not by the
// first client. The configuration of before goes on.
func TestMissingSet(t *testing.T) {
	const options, sets = "upstream UPSTREAM\nauth trust\nsslmode require\n", "tlsreload {\nset main {\nself_signed localhost\n}\nset other {\nself_signed localhost\n}\n}"
	p := start(t, options+"sslset main\n", sets)
	for _, test := range []struct{ globals, sslset, want string }{
		{sets, "mian", "sslset: tlsreload has no set 'mian'; use one of main, other"},
		{"", "main", "sslset: there is no app tlsreload with the set 'main'"},
	} {
		err := tryCaddyfile(t, caddyfileOf(p.addr, strings.Replace(p.globals, sets, test.globals, 1), options+"sslset "+test.sslset+"\n"))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v; want %q", err, test.want)
		}
	}
	if got := get[map[string]any](t, p, "/tlsreload/status"); got == nil {
		t.Error("the configuration of before is gone")
	}
}
