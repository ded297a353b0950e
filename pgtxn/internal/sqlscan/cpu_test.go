package sqlscan

import (
	"fmt"
	"testing"
	"time"
)

func TestCPU(t *testing.T) {
	for _, q := range []string{"SELECT abalance FROM pgbench_accounts WHERE aid = 12345", "BEGIN", "COMMIT", "UPDATE pgbench_accounts SET abalance = abalance + 5 WHERE aid = 12345", "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 2, 3, 4, CURRENT_TIMESTAMP)", "SELECT lower(x), count(*) FROM t GROUP BY 1"} {
		best := time.Hour
		text := []byte(q)
		for range 3000 {
			t0 := time.Now()
			for range 100 {
				s := New(text, Options{})
				for s.Next() {
					sink = s.Statement().Kind
				}
			}
			best = min(best, time.Since(t0))
		}
		fmt.Println(best/100, q)
	}
}
