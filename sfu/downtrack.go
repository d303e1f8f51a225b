package sfu

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"tarasul/sfu/egress"
	"tarasul/sfu/layers"
	"tarasul/sfu/payload"
	"tarasul/sfu/rewrite"
	"tarasul/sfu/transport"
)

// downTrack is one slot of one subscriber and what it carries at the moment. The SSRC
// belongs to the slot for ever; who is seen or heard in it changes without the receiver
// noticing.
type downTrack struct {
	peer     *peer
	up       *upTrack // nil: nothing
	current  *encoding
	ssrc     uint32
	rollover egress.Rollover
	types    [payload.Codecs]types
	paused   PauseReason
	fresh    bool   // audio: the next packet is the first of another source
	picture  bool   // video, not audio
	packets  uint32 // sent, for sender reports
	octets   uint32
	lastTS   uint32
	lastAt   time.Time
	selector layers.Selector
	rewriter rewrite.Rewriter

	section *transport.Section
	tile    Tile      // how large it is shown; video only
	recent  [4]origin // the latest switches, for retransmission
	rtxSeq  uint16
	rtx     egress.Rollover // of the retransmissions' SSRC
}

// types are the payload types that the subscriber negotiated for a codec; 0 is none.
type types struct{ pt, rtx uint8 }

// origin says which encoding a generation of the rewriter was.
type origin struct {
	generation uint32
	encoding   *encoding
}

func newDownTrack(p *peer, section *transport.Section) *downTrack {
	d := &downTrack{peer: p, ssrc: section.Send.Media, selector: layers.NewSelector(), rtxSeq: uint16(rand.Uint32N(1 << 15))}
	d.negotiate(section)
	// RFC 3550 section 5.1: they begin anywhere; below 2^15, so that loss at the very
	// start is not mistaken for a wrap-around.
	d.rewriter.Seed(rewrite.State{
		Seq: uint16(rand.Uint32N(1 << 15)), Timestamp: rand.Uint32(), Picture: uint16(rand.Uint32N(1 << 15)),
		TL0: uint8(rand.Uint32N(1 << 8)), Key: uint8(rand.Uint32N(1 << 5)), Time: p.created,
	})
	return d
}

// negotiate takes over what the newest offer says of the slot.
func (d *downTrack) negotiate(section *transport.Section) {
	d.section, d.picture = section, section.Kind == transport.Video
	clear(d.types[:])
	for _, c := range section.Chosen {
		d.types[c.Codec] = types{c.PT, c.RTX}
	}
}

// carry gives the slot to another source, or to none.
func (d *downTrack) carry(up *upTrack) {
	if d.up != nil {
		d.up.subs = slices.DeleteFunc(d.up.subs, func(other *downTrack) bool { return other == d })
	}
	if up != nil {
		up.subs = append(up.subs, d)
	}
	d.up = up
	d.fresh = true
	d.current = nil
	d.paused = NotPaused
	d.selector.SetTarget(layers.Nothing)
	d.selector.Restart()
}

// forward decides about one packet and, with Sent, has filled in the shard's send.
func (d *downTrack) forward(in *incoming, now time.Time) Verdict {
	if d.paused != NotPaused {
		return Paused
	}
	p, e, codec := in.packet, in.encoding, in.codec
	numbers := rewrite.Numbers(p.Descriptor.Numbers)
	if d.picture {
		if p.PaddingOnly {
			if e == d.current {
				d.rewriter.Skip(p.Seq, p.Timestamp, numbers)
			}
			return NotNeeded
		}
		switch d.selector.Accept(e.index, &p.Descriptor) {
		case layers.Other:
			return NotNeeded
		case layers.Skip:
			out, verdict := d.rewriter.Skip(p.Seq, p.Timestamp, numbers)
			if verdict != rewrite.Fill {
				return NotNeeded
			}
			return d.fill(codec, out)
		case layers.SwitchAndForward:
			d.switchTo(e, p.Seq, p.Timestamp, numbers, codec, now)
		}
	} else if d.fresh {
		d.fresh = false
		d.switchTo(e, p.Seq, p.Timestamp, numbers, codec, now)
	} else if e != d.current {
		return NotNeeded
	}
	out, verdict := d.rewriter.Next(p.Seq, p.Timestamp, numbers, now)
	if verdict != rewrite.Send {
		return TooLate
	}
	send := &d.peer.shard.send
	if !d.address(send, codec, out) {
		return NoCodec
	}
	send.Marker = d.selector.Marker(&p.Descriptor, p.Marker)
	send.HasLevel, send.Voice, send.Level = p.HasLevel, p.Voice, p.Level
	d.dress(send, 0, codec, p.Payload, p.Dependency, &p.Descriptor, out)
	d.packets++
	d.octets += uint32(len(send.Payload) + send.PrefixLen)
	d.lastTS, d.lastAt = out.Timestamp, now
	return Sent
}

// address fills in whose packet it is.
func (d *downTrack) address(send *egress.Packet, codec payload.Codec, out rewrite.Out) bool {
	pt := d.types[codec].pt
	if codec == payload.RED && pt == 0 { // who cannot read RED gets the voice in it
		pt = d.types[payload.Opus].pt
	}
	send.SSRC, send.Seq, send.Timestamp, send.PayloadType = d.ssrc, out.Seq, out.Timestamp, pt
	send.PrefixLen, send.Dependency, send.Rollover = 0, nil, &d.rollover
	return pt != 0
}

// dress fills in the payload after skip bytes of prefix: with the numbers that this
// subscriber sees, and for RED with the payload types that it negotiated.
func (d *downTrack) dress(send *egress.Packet, skip int, codec payload.Codec, body, dependency []byte, is *payload.Descriptor, out rewrite.Out) {
	prefix := send.Prefix[skip:]
	written, replaced := 0, 0
	switch codec {
	case payload.Opus:
	case payload.RED:
		if d.types[payload.RED].pt == 0 {
			if primary, _, ok := payload.Primary(body); ok {
				body = primary
			}
		} else if n := payload.RewriteBlocks(prefix, body, d.types[payload.Opus].pt); n > 0 {
			written, replaced = n, n
		}
	default:
		written, replaced = payload.Rewrite(codec, prefix, body, is, payload.Numbers(out.Numbers))
		if len(dependency) > 0 {
			send.Dependency = d.peer.shard.renumber(dependency, out.Numbers)
		}
	}
	send.PrefixLen = skip + written
	send.Payload = body[replaced:]
}

// fill makes a packet without payload, which tells the receiver that a number is not
// missing.
func (d *downTrack) fill(codec payload.Codec, out rewrite.Out) Verdict {
	send := &d.peer.shard.send
	if !d.address(send, codec, out) {
		return NoCodec
	}
	send.Marker, send.HasLevel, send.Payload = false, false, nil
	return Sent
}

// switchTo begins another encoding or source in the slot.
func (d *downTrack) switchTo(e *encoding, seq uint16, ts uint32, n rewrite.Numbers, codec payload.Codec, now time.Time) {
	clock := codec.ClockRate()
	if d.current != nil && d.current.up == e.up && d.current.report.known() && e.report.known() {
		// Two encodings of one camera: their sender reports say how their clocks lie.
		offset := d.current.report.at(e.report, clock) + d.rewriter.Offset()
		d.rewriter.SwitchAligned(seq, ts, n, now, clock, offset)
	} else {
		d.rewriter.Switch(seq, ts, n, now, clock)
	}
	d.current = e
	copy(d.recent[1:], d.recent[:])
	d.recent[0] = origin{d.rewriter.Generation(), e}
	d.peer.shard.stats.Switches++
}

// wantsKey asks for the key frame that the slot is waiting for, if it is.
func (d *downTrack) wantsKey(now time.Time) {
	if d.up == nil || d.paused != NotPaused {
		return
	}
	if i, ok := d.selector.WantsKey(); ok && int(i) < len(d.up.encodings) {
		d.up.encodings[i].askKey(now)
	}
}

// resend answers one sequence number of a NACK from the history of its encoding, as a
// retransmission (RFC 4588). Without one negotiated nothing is sent: the same number
// must never be sealed twice.
func (d *downTrack) resend(seq uint16) bool {
	ref, ok := d.rewriter.Source(seq)
	if !ok || d.section.Send.RTX == 0 {
		return false
	}
	var e *encoding
	for _, o := range d.recent {
		if o.generation == ref.Generation {
			e = o.encoding
		}
	}
	if e == nil || e.ring == nil {
		return false
	}
	p, ok := e.ring.Get(ref.Seq)
	if !ok {
		return false
	}
	codec, _ := e.up.codec(p.PayloadType)
	rtx := d.types[codec].rtx
	if rtx == 0 {
		return false
	}
	out := d.rewriter.Again(ref, p.Timestamp, rewrite.Numbers(p.Descriptor.Numbers))
	send := &d.peer.shard.send
	d.rtxSeq++
	send.SSRC, send.Seq, send.Timestamp, send.PayloadType = d.section.Send.RTX, d.rtxSeq, out.Timestamp, rtx
	send.Marker, send.HasLevel, send.Dependency = d.selector.Marker(&p.Descriptor, p.Marker), false, nil
	send.Rollover = &d.rtx
	binary.BigEndian.PutUint16(send.Prefix[:], seq)
	d.dress(send, 2, codec, p.Payload, p.Dependency, &p.Descriptor, out)
	return true
}
