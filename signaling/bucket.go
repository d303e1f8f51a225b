package signaling

import "time"

// bucket is a token bucket: rate tokens a second, at most burst of them. Time is an
// argument. It belongs to one goroutine.
type bucket struct {
	rate   float64
	burst  float64
	tokens float64
	at     time.Time // when tokens was right
}

func newBucket(perSecond, burst int, now time.Time) bucket {
	return bucket{rate: float64(perSecond), burst: float64(burst), tokens: float64(burst), at: now}
}

// take takes one token. If there is none it says how long until there is.
func (b *bucket) take(now time.Time) (wait time.Duration, ok bool) {
	if elapsed := now.Sub(b.at).Seconds(); elapsed > 0 {
		b.tokens = min(b.burst, b.tokens+elapsed*b.rate)
		b.at = now
	}
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / b.rate * float64(time.Second)), false
	}
	b.tokens--
	return 0, true
}
