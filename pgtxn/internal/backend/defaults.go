package backend

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// ALTER ROLE … SET and ALTER DATABASE … SET change what later logins begin with,
// and no connection that exists. A pool has to notice, so that a new client gets
// what a login of its own would: each connection knows what it began with.

// settingsOfLogin are the rows of pg_db_role_setting that a login of this user to
// this database takes its defaults from.
const settingsOfLogin = " FROM pg_catalog.pg_db_role_setting" +
	" WHERE setdatabase OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid," +
	" (SELECT oid FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())])" +
	" AND setrole OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid," +
	" (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) SESSION_USER)])"

// defaultsQuery asks what a login begins with now, in one row: an empty name, and
// a text to compare, in whichever client_encoding. A configuration that was reloaded is no part of it: the
// server applies that to all connections.
const defaultsQuery = "SELECT '', (SELECT pg_catalog.encode(pg_catalog.convert_to(" +
	"COALESCE(pg_catalog.array_agg(setconfig::pg_catalog.text ORDER BY setdatabase, setrole)::pg_catalog.text, '')," +
	" pg_catalog.getdatabaseencoding()), 'hex')" + settingsOfLogin + ")"

// initialQuery goes on with the values of all settings that a session may change:
// those that the server lists, with an asterisk if only a superuser may, and by their
// names role and custom ones.
const initialQuery = " UNION ALL SELECT pg_catalog.concat(n, who), pg_catalog.current_setting(n, true) FROM (" +
	"SELECT pg_catalog.lower(name), CASE context WHEN 'superuser' THEN '*' END FROM pg_catalog.pg_settings" +
	" WHERE context OPERATOR(pg_catalog.=) ANY (ARRAY['user', 'superuser'])" +
	" UNION SELECT pg_catalog.lower(pg_catalog.split_part(pg_catalog.unnest(setconfig), '=', 1)), NULL" + settingsOfLogin +
	" UNION SELECT pg_catalog.unnest(ARRAY['role'%s]), NULL) AS t(n, who)"

// customName is how a custom setting may be called: it needs no quotes.
var customName = regexp.MustCompile(`^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)+$`)

// readDefaults asks a connection that has just logged in with params. If the
// server refuses to answer it has none.
func (c *Conn) readDefaults(params []wire.Param) error {
	names := ""
	settings, _ := (&wire.Startup{Params: params}).Settings()
	for _, set := range settings {
		if customName.MatchString(set.Name) {
			names += ", '" + set.Name + "'"
		}
	}
	query := readCommitted + defaultsQuery + fmt.Sprintf(initialQuery, names)
	if _, err := c.Sock.Write(wire.AppendQuery(nil, query)); err != nil {
		return err
	}
	c.Initial, c.Privileged = map[string]string{}, map[string]bool{}
	for {
		typ, body, err := wire.ReadMessage(c.Sock, maxLoginMessage)
		switch {
		case err != nil:
			return err
		case typ == 'D':
			name, value := twoColumns(body)
			name, privileged := strings.CutSuffix(name, "*")
			if privileged {
				c.Privileged[name] = true
			}
			if name == "" {
				c.Defaults = []byte(value)
			} else if !ofTransaction(name) {
				c.Initial[name] = value
			}
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

// ofTransaction says whether a setting is set anew by each transaction.
func ofTransaction(name string) bool {
	switch name {
	case "transaction_isolation", "transaction_read_only", "transaction_deferrable":
		return true
	}
	return false
}

// twoColumns of a DataRow; NULL is "".
func twoColumns(row []byte) (first, second string) {
	if len(row) < 2 {
		return "", ""
	}
	rest := row[2:]
	for _, column := range []*string{&first, &second} {
		if len(rest) < 4 {
			break
		}
		n := int(int32(binary.BigEndian.Uint32(rest)))
		if rest = rest[4:]; n >= 0 && n <= len(rest) {
			*column, rest = string(rest[:n]), rest[n:]
		}
	}
	return first, second
}
