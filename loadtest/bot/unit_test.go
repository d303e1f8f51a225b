//go:build linux

package bot

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tarasul/loadtest/synth"
	"tarasul/signaling/protocol"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/stun/v4"
)

func TestTheOfferHasWhatIsSentFirstAndThenTheSlots(t *testing.T) {
	offer := writeOffer(offerConfig{
		ufrag: "ufra", pwd: "password", fingerprint: "AA:BB", cname: "c", microphone: 11, camera: [][2]uint32{{21, 22}}, audioSlots: 2, videoSlots: 3,
	})
	var sd sdp.SessionDescription
	check(t, sd.UnmarshalString(offer.SDP))
	if len(sd.MediaDescriptions) != 7 {
		t.Fatalf("%d sections", len(sd.MediaDescriptions))
	}
	if len(offer.Sends) != 2 || offer.Sends["0"] != protocol.SourceMicrophone || offer.Sends["1"] != protocol.SourceCamera {
		t.Errorf("sends %v", offer.Sends)
	}
	for i, m := range sd.MediaDescriptions {
		kind, direction := "video", "recvonly"
		if i == 0 || i == 2 || i == 3 {
			kind = "audio"
		}
		if i < 2 {
			direction = "sendonly"
		}
		if _, ok := m.Attribute(direction); !ok || m.MediaName.Media != kind {
			t.Errorf("section %d is %s and not %s %s", i, m.MediaName.Media, kind, direction)
		}
		for _, key := range []string{"mid", "ice-ufrag", "ice-pwd", "fingerprint", "setup", "rtcp-mux"} {
			if _, ok := m.Attribute(key); !ok {
				t.Errorf("section %d has no %s", i, key)
			}
		}
	}
	if !strings.Contains(offer.SDP, "a=ssrc-group:FID 21 22\r\n") || strings.Contains(offer.SDP, "a=simulcast") {
		t.Error("a single encoding is named by its SSRCs")
	}
	simulcast := writeOffer(offerConfig{camera: [][2]uint32{{1, 2}, {3, 4}, {5, 6}}})
	if !strings.Contains(simulcast.SDP, "a=simulcast:send l;m;h\r\n") || strings.Contains(simulcast.SDP, "a=ssrc") {
		t.Error("encodings are named by their rids")
	}
	if group, _ := sd.Attribute("group"); group != "BUNDLE 0 1 2 3 4 5 6" {
		t.Errorf("group %q", group)
	}
}

const goodAnswer = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=fingerprint:sha-256 aa:bb\r\na=group:BUNDLE 0 1 2\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=setup:passive\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n" +
	"a=candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype passive\r\na=candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host\r\na=recvonly\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=setup:passive\r\na=extmap:3 twcc\r\na=ssrc-group:FID 7 8\r\na=ssrc:7 cname:x\r\na=ssrc:8 cname:x\r\na=sendonly\r\n" +
	"m=video 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=inactive\r\n"

func TestAnswersAreReadAndUselessOnesRefused(t *testing.T) {
	a, err := parseAnswer(goodAnswer)
	check(t, err)
	if a.ufrag != "u" || a.pwd != "p" || a.fingerprint != "AA:BB" || !a.transport || !a.accepted["0"] || !a.accepted["1"] || a.accepted["2"] {
		t.Errorf("%+v", a)
	}
	if len(a.candidates) != 1 || a.candidates[0].String() != "192.0.2.1:4000" {
		t.Errorf("candidates %v", a.candidates)
	}
	if len(a.slots) != 1 || a.slots[0] != (slotOffer{mid: "1", video: true, ssrc: 7, rtx: 8}) {
		t.Errorf("slots %+v", a.slots)
	}
	for name, change := range map[string][2]string{
		"not lite":             {"a=ice-lite\r\n", ""},
		"active":               {"a=setup:passive", "a=setup:active"},
		"no candidate":         {"udp", "tcp"},
		"no credentials":       {"a=ice-pwd:p\r\n", ""},
		"another hash":         {"sha-256", "sha-1"},
		"nonsense for a start": {"v=0", "v=x"},
	} {
		if _, err := parseAnswer(strings.Replace(goodAnswer, change[0], change[1], -1)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add(goodAnswer)
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := parseAnswer(text); err == nil && (a.ufrag == "" || len(a.candidates) == 0) {
			t.Errorf("accepted without credentials or candidates: %q", text)
		}
	})
}

// respond answers a check as a lite agent does.
func respond(t *testing.T, request []byte, pwd string) []byte {
	t.Helper()
	m := &stun.Message{Raw: request}
	check(t, m.Decode())
	answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: []byte{192, 0, 2, 7}, Port: 9}, stun.NewShortTermIntegrity(pwd), stun.Fingerprint)
	check(t, err)
	return answer.Raw
}

func TestChecksAreSignedRepeatedAndRenewed(t *testing.T) {
	c := newChecks()
	c.remoteUfrag, c.remotePwd = "server", "secret"
	now := int64(time.Second)
	request, alive := c.due(now)
	if !alive || request == nil {
		t.Fatal("no check at the start")
	}
	m := &stun.Message{Raw: request}
	check(t, m.Decode())
	check(t, stun.NewShortTermIntegrity("secret").Check(m))
	check(t, stun.Fingerprint.Check(m))
	var name stun.Username
	check(t, name.GetFrom(m))
	if name.String() != "server:"+c.localUfrag || !m.Contains(stun.AttrUseCandidate) || !m.Contains(stun.AttrICEControlling) || !m.Contains(stun.AttrPriority) {
		t.Errorf("a check of %q: %v", name, m)
	}
	if again, _ := c.due(now + checkInterval - 1); again != nil {
		t.Error("repeated too soon")
	}
	again, _ := c.due(now + checkInterval)
	if again == nil || string(again[8:20]) != string(request[8:20]) {
		t.Error("not repeated with its transaction ID")
	}
	if err := c.answered(respond(t, request, "wrong"), now); err == nil || c.nominated {
		t.Error("an answer of somebody who does not know the password counts")
	}
	check(t, c.answered(respond(t, request, "secret"), now+checkInterval))
	if !c.nominated {
		t.Error("not nominated")
	}
	if err := c.answered(respond(t, request, "secret"), now); !errors.Is(err, errCheck) {
		t.Errorf("the same answer twice: %v", err)
	}
	now += checkInterval + consentInterval
	if early, _ := c.due(now - 1); early != nil {
		t.Error("consent is asked for too soon")
	}
	consent, _ := c.due(now)
	if consent == nil || string(consent[8:20]) == string(request[8:20]) {
		t.Error("consent is not asked for anew")
	}
	if _, alive := c.due(now + consentTimeout + 1); alive {
		t.Error("a server that has been silent for half a minute is still alive")
	}
}

func TestHeadersAreAsOthersReadThem(t *testing.T) {
	p := &Peer{transport: true, nextNumber: 500, cfg: PeerConfig{FrameRate: 30}}
	s := newSource(p, synth.Camera, 12, rand.New(rand.NewPCG(1, 1)))
	s.rid = "h"
	b := append(s.header(nil, payloadVP8, s.ssrc, 7, true, extensions{rid: "h", level: 33, hasLevel: true}), "payload"...)
	var packet rtp.Packet
	check(t, packet.Unmarshal(b))
	if packet.SSRC != s.ssrc || packet.SequenceNumber != 7 || !packet.Marker || packet.PayloadType != payloadVP8 || string(packet.Payload) != "payload" {
		t.Errorf("%v", packet)
	}
	for id, want := range map[uint8]string{extMid: "12", extRid: "h", extTransport: "\x01\xf4", extLevel: "\xa1"} {
		if got := string(packet.GetExtension(id)); got != want {
			t.Errorf("extension %d is %q, want %q", id, got, want)
		}
		if got, ok := extension(b, id); !ok || string(got) != want {
			t.Errorf("our own reader has %q, %v for extension %d", got, ok, id)
		}
	}
	if n, ok := transportNumber(b); !ok || n != 500 || p.nextNumber != 501 {
		t.Errorf("transport-wide number %d, %v", n, ok)
	}
	s.known = true
	b = s.header(nil, payloadVP8, s.ssrc, 8, false, extensions{rid: "h"})
	if _, ok := extension(b, extMid); ok {
		t.Error("the mid is sent although the server knows the SSRC")
	}
}

func FuzzExtension(f *testing.F) {
	f.Add([]byte{0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0x31, 1, 2, 0}, byte(3))
	f.Fuzz(func(t *testing.T, b []byte, id byte) {
		if len(b) >= 12 {
			extension(b, id&15)
		}
		readVP8(b)
	})
}

func TestHistoryForgetsWhatIsOld(t *testing.T) {
	h := newHistory()
	for i := range uint16(historySize + 10) {
		h.keep(i, append(h.slot(i), byte(i), byte(i>>8)), 1)
	}
	if b, _ := h.find(9); b != nil {
		t.Error("an old packet is still there")
	}
	if b, size := h.find(10); size != 1 || binary.LittleEndian.Uint16(b) != 10 {
		t.Errorf("packet 10 is %v", b)
	}
	if b, _ := newHistory().find(0); b != nil {
		t.Error("an empty history has a packet")
	}
}

func TestAGapIsMissedUntilItIsFilled(t *testing.T) {
	p := &Peer{}
	s := &slot{peer: p, kind: synth.Camera}
	p.notice(s, 2, 4) // 65534, 65535, 0, 1
	if p.missing != 1 || len(s.missing.packets) != 4 || s.missing.packets[0].sequence != 65534 {
		t.Fatalf("%d slots miss something, this one %v", p.missing, s.missing.packets)
	}
	if p.resolve(s, 5) {
		t.Error("a packet was resolved that nobody missed")
	}
	for _, n := range []uint16{0, 65534, 1, 65535} {
		if !p.resolve(s, n) {
			t.Errorf("%d was not missed", n)
		}
	}
	if p.missing != 0 {
		t.Errorf("%d slots still miss something", p.missing)
	}
}

func TestNTPTimeIsOfThisCentury(t *testing.T) {
	got := ntpTime(time.Date(2026, 11, 24, 12, 0, 0, 500_000_000, time.UTC))
	if want := uint64(4004510400)<<32 | 1<<31; got != want {
		t.Errorf("%d.%d", got>>32, got&(1<<32-1))
	}
}

func TestServerAddressesAreChecked(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:8080", "ftp://x", "http://", ":", "http://a b"} {
		if _, err := NewServer(bad, false); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	s, err := NewServer("https://example.org:8443/some/path?x", false)
	check(t, err)
	if s.URL().String() != "https://example.org:8443" || s.origin() != "https://example.org:8443" {
		t.Errorf("%v, %v", s.URL(), s.origin())
	}
}
