//go:build linux && (amd64 || arm64)

// Package egress is the only way out: it forms runs per destination, pads, seals and sends.
package egress

import (
	"time"

	"github.com/pion/srtp/v3"

	"tarasul/sfu/udp"
)

// Stream takes sealed packets for a subscriber that is reached over ICE-TCP.
type Stream interface {
	// Write takes one sealed packet, which it must copy, and never blocks; false means that it was dropped because the queue is full.
	Write(sealed []byte) bool
}

// Extensions are the header extension ids that a subscriber negotiated; 0 means not negotiated.
type Extensions struct {
	TransportCC uint8 // draft-holmer-rmcat-transport-wide-cc-extensions-01
	AbsSendTime uint8
	AudioLevel  uint8 // RFC 6464
	Dependency  uint8 // AV1 dependency descriptor
	MID         uint8 // RFC 8843
}

// Counters are plain numbers of the loop.
type Counters struct {
	Packets uint64 // handed to the kernel or to the stream, RTP and RTCP
	Bytes   uint64 // of them, sealed
	Padding uint64 // bytes of padding among them
	Dropped uint64 // packets lost here: not ready, too large, send buffer or stream full
}

// Destination is one subscriber: where its packets go and how they are sealed. It belongs to the loop.
type Destination struct {
	Addr     udp.Addr      // where to; may change at any time
	Stream   Stream        // if not nil, used instead of Addr
	Seal     *srtp.Context // nil: not ready, everything is dropped and counted
	Counters Counters
}

// Negotiate sets the extension ids.
func (d *Destination) Negotiate(e Extensions) {}

// Sent looks up when the packet with a transport-wide sequence number left and how many bytes (sealed) it had.
// ok is false if the number is too old or was never used. now resolves the wrap-around of the short timestamps.
func (d *Destination) Sent(transportSeq uint16, now time.Time) (at time.Time, size int, ok bool) {
	return time.Time{}, 0, false
}

// TransportSeq is the next transport-wide sequence number.
func (d *Destination) TransportSeq() uint16 { return 0 }

// Packet is one RTP packet for one subscriber, already rewritten. The payload is Prefix[:PrefixLen] followed by Payload.
type Packet struct {
	SSRC        uint32
	Timestamp   uint32
	Seq         uint16
	PayloadType uint8
	Marker      bool

	HasLevel bool  // Level and Voice are to be sent (RFC 6464)
	Voice    bool  // the V bit
	Level    uint8 // -dBov, 0 to 127

	PrefixLen int
	Prefix    [16]byte // a rewritten payload descriptor, or an RTX original sequence number

	Payload    []byte
	Dependency []byte // AV1 dependency descriptor, sent if negotiated and not empty
	MID        []byte // sent if negotiated and not empty: only while the receiver may not know the SSRC yet
}

// Config is how a Sender forms runs. 0 means the default.
type Config struct {
	PaddingMax  int // most bytes of RTP padding a packet gets to fit into a run; default 40, -1 for none
	SegmentsMax int // most datagrams in a run; default 40
	BytesMax    int // most bytes in a run; default 60000
}

// Sender gathers what a turn of the loop sends.
type Sender struct{}

// New makes a Sender that sends on socket.
func New(socket *udp.Socket, cfg Config) (*Sender, error) { return &Sender{}, nil }

// Begin starts the packets of one destination; now is when they count as sent.
func (s *Sender) Begin(d *Destination, now time.Time) {}

// Add takes in one packet for it. p is copied; what its slices point at must stay as it is until End.
func (s *Sender) Add(p *Packet) {}

// End seals what was added since Begin.
func (s *Sender) End() {}

// RTCP seals a compound RTCP packet for d; not between Begin and End. raw is free again on return.
func (s *Sender) RTCP(d *Destination, raw []byte) {}

// Flush sends what was sealed since the last Flush.
func (s *Sender) Flush() {}
