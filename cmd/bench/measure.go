package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// sample is what one load on one contender in one round gave.
type sample struct {
	Rate    float64 `json:"rate"`             // units per second
	P50     float64 `json:"p50_ms"`           // of whole transactions
	P99     float64 `json:"p99_ms"`           //
	CPU     float64 `json:"cpu_us,omitempty"` // µs of the proxy process per unit; 0: there is no proxy
	Checked int     `json:"checked,omitempty"`
	Wrong   int     `json:"wrong,omitempty"` // of the checked, how many saw a value that was not theirs
}

// processCPU is the user and system time that a process has used, all its threads together, those that ended too.
// It reads the process's own CPU clock (clock_getcpuclockid(3)): nanoseconds, where utime and stime in
// /proc/<pid>/stat count hundredths of a second.
func processCPU(pid int) (time.Duration, error) {
	const cpuClockSched = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|cpuClockSched), &ts); err != nil {
		return 0, fmt.Errorf("CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// residentKB is the resident memory of a process in KiB.
func residentKB(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
		}
	}
	return 0, fmt.Errorf("process %d shows no VmRSS", pid)
}

// settledKB waits until resident memory has stopped moving, five seconds at most, and returns it.
func settledKB(pid int) (int, error) {
	last := 0
	for range 10 {
		now, err := residentKB(pid)
		if err != nil {
			return 0, err
		}
		if diff := now - last; diff*100 < now && -diff*100 < now {
			return now, nil
		}
		last = now
		time.Sleep(500 * time.Millisecond)
	}
	return last, nil
}

// percentiles sorts the latencies and returns the 50th and 99th percentile in milliseconds.
func percentiles(latencies []time.Duration) (p50, p99 float64) {
	if len(latencies) == 0 {
		return 0, 0
	}
	slices.Sort(latencies)
	at := func(q float64) float64 {
		i := int(math.Ceil(q*float64(len(latencies)))) - 1
		return float64(latencies[max(i, 0)]) / float64(time.Millisecond)
	}
	return at(0.50), at(0.99)
}

// median of the values; 0 when there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// halfRange is half the distance between the smallest and the largest: the spread over the rounds.
func halfRange(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return (slices.Max(values) - slices.Min(values)) / 2
}
