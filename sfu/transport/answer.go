package transport

import (
	"net/netip"

	"tarasul/sfu/payload"
)

// Local is our side of an answer.
type Local struct {
	Credentials Credentials
	Fingerprint Fingerprint // of our Certificate
	Candidates  []Candidate
	Preference  []payload.Codec // nil = DefaultPreference
}

// Candidate is an address at which we can be reached.
type Candidate struct {
	Addr     netip.AddrPort
	TCP      bool   // ICE-TCP passive (RFC 6544)
	Priority uint32 // 0 = by RFC 8445 section 5.1.2.1, earlier candidates first, UDP before TCP
}

// DefaultPreference is the order in which we answer codecs.
func DefaultPreference() []payload.Codec {
	return []payload.Codec{payload.Opus, payload.RED, payload.VP8, payload.VP9, payload.AV1, payload.H264}
}

// Answer writes the answer to an offer: we are ICE-lite, the DTLS server, and take and
// send what the offer's directions say. It fills in Section.Chosen and, where a slot has
// none yet, random Section.Send that are unique in the offer; the caller may set those itself.
func Answer(o *Offer, l Local) (string, error) { panic("soon") }
