package relay

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFailures(6)
		a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
		for range 6 {
			if f.tooMany(a) {
				t.Fatal("too early")
			}
			f.add(a)
		}
		if !f.tooMany(a) || !f.tooMany(netip.MustParseAddr("::ffff:10.0.0.1")) || f.tooMany(b) || f.tooMany(netip.Addr{}) {
			t.Error("who is refused")
		}
		time.Sleep(11 * time.Second)
		if f.tooMany(a) {
			t.Error("one more after ten seconds")
		}
		f.add(a)
		if !f.tooMany(a) {
			t.Error("but one only")
		}
		six, neighbour, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff:1"), netip.MustParseAddr("2001:db8:0:1::1")
		for range 6 {
			f.add(six)
		}
		if !f.tooMany(neighbour) || f.tooMany(other) {
			t.Error("IPv6 networks")
		}

		unlimited := NewFailures(0)
		for range 1000 {
			unlimited.add(a)
		}
		if unlimited.tooMany(a) {
			t.Error("a limit where there is none")
		}
	})
}

// Memory is bounded, and who is at it now is kept as long as that allows.
func TestFailuresForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFailures(1)
		address := func(i int) netip.Addr {
			return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(i))))
		}
		for i := range maxFailing {
			f.add(address(i))
			if i == maxFailing/2 {
				time.Sleep(2 * time.Minute)
			}
		}
		f.add(address(maxFailing))
		if !f.tooMany(address(maxFailing-1)) || f.tooMany(address(0)) || len(f.by) > maxFailing/2+1 {
			t.Errorf("%d are remembered", len(f.by))
		}
		for i := range 2 * maxFailing {
			f.add(address(i))
		}
		if len(f.by) > maxFailing {
			t.Errorf("%d are remembered", len(f.by))
		}
	})
}
