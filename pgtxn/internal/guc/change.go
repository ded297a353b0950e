package guc

// With is s with v in the place of the variable of that name. A variable with
// nothing in either layer leaves the set; a custom one stays, at Default.
func (s *Set) With(v Var) *Set {
	v = v.canonical()
	if v.empty() {
		return s.remove(v.Name)
	}
	return s.insert(v, priority(v.Name))
}

// Without is s with the variable called name at its start-up value. A custom
// name that s does not hold becomes defined, as RESET makes it.
func (s *Set) Without(name string) *Set { return s.With(Var{Name: name}) }

// DropLocals is s after its transaction committed. It looks only at the
// variables that have a Local and at those on the way to them.
func (s *Set) DropLocals() *Set {
	if s.Locals() == 0 {
		return s
	}
	left, right := s.left.DropLocals(), s.right.DropLocals()
	if s.v.Local == nil {
		return s.between(left, right)
	}
	v := Var{Name: s.v.Name, Session: s.v.Session}
	if v.empty() {
		return merge(left, right)
	}
	return node(v, s.rank, totalsOf(v), left, right)
}

// KeepDefined is s after later was rolled back to it: s, and at Default the
// custom names that came since. later must have grown out of s by changes that
// keep custom names, which is all of them here.
func (s *Set) KeepDefined(later *Set) *Set {
	if s.totals().custom == later.totals().custom {
		return s
	}
	kept := s
	for old, now := range Diff(s, later) {
		if Custom(now.Name) && old.empty() {
			kept = kept.Without(now.Name)
		}
	}
	return kept
}

func (s *Set) insert(v Var, rank uint64) *Set {
	switch {
	case s == nil:
		return node(v, rank, totalsOf(v), nil, nil)
	case v.Name == s.v.Name:
		if v.equal(s.v) {
			return s
		}
		return node(v, rank, totalsOf(v), s.left, s.right)
	case above(rank, v.Name, s):
		left, right := s.split(v.Name)
		return node(v, rank, totalsOf(v), left, right)
	case v.Name < s.v.Name:
		return s.between(s.left.insert(v, rank), s.right)
	default:
		return s.between(s.left, s.right.insert(v, rank))
	}
}

func (s *Set) remove(name string) *Set {
	switch {
	case s == nil:
		return nil
	case name == s.v.Name:
		return merge(s.left, s.right)
	case name < s.v.Name:
		return s.between(s.left.remove(name), s.right)
	default:
		return s.between(s.left, s.right.remove(name))
	}
}

// above reports whether a variable is higher in the heap than the root of s.
// The name decides between equal ranks, so that there is one shape only.
func above(rank uint64, name string, s *Set) bool {
	return rank > s.rank || rank == s.rank && name < s.v.Name
}

// split parts s at a name that it does not hold.
func (s *Set) split(name string) (before, after *Set) {
	switch {
	case s == nil:
		return nil, nil
	case name < s.v.Name:
		before, rest := s.left.split(name)
		return before, s.between(rest, s.right)
	default:
		rest, after := s.right.split(name)
		return s.between(s.left, rest), after
	}
}

// merge joins two sets; every name of left comes before every name of right.
func merge(left, right *Set) *Set {
	switch {
	case left == nil:
		return right
	case right == nil:
		return left
	case above(left.rank, left.v.Name, right):
		return left.between(left.left, merge(left.right, right))
	default:
		return right.between(merge(left, right.left), right.right)
	}
}
