package transport

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"tarasul/sfu/payload"
)

// Local is our side of an answer.
type Local struct {
	Credentials Credentials
	Fingerprint Fingerprint // of our Certificate
	Candidates  []Candidate
	Session     uint64          // o= session id, the same for all answers of one session; below 2^62
	Version     uint64          // o= session version, rises by one with each answer
	Preference  []payload.Codec // which codecs to answer, the best first; nil = DefaultPreference
}

// Candidate is an address at which we can be reached. It must be one that a browser can send
// to: never 0.0.0.0; and Firefox does not pair its own address with 127.0.0.1.
type Candidate struct {
	Addr     netip.AddrPort
	TCP      bool   // ICE-TCP passive (RFC 6544)
	Priority uint32 // 0 = by RFC 8445 section 5.1.2.1, earlier candidates first, UDP before TCP
}

// DefaultPreference is the order in which codecs are answered. VP8 is first because every
// browser makes three simulcast streams of it; RED stands behind Opus, so a browser sends it
// only if its page asks for it.
func DefaultPreference() []payload.Codec {
	return []payload.Codec{payload.Opus, payload.RED, payload.VP8, payload.VP9, payload.AV1, payload.H264}
}

// Answer writes the answer to an offer: we are ICE-lite, the DTLS server, and take and send
// what the offer's directions say. It fills in Section.Chosen and, where a slot has none yet,
// random Section.Send that are unique in the offer; the caller may set those itself.
//
// A slot answers every codec that the browser takes and that we carry, so that its payload
// type can change with the source while the SSRC stays.
func Answer(o *Offer, l Local) (string, error) {
	if len(l.Candidates) == 0 {
		return "", errors.New("answer: no candidates")
	}
	if l.Preference == nil {
		l.Preference = DefaultPreference()
	}
	o.choose(l.Preference)
	if !slices.ContainsFunc(o.Sections, func(s *Section) bool { return s.Role != Rejected }) {
		return "", refuse("no m-line that we could take")
	}
	o.number()
	sd := &sdp.SessionDescription{
		Origin: sdp.Origin{
			Username: "-", SessionID: l.Session, SessionVersion: l.Version,
			NetworkType: "IN", AddressType: "IP4", UnicastAddress: "0.0.0.0",
		},
		SessionName:      "-",
		TimeDescriptions: []sdp.TimeDescription{{}},
	}
	bundle := "BUNDLE"
	for _, s := range o.Sections {
		if s.Role != Rejected {
			bundle += " " + s.Mid
		}
	}
	sd.WithValueAttribute("group", bundle).WithPropertyAttribute("ice-lite")
	sd.WithFingerprint(l.Fingerprint.Algorithm, l.Fingerprint.Value)
	if o.mixed {
		sd.WithPropertyAttribute("extmap-allow-mixed")
	}
	first := true
	for _, s := range o.Sections {
		m := s.mediaLine()
		sd.WithMedia(m)
		if s.Role == Rejected {
			continue
		}
		s.answerTransport(m, l, first)
		first = false
		s.answerCodecs(m)
		s.answerExtensions(m)
		s.answerStreams(m)
	}
	text, err := sd.Marshal()
	if err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	return string(text), nil
}

// choose picks the codecs of every m-line. An m-line that keeps none is rejected.
func (o *Offer) choose(preference []payload.Codec) {
	for _, s := range o.Sections {
		s.Chosen = nil
		if s.Role == Rejected {
			continue
		}
		for _, want := range preference {
			i := slices.IndexFunc(s.Codecs, func(c Codec) bool { return c.Codec == want })
			if i >= 0 && !slices.ContainsFunc(s.Chosen, func(c Codec) bool { return c.Codec == want }) {
				s.Chosen = append(s.Chosen, s.Codecs[i])
			}
		}
		// RED is around one Opus payload type and of no use without it.
		opus, _, ok := s.PayloadType(payload.Opus)
		s.Chosen = slices.DeleteFunc(s.Chosen, func(c Codec) bool {
			other := func(block string) bool { return block != strconv.Itoa(int(opus)) }
			return c.Codec == payload.RED && (!ok || slices.ContainsFunc(strings.Split(c.Fmtp, "/"), other))
		})
		if len(s.Chosen) == 0 {
			s.Role = Rejected
		}
	}
}

// number gives SSRCs to the slots that have none. They differ from each other and from those
// that the browser announced.
func (o *Offer) number() {
	taken := map[uint32]bool{0: true}
	for _, s := range o.Sections {
		for _, x := range append(s.SSRCs, s.Send) {
			taken[x.Media], taken[x.RTX] = true, true
		}
	}
	fresh := func() uint32 {
		for {
			if n := rand.Uint32(); !taken[n] {
				taken[n] = true
				return n
			}
		}
	}
	for _, s := range o.Sections {
		if s.Role != Slot {
			continue
		}
		if s.Send.Media == 0 {
			s.Send.Media = fresh()
		}
		if s.Send.RTX == 0 && slices.ContainsFunc(s.Chosen, func(c Codec) bool { return c.RTX != 0 }) {
			s.Send.RTX = fresh()
		}
	}
}

// mediaLine is m=, c= (which Firefox demands) and mid. A rejected m-line keeps one format,
// since the grammar wants one (RFC 3264 section 6).
func (s *Section) mediaLine() *sdp.MediaDescription {
	m := &sdp.MediaDescription{
		MediaName:             sdp.MediaName{Media: s.name.Media, Protos: s.name.Protos},
		ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"}},
	}
	if s.Role != Rejected {
		m.MediaName.Port.Value = 9
	} else if len(s.name.Formats) > 0 {
		m.MediaName.Formats = s.name.Formats[:1]
	} else {
		m.MediaName.Formats = []string{"0"}
	}
	if s.Mid != "" {
		m.WithValueAttribute("mid", s.Mid)
	}
	if s.Role == Rejected {
		m.WithPropertyAttribute("inactive")
	}
	return m
}

// answerTransport writes ICE, DTLS and the candidates, which stand once.
func (s *Section) answerTransport(m *sdp.MediaDescription, l Local, first bool) {
	m.WithICECredentials(l.Credentials.Ufrag, l.Credentials.Pwd).WithValueAttribute("setup", "passive")
	m.WithPropertyAttribute("rtcp-mux").WithPropertyAttribute("rtcp-rsize")
	if !first {
		return
	}
	for i, c := range l.Candidates {
		m.WithValueAttribute("candidate", c.line(i))
	}
	m.WithPropertyAttribute("end-of-candidates")
}

// line is the candidate-attribute (RFC 8839 section 5.1). index orders candidates of one transport.
func (c Candidate) line(index int) string {
	// RFC 8445 section 5.1.2.1; the type preference of TCP is lower, and its direction-pref in the
	// upper bits of the local preference is that of a passive host candidate (RFC 6544 section 4.2).
	const udpHost, tcpHost, passive, component = 126, 90, 4 << 13, 1
	transport, suffix, priority := "udp", "", uint32(udpHost)<<24|uint32(65535-min(index, 65535))<<8
	if c.TCP {
		transport, suffix, priority = "tcp", " tcptype passive", uint32(tcpHost)<<24|uint32(passive+8191-min(index, 8191))<<8
	}
	if priority |= 256 - component; c.Priority != 0 {
		priority = c.Priority
	}
	addr := c.Addr.Addr().Unmap()
	foundation := crc32.ChecksumIEEE([]byte(transport + addr.String())) // same type, base and transport: RFC 8445 section 5.1.1.3
	return fmt.Sprintf("%d %d %s %d %s %d typ host%s", foundation, component, transport, priority, addr.WithZone(""), c.Addr.Port(), suffix)
}

// answerCodecs writes the chosen codecs, each with its retransmissions behind it.
func (s *Section) answerCodecs(m *sdp.MediaDescription) {
	for _, c := range s.Chosen {
		m.WithCodec(c.PT, c.Codec.String(), c.ClockRate, c.Channels, s.fmtp(c))
		for _, f := range c.Feedback {
			m.WithValueAttribute("rtcp-fb", fmt.Sprintf("%d %s", c.PT, f))
		}
		if c.RTX != 0 {
			m.WithCodec(c.RTX, "rtx", c.ClockRate, 0, fmt.Sprintf("apt=%d", c.PT))
		}
	}
}

// fmtp is a codec's parameters in the answer, which say what we like to receive. For a slot,
// which only sends, they repeat the offer's.
func (s *Section) fmtp(c Codec) string {
	switch {
	case s.Role != Sends:
	case c.Codec == payload.Opus && s.Stereo:
		return "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"
	case c.Codec == payload.Opus:
		return "minptime=10;useinbandfec=1;usedtx=1"
	case c.Codec == payload.VP8:
		return "" // Firefox's limits on the size are what it can receive, not what we can
	}
	return c.Fmtp
}

// answerExtensions writes the header extensions. The "/sendonly" that Firefox puts behind some
// ids stays away, as it accepts; the ids are the offer's.
func (s *Section) answerExtensions(m *sdp.MediaDescription) {
	if s.mixed {
		m.WithPropertyAttribute("extmap-allow-mixed")
	}
	for i, id := range s.Extensions.ids() {
		if *id != 0 {
			m.WithValueAttribute("extmap", fmt.Sprintf("%d %s", *id, extensionURIs[i]))
		}
	}
}

// answerStreams writes the direction, and what streams there are: the browser's simulcast, or
// a slot's own SSRCs. Every slot is a media stream of its own, so that no slot waits for another.
func (s *Section) answerStreams(m *sdp.MediaDescription) {
	switch s.Role {
	case Inactive:
		m.WithPropertyAttribute("inactive")
	case Sends:
		m.WithPropertyAttribute("recvonly")
		var ids []string
		for _, r := range s.RIDs {
			m.WithValueAttribute("rid", r.ID+" recv")
			ids = append(ids, r.ID)
		}
		if len(ids) > 0 {
			m.WithValueAttribute("simulcast", "recv "+strings.Join(ids, ";"))
		}
	case Slot:
		name := "s" + s.Mid
		m.WithPropertyAttribute("sendonly").WithValueAttribute("msid", name+" t"+s.Mid)
		if s.Send.RTX != 0 {
			m.WithValueAttribute("ssrc-group", fmt.Sprintf("FID %d %d", s.Send.Media, s.Send.RTX))
		}
		m.WithValueAttribute("ssrc", fmt.Sprintf("%d cname:%s", s.Send.Media, name))
		if s.Send.RTX != 0 {
			m.WithValueAttribute("ssrc", fmt.Sprintf("%d cname:%s", s.Send.RTX, name))
		}
	}
}
