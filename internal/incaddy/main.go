// Package incaddy is what tests that have Caddy in them share: in their process, or with their binary as the caddy command.
package incaddy

import (
	"fmt"
	"os"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// AsCaddy is the environment variable with which a test's binary is the caddy
// command, for tests that need a process of its own.
const AsCaddy = "PGTXN_TEST_AS_CADDY"

// Main is what a package's TestMain does: what Caddy keeps goes into a folder that
// is removed at the end, behind stop.
func Main(m *testing.M, stop func()) {
	if os.Getenv(AsCaddy) != "" {
		caddycmd.Main()
		return
	}
	os.Exit(run(m, stop))
}

func run(m *testing.M, stop func()) int {
	home, err := os.MkdirTemp("", "incaddy-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "a folder for Caddy:", err)
		return 1
	}
	defer os.RemoveAll(home)
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"} {
		os.Setenv(name, home)
	}
	defer stop()
	return m.Run()
}
