package walk

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// A said is one statement, before it is known in which messages it travels.
type said struct {
	sql  string
	args []string // for $1, $2, …
}

// A speaker says statements. It follows roughly what they lead to, so that they don't all fail and walks get deep.
type speaker struct {
	*rand.Rand
	open   bool     // in a transaction
	broken bool     // which is aborted
	names  []string // savepoints
	gids   []string // prepared transactions
	lists  bool     // has a start-up value that is a list: behind its RESET it is too late to choose a transaction's modes
	humble bool     // is no superuser, and never uses a superuser's role to set what only a superuser may
}

func (r *speaker) of(texts ...string) string { return texts[r.IntN(len(texts))] }

// one says that something is so once in n times.
func (r *speaker) one(n int) bool { return r.IntN(n) == 0 }

// modes are what must be ahead of all queries of a transaction.
var modes = regexp.MustCompile(`(?i)transaction_|isolation|deferrable|\bread\b`)

// statement says the next one that this speaker may say.
func (r *speaker) statement() said {
	for {
		x := r.next()
		if r.lists && modes.MatchString(x.sql) || r.humble && strings.Contains(x.sql, "log_min_") {
			continue
		}
		return x
	}
}

// next says what comes next.
func (r *speaker) next() said {
	n := r.IntN(100)
	switch {
	case r.broken && n < 60:
		return r.leaveBroken()
	case !r.open && n < 22:
		return r.begin()
	case r.open && n < 30:
		return r.savepoint()
	case r.open && n < 38:
		return r.end()
	case n < 40:
		return r.rare()
	case n < 60:
		return r.set()
	case n < 68:
		return r.hide()
	case n < 75:
		return r.reset()
	case n < 92:
		return r.question()
	case n < 97:
		return r.mistake()
	}
	return r.anything()
}

// anything is said without a thought whether it is allowed.
func (r *speaker) anything() said {
	switch r.IntN(4) {
	case 0:
		return r.begin()
	case 1:
		return r.end()
	default:
		return r.savepoint()
	}
}

func (r *speaker) begin() said {
	r.open, r.broken, r.names = true, false, nil
	how := r.of("", "", "", " ISOLATION LEVEL REPEATABLE READ", " READ ONLY", " READ WRITE, ISOLATION LEVEL SERIALIZABLE", " READ WRITE NOT DEFERRABLE")
	return r.spell(r.of("BEGIN", "BEGIN", "BEGIN WORK", "BEGIN TRANSACTION", "START TRANSACTION") + how)
}

func (r *speaker) chain() string {
	and := r.of("", "", "", " AND NO CHAIN", " AND CHAIN")
	r.open, r.broken, r.names = and == " AND CHAIN", false, nil
	return and
}

func (r *speaker) end() said {
	word := r.of("COMMIT", "COMMIT", "END", "ROLLBACK", "ABORT")
	if r.one(8) {
		return r.prepareTransaction()
	}
	return r.spell(word + r.of("", "", " WORK", " TRANSACTION") + r.chain())
}

func (r *speaker) prepareTransaction() said {
	gid := r.of("walk_1", "walk_2")
	r.open, r.broken, r.names = false, false, nil
	r.gids = append(r.gids, gid)
	return r.spell("PREPARE TRANSACTION '" + gid + "'")
}

// leaveBroken ends an aborted transaction, or the part of it that is.
func (r *speaker) leaveBroken() said {
	if len(r.names) > 0 && !r.one(3) {
		r.broken = false
		return r.spell(r.rollbackTo(r.of(r.names...)))
	}
	return r.end()
}

// spellings of savepoint names; the first four are two.
var spellings = []string{"a", "A", `"a"`, "b", `"A"`, "savepoint", "work", `"a b""c;--"`, `U&"\0061"`, "é", strings.Repeat("long_", 13)}

func (r *speaker) name() string {
	if r.one(3) {
		return r.of(spellings...)
	}
	return r.of("a", "b")
}

func (r *speaker) rollbackTo(name string) string {
	return r.of("ROLLBACK", "ROLLBACK", "ABORT", "ROLLBACK WORK", "ROLLBACK TRANSACTION") + r.of(" TO ", " TO SAVEPOINT ") + name
}

func (r *speaker) savepoint() said {
	name := r.name()
	if len(r.names) > 0 && !r.one(8) {
		name = r.of(r.names...)
	}
	switch n := r.IntN(10); {
	case len(r.names) == 0 || n < 4:
		name = r.name()
		r.names = append(r.names, name)
		return r.spell("SAVEPOINT " + name)
	case n < 6:
		return r.spell(r.of("RELEASE ", "RELEASE SAVEPOINT ") + name)
	default:
		r.broken = false
		return r.spell(r.rollbackTo(name))
	}
}

func (r *speaker) setting() *setting {
	if r.one(2) { // a few are to meet more often
		name := r.of("application_name", "client_encoding", "work_mem", "my.x")
		return &settings[slices.IndexFunc(settings, func(s setting) bool { return s.name == name })]
	}
	return &settings[r.IntN(len(settings))]
}

func (r *speaker) set() said {
	how := r.of("SET ", "SET ", "SET SESSION ", "SET LOCAL ", "SET LOCAL ")
	if r.one(5) {
		return r.spell(r.special(how))
	}
	s := r.setting()
	value := r.of(s.values...)
	if r.one(8) {
		value = "DEFAULT"
	}
	return r.spell(how + s.name + r.of(" = ", " TO ", "=") + value)
}

// hidden are values that a function may be given; one that is refused among them.
var hidden = map[string]string{
	"application_name": "hidden", "DateStyle": "Postgres, DMY", "timezone": "Asia/Tokyo", "client_encoding": "LATIN1", "work_mem": "3MB",
	"standard_conforming_strings": "off", "default_transaction_isolation": "serializable", "statement_timeout": "9min",
	"search_path": `hidden, "H", public`, "enable_sort": "off", "lock_timeout": "much", "my.x": "hidden", "My.Y": "hidden too", "role": "walk_a",
}

// hide sets a variable by a function, where its text is not that of a SET.
func (r *speaker) hide() said {
	s := r.setting()
	value, ok := hidden[s.name]
	if !ok {
		s, value = &settings[slices.IndexFunc(settings, func(s setting) bool { return s.name == "my.x" })], "hidden"
	}
	local := r.of("false", "false", "true")
	literals := "('" + s.name + "', '" + value + "', " + local + ")"
	switch r.IntN(7) {
	case 0:
		return said{sql: "SELECT set_config($1, $2, $3)", args: []string{s.name, value, local}}
	case 1:
		return said{sql: "SELECT set_config($1, $2, " + local + ")", args: []string{s.name, value}}
	case 2:
		return r.spell("SELECT public.walk_hide" + literals)
	case 3:
		return r.spell("SELECT public.walk_caught" + literals)
	case 4:
		return said{sql: "DO $$BEGIN PERFORM set_config" + literals + "; END$$"}
	case 5:
		return r.spell("SELECT set_config('work_mem', '3MB', true), set_config" + literals)
	default:
		return r.spell("SELECT set_config" + literals)
	}
}

// special are the forms of SET that the SQL standard has.
func (r *speaker) special(how string) string {
	switch r.IntN(9) {
	case 0:
		return how + "TIME ZONE " + r.of("'Asia/Tokyo'", "-7", "LOCAL", "DEFAULT", "INTERVAL '+05:30' HOUR TO MINUTE", "'nowhere'", "2.5", "utc")
	case 1:
		return how + "NAMES " + r.of("'LATIN1'", "DEFAULT", "", "'UTF8'", "'nonsense'")
	case 2:
		return how + "SCHEMA " + r.of("'a'", "'A, b'", "public")
	case 3:
		return how + "ROLE " + r.of("walk_a", `"Walk B"`, "NONE", "'walk_a'", "nobody_has_this")
	case 4:
		return how + "SESSION AUTHORIZATION " + r.of("walk_a", `"Walk B"`, "DEFAULT", "postgres")
	case 5:
		return how + "XML OPTION " + r.of("DOCUMENT", "CONTENT")
	case 6:
		return "SET SESSION CHARACTERISTICS AS TRANSACTION " + r.of("READ ONLY", "READ WRITE, ISOLATION LEVEL SERIALIZABLE", "ISOLATION LEVEL READ UNCOMMITTED")
	case 7:
		return "SET TRANSACTION " + r.of("READ ONLY", "READ WRITE", "ISOLATION LEVEL REPEATABLE READ", "ISOLATION LEVEL SERIALIZABLE, READ ONLY")
	default:
		return "SET CONSTRAINTS ALL " + r.of("IMMEDIATE", "DEFERRED")
	}
}

func (r *speaker) reset() said {
	switch r.IntN(6) {
	case 0:
		return r.spell("RESET ALL")
	case 1:
		return r.spell("RESET " + r.of("TIME ZONE", "SESSION AUTHORIZATION", "ROLE", "TRANSACTION ISOLATION LEVEL"))
	default:
		return r.spell("RESET " + r.setting().name)
	}
}

// rare are the statements that not every walk needs.
func (r *speaker) rare() said {
	switch n := r.IntN(10); {
	case n < 4:
		return r.spell("DISCARD ALL")
	case n < 5:
		return r.spell("DISCARD " + r.of("PLANS", "TEMP", "SEQUENCES"))
	case n < 6:
		return r.spell("DEALLOCATE ALL")
	case len(r.gids) > 0:
		return r.spell(r.of("COMMIT PREPARED '", "ROLLBACK PREPARED '") + r.of(r.gids...) + "'")
	case r.open:
		return r.prepareTransaction()
	default:
		return r.spell("COMMIT PREPARED 'walk_0'")
	}
}

// mistake says what the server refuses, at once or in the end.
func (r *speaker) mistake() said {
	r.broken = r.open
	switch r.IntN(8) {
	case 0, 1:
		return r.spell("SELECT 1/0")
	case 2:
		return said{sql: "SELECT 1/$1::int", args: []string{r.of("0", "1", "x")}}
	case 3:
		return r.spell("SELEC 1")
	case 4:
		return r.spell("SET my.x = $1")
	case 5:
		return r.spell("SELECT nosuch FROM nosuch")
	default:
		r.broken = false
		return r.spell("INSERT INTO walk_doomed VALUES (1)") // fails at COMMIT
	}
}

func (r *speaker) question() said {
	s := r.setting()
	for strings.Contains(s.name, ".") || strings.HasPrefix(s.name, "no_") || s.name == "max_connections" {
		s = &settings[r.IntN(len(settings))]
	}
	switch r.IntN(7) {
	case 6:
		return said{sql: define}
	case 0:
		return r.spell("SHOW " + s.name)
	case 1:
		return said{sql: "SELECT current_setting($1)", args: []string{s.name}}
	case 2:
		return said{sql: "SELECT $1::text, $2::int + 1", args: []string{r.of("a 'b", "", `\`, "é"), fmt.Sprint(r.IntN(9))}}
	case 3:
		return r.spell(r.of("SHOW TRANSACTION ISOLATION LEVEL", "SHOW TIME ZONE", "SHOW SESSION AUTHORIZATION", "SHOW transaction_read_only"))
	case 4:
		return said{sql: look([]string{r.setting().name, "my.x", "my.y"})}
	default:
		return said{sql: look(lookedAt())}
	}
}

// spell writes a statement as somebody might.
func (r *speaker) spell(sql string) said {
	if r.one(12) {
		words := strings.SplitAfter(sql, " ")
		if i := r.IntN(len(words)); i > 0 && strings.Count(strings.Join(words[:i], ""), "'")%2+strings.Count(strings.Join(words[:i], ""), `"`)%2 == 0 {
			words[i] = r.of("/**/", "/*a/*n;*/b*/", "--;x'\n", "\n", "\t") + words[i]
		}
		sql = strings.Join(words, "")
	}
	if r.one(12) && !strings.ContainsAny(sql, `'"$`) {
		sql = strings.ToLower(sql)
	}
	return said{sql: sql}
}
