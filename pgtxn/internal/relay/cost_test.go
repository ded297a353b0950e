package relay

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

// What comes in pieces, or one by one, costs as much for each as for the first.

// A message that is looked into as a whole is kept as it comes, and not copied again with each piece:
// a byte of a long one costs what it does in a short one.
func BenchmarkPieces(b *testing.B) {
	piece := make([]byte, readSize)
	for _, size := range []int{1 << 20, 32 << 20} {
		b.Run(fmt.Sprintf("%dMB", size>>20), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				v := &server{Conn: &backend.Conn{}, shard: &shard{}}
				v.take(binary.BigEndian.AppendUint32([]byte{'S'}, uint32(size)))
				for len(v.in) < size-readSize {
					v.take(piece)
				}
			}
		})
	}
}

// inTransaction is a session in a transaction that has set n variables, beside those of before.
func inTransaction(before, n int) *Session {
	s := &Session{cfg: &Config{MaxSavepoints: 10, MaxSessionMemory: 64 << 20}}
	for i := range before {
		s.does(setting("before", i), 'I')
	}
	s.does(sqlscan.Statement{Kind: sqlscan.Begin}, 'T')
	for i := range n {
		s.does(setting("within", i), 'T')
	}
	return s
}

func setting(prefix string, i int) sqlscan.Statement {
	return sqlscan.Statement{Kind: sqlscan.Set, Name: fmt.Sprintf("my.%s%06d", prefix, i), Value: "some value"}
}

// does has a statement run as a simple Query.
func (s *Session) does(st sqlscan.Statement, status byte) {
	s.machine.Sent(st)
	s.machine.EndQuery(false)
	s.machine.Completed()
	s.machine.Ready(status)
}

// What the limits cost does not grow with what the transaction has set before.
func BenchmarkLimits(b *testing.B) {
	for _, n := range []int{1000, 60_000} {
		s := inTransaction(1000, n)
		b.Run(fmt.Sprintf("SET/%d", n), func(b *testing.B) {
			next := []sqlscan.Statement{setting("next", 0)}
			for b.Loop() {
				if e := s.over(next); e != nil {
					b.Fatal(e.Message)
				}
			}
		})
		b.Run(fmt.Sprintf("SAVEPOINT/%d", n), func(b *testing.B) {
			for b.Loop() {
				s.does(sqlscan.Statement{Kind: sqlscan.Savepoint, Name: "a"}, 'T')
				s.does(sqlscan.Statement{Kind: sqlscan.Release, Name: "a"}, 'T')
			}
		})
	}
}

// What is refused is what would go beyond the limit, to the byte.
func TestSessionMemoryIsExact(t *testing.T) {
	next := setting("next", 0)
	more := int64(len(next.Name) + len(next.Value))
	for _, before := range []int{0, 10, 1000} {
		for _, n := range []int{0, 1, 10, 1000} {
			s := inTransaction(before, n)
			for savepoints := range 3 {
				for beside := range int64(3) {
					limit := s.machine.Bytes() + more - 1 + beside
					s.cfg.MaxSessionMemory = int(limit)
					if e := s.over([]sqlscan.Statement{next}); (e != nil) != (beside == 0) {
						t.Errorf("%d variables, %d within, %d savepoints, %d bytes: refused %v at a limit of %d",
							before, n, savepoints, s.machine.Bytes()+more, e != nil, limit)
					}
				}
				s.does(sqlscan.Statement{Kind: sqlscan.Savepoint, Name: "a"}, 'T')
				s.does(setting("before", savepoints), 'T')
			}
		}
	}
}
