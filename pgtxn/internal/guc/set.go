package guc

import "iter"

// Set is an immutable set of variables; nil is the empty one. All its methods
// are for a nil receiver too. It is the root of a treap, and each subtree is a
// Set of its own.
type Set struct {
	v           Var
	rank        uint64 // priority(v.Name): nobody below has a higher one
	left, right *Set   // the names before v.Name, the names after it
	sum         totals // of v and of all below
}

// totals are what is known of many variables without looking at each.
type totals struct {
	hash    Hash
	size    int32
	unknown int32 // session values that are not Known
	locals  int32 // variables with a Local
	custom  int32
	bytes   int64 // what they take in memory, about
}

func totalsOf(v Var) totals {
	t := totals{hash: hashVar(v), size: 1, bytes: v.bytes()}
	if v.Session != nil && !v.Session.Known {
		t.unknown = 1
	}
	if v.Local != nil {
		t.locals = 1
	}
	if Custom(v.Name) {
		t.custom = 1
	}
	return t
}

func (t totals) plus(u totals) totals {
	return totals{t.hash.plus(u.hash), t.size + u.size, t.unknown + u.unknown, t.locals + u.locals, t.custom + u.custom, t.bytes + u.bytes}
}

func (t totals) minus(u totals) totals {
	return totals{t.hash.minus(u.hash), t.size - u.size, t.unknown - u.unknown, t.locals - u.locals, t.custom - u.custom, t.bytes - u.bytes}
}

func (s *Set) totals() totals {
	if s == nil {
		return totals{}
	}
	return s.sum
}

// node makes a Set of v, whose totals are own, and the Sets on either side.
func node(v Var, rank uint64, own totals, left, right *Set) *Set {
	return &Set{v, rank, left, right, own.plus(left.totals()).plus(right.totals())}
}

// between is s with other sides; s itself when they are its own.
func (s *Set) between(left, right *Set) *Set {
	if left == s.left && right == s.right {
		return s
	}
	own := s.sum.minus(s.left.totals()).minus(s.right.totals())
	return node(s.v, s.rank, own, left, right)
}

// Len is the number of variables.
func (s *Set) Len() int { return int(s.totals().size) }

// Unknown is the number of variables whose session value is not Known. While
// there is one, the Set says what was asked, not what is: two sessions that
// asked the same may have got different things.
func (s *Set) Unknown() int { return int(s.totals().unknown) }

// Locals is the number of variables with a SET LOCAL in force.
func (s *Set) Locals() int { return int(s.totals().locals) }

// CustomLen is the number of custom variables.
func (s *Set) CustomLen() int { return int(s.totals().custom) }

// Customs yields the names of the custom variables, in order.
func (s *Set) Customs() iter.Seq[string] {
	return func(yield func(string) bool) { s.walkCustoms(yield) }
}

func (s *Set) walkCustoms(yield func(string) bool) bool {
	if s.CustomLen() == 0 {
		return true
	}
	return s.left.walkCustoms(yield) && (!Custom(s.v.Name) || yield(s.v.Name)) && s.right.walkCustoms(yield)
}

// Hash identifies the content.
func (s *Set) Hash() Hash { return s.totals().hash }

// Equal reports whether both hold the same variables with the same values.
func (s *Set) Equal(t *Set) bool { return s.Len() == t.Len() && s.Hash() == t.Hash() }

// Get returns the variable called name; false when it is at its start-up value.
func (s *Set) Get(name string) (Var, bool) {
	for s != nil {
		switch {
		case name == s.v.Name:
			return s.v, true
		case name < s.v.Name:
			s = s.left
		default:
			s = s.right
		}
	}
	return Var{}, false
}

// All yields the variables in the order of their names.
func (s *Set) All() iter.Seq[Var] {
	return func(yield func(Var) bool) { s.walk(yield) }
}

func (s *Set) walk(yield func(Var) bool) bool {
	return s == nil || s.left.walk(yield) && yield(s.v) && s.right.walk(yield)
}

// Unlearned yields the names whose session value is not Known, in order.
func (s *Set) Unlearned() iter.Seq[string] {
	return func(yield func(string) bool) { s.walkUnlearned(yield) }
}

func (s *Set) walkUnlearned(yield func(string) bool) bool {
	if s.Unknown() == 0 {
		return true
	}
	return s.left.walkUnlearned(yield) &&
		(s.v.Session == nil || s.v.Session.Known || yield(s.v.Name)) &&
		s.right.walkUnlearned(yield)
}
