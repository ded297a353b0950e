package sqlscan

import "iter"

// CustomNames yields what looks like the name of a custom setting in a text, or
// in the parameters of a statement: words with dots between them, in lower case
// ("my.x"). Most are something else, a column or a function.
func CustomNames(text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; i < len(text); i++ {
			if !beginsName(text[i]) {
				continue
			}
			start, dots := i, 0
			for ; i < len(text) && isCustomPart(text, i); i++ {
				if text[i] == '.' {
					dots++
				}
			}
			if dots > 0 && i-start <= maxCustom && !yield(string(fold(nil, text[start:i]))) {
				return
			}
		}
	}
}

// maxCustom bounds a name. PostgreSQL has no bound.
const maxCustom = 200

// isCustomPart says whether text[i] goes on with a name that began before it: a
// dot does if a word follows (valid_custom_variable_name in guc.c).
func isCustomPart(text []byte, i int) bool {
	if text[i] == '.' {
		return i+1 < len(text) && beginsName(text[i+1])
	}
	return text[i] < 0x80 && byteClass[text[i]]&identPart != 0
}

// beginsName: names in other letters than ASCII's are not found, for the bytes
// may be in any encoding, or no text at all.
func beginsName(c byte) bool { return c < 0x80 && byteClass[c]&identStart != 0 }
