package guc

import (
	"math/bits"
	"unsafe"
)

// What variables take in memory, about: to bound it, not to account for it.

const (
	nodeBytes  = int64(unsafe.Sizeof(Set{}))
	valueBytes = int64(unsafe.Sizeof(Value{}))
)

func (v Var) bytes() int64 {
	n := nodeBytes + int64(len(v.Name))
	for _, layer := range [...]*Value{v.Session, v.Local} {
		if layer != nil {
			n += valueBytes + int64(len(layer.Text))
		}
	}
	return n
}

// Bytes is what s takes in memory.
func (s *Set) Bytes() int64 { return s.totals().bytes }

// BytesBeside is what s takes when later, which grew out of it, is there as well:
// the variables that differ, and the nodes above them, of which each has its own.
func (s *Set) BytesBeside(later *Set) (n int64) {
	if s.Equal(later) {
		return 0
	}
	depth, all := int64(bits.Len(uint(s.Len()))), s.Bytes()
	for v := range Diff(s, later) {
		if n >= all {
			break
		}
		n += depth * nodeBytes
		if !v.empty() {
			n += v.bytes()
		}
	}
	return min(n, all)
}
