//go:build linux && (amd64 || arm64)

package egress

import (
	"time"

	"github.com/pion/srtp/v3"

	"tarasul/sfu/udp"
)

// Stream takes the sealed packets of a subscriber that is reached over ICE-TCP.
type Stream interface {
	// Write takes in one sealed packet, which it must copy. It never waits: false means that its queue is full and that the
	// packet is lost.
	Write(sealed []byte) bool
}

// Extensions are the header extension ids that a subscriber negotiated, from 1 to 255; 0 means not negotiated. Ids above 14
// need the two-byte form of RFC 8285, and therefore a=extmap-allow-mixed.
type Extensions struct {
	TransportCC uint8 // draft-holmer-rmcat-transport-wide-cc-extensions-01
	AbsSendTime uint8 // http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
	AudioLevel  uint8 // RFC 6464
	Dependency  uint8 // AV1 RTP specification, appendix A
	MID         uint8 // RFC 8843 section 15
}

// Counters are plain numbers that belong to the loop; they only grow.
type Counters struct {
	Packets uint64 // RTP and RTCP, sealed and handed to the kernel or to the stream
	Bytes   uint64 // of them, sealed, without UDP and IP headers
	Padding uint64 // bytes of RTP padding among them

	// Dropped counts packets that never left. Those for which the keys were not ready or that were too large were never
	// sealed; those that a full send buffer or stream lost were, and are among Packets and Bytes too.
	Dropped uint64
}

// Destination is one subscriber: where its packets go and how they are sealed. It belongs to the loop; the zero value drops
// and counts everything.
type Destination struct {
	Addr     udp.Addr      // where to; may change at any time
	Stream   Stream        // if not nil, used instead of Addr
	Seal     *srtp.Context // nil: not ready. It must not be used for anything else
	Sealer   *Sealer       // of the same keys, for packets that bring their Rollover; nil: Seal does all
	Counters Counters

	extensions   Extensions
	every        int  // bytes of the extension elements that every packet carries, without their headers' second bytes
	everyCount   int  // how many they are
	wideIDs      bool // an id needs the two-byte form
	transportSeq uint16
	sent         *sentRing // nil unless transport-wide numbers are negotiated

	// A path that refused a run gets single datagrams until it is time to try again, or until it is another path.
	refused   udp.Addr
	runsAgain time.Time
}

// runsAfter is how long a path that refused a run gets none: its MTU may have been a passing one.
const runsAfter = 30 * time.Second

// Negotiate sets the extension ids. It allocates the memory behind Sent if transport-wide numbers are among them, and keeps
// their count across calls.
func (d *Destination) Negotiate(e Extensions) {
	d.extensions = e
	d.every, d.everyCount = 0, 0
	if e.TransportCC != 0 {
		d.every, d.everyCount = d.every+1+transportSize, d.everyCount+1
		if d.sent == nil {
			d.sent = new(sentRing)
		}
	}
	if e.AbsSendTime != 0 {
		d.every, d.everyCount = d.every+1+sendTimeSize, d.everyCount+1
	}
	d.wideIDs = max(e.TransportCC, e.AbsSendTime, e.AudioLevel, e.Dependency, e.MID) > oneByteID
}

// TransportSeq is the transport-wide sequence number that the next packet gets.
func (d *Destination) TransportSeq() uint16 { return d.transportSeq }

// Sent looks up when the packet with a transport-wide sequence number left, and how many bytes it had, sealed. ok is false if
// the number is older than the last 4096 or was never used. now must be within half an hour of then; at has a resolution of
// a microsecond.
func (d *Destination) Sent(transportSeq uint16, now time.Time) (at time.Time, size int, ok bool) {
	if d.sent == nil {
		return time.Time{}, 0, false
	}
	return d.sent.look(transportSeq, now)
}

// ready reports whether packets can be sealed and have somewhere to go.
func (d *Destination) ready() bool {
	return d.Seal != nil && (d.Stream != nil || d.Addr.IsValid())
}

// takesRuns reports whether the path may be given runs.
func (d *Destination) takesRuns(now time.Time) bool {
	if d.runsAgain.IsZero() {
		return true
	}
	if d.refused == d.Addr && now.Before(d.runsAgain) {
		return false
	}
	d.runsAgain = time.Time{}
	return true
}
