package backend

// What a function did is not in the client's text, so the server is asked: which
// settings the session has changed, and what else it holds.
//
// The server lists every setting that is not at its start-up value, but no custom
// one, role or session_authorization: those are asked for by name. Names of
// custom ones come with the question, and from the sources of functions.

// The first letter of an answer's name says what it is about.
const (
	IsSetting = '=' // a name that the session may have set, and its value
	IsNamed   = '?' // the same, of a name found in the source of a function
	IsHeld    = '!' // a thing that the session holds, in the words of txn.Pins
)

const (
	settingsQuery = `SELECT pg_catalog.concat('=', name), pg_catalog.current_setting(name) FROM pg_catalog.pg_settings
 WHERE source OPERATOR(pg_catalog.=) 'session'
UNION ALL SELECT pg_catalog.concat('=', n), pg_catalog.current_setting(n, true) FROM unnest($1::pg_catalog.text[]) AS t(n)
UNION ALL SELECT '!', 'temporary objects' WHERE EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())
 OR EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())
 OR EXISTS (SELECT FROM pg_catalog.pg_type WHERE typnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())
UNION ALL SELECT '!', 'LISTEN' WHERE EXISTS (SELECT FROM pg_catalog.pg_listening_channels())
UNION ALL SELECT '!', 'session advisory lock' WHERE EXISTS (SELECT FROM pg_catalog.pg_locks
 WHERE locktype OPERATOR(pg_catalog.=) 'advisory' AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())
UNION ALL SELECT '!', 'cursor WITH HOLD' WHERE EXISTS (SELECT FROM pg_catalog.pg_cursors WHERE is_holdable)
UNION ALL SELECT '!', 'SQL PREPARE' WHERE EXISTS (SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql)`

	sourcesQuery = `
UNION ALL SELECT pg_catalog.concat('?', n), pg_catalog.current_setting(n, true) FROM (
 SELECT DISTINCT pg_catalog.lower(m[1]) FROM pg_catalog.pg_proc,
 LATERAL pg_catalog.regexp_matches(prosrc, '([a-z_][a-z0-9_$]*(?:\.[a-z_][a-z0-9_$]*)+)', 'gi') AS m
 WHERE prosrc OPERATOR(pg_catalog.~*) 'set_config|\mset\M') AS t(n)`
)

// Inspect makes e the exchange that asks for all that the session has changed or
// holds. Each answer is a row of two columns, see IsSetting. Names are of
// settings that the server does not list; with sources the functions of the
// database are searched for more. The values come in the encoding of the login,
// so the answer says nothing of client_encoding, which is reported.
func (c *Conn) Inspect(e *Exchange, names []*string, sources bool) {
	e.reset()
	c.run(e, ownSetLocal, []*string{&encoding}, []*string{nil})
	which := ownInspect
	if sources {
		which = ownInspectSources
	}
	c.run(e, which, names)
	e.sync()
}

var encoding = encodingVar

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
