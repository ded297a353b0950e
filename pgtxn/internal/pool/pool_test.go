package pool

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// bench records what the pool asks for; the test plays the connecting side.
type bench struct {
	connecting []*Member[string]
	evicted    []string
}

func (b *bench) Connect(m *Member[string]) { b.connecting = append(b.connecting, m) }
func (b *bench) Evict(m *Member[string])   { b.evicted = append(b.evicted, m.Backend) }

// connect fills the oldest place being connected.
func (b *bench) connect(p *Pool[string], name string) *Member[string] {
	m := b.connecting[0]
	b.connecting = b.connecting[1:]
	p.Connected(m, name)
	return m
}

type taker struct {
	name string
	log  *[]string
	got  *Member[string]
	w    Waiter[string]
}

func (t *taker) Granted(m *Member[string]) {
	t.got = m
	*t.log = append(*t.log, t.name+":"+m.Backend)
}
func (t *taker) Refused(err error) { *t.log = append(*t.log, t.name+":"+err.Error()) }

func newTaker(log *[]string, name string) *taker {
	t := &taker{name: name, log: log}
	t.w.Taker = t
	return t
}

// filled returns a pool with idle members named a, b, c… in the order in which
// they became idle.
func filled(t *testing.T, limit, members int) (*Pool[string], *bench, []*Member[string]) {
	t.Helper()
	var log []string
	b := &bench{}
	p := New[string](limit, b)
	var ms []*Member[string]
	var takers []*taker
	for range members {
		tk := newTaker(&log, "init")
		if p.Acquire(&tk.w) != nil {
			t.Fatal("an empty pool lent something")
		}
		takers = append(takers, tk)
	}
	for i := range members {
		ms = append(ms, b.connect(p, string(rune('a'+i))))
	}
	for _, tk := range takers {
		p.Release(tk.got, Label{})
	}
	return p, b, ms
}

func TestPreference(t *testing.T) {
	x, y := Label{1, 1}, Label{2, 2}
	for _, c := range []struct {
		name   string
		labels []Label // of a, b, c
		last   int     // index of the member had last, -1: none
		want   Label
		lent   string
	}{
		{"the one had last, whatever its label", []Label{y, x, {}}, 0, x, "a"},
		{"an equal label before a clean one", []Label{y, x, {}}, -1, x, "b"},
		{"a clean one before the least recently used", []Label{y, {}, y}, -1, x, "b"},
		{"the least recently used", []Label{y, y, y}, -1, x, "a"},
		{"clean wanted", []Label{y, y, {}}, -1, Label{}, "c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _, ms := filled(t, 3, 3)
			for i, m := range ms {
				m.label = c.labels[i]
			}
			w := Waiter[string]{Label: c.want}
			if c.last >= 0 {
				w.Last = ms[c.last]
			}
			if m := p.Acquire(&w); m == nil || m.Backend != c.lent {
				t.Errorf("lent %v, want %s", m, c.lent)
			}
		})
	}
}

func TestFirstComeFirstServed(t *testing.T) {
	p, _, _ := filled(t, 1, 1)
	var log []string
	first := p.Acquire(&newTaker(&log, "0").w)
	for i := 1; i <= 3; i++ {
		p.Acquire(&newTaker(&log, fmt.Sprint(i)).w)
	}
	for range 3 {
		p.Release(first, Label{})
	}
	if want := []string{"1:a", "2:a", "3:a"}; !slices.Equal(log, want) {
		t.Errorf("served %v, want %v", log, want)
	}
}

func TestCancelledWaitIsNotServed(t *testing.T) {
	p, _, ms := filled(t, 1, 1)
	var log []string
	p.Acquire(&newTaker(&log, "0").w)
	one, two := newTaker(&log, "1"), newTaker(&log, "2")
	p.Acquire(&one.w)
	p.Acquire(&two.w)
	p.Cancel(&one.w)
	p.Cancel(&one.w) // twice is once
	p.Release(ms[0], Label{})
	if want := []string{"2:a"}; !slices.Equal(log, want) {
		t.Errorf("served %v, want %v", log, want)
	}
}

func TestRemovedPlaceIsGivenOn(t *testing.T) {
	p, b, ms := filled(t, 1, 1)
	var log []string
	p.Acquire(&newTaker(&log, "0").w)
	p.Acquire(&newTaker(&log, "1").w)
	p.Remove(ms[0])
	if len(b.connecting) != 1 {
		t.Fatal("nobody connects for the one who waits")
	}
	b.connect(p, "b")
	if want := []string{"1:b"}; !slices.Equal(log, want) {
		t.Errorf("served %v, want %v", log, want)
	}
}

func TestAnotherClassTakesThePlace(t *testing.T) {
	p, b, _ := filled(t, 2, 2)
	var log []string
	tk := newTaker(&log, "other")
	tk.w.Class = "other"
	if p.Acquire(&tk.w) != nil {
		t.Fatal("a member of another class was lent")
	}
	if !slices.Equal(b.evicted, []string{"a"}) {
		t.Errorf("evicted %v, want the least recently used", b.evicted)
	}
	b.connect(p, "o")
	if !slices.Equal(log, []string{"other:o"}) {
		t.Errorf("served %v", log)
	}
}

// Who came first gets the place that is released, also if it takes another class;
// those behind can't keep it among themselves.
func TestAnotherClassIsNotOvertaken(t *testing.T) {
	p, b, members := filled(t, 1, 1)
	holder := newTaker(&[]string{}, "holder")
	m := p.Acquire(&holder.w)
	if m != members[0] {
		t.Fatal("the member was not lent")
	}
	var log []string
	first, second := newTaker(&log, "first"), newTaker(&log, "second")
	first.w.Class = "other"
	p.Acquire(&first.w)
	p.Acquire(&second.w)
	p.Release(m, Label{})
	if len(log) > 0 {
		t.Fatalf("%v was served before who came first", log)
	}
	if len(b.evicted) != 1 || len(b.connecting) != 1 {
		t.Fatalf("%d members evicted, %d connecting, want one each", len(b.evicted), len(b.connecting))
	}
	m = b.connect(p, "o")
	if !slices.Equal(log, []string{"first:o"}) {
		t.Fatalf("served %v", log)
	}
	p.Release(m, Label{})
	b.connect(p, "x")
	if !slices.Equal(log, []string{"first:o", "second:x"}) {
		t.Errorf("served %v", log)
	}
}

func TestConnectFails(t *testing.T) {
	var log []string
	b := &bench{}
	p := New[string](2, b)
	hasty, patient := newTaker(&log, "hasty"), newTaker(&log, "patient")
	patient.w.Patient = true
	p.Acquire(&hasty.w)
	p.Acquire(&patient.w)
	failed := b.connecting
	b.connecting = nil
	if !p.ConnectFailed(failed[0], errors.New("down"), false) || !p.ConnectFailed(failed[1], errors.New("down"), false) {
		t.Error("nobody stays, but the patient one does")
	}
	if want := []string{"hasty:down"}; !slices.Equal(log, want) {
		t.Errorf("told %v, want %v", log, want)
	}
	if len(b.connecting) != 0 {
		t.Error("it connects again at once")
	}
	p.Retry()
	b.connect(p, "a")
	if want := []string{"hasty:down", "patient:a"}; !slices.Equal(log, want) {
		t.Errorf("told %v, want %v", log, want)
	}
}

// Those who wait for Retry are not those for whom something connects: behind them one
// place is made for each who does not, and no idle member gives way for a second.
func TestOnePlaceForEachWhileBackingOff(t *testing.T) {
	p, b, ms := filled(t, 6, 4)
	p.AcquireIdle(&Waiter[string]{Last: ms[0]})
	var log []string
	wait := func(name string, patient bool) {
		tk := newTaker(&log, name)
		tk.w.Class, tk.w.Patient = "other", patient
		p.Acquire(&tk.w)
	}
	wait("patient", true)
	p.ConnectFailed(b.connecting[0], errors.New("down"), false)
	b.connecting = nil
	wait("patient", true)
	wait("hasty", false)
	wait("hasty", false)
	p.Release(ms[0], Label{})
	p.Remove(ms[1])
	if len(b.connecting) != 2 || len(b.evicted) > 0 {
		t.Errorf("%d connecting, %v evicted; want 2 and none", len(b.connecting), b.evicted)
	}
}

// What is hopeless tries the most patient.
func TestConnectHopeless(t *testing.T) {
	var log []string
	b := &bench{}
	p := New[string](1, b)
	patient := newTaker(&log, "patient")
	patient.w.Patient = true
	p.Acquire(&patient.w)
	if p.ConnectFailed(b.connecting[0], errors.New("refused"), true) {
		t.Error("somebody stays")
	}
	if want := []string{"patient:refused"}; !slices.Equal(log, want) {
		t.Errorf("told %v, want %v", log, want)
	}
}

func TestLimitLowered(t *testing.T) {
	p, b, _ := filled(t, 3, 3)
	lent := p.Acquire(&Waiter[string]{})
	p.SetLimit(1)
	if len(b.evicted) != 2 {
		t.Errorf("evicted %v, want both idle ones", b.evicted)
	}
	p.SetLimit(0)
	p.Release(lent, Label{})
	if len(b.evicted) != 3 || p.Counts() != (Counts{}) {
		t.Errorf("evicted %v, left %+v", b.evicted, p.Counts())
	}
}

// A random walk: the limit holds, no member is lent twice, nobody waits while a
// member of its class is idle, and all who wait are served in the end.
func TestRandomWalk(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	const limit = 4
	b := &bench{}
	p := New[string](limit, b)
	var log []string
	waiting, held := map[*taker]bool{}, map[*taker]bool{}
	classes := []string{"x", "y"}
	for i := range 5000 {
		switch r.IntN(5) {
		case 0, 1:
			tk := newTaker(&log, fmt.Sprint(i))
			tk.w.Class, tk.w.Label = classes[r.IntN(2)], Label{uint64(r.IntN(3))}
			if tk.got = p.Acquire(&tk.w); tk.got == nil {
				waiting[tk] = true
			} else {
				held[tk] = true
			}
		case 2, 3:
			for tk := range held {
				delete(held, tk)
				if r.IntN(10) == 0 {
					p.Remove(tk.got)
				} else {
					p.Release(tk.got, Label{uint64(r.IntN(3))})
				}
				break
			}
		case 4:
			if len(b.connecting) > 0 {
				b.connect(p, fmt.Sprint("m", i))
			}
		}
		for tk := range waiting {
			if tk.got != nil {
				delete(waiting, tk)
				held[tk] = true
			}
		}
		check(t, p, waiting, held, limit)
	}
}

func check(t *testing.T, p *Pool[string], waiting, held map[*taker]bool, limit int) {
	t.Helper()
	c := p.Counts()
	if c.Connecting+c.Idle+c.Lent > limit || c.Lent != len(held) || c.Waiting != len(waiting) {
		t.Fatalf("counts %+v with %d held and %d waiting", c, len(held), len(waiting))
	}
	lent := map[*Member[string]]bool{}
	for tk := range held {
		if lent[tk.got] || tk.got.Class != tk.w.Class {
			t.Fatal("a member was lent twice, or to another class")
		}
		lent[tk.got] = true
	}
	for m := p.Oldest(); m != nil; m = p.Next(m) {
		for tk := range waiting {
			if tk.w.Class == m.Class {
				t.Fatal("one waits while a member of its class is idle")
			}
		}
	}
	if len(waiting) > 0 && c.Lent == 0 && c.Connecting == 0 {
		t.Fatal("some wait, and nothing will ever come")
	}
}
