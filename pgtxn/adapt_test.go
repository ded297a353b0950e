package pgtxn

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile" // the adapter
	_ "github.com/mholt/caddy-l4/layer4"                          // the global option

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
)

func TestAdapt(t *testing.T) { incaddy.Adapt(t) }

// No field of the handler is missing in the Caddyfile, or in its golden file.
func TestAdaptHasAllFields(t *testing.T) {
	_, json := incaddy.Golden(t, "testdata/adapt/options.caddytest")
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Handler]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.IsExported() && !strings.Contains(json, `"`+name+`": `) {
			t.Errorf("%s (%s) is not in options.caddytest", field.Name, name)
		}
	}
}

// caddyfileOf is a Caddyfile with these options of the handler, one on a line;
// the first is in line 6.
func caddyfileOf(listen, globals, options string) string {
	return fmt.Sprintf("{\n%slayer4 {\n%s {\nroute {\npgtxn {\n%s\n}\n}\n}\n}\n}\n", globals, listen, options)
}

// What a person sees for a mistake in the block. The parser's own messages are
// tested in package caddyfile: here it is that all options go through it.
func TestCaddyfileMistakes(t *testing.T) {
	for _, test := range []struct{ options, want string }{
		{"upstrem 127.0.0.1:5432", "pgtxn: unknown option 'upstrem': did you mean 'upstream'?, at Caddyfile:6"},
		{"upstream", "pgtxn: option 'upstream' takes 1 argument or more, not 0: upstream <address...>, at Caddyfile:6"},
		{"upstream a\npool_size 4\npool_size 5", "pgtxn: option 'pool_size' is here for the second time, the first is in line 7, at Caddyfile:8"},
		{"pool_size many", "pgtxn: option 'pool_size': expected a whole number from 1, not 'many', at Caddyfile:6"},
		{"sslmode on", "pgtxn: option 'sslmode': expected one of disable, prefer, require, verify-ca, verify-full, not 'on', at Caddyfile:6"},
		{"auth ldap", "pgtxn: option 'auth': unknown method 'ldap'; use one of trust, reject, scram-sha-256, md5, password, cert, at Caddyfile:6"},
		{"auth", "pgtxn: option 'auth' takes 1 argument or more, not 0: auth <method> [<option>...], at Caddyfile:6"},
		{"hba all", "pgtxn: option 'hba': unexpected 'all': its lines go into a block, at Caddyfile:6"},
		{"hba {\nlocal all all trust\nhost all all trust\n}", "pgtxn: option 'hba': address 'trust': want all, or a CIDR such as 10.0.0.0/8; names of hosts, samehost and samenet are not supported, at Caddyfile:8"},
		{"hba {\n}", "pgtxn: option 'hba': there is no line in its block, at Caddyfile:6"},
		{"user_map {\nm a\n}", "pgtxn: option 'user_map': want three words, map, name in the certificate, user; not 'm a', at Caddyfile:7"},
		{"max_failed_logins few", "pgtxn: option 'max_failed_logins': expected a whole number from 0, not 'few', at Caddyfile:6"},
		{"wait_timeout 30", "pgtxn: option 'wait_timeout': expected a duration with its unit, such as 500ms, 30s, 10m, 1h or 1d, not '30', at Caddyfile:6"},
		{"connect_timeout 0", "pgtxn: option 'connect_timeout': expected a duration longer than 0, at Caddyfile:6"},
		{"max_statement huge", "pgtxn: option 'max_statement': expected a number of bytes such as 65536, 64KiB or 16MiB, not 'huge', at Caddyfile:6"},
		{"hostssl on", "pgtxn: option 'hostssl' takes no argument, not 1: hostssl, at Caddyfile:6"},
		{"tls on", "pgtxn: option 'tls' takes no argument, not 1: tls { … }, at Caddyfile:6"},
		{"tls {\nconnection_polcy\n}", "tls: unknown option 'connection_polcy': did you mean 'connection_policy'?, at Caddyfile:7"},
		{"tls {\nconnection_policy {\nnonsense\n}\n}", "at Caddyfile:8"},
	} {
		_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfileOf(":6432", "", test.options)), nil)
		if err == nil {
			t.Errorf("%q: no error, want %s", test.options, test.want)
		} else if !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("%q:\n got %s\nwant …%s", test.options, err, test.want)
		}
	}
}
