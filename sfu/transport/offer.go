package transport

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"tarasul/sfu/payload"
)

// ErrOffer is what every refusal of an offer wraps; the text beside it says why.
var ErrOffer = errors.New("offer refused")

// Limits of an offer. Chromium's offer for 36 slots with all its codecs has 150 kB; with narrowed codecs it has 53.
const (
	MaxOffer    = 256 << 10 // bytes
	MaxSections = 128       // m-lines

	maxToken   = 64  // bytes of a mid or a rid
	maxFmtp    = 512 // bytes of a codec's parameters
	maxStreams = 64  // SSRCs or rids of one m-line
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
	Rejected Role = iota // port 0, or a kind or codecs that we do not know; it is answered with port 0
	Inactive             // a=inactive: nothing flows, but a later offer may bring it back
	Sends                // sendonly or sendrecv: the browser sends
	Slot                 // recvonly: we send
)

// Offer is what a browser's SDP offer says, checked.
type Offer struct {
	Remote      Credentials // the browser's ICE credentials
	Fingerprint Fingerprint // of the certificate that the browser will show
	Extensions  Extensions  // of all sections together: what an id means before the m-line of a packet is known
	Sections    []*Section  // one per m-line, in the offer's order

	mixed bool // a=extmap-allow-mixed for all of it
}

// Section is one m-line.
type Section struct {
	Mid        string
	Kind       Kind
	Role       Role
	RIDs       []RID      // simulcast streams that the browser sends, in its order
	Codecs     []Codec    // what we know of what was offered, in the offer's order
	Extensions Extensions // ids of the header extensions that both sides use
	SSRCs      []SSRC     // what the browser announced that it sends; with simulcast only a RID says which is which

	// Stereo asks the browser for stereo without gaps, as suits shared sound; the caller may set it before Answer.
	Stereo bool

	// Answer fills in what follows.

	Chosen []Codec // the codecs that were answered, in the answer's order, one per payload.Codec
	Send   SSRC    // a slot's own SSRCs; they stay the same in every later answer

	name  sdp.MediaName // the m-line as it was offered
	mixed bool          // a=extmap-allow-mixed for this m-line
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

// ParseOffer reads an SDP offer. Every error wraps ErrOffer.
func ParseOffer(text string) (*Offer, error) {
	if len(text) > MaxOffer {
		return nil, refuse("%d bytes, at most %d", len(text), MaxOffer)
	}
	control := func(r rune) bool { return r < ' ' && r != '\r' && r != '\n' && r != '\t' }
	if !strings.HasPrefix(text, "v=0") || strings.ContainsFunc(text, control) {
		return nil, refuse("not SDP")
	}
	var sd sdp.SessionDescription
	if err := sd.UnmarshalString(text); err != nil {
		return nil, refuse("%v", err)
	}
	if n := len(sd.MediaDescriptions); n == 0 || n > MaxSections {
		return nil, refuse("%d m-lines, at most %d", n, MaxSections)
	}
	o := &Offer{mixed: hasAttribute(sd.Attributes, "extmap-allow-mixed")}
	bundle := bundleOf(&sd)
	mids := map[string]bool{}
	for i, m := range sd.MediaDescriptions {
		s, err := parseSection(&sd, m, o.mixed, bundle)
		if err != nil {
			return nil, refuse("m-line %d: %v", i, err)
		}
		if s.Mid != "" && mids[s.Mid] {
			return nil, refuse("m-line %d: mid %q stands twice", i, s.Mid)
		}
		mids[s.Mid] = true
		o.Sections = append(o.Sections, s)
	}
	if err := o.parseTransport(&sd, bundle); err != nil {
		return nil, err
	}
	return o, o.mergeExtensions()
}

// parseTransport reads ICE, DTLS and BUNDLE. All m-lines share one transport, which is that of
// the first m-line of the group that we do not reject (RFC 8843 section 7.3.1); Firefox writes
// the fingerprint once for the session.
func (o *Offer) parseTransport(sd *sdp.SessionDescription, bundle []string) error {
	if len(bundle) == 0 {
		return refuse("no BUNDLE group")
	}
	tagged := -1
	for _, mid := range bundle {
		if i := slices.IndexFunc(o.Sections, func(s *Section) bool { return s.Mid == mid && s.Role != Rejected }); i >= 0 {
			tagged = i
			break
		}
	}
	if tagged < 0 {
		return refuse("no m-line that we could take")
	}
	get := func(key string) string {
		if v, ok := sd.MediaDescriptions[tagged].Attribute(key); ok {
			return v
		}
		v, _ := sd.Attribute(key)
		return v
	}
	o.Remote = Credentials{Ufrag: strings.Clone(get("ice-ufrag")), Pwd: strings.Clone(get("ice-pwd"))}
	if !iceToken(o.Remote.Ufrag, 4) || !iceToken(o.Remote.Pwd, 22) {
		return refuse("no ICE credentials") // RFC 8839 section 5.4
	}
	if setup := get("setup"); setup != "" && setup != "actpass" && setup != "active" {
		return refuse("setup:%q, we are the DTLS server", setup)
	}
	var ok bool
	if o.Fingerprint, ok = fingerprintOf(sd.MediaDescriptions[tagged].Attributes, sd.Attributes); !ok {
		return refuse("no fingerprint of a hash that we know")
	}
	return nil
}

// mergeExtensions makes the ids of all m-lines one table. In a BUNDLE group an id means the
// same everywhere (RFC 8843 section 9.1), else a packet could not be read before it is placed.
func (o *Offer) mergeExtensions() error {
	used := map[uint8]*uint8{}
	for _, s := range o.Sections {
		if s.Role == Rejected {
			continue
		}
		for i, id := range s.Extensions.ids() {
			if *id == 0 {
				continue
			}
			whole := o.Extensions.ids()[i]
			if other := used[*id]; *whole != 0 && *whole != *id || other != nil && other != whole {
				return refuse("header extension id %d means two things", *id)
			}
			*whole, used[*id] = *id, whole
		}
	}
	return nil
}

// Continue checks that o is a later offer of the same session as previous, and takes over what
// must not change: the SSRCs of the slots. It reports whether the browser restarts ICE, which
// needs a new Agent (RFC 8445 section 9). Errors wrap ErrOffer.
func (o *Offer) Continue(previous *Offer) (restart bool, err error) {
	if !o.Fingerprint.Equal(previous.Fingerprint) {
		return false, refuse("another certificate")
	}
	if len(o.Sections) < len(previous.Sections) {
		return false, refuse("%d m-lines were %d before", len(o.Sections), len(previous.Sections)) // RFC 3264 section 8
	}
	for i, was := range previous.Sections {
		s := o.Sections[i]
		switch {
		case was.Role == Rejected || s.Role == Rejected:
			continue // recycled for something else, or ended
		case s.Mid != was.Mid || s.Kind != was.Kind:
			return false, refuse("m-line %d was mid %q", i, was.Mid)
		case s.Role == Sends && was.Send != SSRC{} || s.Role == Slot && was.Role == Sends:
			return false, refuse("mid %q was used the other way", s.Mid)
		}
		s.Send = was.Send
	}
	ufrag, pwd := o.Remote.Ufrag != previous.Remote.Ufrag, o.Remote.Pwd != previous.Remote.Pwd
	if ufrag != pwd {
		return false, refuse("half an ICE restart") // RFC 8839 section 4.4.1.1.1
	}
	return ufrag, nil
}

// Section returns the m-line with a mid, or nil.
func (o *Offer) Section(mid string) *Section {
	for _, s := range o.Sections {
		if s.Mid == mid && mid != "" {
			return s
		}
	}
	return nil
}

// PayloadType returns the chosen payload types of a codec.
func (s *Section) PayloadType(c payload.Codec) (pt, rtx uint8, ok bool) {
	for i := range s.Chosen {
		if s.Chosen[i].Codec == c {
			return s.Chosen[i].PT, s.Chosen[i].RTX, true
		}
	}
	return 0, 0, false
}

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrOffer}, args...)...)
}

// bundleOf returns the mids of the first BUNDLE group (RFC 8843).
func bundleOf(sd *sdp.SessionDescription) []string {
	for _, a := range sd.Attributes {
		if a.Key == "group" {
			if f := strings.Fields(a.Value); len(f) > 0 && f[0] == "BUNDLE" {
				return f[1:]
			}
		}
	}
	return nil
}

func hasAttribute(attributes []sdp.Attribute, key string) bool {
	return slices.ContainsFunc(attributes, func(a sdp.Attribute) bool { return a.Key == key })
}

// token reports whether s is a token (RFC 8866 section 9) of a decent length.
func token(s string) bool {
	return len(s) > 0 && len(s) <= maxToken && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]`, r)
	})
}

// iceToken reports whether s consists of ice-chars, at least some and at most 256 (RFC 8839 section 5.4).
func iceToken(s string, least int) bool {
	return len(s) >= least && len(s) <= 256 && !strings.ContainsFunc(s, func(r rune) bool {
		alphanumeric := r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		// Beside ice-char, "-", "_" and "=" occur: some peers use other base64 alphabets.
		return !alphanumeric && !strings.ContainsRune("+/-_=", r)
	})
}

// number parses a decimal number that fits the given bits.
func number(s string, bits int) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, bits)
	return n, err == nil
}
