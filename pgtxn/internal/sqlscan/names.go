package sqlscan

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxIdentifier is NAMEDATALEN-1: longer identifiers are cut, to the NOTICE 42622.
const maxIdentifier = 63

// fold appends a word with ASCII letters in lower case. Other letters stay: the
// server folds them only in single-byte encodings.
func fold(dst, word []byte) []byte {
	for _, c := range word {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// identifier gives the name that a word or quoted identifier stands for.
func identifier(sql []byte, t token) string {
	var buf [maxIdentifier]byte
	return string(appendIdentifier(buf[:0], sql, t))
}

// appendIdentifier appends that name to dst.
func appendIdentifier(dst, sql []byte, t token) []byte {
	text := sql[t.start:t.end]
	switch {
	case t.kind != tokQuoted:
		return fold(dst, truncate(text))
	case text[0] == '"':
		return append(dst, truncate(unquote(text))...)
	}
	return append(dst, truncate(unquoteUnicode(text))...)
}

// truncate cuts an identifier as the server does, on a character's boundary.
func truncate(name []byte) []byte {
	if len(name) <= maxIdentifier {
		return name
	}
	n := maxIdentifier
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}

// unquote removes the quotes around a name and the doubling of those inside.
// The closing quote may be missing.
func unquote(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 1; i < len(text); i++ {
		if text[i] == '"' {
			if i++; i == len(text) || text[i] != '"' {
				break
			}
		}
		out = append(out, text[i])
	}
	return out
}

// unquoteUnicode gives the name that U&"d\0061t\+000061" stands for, with the
// escape character that a UESCAPE behind it sets.
func unquoteUnicode(text []byte) []byte {
	escape := byte('\\')
	if last := len(text) - 1; text[last] == '\'' {
		escape = text[last-1]
	}
	text = unquote(text[2:])
	out := make([]byte, 0, len(text))
	var high rune // first half of a surrogate pair
	for i := 0; i < len(text); {
		if text[i] != escape {
			out = append(out, text[i])
			i++
			continue
		}
		if i+1 < len(text) && text[i+1] == escape {
			out = append(out, escape)
			i += 2
			continue
		}
		r, n := unicodeEscape(text[i:])
		i += n
		switch {
		case high != 0:
			out = utf8.AppendRune(out, utf16.DecodeRune(high, r))
			high = 0
		case utf16.IsSurrogate(r):
			high = r
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// unicodeEscape reads \XXXX or \+XXXXXX, the backslash being any character, and
// returns how long it is. The server refuses all others.
func unicodeEscape(text []byte) (r rune, n int) {
	from, n := 1, 5
	if len(text) > 1 && text[1] == '+' {
		from, n = 2, 8
	}
	if len(text) < n {
		return utf8.RuneError, len(text)
	}
	code, err := strconv.ParseUint(string(text[from:n]), 16, 32)
	if err != nil {
		return utf8.RuneError, n
	}
	return rune(code), n
}
