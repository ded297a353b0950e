package guc

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// model is a Set done the naive way.
type model map[string]Var

func (m model) with(v Var) model {
	m = maps.Clone(m)
	custom := Custom(v.Name)
	if custom && v.Session == nil {
		v.Session = AtDefault()
	}
	if !custom && v.Session != nil && v.Session.Default {
		v.Session = nil
	}
	m[v.Name] = v
	if v.Session == nil && v.Local == nil {
		delete(m, v.Name)
	}
	return m
}

func (m model) dropLocals() model {
	for _, v := range m {
		v.Local = nil
		m = m.with(v)
	}
	return m
}

// step changes a set and its model in the same way.
func step(r *rand.Rand, s *Set, m model) (*Set, model) {
	name := fmt.Sprintf("v%02d", r.IntN(40))
	if r.IntN(4) == 0 {
		name = "my." + name
	}
	switch r.IntN(12) {
	case 0, 1, 2:
		return s.Without(name), m.with(Var{Name: name})
	case 3:
		return s.DropLocals(), m.dropLocals()
	default:
		v := Var{Name: name, Session: anyValue(r), Local: anyValue(r)}
		return s.With(v), m.with(v)
	}
}

func anyValue(r *rand.Rand) *Value {
	switch n := r.IntN(6); n {
	case 0, 1:
		return nil
	case 2:
		return AtDefault()
	default:
		return &Value{Text: fmt.Sprint(n), Known: r.IntN(2) == 0}
	}
}

// TestRandom compares sets with models over random walks: their content, their
// shape, their difference from any earlier set, and that no set ever changes.
func TestRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 30 {
		sets, models := []*Set{nil}, []model{{}}
		for range 120 {
			i := len(sets) - 1
			if r.IntN(5) == 0 {
				i = r.IntN(len(sets)) // go back, as ROLLBACK TO does
			}
			s, m := step(r, sets[i], models[i])
			j := r.IntN(len(sets))
			checkDiff(t, sets[j], s, models[j], m)
			checkDiff(t, s, sets[j], m, models[j])
			sets, models = append(sets, s), append(models, m)
		}
		for i := range sets {
			checkContent(t, sets[i], models[i])
		}
		if t.Failed() {
			return
		}
	}
}

func checkContent(t *testing.T, s *Set, m model) {
	t.Helper()
	var unknown, locals int
	var unlearned []string
	var rebuilt *Set
	for _, name := range slices.Sorted(maps.Keys(m)) {
		v := m[name]
		got, ok := s.Get(name)
		if !ok || !got.equal(v) {
			t.Errorf("%s is %v, want %v", name, got, v)
		}
		if v.Local != nil {
			locals++
		}
		if v.Session != nil && !v.Session.Known {
			unknown++
			unlearned = append(unlearned, name)
		}
		rebuilt = rebuilt.With(v)
	}
	if s.Len() != len(m) || s.Locals() != locals || s.Unknown() != unknown {
		t.Errorf("counts %d %d %d, want %d %d %d", s.Len(), s.Locals(), s.Unknown(), len(m), locals, unknown)
	}
	if got := slices.Collect(s.Unlearned()); !slices.Equal(got, unlearned) {
		t.Errorf("unlearned %v, want %v", got, unlearned)
	}
	if !sameShape(s, rebuilt) || !s.Equal(rebuilt) {
		t.Errorf("shape or hash depends on history: %s", show(s))
	}
}

func sameShape(s, u *Set) bool {
	if s == nil || u == nil {
		return s == u
	}
	return s.v.equal(u.v) && sameShape(s.left, u.left) && sameShape(s.right, u.right)
}

func checkDiff(t *testing.T, from, to *Set, a, b model) {
	t.Helper()
	var want, got []string
	names := maps.Clone(a)
	maps.Copy(names, b)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		old, now := a[name], b[name]
		old.Name, now.Name = name, name
		if !old.equal(now) {
			want = append(want, fmt.Sprint(name, showValue(old.Session), showValue(old.Local), showValue(now.Session), showValue(now.Local)))
		}
	}
	for old, now := range Diff(from, to) {
		if old.Name != now.Name {
			t.Errorf("pair of %q and %q", old.Name, now.Name)
		}
		got = append(got, fmt.Sprint(now.Name, showValue(old.Session), showValue(old.Local), showValue(now.Session), showValue(now.Local)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("difference %q, want %q", got, want)
	}
	if from.Equal(to) != (len(want) == 0) {
		t.Errorf("equal is %v with differences %q", from.Equal(to), want)
	}
}

// TestShapeIsCanonical builds one set in many orders.
func TestShapeIsCanonical(t *testing.T) {
	want := many(300, nil)
	for range 10 {
		got := many(300, rand.Perm(300))
		if !sameShape(got, want) || got.Hash() != want.Hash() {
			t.Fatal("the shape depends on the order")
		}
	}
}

// TestSharing: a change costs a path, not the set, and so does the difference.
func TestSharing(t *testing.T) {
	const n = 10000
	s := many(n, nil)
	v := Var{Name: "v5000", Session: known("x")}
	if nodes := testing.AllocsPerRun(10, func() { s.With(v) }); nodes > 80 {
		t.Errorf("one change in %d variables made %v nodes", n, nodes)
	}
	fresh, before := 0, map[*Set]bool{}
	collect(s, before)
	after := map[*Set]bool{}
	collect(s.With(v), after)
	for node := range after {
		if !before[node] {
			fresh++
		}
	}
	if fresh > 80 {
		t.Errorf("%d nodes are not shared", fresh)
	}
	if allocs := testing.AllocsPerRun(10, func() {
		for range Diff(s, s) {
			t.Error("a set differs from itself")
		}
	}); allocs > 4 {
		t.Errorf("an empty difference allocates %v times", allocs)
	}
}

func collect(s *Set, nodes map[*Set]bool) {
	if s != nil {
		nodes[s] = true
		collect(s.left, nodes)
		collect(s.right, nodes)
	}
}

func BenchmarkDiff(b *testing.B) {
	s := many(300, nil)
	u := s.With(Var{Name: "v0150", Session: known("x")})
	b.ReportAllocs()
	for b.Loop() {
		for range Diff(s, u) {
		}
	}
}
