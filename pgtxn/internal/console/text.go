package console

import "strings"

// statements splits a text at its semicolons, and what is between them into words. Quotes of either kind keep a word
// together. Comments are nothing.
func statements(text string) (all [][]string) {
	var words []string
	var word strings.Builder
	inWord := false
	end := func() {
		if inWord {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	for len(text) > 0 {
		c := text[0]
		switch {
		case strings.HasPrefix(text, "--"):
			end()
			_, text, _ = strings.Cut(text, "\n")
			continue
		case strings.HasPrefix(text, "/*"):
			end()
			_, text, _ = strings.Cut(text[2:], "*/")
			continue
		case c == '\'' || c == '"':
			var quoted string
			quoted, text = unquote(text)
			word.WriteString(quoted)
			inWord = true
			continue
		case c == ';':
			end()
			if words != nil {
				all = append(all, words)
				words = nil
			}
		case c == ' ' || c >= '\t' && c <= '\r':
			end()
		default:
			word.WriteByte(c)
			inWord = true
		}
		text = text[1:]
	}
	end()
	if words != nil {
		all = append(all, words)
	}
	return all
}

// unquote takes what is in the quotes that text begins with; doubled they stand for one.
func unquote(text string) (quoted, rest string) {
	quote := text[:1]
	var b strings.Builder
	for rest = text[1:]; ; rest = rest[1:] {
		part, behind, _ := strings.Cut(rest, quote)
		b.WriteString(part)
		if rest = behind; !strings.HasPrefix(rest, quote) {
			return b.String(), rest
		}
		b.WriteString(quote)
	}
}
