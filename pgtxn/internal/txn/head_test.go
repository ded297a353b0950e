package txn

import (
	"testing"

	"github.com/caddy-pgtxn/caddy-pgtxn/pgtxn/internal/sqlscan"
)

// Head is what is answered next, and nothing between a batch and the next.
func TestHead(t *testing.T) {
	var m Machine
	want := func(kind sqlscan.Kind) {
		t.Helper()
		if got := m.Head().Kind; got != kind {
			t.Errorf("the head is %s, want %s", got, kind)
		}
	}
	want(sqlscan.Other)
	for scan := sqlscan.New([]byte("SET a = 1; DEALLOCATE ALL; SHOW a"), sqlscan.Options{}); scan.Next(); {
		m.Sent(scan.Statement())
	}
	m.EndQuery(false)
	m.Sent(sqlscan.Statement{Kind: sqlscan.Begin})
	m.EndQuery(false)
	want(sqlscan.Set)
	m.Completed()
	want(sqlscan.Deallocate)
	m.Failed()
	want(sqlscan.Other)
	m.Ready('I')
	want(sqlscan.Begin)
}
