package tlsreload_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-pgtxn/caddy-pgtxn/internal/incaddy"
	"github.com/caddy-pgtxn/caddy-pgtxn/tlsreload"
)

func init() { caddy.RegisterModule(&testLoader{}) }

// testLoader is a loader that can be put in a Caddyfile.
type testLoader struct{}

func (*testLoader) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "tls.certificates.test_loader", New: func() caddy.Module { return new(testLoader) }}
}

func (*testLoader) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (*testLoader) LoadCertificates() ([]caddytls.Certificate, error) { return nil, nil }

func TestAdapt(t *testing.T) { incaddy.Adapt(t) }

// The example is what its golden file says.
func TestExample(t *testing.T) {
	example, err := os.ReadFile("../examples/tlsreload/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := incaddy.Golden(t, "testdata/adapt/example.caddytest"); text != string(example) {
		t.Error("examples/tlsreload/Caddyfile is not the one in testdata/adapt/example.caddytest")
	}
}

// No field is missing in the Caddyfile, in its golden file, or in the manual.
func TestAdaptHasAllFields(t *testing.T) {
	_, json := incaddy.Golden(t, "testdata/adapt/options.caddytest")
	manual, err := os.ReadFile("../docs/tlsreload.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []reflect.Type{reflect.TypeFor[tlsreload.App](), reflect.TypeFor[tlsreload.Set](), reflect.TypeFor[tlsreload.Pair]()} {
		for _, field := range reflect.VisibleFields(of) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if field.IsExported() && !strings.Contains(json, `"`+name+`": `) {
				t.Errorf("%s.%s (%s) is not in options.caddytest", of.Name(), field.Name, name)
			}
			inManual := "(?m)^\\|.*`" + strings.TrimSuffix(name, "s") + "s?\\b.*\\|.+\\|.+\\|$" // sets is the option set
			if field.IsExported() && of != reflect.TypeFor[tlsreload.Pair]() && !regexp.MustCompile(inManual).Match(manual) {
				t.Errorf("%s.%s (%s) has no row in docs/tlsreload.md", of.Name(), field.Name, name)
			}
		}
	}
}

// What a person sees for a mistake.
func TestCaddyfileMistakes(t *testing.T) {
	for _, test := range []struct{ options, want string }{
		{"sett a {\n}", "tlsreload: unknown option 'sett': did you mean 'set'?, at Caddyfile:3"},
		{"set {\n}", "tlsreload: option 'set' takes 1 argument, not 0: set <name> { … }, at Caddyfile:3"},
		{"set a {\ncertificate\n}", "set: option 'certificate' takes 1 to 2 arguments, not 0: certificate <file> [<key file>], at Caddyfile:4"},
		{"set a {\nfolder x\n}\nset a {\nfolder y\n}", "tlsreload: option 'set': there is a set a already, at Caddyfile:8"},
		{"watch maybe", "tlsreload: option 'watch': expected one of on, off, not 'maybe', at Caddyfile:3"},
		{"set a {\nloader\n}", "takes the name of a module that loads certificates, at Caddyfile:4"},
		{"set a {\nloader nonsense\n}", "module not registered: tls.certificates.nonsense, at Caddyfile:4"},
	} {
		_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("{\ntlsreload {\n"+test.options+"\n}\n}\n"), nil)
		if err == nil {
			t.Errorf("%q: no error, want %s", test.options, test.want)
		} else if !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("%q:\n got %s\nwant …%s", test.options, err, test.want)
		}
	}
}

// What is wrong with a configuration in itself.
func TestValidate(t *testing.T) {
	set := func() *tlsreload.Set { return &tlsreload.Set{Default: true} }
	for _, test := range []struct {
		app  *tlsreload.App
		want string
	}{
		{&tlsreload.App{}, "there is no set"},
		{&tlsreload.App{Sets: map[string]*tlsreload.Set{"a/b": set()}}, "set 'a/b': a name has only letters"},
		{&tlsreload.App{Sets: map[string]*tlsreload.Set{"a": set(), "b": set()}}, "2 sets are the default"},
		{&tlsreload.App{Sets: map[string]*tlsreload.Set{"a": set()}, Watch: "yes"}, "watch: unknown 'yes'"},
		{&tlsreload.App{Sets: map[string]*tlsreload.Set{"a": set()}, Expiring: -1}, "can't be less than 0"},
		{&tlsreload.App{Sets: map[string]*tlsreload.Set{"a": set()}}, ""},
	} {
		err := test.app.Validate()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%v; want %q", err, test.want)
		}
	}
}
