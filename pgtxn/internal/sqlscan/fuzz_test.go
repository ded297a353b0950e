package sqlscan

import (
	"bytes"
	"testing"
)

// FuzzScan holds for any text: tokens and statements are in order and in
// bounds, nothing but white space, comments and semicolons is left out, and a
// statement by itself reads as it does among others.
func FuzzScan(f *testing.F) {
	for _, e := range examples(f) {
		f.Add([]byte(e.text), e.opt.BackslashQuotes)
	}
	f.Add([]byte("SELECT U&'a' UESCAPE E'\\"), true)
	f.Add([]byte("SET a = 'b'\n--c\n'd"), false)
	f.Fuzz(func(t *testing.T, sql []byte, backslash bool) {
		if bytes.IndexByte(sql, 0) >= 0 {
			t.Skip("a message ends at the first NUL")
		}
		before := bytes.Clone(sql)
		checkTokens(t, sql, backslash)
		checkStatements(t, sql, Options{BackslashQuotes: backslash})
		if !bytes.Equal(sql, before) {
			t.Fatal("the text was changed")
		}
	})
}

func checkTokens(t *testing.T, sql []byte, escapes bool) {
	end := 0
	l := lexer{sql: sql, escapes: escapes}
	for {
		tok := l.next()
		if tok.start < end || tok.end < tok.start || tok.end > len(sql) {
			t.Fatalf("token %d:%d behind %d of %d", tok.start, tok.end, end, len(sql))
		}
		if skipBlank(sql[:tok.start], end) != tok.start {
			t.Fatalf("text left out at %d: %q", end, sql[end:tok.start])
		}
		if tok.kind == tokEOF {
			return
		}
		if tok.start == tok.end {
			t.Fatalf("empty token at %d", tok.start)
		}
		end = tok.end
	}
}

func checkStatements(t *testing.T, sql []byte, opt Options) {
	end := 0
	s := New(sql, opt)
	for s.Next() {
		if s.start < end || s.end <= s.start || s.end > len(sql) {
			t.Fatalf("statement %d:%d behind %d of %d", s.start, s.end, end, len(sql))
		}
		checkSeparator(t, sql[end:s.start])
		end = s.end
		want := describe(s.Statement())
		alone := New(sql[s.start:s.end], opt)
		if !alone.Next() {
			t.Fatalf("%q: no statement by itself", sql[s.start:s.end])
		}
		if got := describe(alone.Statement()); got != want {
			t.Fatalf("%q: %s, by itself %s", sql[s.start:s.end], want, got)
		}
		if alone.Next() {
			t.Fatalf("%q: two statements by itself", sql[s.start:s.end])
		}
	}
	checkSeparator(t, sql[end:])
	if s.Next() {
		t.Fatal("a statement behind the last")
	}
}

// checkSeparator wants nothing but semicolons, white space and comments.
func checkSeparator(t *testing.T, text []byte) {
	l := lexer{sql: text}
	for tok := l.next(); tok.kind != tokEOF; tok = l.next() {
		if tok.kind != ';' {
			t.Fatalf("%q is in no statement", text)
		}
	}
}
