// Package packet is one received RTP packet, read once: header, negotiated header extensions and what its payload says.
//
// It owns no memory: a Packet points into the datagram from which it was filled and is valid as long as that is. It must
// never know of sockets, keys or sessions.
package packet

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/pion/rtp"

	"tarasul/sfu/payload"
)

// Errors of Fill. They are sentinels: the caller counts them.
var (
	ErrShort     = errors.New("packet: shorter than its header")
	ErrVersion   = errors.New("packet: not RTP version 2")
	ErrPadding   = errors.New("packet: padding is zero or longer than the payload")
	ErrExtension = errors.New("packet: malformed header extension")
)

// Extensions are the ids of RFC 8285 header extensions that a session negotiated; 0 = not negotiated.
type Extensions struct {
	MID                  uint8
	RID                  uint8
	RepairedRID          uint8
	TransportCC          uint8
	AudioLevel           uint8
	AbsSendTime          uint8
	DependencyDescriptor uint8
	PlayoutDelay         uint8
}

// Packet is one RTP packet. Its slices alias the datagram.
type Packet struct {
	SSRC        uint32
	Timestamp   uint32
	Seq         uint16
	PayloadType uint8
	Marker      bool
	// PaddingOnly says that there was padding and no payload: a bandwidth probe.
	PaddingOnly bool
	// Repaired says that the packet came by retransmission (RFC 4588). The caller sets it.
	Repaired bool
	// Voice and Level are RFC 6464's voice activity and level in -dBov, 0 (loudest) to 127, valid with HasLevel.
	HasLevel, Voice bool
	Level           uint8
	// TransportSeq is the transport-wide sequence number, valid with HasTransportSeq.
	HasTransportSeq bool
	TransportSeq    uint16
	// SendTime is the abs-send-time, seconds in 6.18 fixed point, valid with HasSendTime.
	HasSendTime bool
	SendTime    uint32
	// MinDelay and MaxDelay are the playout-delay in steps of 10 ms, valid with HasDelay.
	HasDelay           bool
	MinDelay, MaxDelay uint16
	// Payload is without padding; it may be empty.
	Payload []byte
	// Dependency is the raw dependency descriptor.
	Dependency            []byte
	MID, RID, RepairedRID []byte
	// Arrived is when the datagram was received. The caller sets it.
	Arrived time.Time
	// Descriptor is what the payload says; Describe fills it.
	Descriptor payload.Descriptor
}

// Fill reads a plain RTP packet. h is the header that the opening of SRTP parsed from the same bytes; header extensions
// and the payload are found anew in plain, since h points into the sealed datagram. Everything is overwritten except
// Arrived. After an error the packet must not be used.
func (p *Packet) Fill(h *rtp.Header, plain []byte, ids *Extensions) error {
	*p = Packet{
		SSRC: h.SSRC, Timestamp: h.Timestamp, Seq: h.SequenceNumber, PayloadType: h.PayloadType, Marker: h.Marker,
		Arrived: p.Arrived,
	}
	if len(plain) < 12 {
		return ErrShort
	}
	if plain[0]>>6 != 2 {
		return ErrVersion
	}
	body := 12 + 4*int(plain[0]&0x0f)
	if plain[0]&0x10 != 0 {
		if len(plain) < body+4 {
			return ErrShort
		}
		profile := binary.BigEndian.Uint16(plain[body:])
		first := body + 4
		body = first + 4*int(binary.BigEndian.Uint16(plain[body+2:]))
		if len(plain) < body {
			return ErrShort
		}
		if err := p.extensions(profile, plain[first:body], ids); err != nil {
			return err
		}
	}
	if len(plain) < body {
		return ErrShort
	}
	p.Payload = plain[body:]
	if plain[0]&0x20 != 0 {
		n := len(p.Payload)
		if n == 0 {
			return ErrPadding
		}
		padding := int(p.Payload[n-1])
		if padding == 0 || padding > n {
			return ErrPadding
		}
		p.Payload = p.Payload[:n-padding]
		p.PaddingOnly = len(p.Payload) == 0
	}
	return nil
}

// extensions reads the elements of RFC 8285 in both of its forms. Other profiles are not ours and are passed over.
func (p *Packet) extensions(profile uint16, b []byte, ids *Extensions) error {
	switch {
	case profile == 0xBEDE: // section 4.2, one-byte headers
		for len(b) > 0 {
			id, n := b[0]>>4, int(b[0]&0x0f)+1
			if b[0] == 0 { // padding
				b = b[1:]
				continue
			}
			if id == 0 || id == 15 { // both end the list
				return nil
			}
			if len(b) < 1+n {
				return ErrExtension
			}
			p.extension(id, b[1:1+n], ids)
			b = b[1+n:]
		}
	case profile&0xfff0 == 0x1000: // section 4.3, two-byte headers
		for len(b) > 0 {
			if b[0] == 0 {
				b = b[1:]
				continue
			}
			if len(b) < 2 || len(b) < 2+int(b[1]) {
				return ErrExtension
			}
			n := int(b[1])
			p.extension(b[0], b[2:2+n], ids)
			b = b[2+n:]
		}
	}
	return nil
}

// extension takes in one element. One that is too short for its meaning is passed over: extensions are hints.
func (p *Packet) extension(id uint8, v []byte, ids *Extensions) {
	switch id { // id is never 0, so what was not negotiated never matches
	case ids.TransportCC:
		if len(v) >= 2 {
			p.HasTransportSeq, p.TransportSeq = true, binary.BigEndian.Uint16(v)
		}
	case ids.AudioLevel:
		if len(v) >= 1 {
			p.HasLevel, p.Voice, p.Level = true, v[0]&0x80 != 0, v[0]&0x7f
		}
	case ids.DependencyDescriptor:
		p.Dependency = v
	case ids.MID:
		p.MID = v
	case ids.RID:
		p.RID = v
	case ids.RepairedRID:
		p.RepairedRID = v
	case ids.AbsSendTime:
		if len(v) >= 3 {
			p.HasSendTime, p.SendTime = true, uint32(v[0])<<16|uint32(v[1])<<8|uint32(v[2])
		}
	case ids.PlayoutDelay:
		if len(v) >= 3 {
			p.HasDelay = true
			p.MinDelay, p.MaxDelay = uint16(v[0])<<4|uint16(v[1])>>4, uint16(v[1]&0x0f)<<8|uint16(v[2])
		}
	}
}

// Describe parses the payload as codec c and adds what only the marker says: the end of a picture. It is false if the
// payload is malformed or empty.
func (p *Packet) Describe(c payload.Codec) bool {
	if !payload.Parse(c, p.Payload, &p.Descriptor) {
		return false
	}
	if p.Marker && c.Video() {
		p.Descriptor.FrameEnd = true
	}
	return true
}
