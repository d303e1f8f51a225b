package history

import (
	"time"

	"tarasul/sfu/packet"
)

// Report is the reception of an encoding as a receiver report says it (RFC 3550 section 6.4.1). What came by
// retransmission counts as lost: a report tells the sender of the path.
type Report struct {
	FractionLost   uint8  // since the last Report, in 1/256
	CumulativeLost int32  // fits into 24 bits; negative if more came than was expected
	HighestSeq     uint32 // extended
	Jitter         uint32 // ticks
}

// receipt counts what a receiver report needs.
type receipt struct {
	base            int64 // extended sequence number of the first packet
	received        int64
	expectedBefore  int64 // at the last Report
	receivedBefore  int64
	transit         int64 // ticks; of the last packet that was measured
	lastTimestamp   uint32
	measured        bool
	jitterSixteenth int64
}

// count takes in a fresh packet; r.highest is still what it was before it.
func (c *receipt) count(r *Ring, p *packet.Packet, seq int64, at time.Duration) {
	if p.Repaired {
		return
	}
	c.base = min(c.base, seq)
	c.received++
	if seq <= r.highest || c.measured && p.Timestamp == c.lastTimestamp {
		return // late, or of the same frame: it says nothing of the path's jitter
	}
	// RFC 3550 appendix A.8, in sixteenths
	transit := at.Microseconds()*int64(r.config.ClockRate)/1e6 - int64(p.Timestamp)
	if d := int64(int32(transit - c.transit)); c.measured && d > -5*int64(r.config.ClockRate) && d < 5*int64(r.config.ClockRate) {
		c.jitterSixteenth += max(d, -d) - (c.jitterSixteenth+8)>>4
	}
	c.transit, c.lastTimestamp, c.measured = transit, p.Timestamp, true
}

// Report says how the encoding is received, and begins the next interval of the fraction lost. It is false until a packet came.
func (r *Ring) Report() (Report, bool) {
	if !r.started {
		return Report{}, false
	}
	c := &r.receipt
	expected := r.highest - c.base + 1
	lost := expected - c.expectedBefore - (c.received - c.receivedBefore)
	fraction := int64(0)
	if expected > c.expectedBefore && lost > 0 {
		fraction = min(lost<<8/(expected-c.expectedBefore), 255)
	}
	c.expectedBefore, c.receivedBefore = expected, c.received
	return Report{
		FractionLost:   uint8(fraction),
		CumulativeLost: int32(min(max(expected-c.received, -1<<23), 1<<23-1)),
		HighestSeq:     uint32(r.highest),
		Jitter:         uint32(c.jitterSixteenth >> 4),
	}, true
}
