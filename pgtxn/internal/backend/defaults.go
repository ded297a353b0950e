package backend

import (
	"bytes"
	"encoding/binary"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// ALTER ROLE … SET and ALTER DATABASE … SET change what later logins begin with,
// and no connection that exists. A pool has to notice, so that a new client gets
// what a login of its own would: each connection knows what it began with.

// defaultsQuery asks what a login of this user to this database begins with now,
// in one row: an empty name, and a text to compare. A configuration that was
// reloaded is no part of it: the server applies that to all connections.
const defaultsQuery = "SELECT '', (SELECT COALESCE(pg_catalog.array_agg(setconfig::pg_catalog.text ORDER BY setdatabase, setrole)::pg_catalog.text, '')" +
	" FROM pg_catalog.pg_db_role_setting" +
	" WHERE setdatabase OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid," +
	" (SELECT oid FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())])" +
	" AND setrole OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid," +
	" (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) SESSION_USER)]))"

// readDefaults asks a connection that has just logged in. If the server refuses
// to answer there are none.
func (c *Conn) readDefaults() error {
	if _, err := c.Sock.Write(wire.AppendQuery(nil, defaultsQuery)); err != nil {
		return err
	}
	for {
		typ, body, err := wire.ReadMessage(c.Sock, maxLoginMessage)
		switch {
		case err != nil:
			return err
		case typ == 'D':
			c.Defaults = secondColumn(body)
		case typ == 'S':
			err = c.reportedAtLogin(body)
		case typ == 'Z':
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// secondColumn of a DataRow whose first is empty.
func secondColumn(row []byte) []byte {
	const head = 2 + 4 + 4 // number of columns, two lengths
	if len(row) < head {
		return nil
	}
	value := row[head:]
	if n := int(binary.BigEndian.Uint32(row[head-4:])); n <= len(value) {
		return bytes.Clone(value[:n])
	}
	return nil
}
