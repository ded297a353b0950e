package relay

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxFailing bounds the addresses that are remembered.
const maxFailing = 10_000

// Failures limits how many wrong passwords an address may try. Any goroutine may use it.
type Failures struct {
	perMinute int // 0: as many as it likes
	mu        sync.Mutex
	by        map[netip.Addr]*rate.Limiter
}

// NewFailures allows perMinute failures at once, and as many again in each minute;
// 0 is no limit.
func NewFailures(perMinute int) *Failures {
	return &Failures{perMinute: perMinute, by: make(map[netip.Addr]*rate.Limiter)}
}

// tooMany says whether what comes from this address is not to be listened to. Who gets
// through with the right password does not add to it.
func (f *Failures) tooMany(from netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	limiter := f.by[site(from)]
	return limiter != nil && limiter.Tokens() < 1
}

// add notes a failure.
func (f *Failures) add(from netip.Addr) {
	if f.perMinute == 0 || !from.IsValid() { // who is on this machine has better ways
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	limiter := f.by[site(from)]
	if limiter == nil {
		f.makeRoom()
		limiter = rate.NewLimiter(rate.Every(time.Minute/time.Duration(f.perMinute)), f.perMinute)
		f.by[site(from)] = limiter
	}
	limiter.Allow()
}

// makeRoom forgets those whose time is over, and all if there are too many at a time.
func (f *Failures) makeRoom() {
	if len(f.by) < maxFailing {
		return
	}
	for from, limiter := range f.by {
		if limiter.Tokens() >= float64(f.perMinute) {
			delete(f.by, from)
		}
	}
	if len(f.by) >= maxFailing {
		clear(f.by)
	}
}

// site is the address, or the network of an IPv6 address: one host has all of a /64.
func site(from netip.Addr) netip.Addr {
	from = from.Unmap().WithZone("")
	if from.Is6() {
		network, _ := from.Prefix(64) // never fails: an IPv6 address has more bits
		return network.Addr()
	}
	return from
}
