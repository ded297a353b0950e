package guc

import "iter"

// Diff yields each variable that differs, as it is in from and as it is in to,
// in the order of names. On the side that lacks it, both layers are nil. The
// cost grows with the number of differences, not with the size of the sets.
func Diff(from, to *Set) iter.Seq2[Var, Var] {
	return func(yield func(from, to Var) bool) { diff(from, to, nil, nil, yield) }
}

// diff compares the variables after the root of lo and before that of hi; nil
// is no bound. The higher of the two roots splits the range: since the shape of
// a set follows from its names, the other set has that name at its own root
// within the range, or not at all.
func diff(from, to, lo, hi *Set, yield func(from, to Var) bool) bool {
	from, to = from.within(lo, hi), to.within(lo, hi)
	if from.Hash() == to.Hash() {
		return true
	}
	root := from
	if from == nil || to != nil && above(to.rank, to.v.Name, from) {
		root = to
	}
	a, fromLeft, fromRight := from.at(root.v.Name)
	b, toLeft, toRight := to.at(root.v.Name)
	return diff(fromLeft, toLeft, lo, root, yield) &&
		(a.equal(b) || yield(a, b)) &&
		diff(fromRight, toRight, root, hi, yield)
}

// within is the smallest subtree with all the names between the bounds.
func (s *Set) within(lo, hi *Set) *Set {
	for s != nil {
		switch {
		case lo != nil && s.v.Name <= lo.v.Name:
			s = s.right
		case hi != nil && s.v.Name >= hi.v.Name:
			s = s.left
		default:
			return s
		}
	}
	return nil
}

// at is the variable called name if it is the root, and where to look for the
// names before it and after it.
func (s *Set) at(name string) (v Var, before, after *Set) {
	if s != nil && s.v.Name == name {
		return s.v, s.left, s.right
	}
	return Var{Name: name}, s, s
}
