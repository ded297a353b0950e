package pgtest

import (
	"fmt"
	"strings"
)

// An Option changes how a server is set up.
type Option func(*config)

type config struct {
	hba                []string
	settings           []string
	cert, key, clientC []byte
	restartable        bool
	primary            *Server // of a standby
}

// HBA replaces the lines of pg_hba.conf for TCP and for the Unix socket; without it, everyone is trusted. The superuser
// can always come in through the Unix socket without a password, so that a test can create its roles.
func HBA(lines ...string) Option {
	return func(c *config) { c.hba = lines }
}

// Setting is a line for postgresql.conf. Later ones win, also over those that pgtest sets itself.
func Setting(name, value string) Option {
	return func(c *config) { c.settings = append(c.settings, setting(name, value)) }
}

// TLS turns TLS on with this certificate chain and key, in PEM. A clientCA, which may be nil, is what certificates of
// clients are checked against.
func TLS(cert, key, clientCA []byte) Option {
	return func(c *config) { c.cert, c.key, c.clientC = cert, key, clientCA }
}

// setting quotes as guc-file.l reads it: quotes doubled, and backslashes too, which it takes for escapes.
func setting(name, value string) string {
	return fmt.Sprintf("%s = '%s'", name, strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(value))
}

// hbaFile is the whole text of pg_hba.conf.
func (c *config) hbaFile() string {
	lines := c.hba
	if lines == nil {
		lines = []string{
			"local all all trust",
			"host all all 127.0.0.1/32 trust",
			"local replication all trust",
			"host replication all 127.0.0.1/32 trust",
		}
	}
	return "local all " + Superuser + " trust\n" + strings.Join(lines, "\n") + "\n"
}

// confFile is what is added to the postgresql.conf that initdb wrote.
func (c *config) confFile(port int, socketDir string) string {
	lines := []string{
		setting("listen_addresses", "127.0.0.1"),
		setting("port", fmt.Sprint(port)),
		setting("unix_socket_directories", socketDir),
		setting("fsync", "off"),
		setting("synchronous_commit", "off"),
		setting("full_page_writes", "off"),
		setting("max_connections", "200"),
		setting("max_prepared_transactions", "20"),
		setting("wal_level", "logical"),
		setting("timezone", "UTC"),
		setting("log_timezone", "UTC"),
		setting("log_line_prefix", "%m [%p] %q%u@%d %a "),
	}
	if c.cert != nil {
		lines = append(lines, setting("ssl", "on"))
	}
	if c.clientC != nil {
		lines = append(lines, setting("ssl_ca_file", clientCAFile))
	}
	return "\n" + strings.Join(append(lines, c.settings...), "\n") + "\n"
}

// Files of the data folder: the first two are where PostgreSQL looks by itself.
const (
	certFile     = "server.crt"
	keyFile      = "server.key"
	clientCAFile = "client-ca.crt"
)

// files returns what goes into the data folder besides what initdb made, by name.
func (c *config) files() map[string][]byte {
	files := map[string][]byte{"pg_hba.conf": []byte(c.hbaFile())}
	for name, content := range map[string][]byte{certFile: c.cert, keyFile: c.key, clientCAFile: c.clientC} {
		if content != nil {
			files[name] = content
		}
	}
	return files
}
