//go:build linux

package bot

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"time"

	"tarasul/loadtest/synth"
)

// keyFrameInterval is the shortest time between two key frames that are asked for, as browsers keep it.
const keyFrameInterval = int64(300 * time.Millisecond)

// quietInterval is how often a voice that says nothing sends a packet (Opus DTX).
const quietInterval = int64(400 * time.Millisecond)

// source is one stream of packets that a peer sends: its voice, or one encoding of its camera.
type source struct {
	peer     *Peer
	kind     synth.Kind
	encoding uint8
	mid, rid string
	ssrc     uint32
	rtx      uint32
	opus     *synth.Opus
	video    *synth.Video
	interval int64
	phase    int64

	place     int // in the schedule
	next      int64
	stopped   bool // nobody wants it
	started   bool
	quiet     bool // the voice has said nothing since its last packet
	lastSent  int64
	keyAsked  bool
	lastKey   int64
	known     bool // the server has reported on the SSRC, so it needs no mid any more
	sequence  uint16
	rtxNumber uint16
	timestamp uint32 // of the next frame
	index     uint64 // of the next packet
	octets    uint32
	history   *history
	sent      Sent
}

// Sent is what a source has sent.
type Sent struct {
	Packets, Bytes, Frames, KeyFrames, Retransmissions uint64
}

// Add adds other.
func (s *Sent) Add(other Sent) {
	s.Packets += other.Packets
	s.Bytes += other.Bytes
	s.Frames += other.Frames
	s.KeyFrames += other.KeyFrames
	s.Retransmissions += other.Retransmissions
}

// Sub gives what was sent since former.
func (s Sent) Sub(former Sent) Sent {
	return Sent{
		s.Packets - former.Packets, s.Bytes - former.Bytes, s.Frames - former.Frames,
		s.KeyFrames - former.KeyFrames, s.Retransmissions - former.Retransmissions,
	}
}

func newSource(p *Peer, kind synth.Kind, mid int, random *rand.Rand) *source {
	return &source{
		peer: p, kind: kind, mid: strconv.Itoa(mid), ssrc: random.Uint32() | 1, rtx: random.Uint32() | 1,
		sequence: uint16(random.Uint32()), rtxNumber: uint16(random.Uint32()), timestamp: random.Uint32(),
		phase: random.Int64N(int64(20 * time.Millisecond)),
	}
}

// skip goes on without sending: time has passed that cannot be made up for.
func (s *source) skip(times int64) {
	s.next += times * s.interval
	if s.kind == synth.Voice {
		s.timestamp += uint32(times) * 960
	} else {
		s.timestamp += uint32(times * 90000 / int64(s.peer.cfg.FrameRate))
	}
}

// send sends what is due now: one voice packet, or all packets of one frame.
func (s *source) send(now int64) {
	if s.kind == synth.Voice {
		s.sendVoice(now)
		s.timestamp += 960
		return
	}
	if !s.stopped {
		s.sendFrame(now)
	}
	s.timestamp += uint32(90000 / s.peer.cfg.FrameRate)
}

func (s *source) sendVoice(now int64) {
	p := s.peer
	level := p.cfg.Script.Level(p.cfg.Voice, time.Duration(now))
	quiet := level == synth.Silence
	if s.stopped || quiet && s.quiet && now-s.lastSent < quietInterval {
		return
	}
	marker := !s.started || s.quiet && !quiet
	stamp := s.stamp()
	b := s.header(p.engine.packet[:0], payloadOpus, s.ssrc, s.sequence, marker, extensions{level: level, hasLevel: true})
	headerSize := len(b)
	if quiet {
		b = s.opus.AppendQuiet(b, stamp)
	} else {
		b = s.opus.Append(b, stamp)
	}
	s.quiet = quiet
	s.sent.Frames++
	s.out(b, headerSize, now)
}

func (s *source) sendFrame(now int64) {
	key := s.keyAsked && now-s.lastKey >= keyFrameInterval
	packets := s.video.Next(key)
	if s.video.Key() {
		s.keyAsked, s.lastKey = false, now
		s.sent.KeyFrames++
	}
	s.sent.Frames++
	for i := range packets {
		b := s.header(s.history.slot(s.sequence), payloadVP8, s.ssrc, s.sequence, i == packets-1, extensions{rid: s.rid})
		headerSize := len(b)
		b = s.video.Append(b, i, s.stamp())
		s.history.keep(s.sequence, b, headerSize)
		s.out(b, headerSize, now)
	}
}

func (s *source) stamp() synth.Stamp {
	return synth.Stamp{Bot: uint16(s.peer.cfg.Index), Kind: s.kind, Encoding: s.encoding, Index: s.index, Time: s.peer.engine.clock.Since()}
}

// out seals and sends one packet of the stream.
func (s *source) out(b []byte, headerSize int, now int64) {
	s.peer.seal(b)
	s.started = true
	s.lastSent = now
	s.sequence++
	s.index++
	s.octets += uint32(len(b) - headerSize)
	s.sent.Packets++
	s.sent.Bytes += uint64(len(b))
}

// seal encrypts an RTP packet and sends it.
func (p *Peer) seal(b []byte) {
	sealed, err := p.keys.out.EncryptRTP(p.engine.sealed, b, &p.header)
	if err != nil {
		p.engine.totals.SendErrors++
		return
	}
	p.send(sealed)
}

// retransmit answers a NACK (RFC 4588).
func (s *source) retransmit(sequence uint16) {
	b, headerSize := s.history.find(sequence)
	if b == nil {
		return
	}
	p := s.peer
	ex := extensions{}
	if s.rid != "" {
		ex.repaired = s.rid
	}
	timestamp := s.timestamp
	s.timestamp = binary.BigEndian.Uint32(b[4:])
	out := s.header(p.engine.packet[:0], payloadRTX, s.rtx, s.rtxNumber, b[1]&0x80 != 0, ex)
	s.timestamp = timestamp
	out = binary.BigEndian.AppendUint16(out, sequence)
	out = append(out, b[headerSize:]...)
	p.seal(out)
	s.rtxNumber++
	s.sent.Retransmissions++
}

// extensions are what a header carries besides the transport-wide sequence number.
type extensions struct {
	level    uint8
	hasLevel bool
	rid      string
	repaired string
}

// header appends an RTP header (RFC 3550 section 5.1) with its extensions in one-byte form (RFC 8285 section 4.2). mid and rid
// are on every packet until the server has reported on the SSRC, as browsers do it.
func (s *source) header(b []byte, payload byte, ssrc uint32, sequence uint16, marker bool, ex extensions) []byte {
	if marker {
		payload |= 0x80
	}
	b = append(b, 0x90, payload, byte(sequence>>8), byte(sequence))
	b = binary.BigEndian.AppendUint32(b, s.timestamp)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	b = append(b, 0xbe, 0xde, 0, 0)
	start := len(b)
	if s.peer.transport {
		b = append(b, extTransport<<4|1, byte(s.peer.nextNumber>>8), byte(s.peer.nextNumber))
		s.peer.nextNumber++
	}
	if ex.hasLevel {
		level := ex.level
		if level < 60 {
			level |= 0x80 // the encoder hears a voice
		}
		b = append(b, extLevel<<4, level)
	}
	if !s.known || ex.repaired != "" {
		b = appendText(b, extMid, s.mid)
		if ex.rid != "" {
			b = appendText(b, extRid, ex.rid)
		}
		if ex.repaired != "" {
			b = appendText(b, extRepairedRid, ex.repaired)
		}
	}
	for len(b)&3 != 0 {
		b = append(b, 0)
	}
	b[start-1] = byte((len(b) - start) / 4)
	return b
}

func appendText(b []byte, id byte, text string) []byte {
	b = append(b, id<<4|byte(len(text)-1))
	return append(b, text...)
}

// historySize is how many packets are kept for retransmission.
const historySize = 512

// history keeps the last packets of a source as they were before sealing.
type history struct {
	packets [historySize]struct {
		data     []byte
		header   int
		sequence uint16
	}
}

func newHistory() *history { return &history{} }

// slot is where the packet with a sequence number is to be built.
func (h *history) slot(sequence uint16) []byte {
	return h.packets[sequence%historySize].data[:0]
}

func (h *history) keep(sequence uint16, b []byte, headerSize int) {
	e := &h.packets[sequence%historySize]
	e.data, e.header, e.sequence = b, headerSize, sequence
}

// find returns a packet and the size of its header, or nil if it is too old.
func (h *history) find(sequence uint16) (b []byte, headerSize int) {
	e := &h.packets[sequence%historySize]
	if len(e.data) == 0 || e.sequence != sequence {
		return nil, 0
	}
	return e.data, e.header
}
