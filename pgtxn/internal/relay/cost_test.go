package relay

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/backend"
	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
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
func TestLimitsOfLongTransactions(t *testing.T) {
	for name, f := range map[string]func(s *Session){
		"SET": func(s *Session) {
			if e := s.over([]sqlscan.Statement{setting("next", 0)}); e != nil {
				t.Fatal(e.Message)
			}
		},
		"SAVEPOINT": func(s *Session) {
			s.does(sqlscan.Statement{Kind: sqlscan.Savepoint, Name: "a"}, 'T')
			s.does(sqlscan.Statement{Kind: sqlscan.Release, Name: "a"}, 'T')
		},
	} {
		took := func(n int) time.Duration {
			s := inTransaction(1000, n)
			return fastest(func() {
				for range 100 {
					f(s)
				}
			})
		}
		short, long := took(1000), took(60_000)
		t.Logf("%s: %v, and %v behind 60 times as many variables", name, short/100, long/100)
		if long > 15*short {
			t.Errorf("%s: %v, and %v behind 60 times as many variables", name, short/100, long/100)
		}
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
