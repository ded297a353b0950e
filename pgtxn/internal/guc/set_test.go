package guc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// known, asked make values for tests.
func known(text string) *Value { return &Value{Text: text, Known: true} }
func asked(text string) *Value { return &Value{Text: text} }

// show prints a Set on one line: v=1? is as asked, v=1/2 has a local value.
func show(s *Set) string {
	var out []string
	for v := range s.All() {
		text := v.Name + "=" + showValue(v.Session)
		if v.Local != nil {
			text += "/" + showValue(v.Local)
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func showValue(v *Value) string {
	switch {
	case v == nil:
		return ""
	case v.Default:
		return "DEFAULT"
	case v.Known:
		return v.Text
	default:
		return v.Text + "?"
	}
}

func TestWith(t *testing.T) {
	one := (*Set)(nil).With(Var{Name: "v", Session: asked("1")})
	for _, c := range []struct {
		name string
		got  *Set
		want string
	}{
		{"empty", nil, ""},
		{"first", one, "v=1?"},
		{"second name", one.With(Var{Name: "a", Session: known("2")}), "a=2 v=1?"},
		{"replaced", one.With(Var{Name: "v", Session: known("2")}), "v=2"},
		{"local only", (*Set)(nil).With(Var{Name: "v", Local: asked("3")}), "v=/3?"},
		{"both layers", one.With(Var{Name: "v", Session: asked("1"), Local: known("3")}), "v=1?/3"},
		{"masked", one.With(Var{Name: "v", Session: asked("1"), Local: AtDefault()}), "v=1?/DEFAULT"},
		{"at default leaves", one.With(Var{Name: "v", Session: AtDefault()}), ""},
		{"without", one.Without("v"), ""},
		{"without another", one.Without("w"), "v=1?"},
		{"custom at default stays", (*Set)(nil).With(Var{Name: "my.x", Session: AtDefault()}), "my.x=DEFAULT"},
		{"custom without stays", (*Set)(nil).With(Var{Name: "my.x", Session: known("1")}).Without("my.x"), "my.x=DEFAULT"},
		{"custom local", (*Set)(nil).With(Var{Name: "my.x", Local: known("1")}), "my.x=DEFAULT/1"},
		{"custom local dropped", (*Set)(nil).With(Var{Name: "my.x", Local: known("1")}).DropLocals(), "my.x=DEFAULT"},
		{"local dropped", one.With(Var{Name: "w", Local: known("1")}).DropLocals(), "v=1?"},
		{"mask dropped", one.With(Var{Name: "v", Session: asked("1"), Local: AtDefault()}).DropLocals(), "v=1?"},
	} {
		if got := show(c.got); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := show(one); got != "v=1?" {
		t.Errorf("the first set changed: %q", got)
	}
}

func TestInForce(t *testing.T) {
	for _, c := range []struct {
		v    Var
		want *Value
	}{
		{Var{}, nil},
		{Var{Session: known("1")}, known("1")},
		{Var{Session: known("1"), Local: known("2")}, known("2")},
		{Var{Session: known("1"), Local: AtDefault()}, nil},
		{Var{Name: "my.x", Session: AtDefault()}, nil},
	} {
		if got := c.v.InForce(); !equalValue(got, c.want) {
			t.Errorf("%+v: in force %v, want %v", c.v, got, c.want)
		}
	}
}

func TestUnchangedIsTheSame(t *testing.T) {
	s := many(50, nil)
	v, _ := s.Get("v0007")
	again := Var{Name: v.Name, Session: known(v.Session.Text)}
	if s.With(again) != s || s.Without("none") != s || s.DropLocals() != s {
		t.Error("a change to what is there already made a new set")
	}
}

func TestKeepDefined(t *testing.T) {
	base := (*Set)(nil).With(Var{Name: "v", Session: known("1")}).With(Var{Name: "my.a", Session: known("a")})
	later := base.With(Var{Name: "v", Session: known("2")}).
		With(Var{Name: "my.a", Session: known("b")}).
		With(Var{Name: "my.b", Session: known("b")}).
		With(Var{Name: "my.c", Local: known("c")})
	if got, want := show(base.KeepDefined(later)), "my.a=a my.b=DEFAULT my.c=DEFAULT v=1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	same := base.With(Var{Name: "v", Session: known("2")})
	if base.KeepDefined(same) != base {
		t.Error("no new custom name, and yet a new set")
	}
}

// TestHash has pairs that must not look alike.
func TestHash(t *testing.T) {
	sets := map[string]*Set{}
	for name, v := range map[string]Var{
		"known":          {Name: "v", Session: known("1")},
		"asked":          {Name: "v", Session: asked("1")},
		"local":          {Name: "v", Local: known("1")},
		"both":           {Name: "v", Session: known("1"), Local: known("1")},
		"masked":         {Name: "v", Session: known("1"), Local: AtDefault()},
		"empty text":     {Name: "v", Session: known("")},
		"text in name":   {Name: "v1", Session: known("")},
		"custom default": {Name: "my.v", Session: AtDefault()},
		"custom empty":   {Name: "my.v", Session: known("")},
		"case":           {Name: "v", Session: known("TenantA")},
		"other case":     {Name: "v", Session: known("TENANTA")},
		"list":           {Name: "v", Session: known(`"MySchema", public`)},
		"other list":     {Name: "v", Session: known(`myschema, public`)},
	} {
		sets[name] = (*Set)(nil).With(v)
	}
	sets["empty"] = nil
	for a, s := range sets {
		for b, u := range sets {
			if (a == b) != s.Equal(u) {
				t.Errorf("%q and %q: equal is %v", a, b, s.Equal(u))
			}
		}
	}
	// k=v;k=v in one value is not two variables.
	two := (*Set)(nil).With(Var{Name: "a", Session: known("1")}).With(Var{Name: "b", Session: known("2")})
	if two.Equal((*Set)(nil).With(Var{Name: "a", Session: known("1;b=2")})) {
		t.Error("ambiguous hash")
	}
}

// many is a set of n variables, added in the order that perm gives.
func many(n int, perm []int) *Set {
	var s *Set
	for i := range n {
		if perm != nil {
			i = perm[i]
		}
		s = s.With(Var{Name: fmt.Sprintf("v%04d", i), Session: known(fmt.Sprint(i))})
	}
	return s
}

func TestOrder(t *testing.T) {
	names := []string{}
	for v := range many(200, nil).All() {
		names = append(names, v.Name)
	}
	if len(names) != 200 || !slices.IsSorted(names) {
		t.Errorf("%d names, sorted: %v", len(names), slices.IsSorted(names))
	}
	for range many(5, nil).All() { // leaving early is allowed
		break
	}
}

func BenchmarkWith(b *testing.B) {
	for _, n := range []int{0, 300} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := many(n, nil)
			values := [2]*Value{known("a"), known("b")}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s = s.With(Var{Name: "v0150", Session: values[i%2]})
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	s := many(300, nil)
	for b.Loop() {
		s.Get("v0150")
	}
}
