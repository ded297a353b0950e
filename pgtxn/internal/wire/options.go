package wire

import "strings"

// Setting is one variable set at start-up. Name is folded to lower case.
type Setting struct{ Name, Value string }

// SplitOptions takes the options parameter of a StartupMessage apart as PostgreSQL does
// (pg_split_opts in postinit.c, then process_postgres_switches in postgres.c). settings are in
// the order of the text. unknown are the switches that set no variable a client may set: the
// server will judge them, for options is sent on as it is.
func SplitOptions(options string) (settings []Setting, unknown []string) {
	args := splitArgs(options)
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			return settings, append(unknown, args...)
		}
		if len(arg) < 2 || arg[0] != '-' {
			unknown = append(unknown, arg)
			continue
		}
		// One argument holds several switches (-sO) up to the first with a value, which is the
		// rest of the argument or else the next one, as getopt(3) has it.
		for letters := arg[1:]; letters != ""; {
			letter, value := letters[0], ""
			letters = letters[1:]
			if strings.IndexByte(switchesWithValue, letter) >= 0 {
				value, letters = letters, ""
				if value == "" && len(args) > 0 {
					value, args = args[0], args[1:]
				}
			}
			if set := switchSettings(letter, value); set != nil {
				settings = append(settings, set...)
			} else {
				unknown = append(unknown, "-"+string([]byte{letter})+value)
			}
		}
	}
	return settings, unknown
}

// whiteSpace is isspace(3) in the C locale.
const whiteSpace = " \t\n\v\f\r"

// splitArgs cuts at white space. A backslash takes away the meaning of the character behind it.
func splitArgs(options string) []string {
	var args []string
	var arg []byte
	inArg, escaped := false, false
	for i := range len(options) {
		c := options[i]
		switch {
		case escaped:
			arg, escaped = append(arg, c), false
		case c == '\\':
			inArg, escaped = true, true
		case strings.IndexByte(whiteSpace, c) >= 0:
			if inArg {
				args = append(args, string(arg))
			}
			arg, inArg = arg[:0], false
		default:
			arg, inArg = append(arg, c), true
		}
	}
	if inArg {
		args = append(args, string(arg))
	}
	return args
}

// foldName folds a variable's name as guc_name_compare does: ASCII letters only.
func foldName(name string) string {
	folded := []byte(name)
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] = c + ('a' - 'A')
		}
	}
	return string(folded)
}
