package signaling

import (
	"testing"
	"time"
)

func TestABucketLetsABurstThroughAndThenItsRate(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newBucket(50, 200, now)
	for i := range 200 {
		if _, ok := b.take(now); !ok {
			t.Fatalf("refused at %d of the burst", i)
		}
	}
	wait, ok := b.take(now)
	if ok || wait != 20*time.Millisecond {
		t.Errorf("after the burst: %v, %v, want a wait of 20 ms", wait, ok)
	}
	if _, ok := b.take(now.Add(wait)); !ok {
		t.Error("refused after the wait that was named")
	}
	taken := 0
	for i := range 1000 {
		if _, ok := b.take(now.Add(time.Second + time.Duration(i)*time.Millisecond)); ok {
			taken++
		}
	}
	if taken < 95 || taken > 100 {
		t.Errorf("%d in the next two seconds, want 50 a second", taken)
	}
}

func TestABucketIsNotFilledByAClockThatGoesBack(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newBucket(1, 1, now)
	b.take(now)
	if _, ok := b.take(now.Add(-time.Hour)); ok {
		t.Error("a token from the past")
	}
	if _, ok := b.take(now.Add(time.Second)); !ok {
		t.Error("none after a second")
	}
}
