package guc

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Assignment is SQL that sets a variable to a value as the server shows it. It takes no
// snapshot, which would be too early for a SET TRANSACTION behind it, but where the value
// is a list of names: SET would take it for one of them, so there it is set_config.
func Assignment(name, value string, local bool) string {
	switch name {
	case "search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries": // GUC_LIST_QUOTE
		return fmt.Sprintf("SELECT pg_catalog.set_config(%s, %s, %t)", literal(name), literal(value), local)
	}
	scope := ""
	if local {
		scope = "LOCAL "
	}
	return "SET " + scope + quoted(name) + " TO " + literal(value)
}

// quoted is a name in quotes, each part of a custom one in its own.
func quoted(name string) string {
	name = strings.ReplaceAll(name, `"`, `""`)
	return `"` + strings.ReplaceAll(name, ".", `"."`) + `"`
}

// literal is an escape string constant, the same in each setting of
// standard_conforming_strings and, where value is UTF-8, in each encoding.
func literal(value string) string {
	var b strings.Builder
	b.WriteString("E'")
	plain := !utf8.ValidString(value)
	for i := 0; i < len(value); {
		c, n := utf8.DecodeRuneInString(value[i:])
		switch {
		case plain:
			n = 1
			fallthrough
		case c < utf8.RuneSelf:
			if b.WriteByte(value[i]); value[i] == '\'' || value[i] == '\\' {
				b.WriteByte(value[i])
			}
		default:
			fmt.Fprintf(&b, `\U%08X`, c)
		}
		i += n
	}
	b.WriteString("'")
	return b.String()
}
