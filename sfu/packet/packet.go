// Package packet is one received RTP packet, read once: header, negotiated header extensions and what its payload says.
//
// It owns no memory: a Packet points into the datagram from which it was filled and is valid as long as that is. It must
// never know of sockets, keys or sessions.
package packet

import (
	"errors"
	"time"

	"github.com/pion/rtp"

	"tarasul/sfu/payload"
)

// Errors of Fill. They are sentinels: the caller counts them.
var (
	ErrShort     = errors.New("packet: shorter than its header")
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

// Fill reads a plain RTP packet. h is the header that the opening of SRTP parsed from the same bytes. Everything is
// overwritten except Arrived. After an error the packet must not be used.
func (p *Packet) Fill(h *rtp.Header, plain []byte, ids *Extensions) error { return ErrShort }

// Describe parses the payload as codec c and adds what only the marker says. It is false if the payload is malformed.
func (p *Packet) Describe(c payload.Codec) bool { return false }

// Before reports whether sequence number a precedes b, modulo 2^16 (RFC 3550 appendix A.1). Numbers 2^15 apart have no
// order (RFC 1982 section 3.2): Before is then true both ways round.
func Before(a, b uint16) bool { return int16(a-b) < 0 }

// Unwrapper extends 16-bit sequence numbers to 64 bits. The zero value is ready.
type Unwrapper struct {
	last    int64
	started bool
}

// Unwrap returns the extended number nearest to the last one. The first is the number itself.
func (u *Unwrapper) Unwrap(seq uint16) int64 { return int64(seq) }
