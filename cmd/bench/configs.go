package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
)

// All contenders reach the server over TCP on 127.0.0.1, as clients reach them, and the poolers hold the same number of
// server connections. TLS is for clients: a pooler ends it and speaks plain TCP to the server, the relays pass it
// through to the server.

// One thread, since PgBouncer has one.
const haproxyConfig = `global
    nbthread 1
    maxconn 5000
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen postgres
    bind 127.0.0.1:{{.Port}}
    server upstream {{.Server.Addr}}
`

const pgbouncerConfig = `[databases]
{{.Database}} = host={{.Server.Host}} port={{.Server.Port}}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {{.Port}}
unix_socket_dir =
pool_mode = transaction
default_pool_size = {{.Pool}}
max_client_conn = 5000
max_prepared_statements = 200
auth_type = trust
auth_file = {{.Folder}}/users.txt
client_tls_sslmode = allow
client_tls_cert_file = {{.Cert}}
client_tls_key_file = {{.Key}}
log_connections = 0
log_disconnections = 0
`

const pgtxnCaddyfile = `{
	admin off
	persist_config off
	skip_install_trust
	layer4 {
		127.0.0.1:{{.Port}} {
			route {
				pgtxn {
					upstream {{.Server.Addr}}
					pool_size {{.Pool}}
					auth trust
					tls
				}
			}
		}
	}
}
https://127.0.0.1:{{.SitePort}} { # a site, to have the certificate loaded
	tls {{.Cert}} {{.Key}}
}
`

const relayCaddyfile = `{
	admin off
	persist_config off
	skip_install_trust
	layer4 {
		127.0.0.1:{{.Port}} {
			route {
				proxy {{.Server.Addr}}
			}
		}
	}
}
`

// write fills a configuration's template and writes it to a file in folder.
func (b *bench) write(folder, name, text string, port int) (string, error) {
	t, err := template.New(name).Parse(text)
	if err != nil {
		return "", err
	}
	site, err := pgtest.FreePort()
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Port": port, "Pool": b.opt.pool, "Server": b.server, "Database": database,
		"Folder": folder, "Cert": b.certFile(), "Key": b.keyFile(), "SitePort": site,
	})
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, name)
	return path, os.WriteFile(path, out.Bytes(), 0o644)
}

func (b *bench) haproxy(ctx context.Context, p *peers) (contender, error) {
	version, err := firstLine(ctx, p.command("haproxy", "-v")...)
	version, _, _ = strings.Cut(version, " - ")
	return contender{
		name: "haproxy", version: version, signal: "TERM",
		configure: func(folder string, port int) ([]string, error) {
			path, err := b.write(folder, "haproxy.cfg", haproxyConfig, port)
			return p.command("haproxy", "-db", "-f", path), err
		},
	}, err
}

func (b *bench) pgbouncer(ctx context.Context, p *peers) (contender, error) {
	version, err := firstLine(ctx, p.command("pgbouncer", "--version")...)
	return contender{
		name: "pgbouncer", version: version, signal: "QUIT",
		configure: func(folder string, port int) ([]string, error) {
			users := fmt.Sprintf("%q \"\"\n", b.server.Superuser)
			if err := os.WriteFile(filepath.Join(folder, "users.txt"), []byte(users), 0o644); err != nil {
				return nil, err
			}
			path, err := b.write(folder, "pgbouncer.ini", pgbouncerConfig, port)
			argv := []string{path}
			if os.Geteuid() == 0 { // it refuses to stay root
				argv = append([]string{"-u", "nobody"}, argv...)
			}
			return p.command("pgbouncer", argv...), err
		},
	}, err
}

// caddy builds this checkout's Caddy, once, and runs it with the Caddyfile.
func (b *bench) caddy(ctx context.Context, name, caddyfile string) (contender, error) {
	binary := filepath.Join(b.dir, "caddy-pgtxn")
	if _, err := os.Stat(binary); err != nil {
		mod, err := firstLine(ctx, "go", "env", "GOMOD")
		if err != nil {
			return contender{}, err
		}
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/caddy-pgtxn")
		build.Dir = filepath.Dir(mod)
		if out, err := build.CombinedOutput(); err != nil {
			return contender{}, fmt.Errorf("go build ./cmd/caddy-pgtxn: %w\n%s", err, out)
		}
	}
	version, err := firstLine(ctx, binary, "version")
	return contender{
		name: name, version: "Caddy " + version, signal: "QUIT",
		configure: func(folder string, port int) ([]string, error) {
			path, err := b.write(folder, "Caddyfile", caddyfile, port)
			return []string{binary, "run", "--config", path, "--adapter", "caddyfile"}, err
		},
	}, err
}

func firstLine(ctx context.Context, argv ...string) (string, error) {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line, nil
}
