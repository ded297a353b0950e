package main

import (
	"os"
	"testing"
	"time"
)

func TestPercentiles(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100-i) * time.Millisecond
	}
	tests := []struct {
		name      string
		latencies []time.Duration
		p50, p99  float64
	}{
		{"none", nil, 0, 0},
		{"one", []time.Duration{3 * time.Millisecond}, 3, 3},
		{"1 to 100, not in order", hundred, 50, 99},
	}
	for _, test := range tests {
		if p50, p99 := percentiles(test.latencies); p50 != test.p50 || p99 != test.p99 {
			t.Errorf("%s: %v and %v, want %v and %v", test.name, p50, p99, test.p50, test.p99)
		}
	}
}

func TestMedianAndHalfRange(t *testing.T) {
	tests := []struct {
		values           []float64
		median, halfSpan float64
	}{
		{nil, 0, 0},
		{[]float64{4}, 4, 0},
		{[]float64{9, 1, 3}, 3, 4},
		{[]float64{4, 1, 3, 2}, 2.5, 1.5},
	}
	for _, test := range tests {
		if m, h := median(test.values), halfRange(test.values); m != test.median || h != test.halfSpan {
			t.Errorf("%v: median %v, half range %v, want %v, %v", test.values, m, h, test.median, test.halfSpan)
		}
	}
}

func TestProcessFigures(t *testing.T) {
	before, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for now := before; now-before < 20*time.Millisecond; {
		if now, err = processCPU(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if kb, err := residentKB(os.Getpid()); err != nil || kb < 1000 {
		t.Errorf("resident: %d kB, %v", kb, err)
	}
	const never = 1 << 22 // the kernel's PID_MAX_LIMIT, which no process has
	if _, err := processCPU(never); err == nil {
		t.Error("a process that is not there has used CPU time")
	}
}
