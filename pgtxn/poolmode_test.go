package pgtxn

import (
	"strings"
	"testing"

	caddycaddyfile "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// The user's mode goes before the database's, and that before the handler's.
func TestSessionMode(t *testing.T) {
	h := &Handler{
		PoolMode:          "session",
		PoolModeUsers:     map[string]string{"web": "transaction", "cron": "session"},
		PoolModeDatabases: map[string]string{"shop": "transaction", "reports": "session"},
	}
	for _, test := range []struct {
		user, database string
		want           bool
	}{
		{"other", "other", true},
		{"other", "shop", false},
		{"other", "reports", true},
		{"web", "reports", false},
		{"cron", "shop", true},
	} {
		if got := h.sessionMode(test.user, test.database); got != test.want {
			t.Errorf("%s in %s: %t", test.user, test.database, got)
		}
	}
	if new(Handler).sessionMode("a", "b") {
		t.Error("the default is transaction")
	}
}

// What is wrong with options of several arguments.
func TestCaddyfileOfPeersAndModes(t *testing.T) {
	for _, test := range []struct{ option, want string }{
		{"pool_mode statement", "pgtxn: option 'pool_mode': expected one of transaction, session, not 'statement'"},
		{"pool_mode session {\nuser a\n}", "option 'user' takes 2 arguments, not 1: user <name> transaction|session"},
		{"pool_mode session {\nuser a on\n}", "the mode of a: unknown 'on'; use one of transaction, session"},
		{"pool_mode session {\nuser a session\nuser a session\n}", "a has a mode already"},
		{"peer_id 0", "expected a whole number from 1, not '0'"},
		{"peer one 127.0.0.1:1", "expected the number of the instance, not 'one'"},
		{"peer 1 a:1\npeer 1 b:1", "1 has an address already"},
	} {
		err := new(Handler).UnmarshalCaddyfile(caddycaddyfile.NewTestDispenser("pgtxn {\n" + test.option + "\n}"))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.option, err, test.want)
		}
	}
}
