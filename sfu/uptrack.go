package sfu

import (
	"time"

	"tarasul/sfu/history"
	"tarasul/sfu/packet"
	"tarasul/sfu/payload"
	"tarasul/sfu/transport"
)

const (
	cameraFlows = time.Second      // a camera's encoding that is silent for longer has stopped
	screenFlows = 10 * time.Second // a screen where nothing moves sends next to nothing
	keySpacing  = 200 * time.Millisecond
	keyOverdue  = 250 * time.Millisecond // a request that has brought nothing by then is repeated: it may be lost
	// keyBurst is how many key frames may be asked for in a row, then one a second: a
	// meeting of thirty that fills up within three seconds takes 15, a storm gets no more.
	keyBurst = 15
)

func (s Source) audio() bool { return s == Microphone || s == ScreenAudio }

// upTrack is one source of one publisher.
type upTrack struct {
	peer      *peer
	source    Source
	index     int // in the room; what peer.down is indexed by
	section   *transport.Section
	encodings []*encoding  // ascending in size; one without simulcast
	subs      []*downTrack // the slots that carry it
	wanted    uint8        // bit per encoding: somebody watches it, or would
	told      uint8        // what the publisher was told last
	everTold  bool
}

// encoding is one simulcast stream of an up-track: an SSRC with its retransmissions.
type encoding struct {
	up            *upTrack
	index         int8
	rid           string
	ssrc          uint32
	ring          *history.Ring
	dependency    payload.DependencyParser
	last          time.Time // last packet
	newest        uint16    // highest sequence number
	lastWanted    time.Time
	width, height uint16 // of the last key frame, 0 if it did not say
	report        senderReport
	keyAsked      time.Time // when the publisher was last asked for a key frame
	keyDue        bool      // it was asked, and none has come since: the request may be lost
	keyTokens     float64   // how many may be asked for now
	keyCounted    time.Time // when keyTokens was true
	keyPending    bool
	packets       uint64
	bytes         uint64
}

func newUpTrack(p *peer, source Source, section *transport.Section) *upTrack {
	up := &upTrack{peer: p, source: source, section: section, index: p.index*int(sourceCount) + int(source)}
	rids := []string{""}
	if len(section.RIDs) > 0 {
		rids = rids[:0]
		for _, r := range section.RIDs {
			rids = append(rids, r.ID)
		}
	}
	for i, rid := range rids {
		up.encodings = append(up.encodings, &encoding{up: up, index: int8(i), rid: rid, keyTokens: keyBurst})
	}
	return up
}

// open reports whether the source may pass and is switched on.
func (u *upTrack) open() bool { return u.peer.permit[u.source] && u.peer.on[u.source] }

// flows reports whether any packet has come.
func (u *upTrack) flows() bool {
	for _, e := range u.encodings {
		if e.ring != nil {
			return true
		}
	}
	return false
}

// encoding finds an encoding by rid.
func (u *upTrack) encoding(rid string) *encoding {
	for _, e := range u.encodings {
		if e.rid == rid {
			return e
		}
	}
	return nil
}

// codec says what a payload type means on this m-line, and whether it is a retransmission.
func (u *upTrack) codec(pt uint8) (c payload.Codec, rtx bool) {
	for i := range u.section.Chosen {
		switch chosen := &u.section.Chosen[i]; pt {
		case chosen.PT:
			return chosen.Codec, false
		case chosen.RTX:
			return chosen.Codec, true
		}
	}
	return payload.None, false
}

// primary is the payload type that a retransmission's payload type repairs.
func (u *upTrack) primary(rtx uint8) uint8 {
	for i := range u.section.Chosen {
		if u.section.Chosen[i].RTX == rtx {
			return u.section.Chosen[i].PT
		}
	}
	return 0
}

// rename says that the encoding goes on under another SSRC: what was kept is of no use.
func (e *encoding) rename(ssrc uint32) {
	if e.ssrc != ssrc {
		e.ssrc, e.ring, e.report = ssrc, nil, senderReport{}
		e.dependency.Reset()
	}
}

// flowing reports whether packets come.
func (e *encoding) flowing(now time.Time) bool {
	limit := cameraFlows
	if e.up.source == Screen {
		limit = screenFlows
	}
	return e.ring != nil && now.Sub(e.last) < limit
}

// lines is the height of the picture, guessed until a key frame has said it.
func (e *encoding) lines() int {
	if e.height != 0 {
		return int(min(e.height, e.width)) // a telephone held upright is not twice as sharp
	}
	return 720 >> (len(e.up.encodings) - 1 - int(e.index))
}

// receive takes in one packet of the encoding.
func (e *encoding) receive(in *packet.Packet, rtx bool, now time.Time) Verdict {
	if rtx {
		seq, rest, ok := history.OSN(in.Payload)
		if !ok {
			return Duplicate // a probe: padding on the retransmission stream
		}
		in.Seq, in.Payload, in.SSRC, in.Repaired = seq, rest, e.ssrc, true
		in.PayloadType = e.up.primary(in.PayloadType)
	}
	codec, isRTX := e.up.codec(in.PayloadType)
	if codec == payload.None || isRTX {
		return NoCodec
	}
	if !e.up.open() {
		return Muted
	}
	if !in.PaddingOnly {
		if !in.Describe(codec) {
			return Malformed
		}
		if len(in.Dependency) > 0 {
			var d payload.Dependency
			if e.dependency.Parse(in.Dependency, &d) != nil {
				return Malformed // its frame number could not be rewritten
			}
			d.Apply(&in.Descriptor)
		}
	}
	if e.broken(in.Seq, now) {
		e.begin(now)
	}
	if e.ring == nil {
		e.ring = history.New(history.Config{ClockRate: codec.ClockRate()})
	}
	if !e.ring.Put(in) {
		return Duplicate
	}
	if e.packets == 0 || packet.Before(e.newest, in.Seq) {
		e.newest = in.Seq
	}
	resumed := !e.flowing(now)
	e.last = now
	e.packets++
	e.bytes += uint64(len(in.Payload))
	e.keyDue = e.keyDue && !in.Descriptor.KeyFrame
	if in.Descriptor.KeyFrame && in.Descriptor.Width != 0 {
		e.width, e.height = in.Descriptor.Width, in.Descriptor.Height
	}
	room := e.up.peer.room
	if e.up.source == Microphone && in.HasLevel {
		room.speakers.Observe(int32(e.up.peer.index), in.Level, now)
	}
	if resumed && len(e.up.encodings) > 1 {
		room.reallocate = true // a better encoding is there
	}
	room.take(in, e, codec)
	return Received
}

// broken reports whether packets were lost in a silence so long that repairing them only
// delays: what comes late would make decoders wait for a time that has passed.
func (e *encoding) broken(seq uint16, now time.Time) bool {
	return e.ring != nil && !e.up.source.audio() && now.Sub(e.last) > brokenAfter && int16(seq-e.newest) > 1
}

// begin starts an encoding anew: nothing from before is repaired, and every slot that
// shows it waits for a key frame.
func (e *encoding) begin(now time.Time) {
	e.ring = nil
	for _, d := range e.up.subs {
		if d.current == e {
			d.selector.Restart()
		}
	}
	e.askKey(now)
}

// askKey asks the publisher for a key frame, at once or, if it was asked only now, as
// soon as that is decent: many subscribers' wishes become one request.
func (e *encoding) askKey(now time.Time) {
	e.keyTokens = min(keyBurst, e.keyTokens+now.Sub(e.keyCounted).Seconds())
	e.keyCounted = now
	if e.ssrc == 0 || now.Sub(e.keyAsked) < max(keySpacing, e.up.peer.rtt) || e.keyTokens < 1 {
		e.keyPending = true
		return
	}
	e.keyTokens--
	e.keyAsked, e.keyPending, e.keyDue = now, false, true
	e.up.peer.sendPLI(e.ssrc)
}
