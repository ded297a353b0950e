package guc

import "iter"

// Set is an immutable set of variables; nil is the empty one. All its methods
// are for a nil receiver too. It is the root of a treap, and each subtree is a
// Set of its own.
type Set struct {
	v           Var
	rank        uint64 // priority(v.Name): nobody below has a higher one
	left, right *Set   // the names before v.Name, the names after it
	hash        Hash   // of the whole subtree, as are the counts
	size        int32
	unknown     int32 // session values that are not Known
	locals      int32 // variables with a Local
	custom      int32
}

// node builds a Set from v, whose hash is own, and the Sets on either side.
func node(v Var, rank uint64, own Hash, left, right *Set) *Set {
	s := &Set{v: v, rank: rank, left: left, right: right, hash: own, size: 1}
	if v.Session != nil && !v.Session.Known {
		s.unknown = 1
	}
	if v.Local != nil {
		s.locals = 1
	}
	if Custom(v.Name) {
		s.custom = 1
	}
	for _, side := range [2]*Set{left, right} {
		if side != nil {
			s.hash = s.hash.plus(side.hash)
			s.size += side.size
			s.unknown += side.unknown
			s.locals += side.locals
			s.custom += side.custom
		}
	}
	return s
}

// between is s with other sides; s itself when they are its own.
func (s *Set) between(left, right *Set) *Set {
	if left == s.left && right == s.right {
		return s
	}
	return node(s.v, s.rank, s.own(), left, right)
}

func (s *Set) own() Hash { return s.hash.minus(s.left.Hash()).minus(s.right.Hash()) }

// Len is the number of variables.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return int(s.size)
}

// Unknown is the number of variables whose session value is not Known. While
// there is one, the Set says what was asked, not what is: two sessions that
// asked the same may have got different things.
func (s *Set) Unknown() int {
	if s == nil {
		return 0
	}
	return int(s.unknown)
}

// Locals is the number of variables with a SET LOCAL in force.
func (s *Set) Locals() int {
	if s == nil {
		return 0
	}
	return int(s.locals)
}

func (s *Set) customs() int {
	if s == nil {
		return 0
	}
	return int(s.custom)
}

// Hash identifies the content.
func (s *Set) Hash() Hash {
	if s == nil {
		return Hash{}
	}
	return s.hash
}

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
