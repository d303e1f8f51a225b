//go:build linux

package bot

import (
	"encoding/binary"

	"tarasul/loadtest/synth"
)

// frameCheck follows the VP8 frames of a slot as a decoder would, as far as that can be done without one. Continuity is
// checked only where every packet is decrypted.
type frameCheck struct {
	started   bool
	sequence  uint16
	picture   uint16
	timestamp uint32
	bot       uint16
	whole     bool // the packet before this one was seen, and stamped
}

// vp8Start is what a VP8 payload descriptor says (RFC 7741 section 4.2).
type vp8Start struct {
	start   bool // of a frame
	key     bool
	picture uint16
	ok      bool
}

// readVP8 reads a payload in the shape that bots send: with a picture ID of 15 bits. Anything else is not ok.
func readVP8(payload []byte) (v vp8Start) {
	if len(payload) < 5 || payload[0]&0x80 == 0 || payload[1]&0x80 == 0 || payload[2]&0x80 == 0 {
		return v
	}
	v.ok = true
	v.picture = binary.BigEndian.Uint16(payload[2:]) & 0x7fff
	v.start = payload[0]&0x10 != 0 && payload[0]&7 == 0
	at := 4
	if payload[1]&0x40 != 0 {
		at++
	}
	if payload[1]&0x30 != 0 {
		at++
	}
	v.key = v.start && len(payload) > at && payload[at]&1 == 0
	return v
}

// checkVideo looks for what would make a browser's decoder stop: a stream that does not start with a key frame, another
// source without one, picture IDs or timestamps that jump.
func (p *Peer) checkVideo(st *stream, payload []byte, number uint16, stamp synth.Stamp, stamped, inOrder bool) {
	t, f := &p.engine.totals, &st.frames
	v := readVP8(payload)
	timestamp := p.header.Timestamp
	defer func() {
		f.sequence, f.picture, f.timestamp = number, v.picture, timestamp
		f.whole = v.ok && inOrder && stamped
		if stamped {
			f.bot = stamp.Bot
		}
	}()
	switch {
	case !v.ok:
		t.BrokenFrames++
		return
	case !f.started:
		f.started = true
		t.Starts++
		if !v.key {
			t.BlindStarts++
			p.askForKeyFrame(st.ssrc)
		}
		return
	case p.cfg.Sample > 1 || !f.whole || !inOrder || number != f.sequence+1:
		return
	}
	next := (f.picture + 1) & 0x7fff
	switch {
	case stamped && stamp.Bot != f.bot && !v.key:
		t.BlindStarts++
		p.askForKeyFrame(st.ssrc)
	case v.start && v.picture != next, !v.start && v.picture != f.picture:
		t.BrokenFrames++
	case v.start == (timestamp == f.timestamp), v.start && int32(timestamp-f.timestamp) < 0:
		t.BrokenFrames++
	}
}
