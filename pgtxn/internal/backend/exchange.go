package backend

import (
	"slices"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/guc"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/wire"
)

// The statements that the proxy runs for itself, prepared on a connection when
// first needed there. Arrays of names and values are unnested in order; the
// form unnest(a, b) is PostgreSQL's own syntax and no function to be shadowed.
const (
	ownBegin = iota
	ownCommit
	ownSet
	ownSetLocal
	ownGet
	ownDefaults
	ownInspect
	ownInspectSources
	ownIdentity
	ownResetAll
	ownCloseAll
	ownUnlisten
	ownDiscardTemp
	ownDiscardSequences
	numOwn
)

var own = [numOwn]struct{ name, sql string }{
	ownBegin:  {"caddy_pgtxn_begin", "BEGIN ISOLATION LEVEL READ COMMITTED"},
	ownCommit: {"caddy_pgtxn_commit", "COMMIT"},
	ownSet: {"caddy_pgtxn_set", "SELECT pg_catalog.set_config(n, v, false)" +
		" FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) AS t(n, v)"},
	ownSetLocal: {"caddy_pgtxn_set_local", "SELECT pg_catalog.set_config(n, v, true)" +
		" FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) AS t(n, v)"},
	ownGet: {"caddy_pgtxn_get", "SELECT n, pg_catalog.current_setting(n, true)" +
		" FROM unnest($1::pg_catalog.text[]) AS t(n)"},
	ownDefaults:       {"caddy_pgtxn_defaults", defaultsQuery},
	ownInspect:        {"caddy_pgtxn_inspect", settingsQuery},
	ownInspectSources: {"caddy_pgtxn_inspect_sources", settingsQuery + sourcesQuery},
	ownIdentity: {"caddy_pgtxn_identity", "SELECT pg_catalog.set_config('session_authorization', NULL, false)," +
		" pg_catalog.set_config('role', NULL, false), pg_catalog.pg_advisory_unlock_all()"},
	ownResetAll:         {"caddy_pgtxn_reset", "RESET ALL"},
	ownCloseAll:         {"caddy_pgtxn_close", "CLOSE ALL"},
	ownUnlisten:         {"caddy_pgtxn_unlisten", "UNLISTEN *"},
	ownDiscardTemp:      {"caddy_pgtxn_temp", "DISCARD TEMP"},
	ownDiscardSequences: {"caddy_pgtxn_sequences", "DISCARD SEQUENCES"},
}

// scrub is DISCARD ALL without what it would cost where clients have prepared
// statements: those stay, and their plans. RESET ALL leaves user and role; it
// comes first because the plan of what follows is made anew where search_path
// differs.
var scrub = [...]int{ownResetAll, ownIdentity, ownCloseAll, ownUnlisten, ownDiscardTemp, ownDiscardSequences}

// Exchange is a conversation that the proxy has with the server for itself:
// the bytes to send, and one letter for each message that will be answered
// (Q, C, P, B, E or S). Its buffers are used again by the next one.
type Exchange struct {
	Bytes   []byte
	Replies []byte
	// Variables is how many variables Apply sets or resets one by one.
	Variables int
}

// Apply makes e the exchange that turns the connection's label into want. With
// dirty, whatever else may have been set in secret is reset first.
//
// It is a transaction of its own and has no Sync, for with one the server would
// send its answers at once, and the proxy would wake up for them. The client's
// message stands behind the COMMIT as if it were the first. If any of it fails,
// the server skips what follows up to a Sync of the client's: the whole batch
// behind it, a simple Query included. A second batch must not be sent before
// the answer.
func (c *Conn) Apply(e *Exchange, want *guc.Set, dirty bool) {
	e.reset()
	c.run(e, ownBegin)
	if dirty {
		for _, which := range scrub {
			c.run(e, which)
		}
		c.Label = nil
	}
	for _, step := range plan(c.Label, want) {
		c.run(e, ownSet, step.names, step.values)
		e.Variables += len(step.names)
	}
	c.run(e, ownCommit)
	c.Label = want
}

// Learn makes e the exchange that asks for the present values of names; each
// answer is a row of name and value. Now are the variables as they are then. The
// values come in the encoding of the login, in which they may be all that the
// server can have: until the Sync it is in force instead of the client's.
func (c *Conn) Learn(e *Exchange, names []*string, now *guc.Set) {
	e.reset()
	c.question(e, now, func() { c.ask(e, names, now) })
}

// LearnStart is Learn ahead of the greeting of a client, with one row more: an
// empty name and the defaults of now, to compare with [Conn.Defaults].
func (c *Conn) LearnStart(e *Exchange, names []*string, now *guc.Set) {
	e.reset()
	c.question(e, now, func() {
		c.ask(e, names, now)
		if c.Defaults != nil {
			c.run(e, ownDefaults)
		}
	})
}

// question ends with a Sync what the server is asked while the session's variables
// are as now says. In a transaction with modes of the session's own that are
// SERIALIZABLE, READ ONLY, DEFERRABLE, the server would wait for a safe snapshot, and
// what the client sends next behind it. Where the third may be so, the transaction
// has modes of ours. If it fails it is open, so the client's next message must not
// be sent before the answer: InQuestion.
func (c *Conn) question(e *Exchange, now *guc.Set, ask func()) {
	v, set := now.Get(deferrableVar)
	c.InQuestion = c.Initial[deferrableVar] == "on" || set && !v.Session.Default
	if c.InQuestion {
		c.run(e, ownBegin)
	}
	ask()
	if c.InQuestion {
		c.run(e, ownCommit)
	}
	e.sync()
}

func (c *Conn) ask(e *Exchange, names []*string, now *guc.Set) {
	if v, set := now.Get(encodingVar); set && !v.Session.Default {
		names = slices.Clone(names)
		if i := slices.IndexFunc(names, func(n *string) bool { return *n == encodingVar }); i >= 0 {
			c.run(e, ownGet, names[i:i+1:i+1])
			names = slices.Delete(names, i, i+1)
		}
		c.run(e, ownSetLocal, []*string{&v.Name}, []*string{nil})
	}
	if len(names) > 0 {
		c.run(e, ownGet, names)
	}
}

// RunInPipeline makes e what runs sql behind other messages of a pipeline.
func (c *Conn) RunInPipeline(e *Exchange, sql string) {
	e.reset()
	e.close(ownStatement) // which an error may have left
	e.Bytes = wire.AppendParse(e.Bytes, ownStatement, sql)
	e.Bytes = wire.AppendBindText(e.Bytes, ownPortal, ownStatement) // the unnamed one is the client's
	e.Bytes = wire.AppendExecute(e.Bytes, ownPortal)
	e.Bytes = wire.AppendClosePortal(e.Bytes, ownPortal)
	e.Replies = append(e.Replies, 'P', 'B', 'E', 'C')
	e.close(ownStatement)
}

const deferrableVar = "default_transaction_deferrable"

// readCommitted stands ahead of what a connection is asked at login, where its
// defaults are the login's own: see question.
const readCommitted = "SET LOCAL transaction_isolation TO 'read committed'; "

const (
	ownPortal    = "caddy_pgtxn_portal"
	ownStatement = "caddy_pgtxn_statement"
)

func (e *Exchange) reset() { e.Bytes, e.Replies, e.Variables = e.Bytes[:0], e.Replies[:0], 0 }

func (e *Exchange) sync() {
	e.Bytes = wire.AppendSync(e.Bytes)
	e.Replies = append(e.Replies, 'S')
}

func (c *Conn) run(e *Exchange, which int, params ...[]*string) {
	if !c.own[which] {
		c.own[which] = true
		if c.unsure {
			e.close(own[which].name)
		}
		e.Bytes = wire.AppendParse(e.Bytes, own[which].name, own[which].sql)
		e.Replies = append(e.Replies, 'P')
	}
	e.Bytes = wire.AppendBindText(e.Bytes, "", own[which].name, params...)
	e.Bytes = wire.AppendExecute(e.Bytes, "")
	e.Replies = append(e.Replies, 'B', 'E')
	if c.bare {
		c.own[which] = false
		e.close(own[which].name)
	}
}

// Who one is decides what one may set, and the encoding how a value is read:
// these variables have a place in the order. Values are kept in the encoding of
// the login, or a client that changes its own would read another text.
const (
	encodingVar = "client_encoding"
	userVar     = "session_authorization"
	roleVar     = "role"
)

// step is one call for several variables; a nil value resets.
type step struct{ names, values []*string }

func (s *step) add(name string, value *string) {
	s.names = append(s.names, &name)
	s.values = append(s.values, value)
}

// plan orders the changes from have to want: back to the login's own user and
// encoding, in which the values are written, then the rest as that user, at last
// the user, the role and the encoding wanted.
func plan(have, want *guc.Set) []step {
	var first, rest, last step
	for _, name := range [...]string{userVar, roleVar, encodingVar} {
		if _, set := have.Get(name); set {
			first.add(name, nil)
		}
		if v, set := want.Get(name); set && !v.Session.Default {
			last.add(name, &v.Session.Text)
		} else if name == roleVar && len(last.names) > 0 {
			last.add(name, nil) // which setting the user has set to none
		}
	}
	for from, to := range guc.Diff(have, want) {
		name, value := to.Name, (*string)(nil)
		if name == "" {
			name = from.Name
		}
		if to.Session != nil && !to.Session.Default {
			value = &to.Session.Text
		}
		switch name {
		case userVar, roleVar, encodingVar:
		default:
			rest.add(name, value)
		}
	}
	var steps []step
	for _, s := range []step{first, rest, last} {
		if len(s.names) > 0 {
			steps = append(steps, s)
		}
	}
	return steps
}
