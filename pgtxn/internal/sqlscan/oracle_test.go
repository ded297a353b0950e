package sqlscan

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/pgtest"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/story"
)

// What random texts are made of. In statements, # stands for white space, @ for
// an expression and & for a name.
var (
	blanks      = []string{" ", " ", " ", "\n", "\t", "\f", "/**/", "/*;*/", "/*a/*;*/'b*/", "--;'\n", "--\"\r", " /*/;*/*/ "}
	separators  = []string{";", ";", "; ", ";;", ";\n--;\n", "/*x*/;"}
	names       = []string{"a", "B", `"a;b"`, `"x""y"`, "savepoint", "work", "é", `U&"\0061;"`, "_$1", "prepared"}
	expressions = []string{
		"1", ".5", "1.5e-3", "'a'", "'a'';b'", `E'\';'`, `e'\\'`, "$$;$$", "$a$ $$;' $a$", "$é$;$é$", `U&'\0061;'`, `U&'!0061' UESCAPE '!'`, "B'01'",
		"x'1F'", "n'n;'", "'a'\n';b'", "'a' --;\n ';b'", `'\'`, `'\';'`, `E'a\'' || ';'`, "'a'::text", "CAST('1' AS int)", "1 - -1", "2*/*;*/3", "3+--;\n4",
		"CASE WHEN true THEN 1 ELSE 2 END", "(SELECT 1)", "ARRAY[1, 2]", "5 OPERATOR(pg_catalog.+) 3", "@ -1", "|/ 4", "NULL", "interval '1 day'",
		"a$1 FROM (VALUES (1)) AS v(a$1)", "1 AS \"end;\"", "1 AS atomic", "'--' || '/*'", "$1", "1;", "(1", "'", "1/0", "current_setting('work_mem')",
	}
	statements = []string{
		"SELECT#@", "SELECT#@,#@", "VALUES#(@)", "TABLE#pg_catalog.pg_am#LIMIT#1", "WITH#&#AS#(SELECT#@)#SELECT#2", "SELECT#(#@#)", "",
		"BEGIN", "START#TRANSACTION#READ#WRITE", "COMMIT", "END#WORK", "ROLLBACK", "ABORT#TRANSACTION", "COMMIT#AND#CHAIN", "END#AND#NO#CHAIN",
		"SAVEPOINT#&", "RELEASE#&", "RELEASE#SAVEPOINT#&", "ROLLBACK#TO#&", "ROLLBACK#WORK#TO#SAVEPOINT#&",
		"SET#my.x#TO#'a;'", "SET#LOCAL#my.x#=#&", "SET#SESSION#work_mem#TO#DEFAULT", "SET#TIME#ZONE#INTERVAL#'1:00'#HOUR#TO#MINUTE", "SET#ROLE#NONE",
		"SET#SESSION#AUTHORIZATION#DEFAULT", "SET#NAMES#'UTF8'", "SET#SCHEMA#'a;'", "SET#search_path#TO#&,#&", "SET#XML#OPTION#CONTENT",
		"SET#SESSION#CHARACTERISTICS#AS#TRANSACTION#READ#WRITE", "SET#TRANSACTION#READ#WRITE", "SET#CONSTRAINTS#ALL#DEFERRED",
		"RESET#my.x", "RESET#ALL", "RESET#TIME#ZONE", "DISCARD#PLANS", "LISTEN#&", "UNLISTEN#*", "UNLISTEN#&", "SHOW#work_mem", "SHOW#ALL",
		"PREPARE#&#AS#SELECT#@", "EXECUTE#&", "DEALLOCATE#&", "DEALLOCATE#PREPARE#ALL", "DECLARE#&#CURSOR#FOR#SELECT#@", "CLOSE#ALL",
		"DO#$$BEGIN#NULL;#END$$", "EXPLAIN#SELECT#@", "CREATE#TEMP#TABLE#&#(a#int)", "CREATE#TEMP#TABLE#&#AS#SELECT#@",
		"CREATE#OR#REPLACE#FUNCTION#f()#RETURNS#int#LANGUAGE#sql#BEGIN#ATOMIC#SELECT#1;#SELECT#CASE#WHEN#true#THEN#2#END;#END",
		"CREATE#OR#REPLACE#FUNCTION#f()#RETURNS#int#LANGUAGE#sql#RETURN#CASE#WHEN#true#THEN#2#END",
		"CREATE#OR#REPLACE#PROCEDURE#p()#LANGUAGE#sql#BEGIN#ATOMIC#END", "CALL#p()",
		"CREATE#OR#REPLACE#FUNCTION#g()#RETURNS#int#LANGUAGE#sql#AS#'SELECT#1;#SELECT#2'",
		"CREATE#OR#REPLACE#RULE#r#AS#ON#INSERT#TO#oracle#DO#ALSO#(SELECT#1;#SELECT#2;)", "COMMENT#ON#TABLE#oracle#IS#@",
	}
)

type writer struct{ *rand.Rand }

func (r writer) of(texts []string) string { return texts[r.IntN(len(texts))] }

// text is a few statements, in a third of the texts with a slip of the pen.
func (r writer) text() string {
	var b strings.Builder
	for range 1 + r.IntN(5) {
		for _, c := range r.of(statements) {
			switch c {
			case '#':
				b.WriteString(r.of(blanks))
			case '@':
				b.WriteString(r.of(expressions))
			case '&':
				b.WriteString(r.of(names))
			default:
				b.WriteRune(c)
			}
		}
		b.WriteString(r.of(separators))
	}
	text := b.String()
	if r.IntN(3) == 0 {
		at := r.IntN(len(text))
		slip := r.of([]string{"", "'", `"`, "$$", "/*", "*/", "--", `\`, "(", ")", ";", "\n", "E", "$"})
		text = strings.ToValidUTF8(text[:at]+slip+text[min(len(text), at+r.IntN(2)):], "")
	}
	return text
}

// TestOracle sends random texts to PostgreSQL, each in one Query, and compares the
// statements seen with the tags that come back. Where the server refuses a text as
// a whole, nothing is to compare; behind another error, what came before it is.
func TestOracle(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	server := pgtest.Start(t)
	c, err := story.Connect(story.Target{Addr: server.Addr, Database: "postgres", User: pgtest.Superuser})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Leave()
	query := func(sql string) []string {
		replies, err := c.Do(false, story.Step{Statements: []story.Statement{{SQL: sql, Form: story.Simple}}})
		if err != nil {
			t.Fatalf("%q: %v", sql, err)
		}
		return replies[0].Items
	}
	query("CREATE TABLE oracle (a int)")
	r := writer{rand.New(rand.NewPCG(seed, 0))}
	compared, whole := 0, 0
	const enough = 100 // of those that the server takes as a whole
	begun := time.Now()
	for took := time.Duration(0); !t.Failed() && (took < 4*time.Second || whole < enough && took < 2*time.Minute); took = time.Since(begun) {
		off := r.IntN(3) == 0
		query("ROLLBACK")
		query("DISCARD ALL")
		query("SET standard_conforming_strings = " + map[bool]string{true: "off", false: "on"}[off])
		text := r.text()
		tags, failure := answered(query(text))
		if failure == "ERROR 42601" {
			continue
		}
		compared++
		if failure == "" {
			whole++
		}
		var seen []Statement
		for s := New([]byte(text), Options{BackslashQuotes: off}); s.Next(); {
			seen = append(seen, s.Statement())
		}
		if why := disagree(seen, tags, failure != ""); why != "" {
			t.Errorf("%q (off: %v): %s\nthe server's tags are %q %s", text, off, why, tags, failure)
		}
	}
	t.Logf("%d texts, %d of them without an error", compared, whole)
	if whole < enough {
		t.Error("too few texts that the server takes")
	}
}

// answered splits the answer to a Query into tags and error.
func answered(items []string) (tags []string, failure string) {
	for _, item := range items[:len(items)-1] { // the last is the status
		word, rest, _ := strings.Cut(item, " ")
		switch {
		case word == "ERROR":
			failure = item
		case strings.HasPrefix(item, "["), strings.HasPrefix(item, "S("), item == "EMPTY", slices.Contains([]string{"WARNING", "NOTICE"}, word) && len(rest) == 5:
		default:
			tags = append(tags, item)
		}
	}
	return tags, failure
}

// disagree says why what was seen can't be what the server answered with tags; "" if it can.
func disagree(seen []Statement, tags []string, failed bool) string {
	if len(tags) > len(seen) || !failed && len(tags) < len(seen) || failed && len(tags) == len(seen) {
		return "the number of statements: " + describeAll(seen)
	}
	for i, tag := range tags {
		kind := seen[i].Kind
		allowed := tagsOf(kind)
		if kind == Other {
			for k := Begin; k <= Load; k++ {
				if k != Execute && k != Copy && slices.Contains(tagsOf(k), tag) {
					return describe(seen[i]) + " is " + tag
				}
			}
		} else if !slices.Contains(allowed, tag) && kind != Execute {
			return describe(seen[i]) + " is not " + tag
		}
	}
	return ""
}

func tagsOf(k Kind) []string {
	all := append([]string{k.String()}, tags[k]...)
	if k == Commit {
		all = append(all, "ROLLBACK") // of a failed transaction
	}
	return all
}

func describeAll(seen []Statement) string {
	var all []string
	for _, st := range seen {
		all = append(all, describe(st))
	}
	return strings.Join(all, "; ")
}
