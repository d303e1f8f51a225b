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

// Extensions are the ids of the RTP header extensions of an m-line (RFC 8285), 0 where one is
// not used. The fields are those of packet.Extensions, into which it converts.
type Extensions struct {
	MID                  uint8 // RFC 8843
	RID                  uint8 // RFC 8852
	RepairedRID          uint8
	TransportCC          uint8
	AudioLevel           uint8 // RFC 6464
	AbsSendTime          uint8
	DependencyDescriptor uint8
	PlayoutDelay         uint8 // always 0: playout is the browser's own affair
}

// extensionURIs are the names in SDP, in the order of Extensions.ids.
var extensionURIs = [...]string{
	"urn:ietf:params:rtp-hdrext:sdes:mid",
	"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
	"urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
	"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
	"urn:ietf:params:rtp-hdrext:ssrc-audio-level",
	"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
	"https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
}

// ids are the fields that are negotiated.
func (e *Extensions) ids() [len(extensionURIs)]*uint8 {
	return [...]*uint8{&e.MID, &e.RID, &e.RepairedRID, &e.TransportCC, &e.AudioLevel, &e.AbsSendTime, &e.DependencyDescriptor}
}

// protocols are the m-line protocols that mean RTP over DTLS-SRTP (RFC 8829 section 5.1.2).
var protocols = []string{"UDP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF"}

// parseSection reads one m-line. What it cannot take it rejects; errors are for what makes no sense.
func parseSection(sd *sdp.SessionDescription, m *sdp.MediaDescription, mixed bool, bundle []string) (*Section, error) {
	s := &Section{name: sdp.MediaName{
		Media: strings.Clone(m.MediaName.Media), Protos: clones(m.MediaName.Protos), Formats: clones(m.MediaName.Formats),
	}}
	switch m.MediaName.Media {
	case "audio":
		s.Kind = Audio
	case "video":
		s.Kind = Video
	}
	if mid, ok := m.Attribute("mid"); ok {
		if !token(mid) {
			return nil, fmt.Errorf("mid %.80q", mid)
		}
		s.Mid = strings.Clone(mid)
	}
	// Firefox gives bundled m-lines port 0 with a=bundle-only (RFC 8843 section 6); without it, port 0 means none.
	ended := m.MediaName.Port.Value == 0 && !hasAttribute(m.Attributes, "bundle-only")
	protocol := strings.Join(m.MediaName.Protos, "/")
	if s.Kind == Other || ended || !slices.Contains(bundle, s.Mid) || !slices.Contains(protocols, protocol) {
		return s, nil
	}
	if !hasAttribute(m.Attributes, "rtcp-mux") {
		return nil, errors.New("no rtcp-mux")
	}
	s.mixed = hasAttribute(m.Attributes, "extmap-allow-mixed")
	if s.Codecs = parseCodecs(m, s.Kind); len(s.Codecs) == 0 {
		return s, nil
	}
	s.Role = parseRole(m.Attributes, sd.Attributes)
	if s.Role == Sends {
		s.RIDs = parseRIDs(m.Attributes)
		s.SSRCs = parseSSRCs(m.Attributes)
	}
	s.Extensions = parseExtensions(m.Attributes, s, mixed || s.mixed)
	return s, nil
}

// parseRole reads the direction, which is the browser's view; Firefox writes one for the
// session as well.
func parseRole(media, session []sdp.Attribute) Role {
	for _, attributes := range [][]sdp.Attribute{media, session} {
		for _, a := range attributes {
			switch a.Key {
			case "sendonly", "sendrecv":
				return Sends
			case "recvonly":
				return Slot
			case "inactive":
				return Inactive
			}
		}
	}
	return Sends // RFC 8866 section 6.7: sendrecv
}

// parseCodecs reads what we know of the m-line's payload types, in its order. Of the variants
// of a codec it takes those that every browser decodes and that can be forwarded to all.
func parseCodecs(m *sdp.MediaDescription, kind Kind) []Codec {
	maps, parameters, apt := map[string]string{}, map[string]string{}, map[string]string{}
	feedback := map[string][]string{}
	for _, a := range m.Attributes {
		pt, value, _ := strings.Cut(a.Value, " ")
		switch a.Key {
		case "rtpmap":
			maps[pt] = value
		case "fmtp":
			parameters[pt] = value
			if of := parameter(value, "apt", ""); of != "" {
				apt[of] = pt
			}
		case "rtcp-fb":
			feedback[pt] = append(feedback[pt], value)
		}
	}
	var codecs []Codec
	seen := map[uint8]bool{}
	for _, format := range m.MediaName.Formats {
		pt, ok := payloadType(format)
		c := codecOf(maps[format])
		if !ok || seen[pt] || c == payload.None || c.Video() != (kind == Video) || len(parameters[format]) > maxFmtp {
			continue
		}
		seen[pt] = true
		codec := Codec{Codec: c, PT: pt, ClockRate: c.ClockRate(), Fmtp: strings.Clone(parameters[format])}
		if kind == Audio {
			codec.Channels = 2
		}
		if !forwardable(codec, maps) {
			continue
		}
		for _, f := range feedbacks {
			if slices.Contains(feedback[format], f) || slices.Contains(feedback["*"], f) {
				codec.Feedback = append(codec.Feedback, f)
			}
		}
		of := apt[format]
		isRTX := strings.EqualFold(maps[of], fmt.Sprintf("rtx/%d", codec.ClockRate)) && slices.Contains(m.MediaName.Formats, of)
		if rtx, ok := payloadType(of); ok && isRTX && rtx != pt {
			codec.RTX = rtx
		}
		codecs = append(codecs, codec)
	}
	return codecs
}

// feedbacks are the RTCP messages that we take and send (RFC 4585, RFC 5104).
var feedbacks = []string{"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"}

// payloadType parses a payload type that does not look like RTCP (RFC 5761 section 4).
func payloadType(s string) (uint8, bool) {
	n, ok := number(s, 7)
	return uint8(n), ok && (n < 64 || n > 95)
}

// codecOf knows a codec by its rtpmap.
func codecOf(rtpmap string) payload.Codec {
	switch strings.ToLower(rtpmap) {
	case "opus/48000/2":
		return payload.Opus
	case "red/48000/2":
		return payload.RED
	case "vp8/90000":
		return payload.VP8
	case "vp9/90000":
		return payload.VP9
	case "h264/90000":
		return payload.H264
	case "av1/90000":
		return payload.AV1
	}
	return payload.None
}

// forwardable reports whether a variant of a codec is the one that we carry. One variant per
// codec lets every publisher's packets go into every slot that has the codec at all.
func forwardable(c Codec, maps map[string]string) bool {
	switch c.Codec {
	case payload.RED: // every block must be Opus: "111/111" (RFC 2198 section 5)
		blocks := strings.Split(c.Fmtp, "/")
		return len(blocks) >= 2 && !slices.ContainsFunc(blocks, func(pt string) bool { return codecOf(maps[pt]) != payload.Opus })
	case payload.VP9: // 8 bits, 4:2:0 (RFC 9628 section 7)
		return parameter(c.Fmtp, "profile-id", "0") == "0"
	case payload.AV1:
		return parameter(c.Fmtp, "profile", "0") == "0"
	case payload.H264: // constrained baseline, non-interleaved (RFC 6184 section 8.1)
		profile, err := strconv.ParseUint(parameter(c.Fmtp, "profile-level-id", "420010"), 16, 24)
		return err == nil && profile>>8&0xff4f == 0x4240 && parameter(c.Fmtp, "packetization-mode", "0") == "1"
	}
	return true
}

// parameter returns a value of "a=1;b=2".
func parameter(fmtp, key, otherwise string) string {
	for part := range strings.SplitSeq(fmtp, ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(part), "="); ok && strings.EqualFold(k, key) {
			return v
		}
	}
	return otherwise
}

// parseRIDs reads the streams of a=simulcast:send in its order; of alternatives the first
// (RFC 8853 section 5.1). Without that line, one stream may still be named by a=rid.
func parseRIDs(attributes []sdp.Attribute) []RID {
	var known, order []string
	for _, a := range attributes {
		switch a.Key {
		case "rid":
			if f := strings.Fields(a.Value); len(f) >= 2 && f[1] == "send" && ridName(f[0]) {
				known = append(known, f[0])
			}
		case "simulcast":
			f := strings.Fields(a.Value)
			if i := slices.Index(f, "send"); i >= 0 && i+1 < len(f) {
				order = strings.Split(f[i+1], ";")
			}
		}
	}
	if order == nil {
		order = known
	}
	var rids []RID
	for _, list := range order {
		name, _, _ := strings.Cut(list, ",")
		id, paused := strings.CutPrefix(name, "~")
		taken := slices.ContainsFunc(rids, func(r RID) bool { return r.ID == id })
		if slices.Contains(known, id) && !taken && len(rids) < maxStreams {
			rids = append(rids, RID{ID: strings.Clone(id), Paused: paused})
		}
	}
	return rids
}

// ridName reports whether s is a rid-id (RFC 8851 section 10) that fits a one-byte header extension.
func ridName(s string) bool {
	return len(s) > 0 && len(s) <= 16 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	})
}

// parseSSRCs reads a=ssrc and pairs streams with their retransmissions by a=ssrc-group:FID (RFC 5576).
func parseSSRCs(attributes []sdp.Attribute) []SSRC {
	var order []uint32
	rtx, isRTX := map[uint32]uint32{}, map[uint32]bool{}
	for _, a := range attributes {
		f := strings.Fields(a.Value)
		switch {
		case a.Key == "ssrc" && len(f) > 0:
			if n, ok := number(f[0], 32); ok && n != 0 && !slices.Contains(order, uint32(n)) && len(order) < 2*maxStreams {
				order = append(order, uint32(n))
			}
		case a.Key == "ssrc-group" && len(f) == 3 && f[0] == "FID":
			first, ok := number(f[1], 32)
			second, also := number(f[2], 32)
			if ok && also && first != second && len(rtx) < maxStreams {
				rtx[uint32(first)], isRTX[uint32(second)] = uint32(second), true
			}
		}
	}
	var ssrcs []SSRC
	for _, n := range order {
		if !isRTX[n] {
			ssrcs = append(ssrcs, SSRC{Media: n, RTX: rtx[n]})
		}
	}
	return ssrcs
}

// parseExtensions reads the header extensions that are of use in the m-line's direction.
// Ids above 14 need the two-byte form, so both forms must be allowed to mix (RFC 8285 section 6).
func parseExtensions(attributes []sdp.Attribute, s *Section, mixed bool) Extensions {
	var e Extensions
	for _, a := range attributes {
		if a.Key != "extmap" {
			continue
		}
		f := strings.Fields(a.Value)
		if len(f) < 2 {
			continue
		}
		text, direction, _ := strings.Cut(f[0], "/")
		id, ok := number(text, 8)
		if !ok || id == 0 || id == 15 || id > 14 && !mixed {
			continue
		}
		// Firefox says of some that it only sends or only receives them.
		if direction == "inactive" || s.Role == Sends && direction == "recvonly" || s.Role == Slot && direction == "sendonly" {
			continue
		}
		if i := slices.Index(extensionURIs[:], f[1]); i >= 0 {
			if at := e.ids()[i]; *at == 0 {
				*at = uint8(id)
			}
		}
	}
	if s.Kind == Video {
		e.AudioLevel = 0
	} else {
		e.DependencyDescriptor = 0
	}
	if len(s.RIDs) == 0 {
		e.RID, e.RepairedRID = 0, 0
	}
	if e.TransportCC != 0 {
		e.AbsSendTime = 0 // transport-wide feedback needs no send time in the packet: four bytes saved
	}
	return e
}

func clones(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = strings.Clone(s)
	}
	return out
}
