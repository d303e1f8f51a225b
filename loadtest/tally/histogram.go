package tally

import (
	"math/bits"
	"time"
)

// A Histogram has subBuckets steps per power of two, so that a value is known to 1.6 %.
const (
	subBits    = 6
	subBuckets = 1 << subBits
	buckets    = (40 - subBits) * subBuckets // up to 2^39 ns, nine minutes
)

// Histogram is a distribution of durations in 17 kB, however many are added. The zero value is ready.
type Histogram struct {
	counts   [buckets]uint64
	total    uint64
	negative uint64
	max      time.Duration
}

// Add takes in one duration. A negative one counts as 0 (Negative says how many there were: the clocks disagree).
func (h *Histogram) Add(d time.Duration) {
	if d < 0 {
		h.negative++
		d = 0
	}
	h.counts[bucket(d)]++
	h.total++
	h.max = max(h.max, d)
}

// bucket: below subBuckets one bucket per nanosecond, then subBuckets per power of two.
func bucket(d time.Duration) int {
	v := uint64(d)
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return min((shift+1)<<subBits+int(v>>shift)-subBuckets, buckets-1)
}

// upper is the largest duration of a bucket.
func upper(b int) time.Duration {
	if b < subBuckets {
		return time.Duration(b)
	}
	shift := b>>subBits - 1
	return time.Duration(uint64(b&(subBuckets-1)+subBuckets+1)<<shift - 1)
}

// Percentile is the smallest duration (rounded up to its bucket) below or at which p percent of all lie; 0 if there are none.
func (h *Histogram) Percentile(p float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := uint64(p / 100 * float64(h.total))
	if float64(rank) < p/100*float64(h.total) {
		rank++
	}
	rank = max(rank, 1)
	var sum uint64
	for b, n := range h.counts {
		sum += n
		if sum >= rank {
			return min(upper(b), h.max)
		}
	}
	return h.max
}

// Total is how many durations were added, Negative how many of them were below 0, Max the longest.
func (h *Histogram) Total() uint64      { return h.total }
func (h *Histogram) Negative() uint64   { return h.negative }
func (h *Histogram) Max() time.Duration { return h.max }

// Merge adds all of other.
func (h *Histogram) Merge(other *Histogram) {
	for b, n := range other.counts {
		h.counts[b] += n
	}
	h.total += other.total
	h.negative += other.negative
	h.max = max(h.max, other.max)
}
