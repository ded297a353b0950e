package story

import (
	"fmt"
	"regexp"
	"strings"
)

// psqlWord is psql's way to ask for the extended protocol, at the end of a statement.
var psqlWord = regexp.MustCompile(`(?s)^(.*?)\s*\\(bind|parse|bind_named|close_prepared)\b\s*(.*)$`)

// statement reads "SQL -> answer".
func statement(at int, line string, inPipeline bool) (Statement, error) {
	cut := strings.LastIndex(line, "->")
	if cut < 0 {
		return Statement{}, fmt.Errorf(`%q has no "->"`, line)
	}
	x := Statement{
		Line:   at,
		Source: strings.TrimSpace(line[:cut]),
		Want:   strings.Join(strings.Fields(line[cut+2:]), " "),
	}
	x.SQL = x.Source
	if x.Want == "" {
		return x, fmt.Errorf("%q has no answer", line)
	}
	if m := psqlWord.FindStringSubmatch(x.SQL); m != nil {
		err := x.psql(m[1], m[2], m[3])
		return x, err
	}
	switch {
	case inPipeline && x.SQL == "sync":
		x.SQL, x.Form = "", SyncOnly
	case strings.Contains(x.SQL, ";"):
		x.Form = Simple
	case inPipeline:
		x.Form = Extended
	}
	return x, nil
}

// psql takes apart what follows \bind, \parse, \bind_named and \close_prepared.
func (x *Statement) psql(sql, word, rest string) error {
	words, err := arguments(rest)
	if err != nil {
		return err
	}
	x.SQL = sql
	switch word {
	case "bind":
		x.Form, x.Args = Extended, words
		return nil
	case "parse":
		x.Form = Parse
		if len(words) != 1 {
			return fmt.Errorf(`\parse wants one name, has %d`, len(words))
		}
	case "bind_named":
		x.Form = BindNamed
		if len(words) == 0 || sql != "" {
			return fmt.Errorf(`\bind_named wants a name and parameters, and no SQL before it`)
		}
	case "close_prepared":
		x.Form = Close
		if len(words) != 1 || sql != "" {
			return fmt.Errorf(`\close_prepared wants one name, and no SQL before it`)
		}
	}
	x.Name, x.Args = words[0], words[1:]
	return nil
}

// argument is a word, or text in single quotes in which a quote is doubled.
var argument = regexp.MustCompile(`(?s)^(?:'((?:[^']|'')*)'|([^'\s]\S*))\s*`)

func arguments(text string) ([]string, error) {
	var words []string
	for text != "" {
		m := argument.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("a quote is not closed in %s", text)
		}
		words = append(words, strings.ReplaceAll(m[1], "''", "'")+m[2])
		text = text[len(m[0]):]
	}
	return words, nil
}
