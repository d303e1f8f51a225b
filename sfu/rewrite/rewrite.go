// Package rewrite numbers one outgoing SSRC of one subscriber. What is behind it changes: an encoding gives way to
// another, a slot shows another person, layers are left out. The receiver must not notice: sequence numbers without a
// jump or a deliberate hole, timestamps that never go back, picture ids that continue.
//
// It must never know of packets' bytes, sockets, clocks or of other subscribers.
package rewrite

import "time"

// Numbers are the counters inside a video payload; the same fields as payload.Numbers, so that one converts into the
// other.
type Numbers struct {
	Picture     uint16 // picture id
	PictureBits uint8  // its width, 7 or 15; 0 = there is none
	TL0         uint8  // TL0PICIDX
	Key         uint8  // KEYIDX, 5 bits
	HasTL0      bool
	HasKey      bool
	Dense       bool // pictures that are skipped leave no holes in the picture ids
	HasFrame    bool
	Frame       uint16 // frame number of the dependency descriptor
}

// Out is how a packet is numbered for the subscriber. Picture ids are 15 bits wide.
type Out struct {
	Seq       uint16
	Timestamp uint32
	Numbers   Numbers
}

// Verdict says what becomes of a packet.
type Verdict uint8

// Verdicts.
const (
	Send    Verdict = iota // as Out says
	Nothing                // Skip: nothing is to be sent
	// Fill: Skip of a packet that was late, whose number the subscriber already misses: a packet of padding alone with
	// Out's sequence number and timestamp stops him from asking for it.
	Fill
	Duplicate
	TooLate // older than the last switch or than the window
)

// Ref names the source packet behind an outgoing sequence number.
type Ref struct {
	Generation uint32 // of the Switch that it belongs to
	Seq        uint16 // of the source
	Sent       bool   // false: it had not come when it was its turn
	// Shift and Out's fields: see Rewriter.Source.
	picture uint16
}

// State is what another node needs to continue an outgoing SSRC.
type State struct {
	Generation uint32
	Seq        uint16
	Timestamp  uint32
	Time       time.Time // when the packet with Timestamp was handled
	Picture    uint16
	TL0        uint8
	Key        uint8
	Frame      uint16
}

// Rewriter numbers one outgoing SSRC. The zero value is ready and begins at sequence number 1; Seed it with random numbers (RFC 3550 section 5.1).
type Rewriter struct{}

// Switch says that the next packet given to Next, with these numbers, is the first of another encoding or source. The
// sequence number goes on by one, the timestamp by the time since the last packet (audio: in whole steps of 20 ms), picture ids by one.
func (r *Rewriter) Switch(seq uint16, ts uint32, n Numbers, now time.Time, clockRate uint32) {}

// SwitchAligned is Switch for a source whose timestamps are known to run offset ticks behind the outgoing ones (out = ts +
// offset), as sender reports can tell for two encodings of one camera. An offset that would take time backwards, or
// more than a second ahead, is not believed.
func (r *Rewriter) SwitchAligned(seq uint16, ts uint32, n Numbers, now time.Time, clockRate uint32, offset uint32) {
}

// Generation is the number of switches so far. It names the current source in Ref.
func (r *Rewriter) Generation() uint32 { return 0 }

// Next numbers a packet of the current source. Only with Send is Out valid.
func (r *Rewriter) Next(seq uint16, ts uint32, n Numbers, now time.Time) (Out, Verdict) {
	return Out{}, TooLate
}

// Skip says that a packet of the current source is deliberately not sent. With Fill, Out is valid.
func (r *Rewriter) Skip(seq uint16, ts uint32, n Numbers) (Out, Verdict) { return Out{}, Nothing }

// Source finds the packet behind an outgoing sequence number that a subscriber asks for again.
func (r *Rewriter) Source(out uint16) (Ref, bool) { return Ref{}, false }

// Again numbers a packet that Source named, for its retransmission: ts and n are the source packet's.
func (r *Rewriter) Again(ref Ref, ts uint32, n Numbers) Out { return Out{} }

// Offset is what is added to the current source's timestamps: for sender reports.
func (r *Rewriter) Offset() uint32 { return 0 }

// State is a snapshot to Seed another Rewriter with.
func (r *Rewriter) State() State { return State{} }

// Seed continues from a snapshot. The packets of before cannot be asked for again.
func (r *Rewriter) Seed(s State) {}
