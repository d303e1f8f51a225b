// Package tally counts what a bot has received: what is missing, late or twice in a stream of sequence numbers, and how
// latencies are distributed. It has no clock and no socket; it never looks into a packet.
package tally

// window is how far back a Sequence remembers single packets: ten seconds of a video of 100 packets a second.
const window = 1024

// Arrival says what a packet was to its stream.
type Arrival uint8

// Arrivals.
const (
	InOrder   Arrival = iota // the next one, or one beyond a gap
	Reordered                // it fills a gap that a later packet had opened
	Duplicate                // it was here before
	Stale                    // too old to tell: counted as nothing else, so its loss stands
)

// Sequence follows the sequence numbers of one stream (RFC 3550 appendix A.1), which wrap at 2^16. The zero value is ready.
type Sequence struct {
	first, highest int64 // extended; first is that of the first packet seen, or of one that should have come before it
	seen           [window / 64]uint64
	counts         Counts
}

// Counts of one stream so far.
type Counts struct {
	Expected   uint64 // from the first to the highest sequence number
	Received   uint64 // different packets
	Reordered  uint64 // of them, after a later one
	Duplicates uint64
	Stale      uint64
	LargestGap uint64 // sequence numbers missing in one place when it was seen
}

// Lost is how many packets are missing.
func (c Counts) Lost() uint64 { return c.Expected - c.Received }

// Sub gives what was counted since former.
func (c Counts) Sub(former Counts) Counts {
	return Counts{
		Expected:   c.Expected - former.Expected,
		Received:   c.Received - former.Received,
		Reordered:  c.Reordered - former.Reordered,
		Duplicates: c.Duplicates - former.Duplicates,
		Stale:      c.Stale - former.Stale,
		LargestGap: c.LargestGap,
	}
}

// Observe takes in the sequence number of a packet that has arrived, and says what it was. gap is how many numbers
// directly before it were passed over just now.
func (s *Sequence) Observe(number uint16) (a Arrival, gap int) {
	if s.counts.Received == 0 {
		// Start in the middle, so that a packet which was overtaken at the start has a place.
		s.first = int64(number) + 1<<16
		s.highest = s.first
		s.mark(s.highest)
		s.counts.Received, s.counts.Expected = 1, 1
		return InOrder, 0
	}
	n := s.highest + int64(int16(number-uint16(s.highest)))
	if n > s.highest {
		gap = int(n - s.highest - 1)
		s.forget(n)
		s.highest = n
		s.mark(n)
		s.counts.Received++
		s.counts.Expected = uint64(s.highest - s.first + 1)
		s.counts.LargestGap = max(s.counts.LargestGap, uint64(gap))
		return InOrder, gap
	}
	switch {
	case n <= s.highest-window:
		s.counts.Stale++
		return Stale, 0
	case s.marked(n):
		s.counts.Duplicates++
		return Duplicate, 0
	}
	s.mark(n)
	s.first = min(s.first, n)
	s.counts.Received++
	s.counts.Reordered++
	s.counts.Expected = uint64(s.highest - s.first + 1)
	return Reordered, 0
}

// Counts returns the counts so far.
func (s *Sequence) Counts() Counts { return s.counts }

// Highest is the highest sequence number so far, extended by the number of wraps (RFC 3550 section 6.4.1).
func (s *Sequence) Highest() uint32 { return uint32(s.highest - 1<<16) }

func (s *Sequence) mark(n int64)        { s.seen[n%window/64] |= 1 << (n % 64) }
func (s *Sequence) marked(n int64) bool { return s.seen[n%window/64]&(1<<(n%64)) != 0 }

// forget clears the marks of the numbers that are skipped up to n, whose places held older ones.
func (s *Sequence) forget(n int64) {
	if n-s.highest >= window {
		s.seen = [window / 64]uint64{}
		return
	}
	for k := s.highest + 1; k < n; k++ {
		s.seen[k%window/64] &^= 1 << (k % 64)
	}
}
