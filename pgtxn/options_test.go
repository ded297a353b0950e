package pgtxn

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-pgtxn/caddy-pgtxn/caddyfile"
	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
)

// documented is the rows of the tables in docs/options.md: the default of each option.
func documented(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../docs/options.md")
	if err != nil {
		t.Fatal(err)
	}
	defaults := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?`.*?) \\| (.*?) \\| .+ \\|$").FindAllStringSubmatch(string(text), -1) {
		for _, name := range regexp.MustCompile("`([a-z_]+)").FindAllStringSubmatch(row[1], -1) {
			if _, twice := defaults[name[1]]; twice && name[1] != "tls" { // which has a row with a block and one without
				t.Errorf("%s is in docs/options.md twice", name[1])
			}
			defaults[name[1]] = row[2]
		}
	}
	return defaults
}

// all calls f with each option of the handler, and those in their blocks.
func all(options []caddyfile.Option, f func(caddyfile.Option)) {
	for _, o := range options {
		f(o)
		all(o.Block, f)
	}
}

// Each option is in the golden file, and in the manual with its default.
func TestOptionsAreDocumented(t *testing.T) {
	text, _ := incaddy.Golden(t, "testdata/adapt/options.caddytest")
	defaults := documented(t)
	n := 0
	all(new(Handler).options(), func(o caddyfile.Option) {
		n++
		if !regexp.MustCompile(`(?m)^\s*` + o.Name + `\b`).MatchString(text) {
			t.Errorf("%s is not in options.caddytest", o.Name)
		}
		switch o.Name {
		case "user", "database", "connection_policy": // of the rows of pool_mode and tls
			return
		}
		if value, found := defaults[o.Name]; !found || value == "" {
			t.Errorf("%s has no row with a default in docs/options.md", o.Name)
		}
	})
	if n < 45 {
		t.Errorf("there are %d options only", n)
	}
}

// The defaults in the manual are those of the code, which the console shows. Those in plain words are not settings.
func TestDefaultsAreDocumented(t *testing.T) {
	documented := documented(t)
	value := regexp.MustCompile("^([0-9.]+(s|m|h|MiB)?|`[a-z0-9-]+`)$")
	n := 0
	for _, s := range new(Handler).settings() {
		text := documented[s.Name]
		if s.Name == "auth_query" { // whose default is not a query but what is asked
			continue
		}
		want := ""
		if value.MatchString(text) {
			want = strings.Trim(text, "`")
			n++
		}
		if megabytes, ok := strings.CutSuffix(want, "MiB"); ok {
			number, _ := strconv.Atoi(megabytes)
			want = strconv.Itoa(number << 20)
		}
		if d, err := time.ParseDuration(want); err == nil {
			want = d.String()
		}
		if s.Default != want {
			t.Errorf("%s: docs/options.md says '%s', it is '%s'", s.Name, text, s.Default)
		}
	}
	if n < 30 {
		t.Errorf("there are %d defaults only", n)
	}
}

// Whatever is wrong with an option, the message names it and its line: for each of them, too few arguments, too many,
// a block that it can't have, and a letter too many in its name.
func TestMistakesNameTheOption(t *testing.T) {
	adapt := func(options string) string {
		_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfileOf(":6432", "", options)), nil)
		if err == nil {
			return "no error"
		}
		return err.Error()
	}
	try := func(options, want string) {
		t.Helper()
		if got := adapt(options); !regexp.MustCompile(want + `.*, at Caddyfile:\d+$`).MatchString(got) {
			t.Errorf("%q:\n got %s\nwant …%s …, at Caddyfile:<line>", options, got, want)
		}
	}
	for _, o := range new(Handler).options() {
		try(o.Name+"q", `pgtxn: unknown option '`+o.Name+`q': did you mean '`+o.Name+`'\?`)
		if o.Segment != nil { // its mistakes are in TestCaddyfileMistakes
			continue
		}
		if o.Min > 0 {
			try(o.Name, `option '`+o.Name+`' takes \d.* arguments?.*, not 0: `+o.Name+` `)
		}
		if o.Max >= 0 {
			try(o.Name+strings.Repeat(" x", o.Max+1), `option '`+o.Name+`' takes .* arguments?, not \d: `+o.Name)
		}
		args := strings.Repeat(" x", max(o.Min, 0))
		if o.Block == nil {
			try(o.Name+args+" {\nx\n}", `option '`+o.Name+`' takes no block: `)
		} else {
			try(o.Name+args+" {\nnonsense\n}", o.Name+`: unknown option 'nonsense': the options are `)
		}
		if !takesAnything[o.Name] && o.Max != 0 {
			try(o.Name+args, `option '`+o.Name+`': (expected|unknown) .*'x'`)
		}
	}
}

// takesAnything: any text is a value of these.
var takesAnything = map[string]bool{
	"upstream": true, "sslrootcert": true, "sslcert": true, "sslkey": true, "sslset": true, "upstream_user": true,
	"upstream_password": true, "users": true, "auth_user": true, "auth_query": true, "auth_dbname": true,
	"admin_users": true, "stats_users": true, "console_dbname": true,
}
