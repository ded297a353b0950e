package auth

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Users is a user list. It does not change.
type Users struct {
	secrets    map[string]Secret
	iterations int // of a user who is not in the list
	md5        int // how many secrets are MD5 hashes
}

// Lookup returns what is known about a user. For a name that is not in the list it is a mock
// that no password opens: give it to NewServer all the same, so that the client can't tell.
func (u *Users) Lookup(name string) (s Secret, known bool) {
	if s, known = u.secrets[name]; !known {
		s = mockSecret(name, u.iterations)
	}
	return s, known
}

// CountMD5 is the number of those whose secret is an MD5 hash.
func (u *Users) CountMD5() int { return u.md5 }

// Unknown is the secret of a user who is nowhere to be found: a mock that nothing opens and that
// looks like another secret.
func Unknown(user string, like Secret) Secret {
	return mockSecret(user, like.reveal().verifier.iterations)
}

// Len is the number of users.
func (u *Users) Len() int { return len(u.secrets) }

// ParseUsers reads a user list in the format of PgBouncer's userlist.txt: lines of
//
//	"name" "password, SCRAM verifier or MD5 hash"
//
// where "" within the quotes stands for a quote. Empty lines and those that begin with ; or #
// count for nothing, and so does what follows the second field. Errors name the line and nothing
// of its contents. It takes about a millisecond for each plain password.
func ParseUsers(r io.Reader) (*Users, error) { return new(Users).Update(r) }

// Update is ParseUsers for a list that has changed: what it costs is what u has not.
func (u *Users) Update(r io.Reader) (*Users, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	given := make(map[string]secret)
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == ';' || line[0] == '#' {
			continue
		}
		if err := addUser(given, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	now := &Users{secrets: make(map[string]Secret, len(given)), iterations: usualIterations(given)}
	for name, s := range given {
		if s.md5 != "" {
			now.md5++
		}
		if last, known := u.secrets[name]; known && s.password != "" && last.reveal().madeOf(s.password, now.iterations) {
			now.secrets[name] = last
			continue
		}
		if now.secrets[name], err = s.complete(name, now.iterations); err != nil {
			return nil, err
		}
	}
	return now, nil
}

// madeOf says whether complete would make the same of a password.
func (s *secret) madeOf(password string, iterations int) bool {
	return s.password == password && s.verifier.iterations == iterations
}

func addUser(users map[string]secret, line string) error {
	name, rest, err := quoted(line)
	if err != nil {
		return err
	}
	if name == "" {
		return errors.New("the user name is empty")
	}
	text, _, err := quoted(rest)
	if err != nil {
		return err
	}
	if _, twice := users[name]; twice {
		return errors.New("the user is in the list twice")
	}
	users[name], err = parseSecret(text)
	return err
}

// quoted takes the quoted field in front of line.
func quoted(line string) (field, rest string, err error) {
	rest, ok := strings.CutPrefix(line, `"`)
	if !ok {
		return "", "", errors.New(`want two fields in double quotes: "name" "secret"`)
	}
	var b strings.Builder
	for {
		part, after, ok := strings.Cut(rest, `"`)
		if !ok {
			return "", "", errors.New("a double quote is missing")
		}
		b.WriteString(part)
		if rest, ok = strings.CutPrefix(after, `"`); !ok {
			break
		}
		b.WriteByte('"')
	}
	trimmed := strings.TrimLeft(rest, " \t")
	if rest != "" && trimmed == rest { // a quote inside that is not doubled?
		return "", "", errors.New("want white space behind a quoted field")
	}
	return b.String(), trimmed, nil
}

// usualIterations is the iteration count that most of the given verifiers have. Users with
// another one can be told from users who do not exist.
func usualIterations(users map[string]secret) int {
	usual := defaultIterations
	count := make(map[int]int)
	for _, s := range users {
		n := s.verifier.iterations
		if n == 0 { // no verifier: it gets the usual count
			continue
		}
		count[n]++
		if count[n] > count[usual] || count[n] == count[usual] && n > usual {
			usual = n
		}
	}
	return usual
}

// Names returns the users, in the order of the alphabet.
func (u *Users) Names() []string { return slices.Sorted(maps.Keys(u.secrets)) }
