package guc

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
)

// Hash identifies the content of a Set: 128 bits under keys that are drawn when
// the process starts and never leave it, so no client can craft two sets that
// collide. It is the sum of its variables' hashes, which makes it cheap to keep
// and independent of order. It covers Known: text as asked is not the same
// thing as that text from the server. The hash of an empty Set is zero.
type Hash [2]uint64

var (
	keyHigh = maphash.MakeSeed()
	keyLow  = maphash.MakeSeed()
	keyName = maphash.MakeSeed()
)

// String is the hash in hexadecimal digits.
func (h Hash) String() string { return fmt.Sprintf("%016x%016x", h[0], h[1]) }

func (h Hash) plus(g Hash) Hash  { return Hash{h[0] + g[0], h[1] + g[1]} }
func (h Hash) minus(g Hash) Hash { return Hash{h[0] - g[0], h[1] - g[1]} }

// priority is the place of a name in the heap. It is keyed too, or a client
// could choose names that make the tree a list.
func priority(name string) uint64 { return maphash.String(keyName, name) }

func hashVar(v Var) Hash {
	return Hash{digest(keyHigh, v), digest(keyLow, v)}
}

func digest(key maphash.Seed, v Var) uint64 {
	var h maphash.Hash
	h.SetSeed(key)
	writeText(&h, v.Name)
	writeValue(&h, v.Session)
	writeValue(&h, v.Local)
	return h.Sum64()
}

// writeText puts the length first, so that no two lists of texts look alike.
func writeText(h *maphash.Hash, s string) {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
	h.Write(n[:])
	h.WriteString(s)
}

func writeValue(h *maphash.Hash, v *Value) {
	switch {
	case v == nil:
		h.WriteByte('-')
		return
	case v.Default:
		h.WriteByte('d')
	default:
		h.WriteByte('=')
	}
	if v.Known {
		h.WriteByte('k')
	} else {
		h.WriteByte('?')
	}
	writeText(h, v.Text)
}
