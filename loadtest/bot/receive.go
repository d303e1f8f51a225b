//go:build linux

package bot

import (
	"encoding/binary"
	"time"

	"tarasul/loadtest/synth"
	"tarasul/loadtest/tally"
)

// nobody is the bot whom a slot without a known source carries.
const nobody = -1

// settling is how long a slot's packets may still be of its former source after the server has announced another, and the
// other way round: announcement and media travel on different ways.
const settling = int64(500 * time.Millisecond)

// slot is one receive slot.
type slot struct {
	peer    *Peer
	mid     string
	kind    synth.Kind
	media   *stream
	missing missing // video only: what a NACK is to ask for

	carries    int // the bot whom the server has announced, or nobody
	assignedAt int64
}

// stream is one SSRC that a peer receives: a slot's media, or its retransmissions.
type stream struct {
	slot     *slot
	ssrc     uint32
	rtx      bool
	sequence tally.Sequence
	base     tally.Counts // at the start of the window
	packets  uint64
	bytes    uint64
	basis    [2]uint64 // packets and bytes at the start of the window
	skip     int       // packets until the next one is decrypted
	known    bool      // the source of the present packets was read from a stamp since it last changed
	lastAt   int64
	longest  int64 // longest time between two packets in the window
	last     synth.Stamp
	lastSeq  uint16 // of the packet of last
	stamped  bool   // last is valid
	reported reception
	frames   frameCheck
}

// reception is what receiver reports are made from (RFC 3550 appendix A.3).
type reception struct {
	expected, received uint64
}

// flow is what a peer has received of one source of one bot.
type flow struct {
	firstAt  int64 // 0: never
	lastAt   int64
	inWindow uint64 // stamps read in the window
}

// stream makes the stream of an SSRC.
func (p *Peer) stream(s *slot, ssrc uint32, rtx bool) *stream {
	st := &stream{slot: s, ssrc: ssrc, rtx: rtx}
	p.streams[ssrc] = st
	if !rtx {
		s.media = st
	}
	return st
}

// takeRTP takes in one RTP packet that arrived at the time at.
func (p *Peer) takeRTP(b []byte, at int64) {
	if len(b) < 12 {
		p.engine.totals.Foreign++
		return
	}
	ssrc := binary.BigEndian.Uint32(b[8:])
	st := p.streams[ssrc]
	if st == nil {
		if st = p.learn(b, ssrc); st == nil {
			p.engine.totals.Foreign++
			return
		}
	}
	if p.firstMedia == 0 {
		p.firstMedia = at
		close(p.arrived)
	}
	if p.transport {
		if number, ok := transportNumber(b); ok {
			p.anyMedia = ssrc
			if p.cfg.Feedback {
				p.recorder.Record(number, at)
			}
		}
	}
	st.packets++
	st.bytes += uint64(len(b))
	t := &p.engine.totals
	t.Packets++
	t.Bytes += uint64(len(b))
	number := binary.BigEndian.Uint16(b[2:])
	arrival, gap := st.sequence.Observe(number)
	if st.rtx {
		t.Retransmissions++
		p.takeRetransmission(st, b)
		return
	}
	if arrival == tally.Duplicate {
		return
	}
	if gap > 0 && st.slot.kind == synth.Camera {
		p.notice(st.slot, number, gap)
	} else if arrival == tally.Reordered {
		p.resolve(st.slot, number)
	}
	st.longest = max(st.longest, at-st.lastAt)
	if st.lastAt == 0 {
		st.longest = 0
	}
	st.lastAt = at
	st.skip--
	if st.skip > 0 && st.known {
		return
	}
	st.skip = p.cfg.Sample
	p.sample(st, b, number, at, arrival == tally.InOrder)
}

// learn finds the slot of an SSRC that the answer did not name by the mid in the packet's header.
func (p *Peer) learn(b []byte, ssrc uint32) *stream {
	mid, ok := extension(b, extMid)
	if !ok {
		return nil
	}
	s := p.slots[string(mid)]
	if s == nil || s.media != nil {
		return nil
	}
	return p.stream(s, ssrc, false)
}

// sample decrypts a packet and reads what its sender wrote into it.
func (p *Peer) sample(st *stream, b []byte, number uint16, at int64, inOrder bool) {
	payload, ok := p.open(b)
	if !ok {
		return
	}
	t := &p.engine.totals
	t.Sampled++
	if len(payload) == 0 {
		t.Padding++
		return
	}
	stamp, ok := synth.ReadStamp(payload)
	if st.slot.kind == synth.Camera {
		p.checkVideo(st, payload, number, stamp, ok, inOrder)
	}
	if !ok {
		t.Unstamped++
		return
	}
	s := st.slot
	if int(stamp.Bot) >= p.cfg.Bots || stamp.Kind != s.kind {
		t.Misdirected++
		return
	}
	if w := p.engine.window; w != nil && inOrder {
		w.latency(stamp.Kind, time.Duration(at-stamp.Time))
	}
	if s.carries != int(stamp.Bot) && at-s.assignedAt > settling && s.carries != nobody {
		t.Misdirected++
	}
	if st.stamped && st.last.Bot == stamp.Bot && st.last.Encoding == stamp.Encoding && inOrder {
		// The sender's count has gone on by more than the slot's: the server has left packets out and closed the gap.
		sent, received := int64(stamp.Index-st.last.Index), int64(int16(number-st.lastSeq))
		if sent > received && received > 0 {
			t.Withheld += uint64(sent - received)
		}
	}
	if inOrder {
		st.last, st.lastSeq, st.stamped = stamp, number, true
	}
	st.known = s.carries == int(stamp.Bot) || s.carries == nobody
	f := &p.seen[stamp.Kind][stamp.Bot]
	if f.firstAt == 0 {
		f.firstAt = at
	}
	f.lastAt = at
	f.inWindow++
}

// open decrypts an RTP packet and returns its payload without padding.
func (p *Peer) open(b []byte) (payload []byte, ok bool) {
	plain, err := p.keys.in.DecryptRTP(p.plain[:0], b, &p.header)
	if err != nil {
		p.engine.totals.Undecipherable++
		return nil, false
	}
	p.plain = plain
	payload = plain[p.header.MarshalSize():]
	if p.header.Padding && len(payload) > 0 {
		payload = payload[:max(0, len(payload)-int(payload[len(payload)-1]))]
	}
	return payload, true
}

// takeRetransmission reads which packet a retransmission repeats (RFC 4588 section 4).
func (p *Peer) takeRetransmission(st *stream, b []byte) {
	payload, ok := p.open(b)
	switch {
	case !ok:
	case len(payload) < 2:
		p.engine.totals.Padding++
	case p.resolve(st.slot, binary.BigEndian.Uint16(payload)):
		p.engine.totals.Recovered++
	}
}

// takeRTCP takes in one SRTCP packet.
func (p *Peer) takeRTCP(b []byte) {
	plain, err := p.keys.in.DecryptRTCP(nil, b, nil)
	if err != nil {
		p.engine.totals.Undecipherable++
		return
	}
	p.engine.totals.RTCP++
	p.takeFeedback(plain)
}

// transportNumber reads the transport-wide sequence number from the clear header.
func transportNumber(b []byte) (uint16, bool) {
	v, ok := extension(b, extTransport)
	if !ok || len(v) != 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(v), true
}

// extension finds a header extension in one-byte form (RFC 8285 section 4.2).
func extension(b []byte, id byte) ([]byte, bool) {
	if b[0]&0x10 == 0 {
		return nil, false
	}
	at := 12 + 4*int(b[0]&15)
	if len(b) < at+4 || b[at] != 0xbe || b[at+1] != 0xde {
		return nil, false
	}
	end := at + 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	if end > len(b) {
		return nil, false
	}
	for rest := b[at+4 : end]; len(rest) > 0; {
		if rest[0] == 0 {
			rest = rest[1:]
			continue
		}
		size := int(rest[0]&15) + 2
		if size > len(rest) || rest[0]>>4 == 15 {
			return nil, false
		}
		if rest[0]>>4 == id {
			return rest[1:size], true
		}
		rest = rest[size:]
	}
	return nil, false
}
