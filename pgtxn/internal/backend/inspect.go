package backend

import "github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"

// What a function did is not in the client's text, so the server is asked: which
// settings are not as they are thought to be, and what else the session holds.
//
// The question names every setting with the value expected, since current_setting
// is cheap and the view pg_settings is not: it costs a millisecond, and is read
// only for what differs. Custom settings are in no list of the server's; their
// names come from the caller, and from the sources of functions.

// The first letter of an answer's name says what it is about.
const (
	IsSet     = '=' // a setting that has another value than expected
	IsDefault = '~' // the same, and the value is not the session's own
	IsNamed   = '?' // a setting that is named in the source of a function
	IsHeld    = '!' // a thing that the session holds, in the words of txn.Pins
	IsChannel = '@' // a channel that the session listens to
	IsTemp    = '%' // the backend has a schema pg_temp
)

const (
	settingsQuery = `SELECT pg_catalog.concat(CASE WHEN (SELECT source FROM pg_catalog.pg_settings WHERE name OPERATOR(pg_catalog.=) n)
 OPERATOR(pg_catalog.<>) 'session' THEN '~' ELSE '=' END, n), now
FROM (SELECT n, v, pg_catalog.current_setting(n, true) AS now FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) AS t(n, v)) AS d
WHERE COALESCE(now OPERATOR(pg_catalog.<>) v, (now IS NULL) OPERATOR(pg_catalog.<>) (v IS NULL))
UNION ALL SELECT '!', 'temporary objects' WHERE CASE WHEN pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.<>) 0::pg_catalog.oid THEN
 EXISTS (SELECT FROM pg_catalog.pg_depend WHERE refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
 AND refobjid OPERATOR(pg_catalog.=) (SELECT pg_catalog.pg_my_temp_schema())) END
 OR pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.~~) '%pg_temp%'
UNION ALL SELECT '%', '' WHERE pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
UNION ALL SELECT pg_catalog.concat('@', c), '' FROM pg_catalog.pg_listening_channels() AS c
UNION ALL SELECT '!', 'session advisory lock' WHERE EXISTS (SELECT FROM pg_catalog.pg_locks
 WHERE locktype OPERATOR(pg_catalog.=) 'advisory' AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())
UNION ALL SELECT '!', 'cursor WITH HOLD' WHERE EXISTS (SELECT FROM pg_catalog.pg_cursors WHERE is_holdable)
UNION ALL SELECT '!', 'SQL PREPARE' WHERE EXISTS (SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql)`

	sourcesQuery = `
UNION ALL SELECT pg_catalog.concat('?', n), pg_catalog.current_setting(n, true) FROM (
 SELECT DISTINCT pg_catalog.lower(m[1]) FROM pg_catalog.pg_proc,
 LATERAL pg_catalog.regexp_matches(prosrc, '([a-z_][a-z0-9_$]*(?:[.][a-z_][a-z0-9_$]*)+)', 'gi') AS m
 WHERE prosrc OPERATOR(pg_catalog.~*) 'set_config|[[:<:]]set[[:>:]]') AS t(n)`
)

// Inspect makes e the exchange that asks for what is not as expected; nil stands
// for a setting that does not exist. Each answer is a row of two columns, see
// IsSet, but ahead of them come the names and values of user and role. With
// sources the functions of the database are searched for more names.
//
// The question is asked as the login's own user, and in its encoding, so the
// answer says nothing of client_encoding; that is reported. For now see Learn.
func (c *Conn) Inspect(e *Exchange, names, expected []*string, now *guc.Set, sources bool) {
	e.reset()
	c.question(e, now, func() {
		c.run(e, ownGet, identity[:2])
		c.run(e, ownSetLocal, identity[:], make([]*string, len(identity)))
		which := ownInspect
		if sources {
			which = ownInspectSources
		}
		c.run(e, which, names, expected)
	})
}

var identity = func() (names [3]*string) {
	for i, name := range [...]string{userVar, roleVar, encodingVar} {
		names[i] = &name
	}
	return names
}()

// Differs says whether the server reports another value than at login.
func (c *Conn) Differs(reported string) (value string, differs bool) {
	now, ok := c.Reported.Get(reported)
	if !ok {
		return "", false
	}
	for _, p := range c.Welcome {
		if p.Name == reported && p.Value != now.Session.Text {
			return now.Session.Text, true
		}
	}
	return now.Session.Text, false
}
