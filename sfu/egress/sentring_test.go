//go:build linux && (amd64 || arm64)

package egress

import (
	"testing"
	"time"
)

func TestRingForgetsOnlyWhatIsOld(t *testing.T) {
	r := new(sentRing)
	start := time.Now()
	if _, _, ok := r.look(0, start); ok {
		t.Error("an empty ring knows packet 0")
	}
	now := start
	for i := range 3 * sentSlots {
		now = start.Add(time.Duration(i) * time.Millisecond)
		r.put(uint16(i), r.stamp(now), 100+i%7)
	}
	for back := range 2 * sentSlots {
		i := 3*sentSlots - 1 - back
		at, size, ok := r.look(uint16(i), now.Add(time.Second))
		if ok != (back < sentSlots) {
			t.Fatalf("packet %d back: known %v", back, ok)
		}
		if want := start.Add(time.Duration(i) * time.Millisecond); ok && (!at.Equal(want) || size != 100+i%7) {
			t.Fatalf("packet %d left at %v with %d bytes, want %v", i, at, size, want)
		}
	}
}

func TestRingOutlivesItsClock(t *testing.T) {
	r := new(sentRing)
	now := time.Now()
	wrap := 71*time.Minute + 35*time.Second // about 2^32 microseconds
	for _, step := range []time.Duration{0, time.Hour, 11 * time.Minute, 35 * time.Second, 48 * time.Hour, wrap, wrap - time.Second} {
		now = now.Add(step)
		r.put(7, r.stamp(now), 1200)
		for _, later := range []time.Duration{0, time.Millisecond, 30 * time.Minute} {
			at, _, ok := r.look(7, now.Add(later))
			if off := at.Sub(now); !ok || off > time.Microsecond || off < -time.Microsecond {
				t.Errorf("%v later: off by %v", later, off)
			}
		}
	}
}

func TestRingSurvivesAClockThatStandsBehindItsBase(t *testing.T) {
	r := new(sentRing)
	now := time.Now()
	r.put(1, r.stamp(now), 10)
	r.put(2, r.stamp(now.Add(-time.Second)), 10)
	if at, _, ok := r.look(2, now); !ok || !at.Equal(now.Add(-time.Second)) {
		t.Errorf("left at %v, want a second before %v", at, now)
	}
}
