package sqlscan

import (
	"fmt"
	"strings"
	"testing"
)

// TestTokens gives each token as its kind, a colon and its text, | between them.
func TestTokens(t *testing.T) {
	tests := []struct{ text, want string }{
		{"a A_1$ é \"b\"\"c\"", `w:a|w:A_1$|w:é|q:"b""c"`},
		{"1 1.5 .5 1. 1e5 1.5e-3 0x1F", "n:1|n:1.5|n:.5|n:1.|n:1|w:e5|n:1.5|w:e|o:-|n:3|n:0|w:x1F"},
		{"$1 $a$x$b$$a$ $$;$$ a$b$ $", "$:$1|s:$a$x$b$$a$|s:$$;$$|w:a$b$|o:$"},
		{"$é1$ $é2$ $é1$", "s:$é1$ $é2$ $é1$"},
		{"$a b$", "o:$|w:a|w:b$"},
		{"a::b a:=b a.b [1:2]", "w:a|c:::|w:b|w:a|:::|o:=|w:b|w:a|.:.|w:b|[:[|n:1|:::|n:2|]:]"},
		{"a*/*x*/b", "w:a|o:*|w:b"},
		{"a+--x\nb", "w:a|o:+|w:b"},
		{"a*/b", "w:a|o:*|o:/|w:b"},
		{"'a''b' 'c\\'", `s:'a''b'|s:'c\'`},
		{"'a'\n'b' 'c' 'd'", "s:'a'\n'b'|s:'c'|s:'d'"},
		{"'a'--x\n--y\n'b'", "s:'a'--x\n--y\n'b'"},
		{"'a'/*\n*/'b'", "s:'a'|s:'b'"},
		{"E'a\\'b' e'c'\n'\\'d' e 'x'", `s:E'a\'b'|s:e'c'` + "\n" + `'\'d'|w:e|s:'x'`},
		{"B'1' x'f' N'\\' ne'x'", `s:B'1'|s:x'f'|s:N'\'|w:ne|s:'x'`},
		{"U&'a' u&\"b\" U&c u & 'd'", `s:U&'a'|q:u&"b"|w:U|o:&|w:c|w:u|o:&|s:'d'`},
		{"U&\"a\" UESCAPE '!' x", `q:U&"a" UESCAPE '!'|w:x`},
		{"U&\"a\"/**/uescape\n'!' x", "q:U&\"a\"/**/uescape\n'!'|w:x"},
		{"U&\"a\" UESCAPES '!'", `q:U&"a"|w:UESCAPES|s:'!'`},
		{"U&\"a\" UESCAPE x", `q:U&"a"|w:UESCAPE|w:x`},
		{"a /* b /* c */ d */ e /*/ f", "w:a|w:e"},
		{"a -- b\rc", "w:a|w:c"},
		// What has no end goes to the end.
		{"a 'b", "w:a|s:'b"},
		{"a E'b\\'", "w:a|s:E'b\\'"},
		{"a E'b\\", "w:a|s:E'b\\"},
		{"a \"b;", "w:a|q:\"b;"},
		{"a \"b\"\"", "w:a|q:\"b\"\""},
		{"a $x$b;", "w:a|s:$x$b;"},
		{"a U&\"b", "w:a|q:U&\"b"},
		{"a U&", "w:a|w:U|o:&"},
		{"a \x01 {", "w:a|o:\x01|o:{"},
	}
	for _, tt := range tests {
		var got []string
		l := lexer{sql: []byte(tt.text)}
		for tok := l.next(); tok.kind != tokEOF; tok = l.next() {
			got = append(got, fmt.Sprintf("%c:%s", tok.kind, tt.text[tok.start:tok.end]))
		}
		if s := strings.Join(got, "|"); s != tt.want {
			t.Errorf("%q\n got %s\nwant %s", tt.text, s, tt.want)
		}
	}
}

func TestBackslashQuotes(t *testing.T) {
	tests := []struct {
		text    string
		off, on int // tokens without and with the option
	}{
		{`'a\'d' c`, 3, 2},
		{`n'a\' c`, 2, 1},
		{`x'a\' c`, 2, 2},
		{`$$\$$ c`, 2, 2},
		{`"a\" c`, 2, 2},
	}
	count := func(text string, escapes bool) (n int) {
		l := lexer{sql: []byte(text), escapes: escapes}
		for l.next().kind != tokEOF {
			n++
		}
		return n
	}
	for _, tt := range tests {
		if got := count(tt.text, false); got != tt.off {
			t.Errorf("%s: %d tokens, want %d", tt.text, got, tt.off)
		}
		if got := count(tt.text, true); got != tt.on {
			t.Errorf("%s with backslashes: %d tokens, want %d", tt.text, got, tt.on)
		}
	}
}
