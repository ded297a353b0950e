package pgtxn

import (
	"os"
	"path/filepath"
	"testing"
)

// The placeholders of docs/options.md, in each option that takes them: what logs in is a real client at a real server.
func TestPlaceholders(t *testing.T) {
	startPostgres(t)
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	password := write("password", "alice's secret\n")
	t.Setenv("PGTXN_TEST_SERVER", postgres.Addr)
	t.Setenv("PGTXN_TEST_USER", "alice")
	t.Setenv("PGTXN_TEST_PASSWORD", "alice's secret")
	t.Setenv("PGTXN_TEST_USERS", write("users.txt", `"alice" "alice's secret"`))
	t.Setenv("PGTXN_TEST_DIR", dir)
	t.Setenv("PGTXN_TEST_PEER", "127.0.0.1:1")
	write("root.crt", string(postgres.cert))
	write("client.crt", string(postgres.cert))
	write("client.key", string(postgres.key))
	for name, test := range map[string]struct{ options, login, as string }{
		"upstream_password in the environment": {
			"upstream {env.PGTXN_TEST_SERVER}\nauth trust\nupstream_user {env.PGTXN_TEST_USER}\nupstream_password {env.PGTXN_TEST_PASSWORD}", "user=bob", "alice",
		},
		"upstream_password in a file": {
			"upstream {env.PGTXN_TEST_SERVER}\nauth trust\nupstream_user alice\nupstream_password {file." + password + "}", "user=bob", "alice",
		},
		"users": {
			"upstream {env.PGTXN_TEST_SERVER}\nusers {env.PGTXN_TEST_USERS}", `user=alice password='alice\'s secret'`, "alice",
		},
		"certificates": {
			"upstream {env.PGTXN_TEST_SERVER}\nauth trust\nsslmode verify-ca\nsslrootcert {env.PGTXN_TEST_DIR}/root.crt\n" +
				"sslcert {env.PGTXN_TEST_DIR}/client.crt\nsslkey {env.PGTXN_TEST_DIR}/client.key", "user=carol", "carol",
		},
		"peers": {
			"upstream {env.PGTXN_TEST_SERVER}\nauth trust\npeer_id 1\npeer 2 {env.PGTXN_TEST_PEER}", "user=bob", "bob",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, test.options)
			if user := ask(t, p.mustConnect(t, test.login), "SELECT current_user"); user != test.as {
				t.Errorf("at the server it is %s, want %s", user, test.as)
			}
		})
	}
}
