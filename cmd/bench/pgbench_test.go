package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const pgbenchReport = `transaction type: <builtin: select only>
number of clients: 16
duration: 1 s
number of transactions actually processed: 10143
number of failed transactions: 2 (0.020%)
latency average = 1.562 ms
initial connection time = 41.152 ms
tps = 10238.116423 (without initial connection time)
`

func TestNumber(t *testing.T) {
	if n := number(processedLine, pgbenchReport); n != 10143 {
		t.Errorf("processed: %v", n)
	}
	if n := number(failedLine, pgbenchReport); n != 2 {
		t.Errorf("failed: %v", n)
	}
	if n := number(rateLine, pgbenchReport); n != 10238.116423 {
		t.Errorf("rate: %v", n)
	}
	if n := number(rateLine, "pgbench: error"); n != 0 {
		t.Errorf("rate of no report: %v", n)
	}
}

func TestReadLatencies(t *testing.T) {
	folder := t.TempDir()
	files := map[string]string{
		"tx.31":   "0 1 512 0 1700000000 100\n1 1 720 0 1700000000 200\n0 2 skipped 0 1700000000 300\n",
		"tx.31.1": "2 1 90 0 1700000000 100\n",
		"other":   "0 1 7 0 1700000000 100\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readLatencies(folder)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	want := []time.Duration{90 * time.Microsecond, 512 * time.Microsecond, 720 * time.Microsecond}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
