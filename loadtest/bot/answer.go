package bot

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// answer is what a bot needs of the server's SDP answer.
type answer struct {
	ufrag, pwd  string
	fingerprint string // of the server's certificate: SHA-256, in capitals with colons
	candidates  []netip.AddrPort
	slots       []slotOffer
	transport   bool // transport-wide feedback was agreed on
	accepted    map[string]bool
}

// slotOffer is one receive slot: what it is called, and the SSRCs that belong to it for ever. SSRC 0 means that packets of the
// slot say their mid themselves.
type slotOffer struct {
	mid       string
	video     bool
	ssrc, rtx uint32
}

// parseAnswer reads an answer, and refuses one to which a browser could not connect.
func parseAnswer(text string) (*answer, error) {
	var sd sdp.SessionDescription
	if err := sd.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("the answer is no SDP: %w", err)
	}
	a := &answer{accepted: map[string]bool{}}
	session := func(m *sdp.MediaDescription, key string) string {
		if v, ok := m.Attribute(key); ok {
			return v
		}
		v, _ := sd.Attribute(key)
		return v
	}
	if _, lite := sd.Attribute("ice-lite"); !lite {
		return nil, errors.New("the answer is not from a lite ICE agent, and bots gather no candidates")
	}
	for _, m := range sd.MediaDescriptions {
		if m.MediaName.Port.Value == 0 {
			continue // refused
		}
		mid, _ := m.Attribute("mid")
		if setup := session(m, "setup"); setup != "passive" {
			return nil, fmt.Errorf("section %q: the DTLS role is %q, not passive", mid, setup)
		}
		if a.ufrag == "" {
			a.ufrag, a.pwd = session(m, "ice-ufrag"), session(m, "ice-pwd")
			algorithm, value, _ := strings.Cut(session(m, "fingerprint"), " ")
			if !strings.EqualFold(algorithm, "sha-256") {
				return nil, fmt.Errorf("section %q: the fingerprint is of %q, not sha-256", mid, algorithm)
			}
			a.fingerprint = strings.ToUpper(value)
		}
		a.accepted[mid] = true
		slot := slotOffer{mid: mid, video: m.MediaName.Media == "video"}
		sends := false
		for _, at := range m.Attributes {
			switch at.Key {
			case "candidate":
				if c, ok := parseCandidate(at.Value); ok {
					a.candidates = append(a.candidates, c)
				}
			case "extmap":
				if id, _, _ := strings.Cut(at.Value, " "); id == strconv.Itoa(extTransport) {
					a.transport = true
				}
			case "sendonly":
				sends = true
			case "ssrc":
				id, _, _ := strings.Cut(at.Value, " ")
				if n, err := strconv.ParseUint(id, 10, 32); err == nil && slot.ssrc == 0 && uint32(n) != slot.rtx {
					slot.ssrc = uint32(n)
				}
			case "ssrc-group":
				if f := strings.Fields(at.Value); len(f) == 3 && f[0] == "FID" {
					first, err1 := strconv.ParseUint(f[1], 10, 32)
					second, err2 := strconv.ParseUint(f[2], 10, 32)
					if err1 == nil && err2 == nil {
						slot.ssrc, slot.rtx = uint32(first), uint32(second)
					}
				}
			}
		}
		if sends {
			a.slots = append(a.slots, slot)
		}
	}
	switch {
	case a.ufrag == "" || a.pwd == "":
		return nil, errors.New("the answer has no ICE credentials")
	case len(a.candidates) == 0:
		return nil, errors.New("the answer has no UDP host candidate")
	}
	return a, nil
}

// parseCandidate reads a host candidate for UDP (RFC 8839 section 5.1).
func parseCandidate(text string) (netip.AddrPort, bool) {
	f := strings.Fields(text)
	if len(f) < 8 || f[1] != "1" || !strings.EqualFold(f[2], "udp") || f[6] != "typ" || f[7] != "host" {
		return netip.AddrPort{}, false
	}
	addr, err := netip.ParseAddr(f[4])
	port, err2 := strconv.ParseUint(f[5], 10, 16)
	return netip.AddrPortFrom(addr, uint16(port)), err == nil && err2 == nil && port != 0
}
