package relay

import (
	"math"
	"math/rand/v2"
	"time"

	"tarasul/loadtest/tally"
)

// Fate is what becomes of a packet that a link is given.
type Fate uint8

const (
	Passed      Fate = iota // it is on its way, and Take will give it back
	LostOnWire              // by chance
	LostInQueue             // the queue before the link was full
)

// Link is one direction of a network path:
//
//	queue with a tail  ->  link with a rate  ->  wire that loses  ->  wire that takes its time
//
// Packets leave in the order in which they came. Times are durations since a moment of the caller's choice; the same seed,
// parameters, times and sizes give the same fates and times of arrival. Which packets the wire loses follows from the seed and
// from how many went before alone, so that it stays the same when rate or delay are changed. A Link belongs to one goroutine.
type Link struct {
	p      Params
	seed   uint64
	random *rand.PCG
	bad    bool // state of the wire

	now    time.Duration // the latest time that Send or Set was told
	busy   time.Duration // until then the link has work, not counting what its bucket lets through
	last   time.Duration // when the packet arrives that was sent last
	flight flight

	counters Counters
	waits    tally.Histogram
}

// NewLink makes a link. Params must be valid.
func NewLink(p Params, seed uint64) *Link {
	return &Link{p: p, seed: seed, random: rand.NewPCG(seed, 0)}
}

// Send gives the link a packet of size bytes. ref is the caller's name for it and comes back from Take, if the packet passed.
// A time before one that Send or Set was told earlier counts as that one.
func (l *Link) Send(now time.Duration, size int, ref uint32) Fate {
	now = l.turn(now)
	l.counters.Packets++
	l.counters.Bytes += uint64(size)
	lost := l.wireLoses() // drawn for every packet, whatever else happens to it
	leaves := now
	if l.p.Rate > 0 {
		begins := max(l.busy, now)
		bucket := l.p.Rate.takes(l.p.Bucket)
		if begins-bucket-now > l.p.tail(size) {
			l.counters.LostInQueue++
			return LostInQueue
		}
		l.busy = begins + l.p.Rate.takes(size)
		leaves = max(now, l.busy-bucket)
	}
	l.waits.Add(leaves - now)
	if lost {
		l.counters.LostOnWire++
		return LostOnWire
	}
	l.counters.Passed++
	l.counters.PassedBytes += uint64(size)
	l.last = max(l.last, leaves+l.wireTakes(leaves))
	l.flight.push(packet{ref, leaves, l.last})
	return Passed
}

// Next is when the next packet arrives, if one is on its way.
func (l *Link) Next() (at time.Duration, ok bool) {
	if l.flight.len() == 0 {
		return 0, false
	}
	return l.flight.at(0).arrives, true
}

// Take gives back the next packet that has arrived by now.
func (l *Link) Take(now time.Duration) (ref uint32, ok bool) {
	if at, ok := l.Next(); !ok || at > now {
		return 0, false
	}
	return l.flight.pop().ref, true
}

// Len is how many packets are on their way.
func (l *Link) Len() int { return l.flight.len() }

// longest is what a packet may still wait after the link has become slower, so that no time can overflow.
const longest = time.Hour

// Set changes what the link does from now on. What waits in the queue leaves at the new rate, even if it is now longer than the
// queue may be; what is on the wire arrives as it would have.
func (l *Link) Set(now time.Duration, p Params) {
	now = l.turn(now)
	scale := 0.0 // nothing waits without a rate
	if p.Rate > 0 {
		scale = float64(l.p.Rate) / float64(p.Rate)
	}
	stretch := func(at time.Duration) time.Duration {
		return now + time.Duration(min(float64(at-now)*scale, float64(longest)))
	}
	l.p = p
	l.busy = stretch(max(l.busy, now))
	l.last = 0
	for i := range l.flight.len() {
		f := l.flight.at(i)
		if f.leaves > now {
			f.leaves = stretch(f.leaves)
			f.arrives = max(l.last, f.leaves+l.wireTakes(f.leaves))
		}
		l.last = f.arrives
	}
}

// turn takes in the time.
func (l *Link) turn(now time.Duration) time.Duration {
	l.now = max(l.now, now)
	return l.now
}

// wireLoses is the model of Gilbert (1960) with one state that loses nothing and one that loses everything: it stays in the bad one
// for Burst packets in the mean, and comes to it as often as makes Loss of all. It takes one number from the source each time.
func (l *Link) wireLoses() bool {
	chance := float64(l.random.Uint64()>>11) / (1 << 53)
	switch {
	case l.p.Loss == 0 || l.p.Burst == 0:
		l.bad = chance < l.p.Loss
	case l.bad:
		l.bad = chance >= 1/l.p.Burst
	default:
		l.bad = chance < l.p.Loss/(l.p.Burst*(1-l.p.Loss))
	}
	return l.bad
}

// wireTakes is how long a packet takes that leaves at this time. The jitter goes in a straight line from one random value to the next,
// a whole Jitter of time later: it falls at most as fast as time passes, and so no packet overtakes another.
func (l *Link) wireTakes(leaves time.Duration) time.Duration {
	if l.p.Jitter == 0 {
		return l.p.Delay
	}
	knot := leaves / l.p.Jitter
	part := float64(leaves%l.p.Jitter) / float64(l.p.Jitter)
	from, to := l.wander(uint64(knot)), l.wander(uint64(knot)+1)
	return l.p.Delay + time.Duration((from+(to-from)*part)*float64(l.p.Jitter))
}

// wander is the n-th random value, 0 to 1; it needs no state. (The mixer is that of SplitMix64.)
func (l *Link) wander(n uint64) float64 {
	z := l.seed + (n+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}

// takes is how long size bytes take at this rate, rounded up.
func (b Bitrate) takes(size int) time.Duration {
	return time.Duration((int64(size)*8*int64(time.Second) + int64(b) - 1) / int64(b))
}

// tail is how long a packet of this size may have to wait before it is sent.
func (p *Params) tail(size int) time.Duration {
	if p.QueueTime == 0 && p.QueueBytes == 0 {
		return defaultQueue
	}
	tail := time.Duration(math.MaxInt64)
	if p.QueueTime > 0 {
		tail = p.QueueTime
	}
	if p.QueueBytes > 0 { // an idle link takes any packet
		tail = min(tail, p.Rate.takes(max(p.QueueBytes-size, 0)))
	}
	return tail
}

// packet is one that is in the queue or on the wire.
type packet struct {
	ref             uint32
	leaves, arrives time.Duration
}

// flight is a queue in a ring that grows as it must; who calls Send bounds it.
type flight struct {
	ring        []packet // its length is a power of two
	first, next uint     // modulo the length
}

func (f *flight) len() int         { return int(f.next - f.first) }
func (f *flight) at(i int) *packet { return &f.ring[(f.first+uint(i))&uint(len(f.ring)-1)] }
func (f *flight) pop() (p packet)  { p = *f.at(0); f.first++; return p }

func (f *flight) push(p packet) {
	if f.len() == len(f.ring) {
		larger := make([]packet, max(2*len(f.ring), 16))
		n := f.len()
		for i := range n {
			larger[i] = *f.at(i)
		}
		f.ring, f.first, f.next = larger, 0, uint(n)
	}
	f.next++
	*f.at(f.len() - 1) = p
}
