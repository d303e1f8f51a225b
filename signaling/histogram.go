package signaling

import (
	"sync/atomic"
	"time"
)

// histogramBounds are the upper bounds of the buckets of every duration in this package.
var histogramBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 10 * time.Second,
}

// durations counts durations in buckets. It may be used from many goroutines; a reader
// may see an observation in its bucket before it sees it in the sum.
type durations struct {
	buckets [len(histogramBounds) + 1]atomic.Uint64 // the last one is without bound
	nanos   atomic.Int64
}

func (d *durations) observe(took time.Duration) {
	i := 0
	for i < len(histogramBounds) && took > histogramBounds[i] {
		i++
	}
	d.buckets[i].Add(1)
	d.nanos.Add(int64(took))
}

// Histogram is a reading of durations: Counts[i] is how many were at most Bounds[i] and
// above Bounds[i-1]; the last count has no bound.
type Histogram struct {
	Bounds []time.Duration
	Counts []uint64
	Sum    time.Duration
}

func (d *durations) read() Histogram {
	h := Histogram{Bounds: histogramBounds[:], Counts: make([]uint64, len(d.buckets)), Sum: time.Duration(d.nanos.Load())}
	for i := range d.buckets {
		h.Counts[i] = d.buckets[i].Load()
	}
	return h
}
