//go:build linux && (amd64 || arm64)

package egress

import "encoding/binary"

// PrefixMax is the most bytes of prefix: an original sequence number and a VP9 payload descriptor with its scalability
// structure.
const PrefixMax = 42

const (
	headerSize = 12 // without contributing sources, which an SFU that does not mix has none of (RFC 3550 section 5.1)

	transportSize = 2
	sendTimeSize  = 3
	levelSize     = 1

	// RFC 8285: what the one-byte form can say, and the marks of both forms.
	oneByteID      = 14
	oneByteSize    = 16
	twoByteSize    = 255
	oneByteProfile = 0xBEDE
	twoByteProfile = 0x1000
)

// Packet is one RTP packet for one subscriber, already rewritten. Its payload is Prefix[:PrefixLen] followed by Payload.
type Packet struct {
	SSRC        uint32
	Timestamp   uint32
	Seq         uint16 // never twice for one SSRC: the same number with other bytes would give the key away
	PayloadType uint8
	Marker      bool

	HasLevel bool  // Level and Voice are sent if RFC 6464 was negotiated
	Voice    bool  // the V bit
	Level    uint8 // -dBov, from 0 (loud) to 127

	// Rollover is what sealing must remember of the SSRC, for a destination with a Sealer. A stream's packets bring it
	// always or never: sealed both ways, two would have the same nonce.
	Rollover *Rollover

	PrefixLen int
	Prefix    [PrefixMax]byte // the original sequence number of a retransmission, a rewritten payload descriptor

	Payload    []byte // without padding
	Dependency []byte // AV1 dependency descriptor; sent if negotiated and not empty, at most 255 bytes
	MID        []byte // sent if negotiated and not empty: only while the receiver may not know the SSRC yet
}

// optional returns how many bytes and elements the extensions take that not every packet carries, without the second bytes
// of the elements' headers, and whether one of them needs the two-byte form.
func (p *Packet) optional(e *Extensions) (bytes, count int, wide bool) {
	if p.HasLevel && e.AudioLevel != 0 {
		bytes, count = 1+levelSize, 1
	}
	for _, element := range [2]struct {
		id   uint8
		size int
	}{{e.Dependency, len(p.Dependency)}, {e.MID, len(p.MID)}} {
		if element.id == 0 || element.size == 0 {
			continue
		}
		bytes, count, wide = bytes+1+element.size, count+1, wide || element.size > oneByteSize
		if element.size > twoByteSize {
			bytes += PacketMax // cannot be said, so it is made too large to be sent
		}
	}
	return bytes, count, wide
}

// extensionSize is the length of the whole extension, its header and padding included, and whether it has the two-byte form.
func (d *Destination) extensionSize(p *Packet) (size int, wide bool) {
	size, count := d.every, d.everyCount
	if p.HasLevel || len(p.Dependency) != 0 || len(p.MID) != 0 {
		var bytes, more int
		bytes, more, wide = p.optional(&d.extensions)
		size, count = size+bytes, count+more
	}
	if count == 0 {
		return 0, false
	}
	if wide || d.wideIDs {
		size, wide = size+count, true
	}
	return 4 + (size+3)&^3, wide
}

// putHeader writes the header and an extension of the size and form that extensionSize found.
func (d *Destination) putHeader(b []byte, p *Packet, extension int, wide bool, sendTime uint32) {
	_ = b[headerSize]
	b[0] = 2 << 6
	b[1] = p.PayloadType & 0x7f
	if p.Marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], p.Seq)
	binary.BigEndian.PutUint32(b[4:], p.Timestamp)
	binary.BigEndian.PutUint32(b[8:], p.SSRC)
	if extension == 0 {
		return
	}
	b[0] |= 1 << 4
	b = b[headerSize : headerSize+extension]
	profile := uint16(oneByteProfile)
	if wide {
		profile = twoByteProfile
	}
	binary.BigEndian.PutUint16(b, profile)
	binary.BigEndian.PutUint16(b[2:], uint16(extension/4-1))
	b = b[4:]
	e := &d.extensions
	if e.TransportCC != 0 {
		b = putElement(b, e.TransportCC, transportSize, wide)
		binary.BigEndian.PutUint16(b, d.transportSeq)
		b = b[transportSize:]
	}
	if e.AbsSendTime != 0 {
		b = putElement(b, e.AbsSendTime, sendTimeSize, wide)
		b[0], b[1], b[2] = byte(sendTime>>16), byte(sendTime>>8), byte(sendTime)
		b = b[sendTimeSize:]
	}
	if p.HasLevel && e.AudioLevel != 0 {
		b = putElement(b, e.AudioLevel, levelSize, wide)
		b[0] = p.Level & 0x7f
		if p.Voice {
			b[0] |= 0x80
		}
		b = b[levelSize:]
	}
	if len(p.Dependency) != 0 && e.Dependency != 0 {
		b = putElement(b, e.Dependency, len(p.Dependency), wide)
		b = b[copy(b, p.Dependency):]
	}
	if len(p.MID) != 0 && e.MID != 0 {
		b = putElement(b, e.MID, len(p.MID), wide)
		b = b[copy(b, p.MID):]
	}
	clear(b) // up to three bytes of padding
}

// putElement writes an element's header and returns what is behind it.
func putElement(b []byte, id uint8, size int, wide bool) []byte {
	if wide {
		b[0], b[1] = id, byte(size)
		return b[2:]
	}
	b[0] = id<<4 | byte(size-1)
	return b[1:]
}
