package backend

import (
	"context"
	"crypto/tls"
	"strconv"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// Probe is what a server says of itself and of who logs in. A limit of -1 is none.
type Probe struct {
	Version        string
	VersionNumber  int    // as server_version_num
	TLS            string // its version, or ""
	Standby        bool
	MaxConnections int // those reserved for others not included
	InUse          int // by clients
	RoleLimit      int // CONNECTION LIMIT of the role; -1 for superusers, whom it does not bind
	DatabaseLimit  int
}

const probeQuery = `SELECT n, v::pg_catalog.text FROM (VALUES
	('version', pg_catalog.current_setting('server_version')),
	('number', pg_catalog.current_setting('server_version_num')),
	('max', pg_catalog.current_setting('max_connections')),
	('reserved', pg_catalog.current_setting('superuser_reserved_connections')),
	('also reserved', pg_catalog.current_setting('reserved_connections', true)), -- since 16
	('standby', pg_catalog.pg_is_in_recovery()::pg_catalog.text),
	('in use', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid())::pg_catalog.text),
	('role', (SELECT CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END FROM pg_catalog.pg_roles WHERE rolname = session_user)::pg_catalog.text),
	('database', (SELECT datconnlimit FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())::pg_catalog.text)
) AS t(n, v)`

// Ask logs in at the servers as user, or as who cfg says, and asks. It takes no
// longer than timeout.
func Ask(ctx context.Context, cfg *Config, timeout time.Duration, user, database string) (*Probe, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := Dial(ctx, cfg, timeout, []wire.Param{{Name: "user", Value: user}, {Name: "database", Value: database}})
	if err != nil {
		return nil, err
	}
	defer c.Sock.Close()
	stop := context.AfterFunc(ctx, func() { c.Sock.Close() })
	defer stop()
	if _, err := c.Sock.Write(wire.AppendQuery(nil, readCommitted+probeQuery)); err != nil {
		return nil, err
	}
	said := map[string]string{}
	for {
		typ, body, err := wire.ReadMessage(c.Sock, maxLoginMessage)
		switch {
		case err != nil:
			return nil, err
		case typ == 'E':
			return nil, &ServerError{Body: body}
		case typ == 'D':
			name, value := twoColumns(body)
			said[name] = value
		case typ == 'Z':
			return newProbe(c, said), nil
		}
	}
}

func newProbe(c *Conn, said map[string]string) *Probe {
	number := func(name string) int {
		n, _ := strconv.Atoi(said[name])
		return n
	}
	p := &Probe{
		Version: said["version"], VersionNumber: number("number"), Standby: said["standby"] == "true",
		MaxConnections: number("max") - number("reserved") - number("also reserved"), InUse: number("in use"),
		RoleLimit: number("role"), DatabaseLimit: number("database"),
	}
	if conn := c.Sock.TLS(); conn != nil {
		p.TLS = tls.VersionName(conn.ConnectionState().Version)
	}
	return p
}
