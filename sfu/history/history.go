// Package history keeps the recent packets of one encoding, so that lost ones can be sent again to whoever lost them, and
// knows which packets of it never came.
//
// It copies; what it returns points into its own memory and is valid until the next Put. It must never know of sockets, clocks or subscribers.
package history

import (
	"time"

	"tarasul/sfu/packet"
)

// Config of a Ring. Zero fields get the defaults.
type Config struct {
	ClockRate   uint32        // RTP ticks per second, for the jitter; 0 = 90000
	Keep        time.Duration // packets younger than this are not overwritten while MaxBytes allows; 0 = 1 s
	MinBytes    int           // of payload memory at first; 0 = 16 KiB
	MaxBytes    int           // of payload memory at most; 0 = 1 MiB
	ReorderWait time.Duration // from the sight of a gap to the first request; 0 = 5 ms
}

// Ring is the recent packets of one encoding.
type Ring struct{}

// New makes a ring.
func New(c Config) *Ring { return &Ring{} }

// Put takes in a packet: its header fields, payload, descriptor and dependency descriptor. It is false for a duplicate and for one that is too old.
func (r *Ring) Put(p *packet.Packet) (fresh bool) { return false }

// Get finds a packet by its sequence number. The view is valid until the next Put or Get.
func (r *Ring) Get(seq uint16) (*packet.Packet, bool) { return nil, false }

// Missing appends to dst the sequence numbers to request now. rtt is the round trip to the publisher, 0 if not known.
func (r *Ring) Missing(now time.Time, rtt time.Duration, dst []uint16) []uint16 { return dst }

// Report is the reception of one encoding as a receiver report has it (RFC 3550 section 6.4.1).
type Report struct {
	FractionLost   uint8  // since the last Report, in 1/256
	CumulativeLost int32  // 24 bits, may be negative
	HighestSeq     uint32 // extended
	Jitter         uint32 // ticks
}

// Report closes the interval for the fraction lost. It is false until a packet came.
func (r *Ring) Report() (Report, bool) { return Report{}, false }

// Stats are counters since New.
type Stats struct {
	Received   uint64 // fresh packets, retransmissions included
	Repaired   uint64 // of which by retransmission
	Duplicates uint64
	TooOld     uint64
	Requested  uint64 // requests for missing packets, repeats included
	Abandoned  uint64 // missing packets that were given up: a picture needs a key frame
	Resets     uint64 // jumps too large to be loss
	Bytes      int    // memory held now
}

// Stats returns the counters.
func (r *Ring) Stats() Stats { return Stats{} }

// OSN splits the payload of a retransmission (RFC 4588 section 4) into the original sequence number and the original payload.
func OSN(payload []byte) (seq uint16, rest []byte, ok bool) { return 0, nil, false }
