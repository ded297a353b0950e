package auth

import (
	"strings"
	"unicode/utf8"

	"github.com/xdg-go/stringprep"
	"golang.org/x/text/unicode/norm"
)

// profile is SASLprep as PostgreSQL does it (saslprep.c): a zero width space counts as a space
// before it counts as nothing, and characters are judged before normalization, not behind it.
var profile = func() stringprep.Profile {
	p := stringprep.SASLprep
	nothing, space := p.Mappings[0], p.Mappings[1]
	p.Mappings = []stringprep.Mapping{space, nothing}
	p.Normalize = false
	return p
}()

// saslprep normalizes a password (RFC 4013). One that may not be normalized is used as it is, and
// so is ASCII, control characters included.
func saslprep(password string) string {
	if isASCII(password) || !utf8.ValidString(password) {
		return password
	}
	mapped, err := profile.Prepare(password)
	if err != nil || mapped == "" {
		return password
	}
	return norm.NFKC.String(mapped)
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}
