// Package rewrite numbers one outgoing SSRC of one subscriber. What is behind it changes: an encoding gives way to
// another, a slot shows another person, layers are left out. The receiver must not notice: sequence numbers go on without
// a jump or a deliberate hole, timestamps never go back, picture ids continue.
//
// It must never know of packets' bytes, sockets, clocks or of other subscribers. A Rewriter belongs to one goroutine.
package rewrite

import "time"

// Numbers are the counters inside a video payload, with the same fields as payload.Numbers, so that one converts into
// the other.
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

// The verdicts.
const (
	Send    Verdict = iota // as Out says
	Nothing                // Skip: there is nothing to send
	// Fill is a Skip that comes too late to be silent: the subscriber already misses the number. A packet without payload,
	// only padding, with Out's sequence number and timestamp keeps him from asking for it.
	Fill
	Duplicate
	TooLate // older than the last switch, older than the window, or skipped before
)

// Ref names the source packet behind an outgoing sequence number.
type Ref struct {
	Generation uint32 // of the switch that it belongs to
	Seq        uint16 // of the source
	// Sent is false for a packet that had not come when it was its turn, nor since. It may be found all the same where the
	// source is kept: what came between the parts of a key frame that was switched to only when its beginning was repeated.
	Sent    bool
	out     uint16
	picture uint16 // as it was sent, or the shift of its place if it was not
}

// State is what another node needs to continue an outgoing SSRC.
type State struct {
	Generation uint32
	Seq        uint16 // the last that was sent, and so below
	Timestamp  uint32
	Time       time.Time // when that packet was handled
	Picture    uint16
	TL0        uint8
	Key        uint8
	Frame      uint16
}

// maxGap is the largest gap in the source that the subscriber sees as it is. What is larger nobody will repeat, so it is
// shown as a single missing number: enough for the decoder to know that something is lost.
const maxGap = 200

// Rewriter numbers one outgoing SSRC. The zero value is ready and begins at 1; Seed it with random numbers first where
// the numbers are not continued from somewhere (RFC 3550 section 5.1).
type Rewriter struct {
	last    State // what was sent last
	current offsets
	past    [3]offsets // of the generations before, for retransmissions
	window  window

	live    bool   // there was a switch
	seq     uint16 // highest of the source that was given to Next or Skip
	ts      uint32 // of the source, at seq
	picture uint16 // highest of the source, extended to 16 bits
	shift   uint16 // from picture to the outgoing one
	skipped bool   // picture was skipped, and is closed over
}

// offsets lead from one source's numbers to the outgoing ones, modulo their widths.
type offsets struct {
	generation uint32
	timestamp  uint32
	frame      uint16
	tl0, key   uint8
	clockRate  uint32
}

// Switch says that the packet that Next gets next, with these numbers, is the first of another encoding or source. The
// sequence number goes on by one; the timestamp by the time that has passed since the last packet, for audio (any clock but
// 90 kHz) in whole steps of 20 ms; the picture id by one. Packets of the former source are refused from then on.
func (r *Rewriter) Switch(seq uint16, ts uint32, n Numbers, now time.Time, clockRate uint32) {
	r.begin(seq, ts, n, r.advance(now, clockRate), clockRate)
}

// SwitchAligned is Switch to a source whose timestamps are known to lie offset ticks below the outgoing ones (out = ts +
// offset), as sender reports tell of two encodings of one camera. An offset that is a second from the time that has
// passed is not believed. Time does not go back, so a picture that is not later than the last one comes a tick after it.
func (r *Rewriter) SwitchAligned(seq uint16, ts uint32, n Numbers, now time.Time, clockRate uint32, offset uint32) {
	advance := r.advance(now, clockRate)
	exact := int32(ts + offset - r.last.Timestamp)
	if off := exact - int32(advance); off < int32(clockRate) && off > -int32(clockRate) {
		advance = uint32(max(exact, 1))
	}
	r.begin(seq, ts, n, advance, clockRate)
}

// advance is how many ticks have passed since the last packet, at least one step.
func (r *Rewriter) advance(now time.Time, clockRate uint32) uint32 {
	const longest = 1 << 30 // ticks: what is further looks like the past to a receiver
	step := int64(1)
	if clockRate != 90000 {
		step = max(1, int64(clockRate)/50)
	}
	if r.last.Time.IsZero() {
		return uint32(step)
	}
	elapsed := min(now.Sub(r.last.Time), 24*time.Hour)
	ticks := elapsed.Microseconds() * int64(clockRate) / 1e6
	steps := max(1, (ticks+step/2)/step)
	return uint32(min(steps*step, longest))
}

// begin makes the packet with these numbers the next one, advance ticks after the last.
func (r *Rewriter) begin(seq uint16, ts uint32, n Numbers, advance, clockRate uint32) {
	if r.live {
		copy(r.past[1:], r.past[:])
		r.past[0] = r.current
	}
	r.live = true
	r.last.Generation++
	r.current = offsets{
		generation: r.last.Generation, timestamp: r.last.Timestamp + advance - ts, frame: r.last.Frame + 1 - n.Frame,
		tl0: r.last.TL0 + 1 - n.TL0, key: r.last.Key + 1 - n.Key, clockRate: clockRate,
	}
	r.seq, r.ts = seq-1, ts
	r.picture, r.shift, r.skipped = n.Picture, r.last.Picture+1-n.Picture, false
}

// Generation is the number of switches, those before Seed included. It names the current source in Ref.
func (r *Rewriter) Generation() uint32 { return r.last.Generation }

// Offset is what the current source's timestamps are raised by, for sender reports.
func (r *Rewriter) Offset() uint32 { return r.current.timestamp }

// Next numbers a packet of the current source. Out means nothing unless the verdict is Send. Only the growth of the
// window, which follows the packet rate up to 512 packets, allocates.
func (r *Rewriter) Next(seq uint16, ts uint32, n Numbers, now time.Time) (Out, Verdict) {
	if !r.live {
		return Out{}, TooLate
	}
	if int16(seq-r.seq) <= 0 {
		e, late := r.window.find(seq, r.seq, r.last.Seq, r.last.Generation)
		switch {
		case e == nil:
			return Out{}, TooLate
		case e.state() != hole:
			return Out{}, Duplicate
		}
		out := r.number(late, ts, n, &r.current, r.extend(n)+e.picture)
		e.picture = out.Numbers.Picture
		e.settle(sent)
		return out, Send
	}
	r.pass(seq, now)
	r.keepTime(ts, n, now)
	picture := r.keepPicture(n)
	r.last.Seq++
	out := r.number(r.last.Seq, ts, n, &r.current, picture)
	r.window.push(r.last.Seq, seq, out.Numbers.Picture, sent, r.last.Generation, now)
	if advance := int32(out.Timestamp - r.last.Timestamp); advance > 0 {
		r.last.Timestamp, r.last.Time = out.Timestamp, now
	}
	r.remember(out.Numbers)
	return out, Send
}

// Skip says that a packet of the current source is deliberately not sent. With Fill, Out's sequence number and timestamp
// are valid.
func (r *Rewriter) Skip(seq uint16, ts uint32, n Numbers) (Out, Verdict) {
	if !r.live {
		return Out{}, Nothing
	}
	if int16(seq-r.seq) <= 0 {
		e, late := r.window.find(seq, r.seq, r.last.Seq, r.last.Generation)
		if e == nil || e.state() != hole {
			return Out{}, Nothing
		}
		e.settle(filled)
		return Out{Seq: late, Timestamp: ts + r.current.timestamp}, Fill
	}
	r.pass(seq, r.last.Time)
	if n.PictureBits != 0 {
		step := r.step(n)
		switch {
		case step < 0: // the source's pictures begin anew
			r.picture, r.shift = n.Picture, r.last.Picture+1-n.Picture
			r.window.cut()
		case step == 0:
			return Out{}, Nothing
		default:
			r.picture += uint16(step)
			r.skipped = false
		}
		if n.Dense {
			r.shift--
			r.skipped = true
		}
	}
	return Out{}, Nothing
}

// pass goes on to seq in the source. Each packet in between keeps a number in which it may still come.
func (r *Rewriter) pass(seq uint16, now time.Time) {
	missed := seq - r.seq - 1
	if missed > maxGap {
		missed = 1
		r.window.cut()
	}
	for ; missed > 0; missed-- {
		r.last.Seq++
		r.window.push(r.last.Seq, seq-missed, r.shift, hole, r.last.Generation, now)
	}
	r.seq = seq
}

// keepTime sees to it that a source whose clock or frame numbers begin anew does not take the receiver back. Pictures may
// come out of the order of their timestamps, but not by a second.
func (r *Rewriter) keepTime(ts uint32, n Numbers, now time.Time) {
	if int32(ts-r.ts) < -int32(r.current.clockRate) {
		r.current.timestamp = r.last.Timestamp + r.advance(now, r.current.clockRate) - ts
		r.window.cut()
	}
	r.ts = ts
	if n.HasFrame && int16(n.Frame+r.current.frame-r.last.Frame) < 0 {
		r.current.frame = r.last.Frame + 1 - n.Frame
		r.window.cut()
	}
}

// keepPicture is the outgoing picture id of a packet that is in order.
func (r *Rewriter) keepPicture(n Numbers) uint16 {
	if n.PictureBits == 0 {
		return 0
	}
	switch step := r.step(n); {
	case step > 0:
		r.picture += uint16(step)
		r.skipped = false
	case step == 0 && r.skipped: // only a part of it was skipped
		r.shift++
		r.skipped = false
	case step < 0:
		r.picture, r.shift, r.skipped = n.Picture, r.last.Picture+1-n.Picture, false
		r.window.cut()
	}
	return r.picture + r.shift
}

// step is how far a picture id of the source is from the highest one.
func (r *Rewriter) step(n Numbers) int16 {
	unused := 16 - n.PictureBits
	return int16((n.Picture-r.picture)<<unused) >> unused
}

// extend makes a picture id of the source comparable with the highest one.
func (r *Rewriter) extend(n Numbers) uint16 {
	if n.PictureBits == 0 {
		return 0
	}
	return r.picture + uint16(r.step(n))
}

// number applies a source's offsets.
func (r *Rewriter) number(seq uint16, ts uint32, n Numbers, o *offsets, picture uint16) Out {
	out := Out{Seq: seq, Timestamp: ts + o.timestamp, Numbers: n}
	if n.PictureBits != 0 {
		out.Numbers.Picture, out.Numbers.PictureBits = picture&0x7fff, 15
	}
	if n.HasTL0 {
		out.Numbers.TL0 += o.tl0
	}
	if n.HasKey {
		out.Numbers.Key = (n.Key + o.key) & 0x1f
	}
	if n.HasFrame {
		out.Numbers.Frame += o.frame
	}
	return out
}

// remember keeps the numbers of a packet in order as those that the next source continues.
func (r *Rewriter) remember(n Numbers) {
	if n.PictureBits != 0 {
		r.last.Picture = n.Picture
	}
	if n.HasTL0 {
		r.last.TL0 = n.TL0
	}
	if n.HasKey {
		r.last.Key = n.Key
	}
	if n.HasFrame {
		r.last.Frame = n.Frame
	}
}

// Source finds the packet behind an outgoing sequence number that a subscriber asks for again. It is false for what is no
// longer in the window, belongs to a source four switches ago, or was filled with padding.
func (r *Rewriter) Source(out uint16) (Ref, bool) {
	e := r.window.at(out, r.last.Seq)
	if e == nil || e.state() == filled {
		return Ref{}, false
	}
	ref := Ref{Seq: e.source, Sent: e.state() == sent, out: out, picture: e.picture}
	if e.of(r.current.generation) {
		ref.Generation = r.current.generation
		return ref, true
	}
	for i := range r.past {
		if e.of(r.past[i].generation) {
			ref.Generation = r.past[i].generation
			return ref, ref.Sent // what never came of a source that is gone has no place in the pictures
		}
	}
	return Ref{}, false
}

// Again numbers a packet that Source named for its retransmission: ts and n are those of the source's packet. It has to
// follow its Source directly. A packet that was not Sent counts as sent then.
func (r *Rewriter) Again(ref Ref, ts uint32, n Numbers) Out {
	o := &r.current
	for i := range r.past {
		if r.past[i].generation == ref.Generation && ref.Generation != o.generation {
			o = &r.past[i]
			break
		}
	}
	if ref.Sent {
		return r.number(ref.out, ts, n, o, ref.picture)
	}
	out := r.number(ref.out, ts, n, o, r.extend(n)+ref.picture)
	if e := r.window.at(ref.out, r.last.Seq); e != nil {
		e.picture = out.Numbers.Picture
		e.settle(sent)
	}
	return out
}

// State is a snapshot to Seed another Rewriter with.
func (r *Rewriter) State() State { return r.last }

// Seed continues from a snapshot: the next packet, which needs a Switch, follows the last one. The packets of before
// cannot be asked for again.
func (r *Rewriter) Seed(s State) { *r = Rewriter{last: s} }
