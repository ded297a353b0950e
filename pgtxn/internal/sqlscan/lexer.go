package sqlscan

// Kinds of tokens. Punctuation is its own kind: ( ) [ ] , ; . :
const (
	tokEOF    byte = 0
	tokWord   byte = 'w' // keyword or identifier without quotes
	tokQuoted byte = 'q' // "identifier", U&"identifier" with its UESCAPE
	tokString byte = 's' // any literal in quotes or dollars, with what continues it
	tokNumber byte = 'n'
	tokParam  byte = '$' // $1
	tokCast   byte = 'c' // ::
	tokOp     byte = 'o' // one character of an operator, and whatever fits nowhere
)

// token is a piece of the text. Between two there is only white space and comments.
type token struct {
	mark
	start, end int
}

// mark is what a token is, without its place. (Small structs in one another
// stay in registers; one of five fields would be copied through memory, which
// takes twice the time of the whole scan.)
type mark struct {
	kind  byte
	class byte    // of a word: its class as a keyword, 0 for an identifier
	kw    keyword // of a word: its name, if it has one
}

// Bits of byteClass.
const (
	identStart = 1 << iota
	identPart
	digit
	space
	blank // may start what is between tokens
	punct
)

// byteClass follows the character sets of scan.l. Bytes from 0x80 on belong to
// identifiers. \v is white space since PostgreSQL 16 and an error before.
var byteClass = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
			t[c] = identStart | identPart
		case c >= '0' && c <= '9':
			t[c] = digit | identPart
		case c == '$':
			t[c] = identPart
		case c == ' ', c >= '\t' && c <= '\r':
			t[c] = space | blank
		case c == '-', c == '/':
			t[c] = blank
		}
	}
	for _, c := range []byte("()[],;.:") {
		t[c] = punct
	}
	return t
}()

// lexer cuts text into tokens by the rules of PostgreSQL's scan.l.
type lexer struct {
	sql     []byte
	pos     int
	escapes bool // a backslash is special in plain strings too
}

// next returns the next token; at the end of the text one of kind tokEOF.
func (l *lexer) next() token {
	i := l.pos
	if i < len(l.sql) && l.sql[i] == ' ' {
		i++ // most often there is one and no more
	}
	if i < len(l.sql) && byteClass[l.sql[i]]&blank != 0 {
		i = skipBlank(l.sql, i)
	}
	if i == len(l.sql) {
		l.pos = i
		return token{start: i, end: i}
	}
	c := l.sql[i]
	class := byteClass[c]
	if class&identStart != 0 {
		t := l.word(i)
		l.pos = t.end
		return t
	}
	var kind byte
	end := i + 1
	switch {
	case class == punct:
		kind, end = l.punct(i)
	case class&digit != 0:
		kind, end = tokNumber, skipNumber(l.sql, i)
	case c == '\'':
		kind, end = tokString, skipString(l.sql, i+1, l.escapes)
	case c == '"':
		kind, end = tokQuoted, skipQuoted(l.sql, i+1)
	case c == '$':
		kind, end = skipDollar(l.sql, i)
	default:
		// Operators one character at a time: where a comment starts inside
		// one, the operator ends, so nothing is lost by not joining them.
		kind = tokOp
	}
	l.pos = end
	return token{mark: mark{kind: kind}, start: i, end: end}
}

// punct reads what is a token by itself, but for :: and a number such as .5
func (l *lexer) punct(i int) (kind byte, end int) {
	c, after := l.sql[i], byte(0)
	if i+1 < len(l.sql) {
		after = l.sql[i+1]
	}
	switch {
	case c == ':' && after == ':':
		return tokCast, i + 2
	case c == '.' && byteClass[after]&digit != 0:
		return tokNumber, skipNumber(l.sql, i)
	}
	return c, i + 1
}

// word reads an identifier or keyword, or the literal whose prefix it is: E”, B”, X”, N”, U&”, U&"".
func (l *lexer) word(start int) token {
	sql, i := l.sql, start
	for i < len(sql) && byteClass[sql[i]]&identPart != 0 {
		i++
	}
	if i == start+1 && i < len(sql) && (sql[i] == '\'' || sql[i] == '&') {
		if kind, end := l.prefixed(start); end > 0 {
			return token{mark: mark{kind: kind}, start: start, end: end}
		}
	}
	kw, class := lookup(sql[start:i])
	return token{mark: mark{kind: tokWord, class: class, kw: kw}, start: start, end: i}
}

// prefixed reads the literal or name that a word of one letter introduces; end
// is 0 if it does not. N” is an ordinary string: a backslash may be special in it.
func (l *lexer) prefixed(start int) (kind byte, end int) {
	sql, i := l.sql, start+2
	switch letter := sql[start] | 0x20; {
	case letter == 'u' && sql[start+1] == '&' && i < len(sql) && sql[i] == '"':
		return tokQuoted, skipUescape(sql, skipQuoted(sql, i+1))
	case letter == 'u' && sql[start+1] == '&' && i < len(sql) && sql[i] == '\'':
		return tokString, skipUescape(sql, skipString(sql, i+1, false))
	case sql[start+1] == '&':
		return 0, 0
	case letter == 'e':
		return tokString, skipString(sql, i, true)
	case letter == 'b', letter == 'x':
		return tokString, skipString(sql, i, false)
	case letter == 'n':
		return tokString, skipString(sql, i, l.escapes)
	}
	return 0, 0
}
