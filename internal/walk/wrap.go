package walk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/story"
)

// startups are what clients ask for when they connect.
var startups = [][]story.Option{
	{}, {}, {},
	{{Name: "application_name", Value: "walker"}},
	{{Name: "DateStyle", Value: "SQL, DMY"}, {Name: "application_name", Value: "walker 2"}},
	{{Name: "TimeZone", Value: "Asia/Tokyo"}, {Name: "extra_float_digits", Value: "2"}},
	{{Name: "options", Value: "-c work_mem=5MB -c my.x=start"}},
	{{Name: "options", Value: `-c search_path=foo,"Bar\ x" --enable-sort=off`}, {Name: "client_encoding", Value: "LATIN1"}},
	{{Name: "options", Value: "-c default_transaction_isolation=serializable -c IntervalStyle=iso_8601"}},
	{{Name: "options", Value: "-c standard_conforming_strings=off -c statement_timeout=30min"}},
	{{Name: "options", Value: "-c my.y=start -c role=walk_a"}},
	{{Name: "options", Value: "-c log_min_duration_statement=2h"}, {Name: "application_name", Value: "super"}},
}

// New makes the walk of a seed.
func New(seed uint64) *story.Story {
	w := wrapper{speaker: speaker{Rand: rand.New(rand.NewPCG(seed, 0))}}
	s := &story.Story{File: "walk", Title: fmt.Sprintf("the walk of seed %d", seed), Startup: startups[w.IntN(len(startups))]}
	w.lists = slices.ContainsFunc(s.Startup, func(o story.Option) bool { return strings.Contains(o.Value, "search_path") })
	super := slices.ContainsFunc(s.Startup, func(o story.Option) bool { return o.Value == "super" })
	if w.one(6) && !super {
		s.User, w.humble = "walk_user", true
	}
	if w.one(2) {
		s.Steps = append(s.Steps, w.simple(said{sql: look(lookedAt())}))
	}
	for range 3 + w.IntN(20) {
		s.Steps = append(s.Steps, w.step())
	}
	s.Steps = append(s.Steps, w.simple(said{sql: "ROLLBACK"}), w.simple(said{sql: look(lookedAt())}))
	return s
}

// A wrapper puts what is said into messages.
type wrapper struct {
	speaker
	prepared map[string]said // by name, as far as is known
}

func (w *wrapper) step() story.Step {
	switch n := w.IntN(20); {
	case n < 7:
		return w.simple(w.statement())
	case n < 11:
		return w.several()
	case n < 15:
		return story.Step{Statements: []story.Statement{w.extended()}}
	default:
		return w.pipeline()
	}
}

// literal has what is bound put into the text, for a Query.
func literal(x said) string {
	for i, a := range slices.Backward(x.args) {
		x.sql = strings.ReplaceAll(x.sql, fmt.Sprintf("$%d", i+1), "'"+strings.ReplaceAll(a, "'", "''")+"'")
	}
	return x.sql
}

func (w *wrapper) simple(x said) story.Step {
	sql := literal(x)
	if !strings.Contains(sql, ";") {
		sql = closed(sql) // makes it a Query in stories too
	}
	return story.Step{Statements: []story.Statement{{Form: story.Simple, SQL: sql}}}
}

// closed puts a semicolon where it is not part of a comment.
func closed(sql string) string {
	if strings.Contains(sql[strings.LastIndexByte(sql, '\n')+1:], "--") {
		sql += "\n"
	}
	return sql + ";"
}

// several statements in one message are a transaction.
func (w *wrapper) several() story.Step {
	var sql strings.Builder
	for range 1 + w.IntN(5) {
		sql.WriteString(closed(literal(w.statement())))
		sql.WriteString(w.of("", " ", " ", ";", "/*;*/"))
	}
	return story.Step{Statements: []story.Statement{{Form: story.Simple, SQL: strings.TrimSpace(sql.String())}}}
}

// extended is a message, or those from Parse to Execute.
func (w *wrapper) extended() story.Statement {
	name := w.of("", "p", "p", "q", `"Q"`)
	switch n := w.IntN(12); {
	case n < 2:
		x := w.statement()
		if w.prepared == nil {
			w.prepared = map[string]said{}
		}
		if _, used := w.prepared[name]; !used || name == "" {
			w.prepared[name] = x
		}
		return story.Statement{Form: story.Parse, SQL: x.sql, Name: name}
	case n < 5 && len(w.prepared) > 0:
		return story.Statement{Form: story.BindNamed, Name: name, Args: w.prepared[name].args}
	case n < 6 && len(w.prepared) > 0:
		delete(w.prepared, name)
		return story.Statement{Form: story.Close, Name: name}
	}
	x := w.statement()
	delete(w.prepared, "")
	return story.Statement{Form: story.Extended, SQL: x.sql, Args: x.args}
}

// pipeline has one or more Syncs, and ends with one.
func (w *wrapper) pipeline() story.Step {
	step := story.Step{Pipeline: true}
	sync := story.Statement{Form: story.SyncOnly}
	for range 1 + w.IntN(3) {
		for range w.IntN(5) {
			step.Statements = append(step.Statements, w.extended())
		}
		step.Statements = append(step.Statements, sync)
		if w.one(6) {
			step.Statements = append(step.Statements, w.simple(w.statement()).Statements...)
		}
	}
	return step
}
