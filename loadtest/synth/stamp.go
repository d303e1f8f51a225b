// Package synth makes the media that bots send: VP8 that a real decoder shows (a grey picture) and Opus that a real
// decoder plays (silence), at any bit rate, with a stamp in every payload by which the receiving bot knows who sent it
// and when. It also says who speaks and how loudly. Everything follows from a seed.
//
// It knows nothing of RTP, sockets or the time of day.
package synth

import "encoding/binary"

// Kind is what a stamped packet is part of.
type Kind uint8

// Kinds.
const (
	Voice Kind = iota
	Camera
)

// Stamp is what a payload says of itself. It stands at the payload's end, where no forwarding unit touches it: the VP8
// descriptor at the front is rewritten on its way.
type Stamp struct {
	Bot      uint16 // who sent it
	Kind     Kind
	Encoding uint8  // of a simulcast: 0 is the smallest
	Index    uint64 // counts the packets of the encoding, from 0
	Time     int64  // when it was sealed, in nanoseconds of the tester's clock
}

// StampSize is what a Stamp takes, in bytes.
const StampSize = 24

// magic tells a stamp from other bytes: a stamp is read from what a server has forwarded, right or wrong.
const magic = 0x7a5a1b0e

// Put writes the stamp over the last StampSize bytes of payload.
func (s Stamp) Put(payload []byte) {
	b := payload[len(payload)-StampSize:]
	binary.BigEndian.PutUint32(b, magic)
	binary.BigEndian.PutUint16(b[4:], s.Bot)
	b[6], b[7] = byte(s.Kind), s.Encoding
	binary.BigEndian.PutUint64(b[8:], s.Index)
	binary.BigEndian.PutUint64(b[16:], uint64(s.Time))
}

// ReadStamp reads the stamp of payload; ok is false if it has none.
func ReadStamp(payload []byte) (s Stamp, ok bool) {
	if len(payload) < StampSize {
		return s, false
	}
	b := payload[len(payload)-StampSize:]
	if binary.BigEndian.Uint32(b) != magic {
		return s, false
	}
	return Stamp{
		Bot: binary.BigEndian.Uint16(b[4:]), Kind: Kind(b[6]), Encoding: b[7],
		Index: binary.BigEndian.Uint64(b[8:]), Time: int64(binary.BigEndian.Uint64(b[16:])),
	}, true
}
