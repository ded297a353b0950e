package relay

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
)

// What comes in pieces, or one by one, costs as much for each as for the first.

// fastest is how long f takes when nothing disturbs it.
func fastest(f func()) time.Duration {
	least := time.Duration(math.MaxInt64)
	for range 3 {
		began := time.Now()
		f()
		least = min(least, time.Since(began))
	}
	return least
}

// A message that is looked into as a whole is kept as it comes, and not copied again with each piece.
func TestPiecesAreKeptOnce(t *testing.T) {
	const size = 32 << 20
	sh := &shard{}
	piece := make([]byte, readSize)
	head := binary.BigEndian.AppendUint32([]byte{'S'}, size)
	appended := fastest(func() {
		var in []byte
		for len(in) < size {
			in = append(in, piece...)
		}
	})
	taken := fastest(func() {
		v := &server{Conn: &backend.Conn{}, shard: sh}
		v.take(head)
		for len(v.in) < size-readSize {
			v.take(piece)
		}
	})
	t.Logf("%v, to append them %v", taken, appended)
	if taken > 10*appended {
		t.Errorf("it takes %v, to append the pieces %v", taken, appended)
	}
}
