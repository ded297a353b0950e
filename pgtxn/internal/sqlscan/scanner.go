package sqlscan

// Options are the settings of the session that change how text is read. The
// server reads a whole message under the settings it had before the message.
type Options struct {
	BackslashQuotes bool // standard_conforming_strings = off
}

// Scanner walks the statements of one query string. It keeps the slice and
// never changes it. For statements without a Name or Value nothing is allocated.
type Scanner struct {
	lex lexer
	st  Statement

	start, end int // the statement's text, without the semicolon and what is around it
}

// New scans sql, the text of a Query or Parse message without its final NUL.
func New(sql []byte, opt Options) Scanner {
	return Scanner{lex: lexer{sql: sql, escapes: opt.BackslashQuotes}}
}

// Next moves to the next non-empty statement, for which the server sends one
// CommandComplete. What has no end, such as a string without its closing
// quote, goes to the end of the text.
func (s *Scanner) Next() bool {
	t := s.lex.next()
	for t.kind == ';' {
		t = s.lex.next()
	}
	if t.kind == tokEOF {
		return false
	}
	first := t
	r := reading{sql: s.lex.sql, awaitVerb: true, expr: true}
	for t.kind != tokEOF && (t.kind != ';' || r.inside()) {
		s.end = t.end
		r.step(t)
		t = s.lex.next()
	}
	s.start = first.start
	s.st = Statement{Traits: r.traits}
	if hasKind(first.kw) {
		p := parser{lex: s.lex, tok: first}
		p.lex.sql, p.lex.pos = s.lex.sql[:s.end], first.end
		p.statement(&s.st)
	}
	return true
}

// End is where the text of the statement that Next found ends.
func (s *Scanner) End() int { return s.end }

// Statement is the one that Next found.
func (s *Scanner) Statement() Statement { return s.st }
