package transport

import (
	"errors"

	"tarasul/sfu/payload"
)

// ErrOffer is what every refusal of an offer wraps; the text beside it says why.
var ErrOffer = errors.New("offer refused")

// Limits of an offer.
const (
	MaxOffer    = 256 << 10 // bytes
	MaxSections = 128       // m-lines
)

// Kind is what an m-line carries.
type Kind uint8

const (
	Other Kind = iota // application, text: always rejected
	Audio
	Video
)

// Role is what an m-line is to us.
type Role uint8

const (
	Rejected Role = iota // port 0, a kind or codecs that we do not know; it is answered with port 0
	Inactive             // a=inactive: nothing flows, but it may come back in a later offer
	Sends                // sendonly or sendrecv: the browser sends
	Slot                 // recvonly: we send
)

// Offer is what a browser's SDP offer says, checked.
type Offer struct {
	Remote      Credentials // the browser's ICE credentials
	Fingerprint Fingerprint // of the certificate that the browser will show
	Extensions  Extensions  // of all sections together: what an id means before the m-line of a packet is known
	Sections    []*Section  // one per m-line, in the offer's order
}

// Section is one m-line.
type Section struct {
	Mid        string
	Kind       Kind
	Role       Role
	RIDs       []RID      // simulcast streams that the browser sends, in its order
	Codecs     []Codec    // what we know of what was offered, in the offer's order
	Extensions Extensions // ids of the RTP header extensions
	SSRCs      []SSRC     // what the browser announced that it sends

	// Stereo asks the browser for stereo without gaps, as suits shared sound; the caller may set it before Answer.
	Stereo bool

	// Answer fills in what follows.

	Chosen []Codec // the codecs that were answered, in the answer's order, one per payload.Codec
	Send   SSRC    // a slot's own SSRCs; they stay the same in every later answer
}

// RID is one simulcast stream (RFC 8851).
type RID struct {
	ID     string
	Paused bool // "~" in a=simulcast (RFC 8853)
}

// SSRC is a stream and its retransmissions (RFC 4588), 0 if there are none.
type SSRC struct {
	Media uint32
	RTX   uint32
}

// Codec is one payload type of an m-line.
type Codec struct {
	Codec     payload.Codec
	PT        uint8
	RTX       uint8 // payload type of its retransmissions, 0 = none
	ClockRate uint32
	Channels  uint16
	Fmtp      string
	Feedback  []string // "nack", "nack pli", "transport-cc"
}

// Extensions are the ids of the RTP header extensions of an m-line (RFC 8285), 0 where
// one was not negotiated.
type Extensions struct {
	MID                  uint8
	RID                  uint8
	RepairedRID          uint8
	TransportCC          uint8
	AudioLevel           uint8
	AbsSendTime          uint8
	DependencyDescriptor uint8
}

// ParseOffer reads an SDP offer. Every error wraps ErrOffer.
func ParseOffer(text string) (*Offer, error) { panic("soon") }

// Continue checks that o is a later offer of the same session as previous, and takes
// over what must not change: the SSRCs of the slots. It reports whether the browser
// restarts ICE, which needs a new Agent. Errors wrap ErrOffer.
func (o *Offer) Continue(previous *Offer) (restart bool, err error) { panic("soon") }

// Section returns the m-line with a mid, or nil.
func (o *Offer) Section(mid string) *Section { panic("soon") }

// PayloadType returns the chosen payload types of a codec.
func (s *Section) PayloadType(c payload.Codec) (pt, rtx uint8, ok bool) { panic("soon") }
