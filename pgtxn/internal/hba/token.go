package hba

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// token is a word of a line. In double quotes it loses what it may mean as a keyword.
type token struct {
	text   string
	quoted bool
	regex  *regexp.Regexp // of a text that begins with a slash
}

func (t token) is(keyword string) bool { return !t.quoted && t.text == keyword }

// matches says whether the token stands for a name.
func (t token) matches(name string) bool {
	if t.regex != nil {
		return t.regex.MatchString(name)
	}
	return t.text == name
}

// matchesUser is check_role of hba.c.
func (t token) matchesUser(c Client) bool {
	if role, ok := t.group(); ok {
		return c.memberOf(role)
	}
	return t.is("all") || t.matches(c.User)
}

// group returns the role whose members the token stands for, among users.
func (t token) group() (role string, ok bool) {
	if t.quoted {
		return "", false
	}
	return strings.CutPrefix(t.text, "+")
}

func (t token) isGroup() bool {
	_, ok := t.group()
	return ok
}

// isSameRole says whether it stands for databases that are called as a role of which
// the user is a member.
func (t token) isSameRole() bool { return t.is("samerole") || t.is("samegroup") }

// split reads a line as PostgreSQL does (next_token, hba.c): fields between white space, each a list
// between commas, more of which count for nothing. Text in double quotes is part of a word, and "" in
// it is a quote.
func split(line string) (fields [][]token, err error) {
	const between = " \t,"
	rest := strings.TrimLeft(line, between)
	for rest != "" {
		var field []token
		for more := true; more; {
			var t token
			if t, rest, err = word(rest); err != nil {
				return nil, err
			}
			field = append(field, t)
			if rest, more = strings.CutPrefix(rest, ","); more {
				rest = strings.TrimLeft(rest, between)
				more = rest != ""
			}
		}
		fields = append(fields, field)
		rest = strings.TrimLeft(rest, between)
	}
	return fields, nil
}

// word takes one from the front.
func word(line string) (t token, rest string, err error) {
	var b strings.Builder
	inside := false
	i := 0
	for ; i < len(line) && (inside || !strings.ContainsRune(" \t,", rune(line[i]))); i++ {
		switch {
		case line[i] != '"':
			b.WriteByte(line[i])
		case inside && strings.HasPrefix(line[i+1:], `"`):
			b.WriteByte('"')
			i++
		default:
			inside = !inside
			t.quoted = true
		}
	}
	if inside {
		return token{}, "", errors.New("a double quote is missing")
	}
	t.text = b.String()
	if pattern, ok := strings.CutPrefix(t.text, "/"); ok {
		if t.regex, err = regexp.Compile(pattern); err != nil {
			return token{}, "", fmt.Errorf("'%s' is no regular expression: %w", pattern, err)
		}
	}
	return t, line[i:], nil
}
