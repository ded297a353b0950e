package caddyfile

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// module has an option of each kind.
type module struct {
	Addresses []string
	Name      string
	Mode      string
	Quick     bool
	Number    int
	Size      int
	Timeout   caddy.Duration
	Limit     *caddy.Duration
	Colors    []string
	Inner     int
	Closed    int // how often the end of a block was told
	Raw       []string
}

func (m *module) options() []Option {
	return []Option{
		Strings("address", "<address...>", &m.Addresses),
		String("name", "<name>", &m.Name),
		Word("mode", &m.Mode, "fast", "slow"),
		Flag("quick", &m.Quick),
		Int("number", &m.Number, 1),
		Size("size", &m.Size),
		Duration("timeout", &m.Timeout),
		Limit("limit", &m.Limit),
		{Name: "colors", Args: "<one> [<two>]", Min: 1, Max: 2, Set: func(args []string) error {
			m.Colors = args
			return nil
		}},
		{Name: "nested", Block: []Option{Int("inner", &m.Inner, 0)}, Set: func([]string) error {
			m.Closed++
			return nil
		}},
		{Name: "raw", Repeatable: true, Segment: func(d *caddyfile.Dispenser) error {
			for d.Next() {
				if d.Val() == "broken" {
					return errors.New("as it is")
				}
				m.Raw = append(m.Raw, d.Val())
			}
			return nil
		}},
	}
}

func parse(t *testing.T, text string) (module, error) {
	t.Helper()
	tokens, err := caddyfile.Tokenize([]byte(text), "Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	var m module
	return m, Module(caddyfile.NewDispenser(tokens), m.options())
}

func TestValues(t *testing.T) {
	hour, none := caddy.Duration(time.Hour), caddy.Duration(0)
	for text, want := range map[string]module{
		"m":                                   {},
		"m {\n}":                              {},
		"m {\nname x\n}":                      {Name: "x"},
		"m {\nname \"x y\"\n}":                {Name: "x y"},
		"m {\nmode slow\n}":                   {Mode: "slow"},
		"m {\nquick\n}":                       {Quick: true},
		"m {\nnumber 1\n}":                    {Number: 1},
		"m {\nsize 5\n}":                      {Size: 5},
		"m {\nsize 5B\n}":                     {Size: 5},
		"m {\nsize 64kB\n}":                   {Size: 65536},
		"m {\nsize 64KiB\n}":                  {Size: 65536},
		"m {\nsize 16MiB\n}":                  {Size: 16 << 20},
		"m {\nsize 1GB\n}":                    {Size: 1 << 30},
		"m {\ntimeout 1m30s\n}":               {Timeout: caddy.Duration(90 * time.Second)},
		"m {\nlimit 1h\n}":                    {Limit: &hour},
		"m {\nlimit 0\n}":                     {Limit: &none},
		"m {\ncolors red\n}":                  {Colors: []string{"red"}},
		"m {\ncolors red blue\n}":             {Colors: []string{"red", "blue"}},
		"m {\nnested\n}":                      {Closed: 1},
		"m {\nnested {\n}\n}":                 {Closed: 1},
		"m {\nnested {\n}\nquick\n}":          {Closed: 1, Quick: true},
		"m {\nnested {\ninner 7\n}\nquick\n}": {Inner: 7, Closed: 1, Quick: true},
		"m {\naddress a b\naddress c\n}":      {Addresses: []string{"a", "b", "c"}},
		"m {\nraw x {\ny z\n}\nraw\nquick\n}": {Raw: []string{"raw", "x", "{", "y", "z", "}", "raw"}, Quick: true},
		"m {\n# a comment\nname x # another\nmode fast\nnumber 2\n}\n": {Name: "x", Mode: "fast", Number: 2},
	} {
		got, err := parse(t, text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n got %+v, %v\nwant %+v", text, got, err, want)
		}
	}
}

// What a person sees for each mistake.
func TestErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"m x {\n}", "m: unexpected 'x': the options go into a block, one on each line, at Caddyfile:1"},
		{"m {\nnumbr 1\n}", "m: unknown option 'numbr': did you mean 'number'?, at Caddyfile:2"},
		{"m {\nquick\n\ntime_out 1s\n}", "m: unknown option 'time_out': did you mean 'timeout'?, at Caddyfile:4"},
		{"m {\nnumber{ 1\n}", "m: unknown option 'number{': did you mean 'number'?, at Caddyfile:2"},
		{"m {\nbanana\n}", "m: unknown option 'banana': the options are address, name, mode, quick, number, size, timeout, limit, colors, nested, raw, at Caddyfile:2"},
		{"m {\nquick\nname x\nquick\n}", "m: option 'quick' is here for the second time, the first is in line 2, at Caddyfile:4"},
		{"m {\nnested\nnested {\ninner 1\n}\n}", "m: option 'nested' is here for the second time, the first is in line 2, at Caddyfile:3"},
		{"m {\nname\n}", "m: option 'name' takes 1 argument, not 0: name <name>, at Caddyfile:2"},
		{"m {\nname x y\n}", "m: option 'name' takes 1 argument, not 2: name <name>, at Caddyfile:2"},
		{"m {\naddress\n}", "m: option 'address' takes 1 argument or more, not 0: address <address...>, at Caddyfile:2"},
		{"m {\ncolors a b c\n}", "m: option 'colors' takes 1 to 2 arguments, not 3: colors <one> [<two>], at Caddyfile:2"},
		{"m {\nquick yes\n}", "m: option 'quick' takes no argument, not 1: quick, at Caddyfile:2"},
		{"m {\nnested x\n}", "m: option 'nested' takes no argument, not 1: nested { … }, at Caddyfile:2"},
		{"m {\nname x {\ny\n}\n}", "m: option 'name' takes no block: name <name>, at Caddyfile:2"},
		{"m {\nname \"\"\n}", "m: option 'name': expected <name>, not an empty text, at Caddyfile:2"},
		{"m {\nmode quick\n}", "m: option 'mode': expected one of fast, slow, not 'quick', at Caddyfile:2"},
		{"m {\nnumber many\n}", "m: option 'number': expected a whole number from 1, not 'many', at Caddyfile:2"},
		{"m {\nnumber 0\n}", "m: option 'number': expected a whole number from 1, not '0', at Caddyfile:2"},
		{"m {\nnumber 99999999999999999999\n}", "m: option 'number': expected a whole number from 1, not '99999999999999999999', at Caddyfile:2"},
		{"m {\ntimeout 30\n}", "m: option 'timeout': expected a duration with its unit, such as 500ms, 30s, 10m, 1h or 1d, not '30', at Caddyfile:2"},
		{"m {\nlimit -1s\n}", "m: option 'limit': expected a duration with its unit, such as 500ms, 30s, 10m, 1h or 1d, not '-1s', at Caddyfile:2"},
		{"m {\ntimeout 0s\n}", "m: option 'timeout': expected a duration longer than 0, at Caddyfile:2"},
		{"m {\nsize 3XB\n}", "m: option 'size': expected a number of bytes such as 65536, 64KiB or 16MiB, not '3XB', at Caddyfile:2"},
		{"m {\nsize 9999999999GB\n}", "m: option 'size': expected a number of bytes such as 65536, 64KiB or 16MiB, not '9999999999GB', at Caddyfile:2"},
		{"m {\nsize 0\n}", "m: option 'size': expected a number of bytes such as 65536, 64KiB or 16MiB, not '0', at Caddyfile:2"},
		{"m {\nnested {\ninne 1\n}\n}", "nested: unknown option 'inne': did you mean 'inner'?, at Caddyfile:3"},
		{"m {\nnested {\ninner x\n}\n}", "nested: option 'inner': expected a whole number from 0, not 'x', at Caddyfile:3"},
		{"m {\nraw broken\n}", "as it is"},
	} {
		_, err := parse(t, test.text)
		if err == nil {
			t.Errorf("%q: no error, want %s", test.text, test.want)
		} else if err.Error() != test.want {
			t.Errorf("%q:\n got %s\nwant %s", test.text, err, test.want)
		}
	}
}

// A module with arguments of its own.
func TestNamed(t *testing.T) {
	for _, test := range []struct{ text, names, want string }{
		{"m a b {\nquick\n}", "a b", ""},
		{"m a", "a", ""},
		{"m", "", "m: expected an address behind it, at Caddyfile:1"},
		{"m {\nquick\n}", "", "m: expected an address behind it, at Caddyfile:1"},
		{"m a {\nquik\n}", "a", "m: unknown option 'quik': did you mean 'quick'?, at Caddyfile:2"},
	} {
		tokens, err := caddyfile.Tokenize([]byte(test.text), "Caddyfile")
		if err != nil {
			t.Fatal(err)
		}
		var m module
		names, err := Named(caddyfile.NewDispenser(tokens), "an address", m.options())
		if strings.Join(names, " ") != test.names || err == nil && test.want != "" || err != nil && err.Error() != test.want {
			t.Errorf("%q: %q, %v; want %q, %q", test.text, names, err, test.names, test.want)
		}
	}
}

// No suggestion is made for a word that has nothing to do with the options.
func TestSuggest(t *testing.T) {
	options := (&module{}).options()
	for _, word := range []string{"x", "pg", "zzzzzz"} {
		if got := suggest(options, word); !strings.HasPrefix(got, "the options are ") {
			t.Errorf("for %q: %s", word, got)
		}
	}
}
