package sqlscan

import "bytes"

// The functions here take the position inside or before a piece of text and
// return the one behind it; behind a piece without end that is len(sql).

// skipBlank passes white space and comments.
func skipBlank(sql []byte, i int) int {
	for i < len(sql) {
		c := sql[i]
		switch {
		case byteClass[c]&space != 0:
			i++
		case c == '-' && i+1 < len(sql) && sql[i+1] == '-':
			i = skipLine(sql, i)
		case c == '/' && i+1 < len(sql) && sql[i+1] == '*':
			i = skipComment(sql, i+2)
		default:
			return i
		}
	}
	return i
}

// skipLine passes a comment of two dashes: to the end of the line, \r or \n.
func skipLine(sql []byte, i int) int {
	for i < len(sql) && sql[i] != '\n' && sql[i] != '\r' {
		i++
	}
	return i
}

// skipComment passes the rest of a comment of slash and star. Comments nest.
func skipComment(sql []byte, i int) int {
	for depth := 1; i+1 < len(sql); {
		switch {
		case sql[i] == '*' && sql[i+1] == '/':
			i += 2
			if depth--; depth == 0 {
				return i
			}
		case sql[i] == '/' && sql[i+1] == '*':
			i += 2
			depth++
		default:
			i++
		}
	}
	return len(sql)
}

// skipNumber passes digits and points. An exponent, a radix or _ make a word of
// the rest, which changes nothing for those who read the tokens.
func skipNumber(sql []byte, i int) int {
	for i < len(sql) && (byteClass[sql[i]]&digit != 0 || sql[i] == '.') {
		i++
	}
	return i
}

// skipQuoted passes the rest of a quoted identifier.
func skipQuoted(sql []byte, i int) int {
	for {
		n := bytes.IndexByte(sql[i:], '"')
		if n < 0 {
			return len(sql)
		}
		i += n + 1
		if i == len(sql) || sql[i] != '"' {
			return i
		}
		i++
	}
}

// skipString passes the rest of a string and the strings that continue it:
// those have the escapes of the first.
func skipString(sql []byte, i int, escapes bool) int {
	for i < len(sql) {
		if !escapes {
			n := bytes.IndexByte(sql[i:], '\'')
			if n < 0 {
				break
			}
			i += n
		}
		switch c := sql[i]; {
		case c == '\'' && i+1 < len(sql) && sql[i+1] == '\'', c == '\\' && escapes:
			i += 2
		case c == '\'':
			next := continued(sql, i+1)
			if next == 0 {
				return i + 1
			}
			i = next
		default:
			i++
		}
	}
	return len(sql)
}

// continued returns where the contents of a string go on after a closing quote,
// or 0. White space with a newline and -- comments may be between.
func continued(sql []byte, i int) int {
	newline := false
	for i < len(sql) {
		switch c := sql[i]; {
		case c == '\n' || c == '\r':
			newline = true
			i++
		case byteClass[c]&space != 0:
			i++
		case c == '-' && i+1 < len(sql) && sql[i+1] == '-':
			i = skipLine(sql, i)
		case c == '\'' && newline:
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// skipDollar reads what a dollar starts: a parameter, a $tag$ string, or nothing.
func skipDollar(sql []byte, i int) (kind byte, end int) {
	end = i + 1
	if end < len(sql) && byteClass[sql[end]]&digit != 0 {
		for end < len(sql) && byteClass[sql[end]]&digit != 0 {
			end++
		}
		return tokParam, end
	}
	for end < len(sql) && sql[end] != '$' && byteClass[sql[end]]&identPart != 0 {
		end++
	}
	if end == len(sql) || sql[end] != '$' {
		return tokOp, i + 1
	}
	end++
	n := bytes.Index(sql[end:], sql[i:end])
	if n < 0 {
		return tokString, len(sql)
	}
	return tokString, end + n + end - i
}

// skipUescape passes UESCAPE 'c' behind a U& string or name; without it the
// position stays. To the grammar the three are one token.
func skipUescape(sql []byte, i int) int {
	const uescape = "uescape"
	word := skipBlank(sql, i)
	end := word + len(uescape)
	if end >= len(sql) || !equalFold(sql[word:end], uescape) || byteClass[sql[end]]&identPart != 0 {
		return i
	}
	quote := skipBlank(sql, end)
	if quote == len(sql) || sql[quote] != '\'' {
		return i
	}
	return skipString(sql, quote+1, false)
}
