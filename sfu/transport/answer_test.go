package transport

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"

	"tarasul/sfu/payload"
)

func testLocal() Local {
	return Local{
		Credentials: Credentials{"localufrag", "localpassword0123456789abcdef"},
		Fingerprint: Fingerprint{"sha-256", "AA" + strings.Repeat(":AA", 31)},
		Candidates: []Candidate{
			{Addr: netip.MustParseAddrPort("192.0.2.2:8471")},
			{Addr: netip.MustParseAddrPort("[2001:db8::2]:8471")},
			{Addr: netip.MustParseAddrPort("192.0.2.2:8471"), TCP: true},
		},
		Session: 42, Version: 7,
	}
}

// blocks splits SDP into the session's lines and those of each m-line.
func blocks(t *testing.T, text string) [][]string {
	t.Helper()
	if !strings.HasSuffix(text, "\r\n") || strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\n") {
		t.Error("lines must end with CRLF")
	}
	var out [][]string
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if strings.HasPrefix(line, "m=") || out == nil {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], line)
	}
	return out
}

// has fails for each of the lines that is missing.
func has(t *testing.T, where string, block []string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !slices.Contains(block, line) {
			t.Errorf("%s has no line %q in\n%s", where, line, strings.Join(block, "\n"))
		}
	}
}

// hasNot fails for each line that begins with one of the prefixes.
func hasNot(t *testing.T, where string, block []string, prefixes ...string) {
	t.Helper()
	for _, line := range block {
		for _, p := range prefixes {
			if strings.HasPrefix(line, p) {
				t.Errorf("%s has line %q", where, line)
			}
		}
	}
}

func answer(t *testing.T, o *Offer, l Local) [][]string {
	t.Helper()
	text, err := Answer(o, l)
	if err != nil {
		t.Fatal(err)
	}
	var sd sdp.SessionDescription
	if err := sd.UnmarshalString(text); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return blocks(t, text)
}

const (
	uriMID   = "urn:ietf:params:rtp-hdrext:sdes:mid"
	uriTWCC  = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	uriLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	uriRID   = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	uriRRID  = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	uriDD    = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

func TestAnswerToChromiumLineByLine(t *testing.T) {
	o := parse(t, readOffer(t, "chromium"))
	b := answer(t, o, testLocal())
	if len(b) != 6 {
		t.Fatalf("%d blocks, want the session and 5 m-lines", len(b))
	}
	has(t, "session", b[0], "v=0", "o=- 42 7 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite", "a=group:BUNDLE 0 1 2 3 9",
		"a=fingerprint:sha-256 AA"+strings.Repeat(":AA", 31), "a=extmap-allow-mixed")
	for i, mid := range []string{"0", "1", "2", "3", "9"} {
		has(t, "m-line "+mid, b[i+1], "c=IN IP4 0.0.0.0", "a=mid:"+mid, "a=setup:passive", "a=ice-ufrag:localufrag",
			"a=ice-pwd:localpassword0123456789abcdef", "a=rtcp-mux", "a=rtcp-rsize", "a=extmap:4 "+uriMID, "a=extmap:3 "+uriTWCC)
		hasNot(t, "m-line "+mid, b[i+1], "a=extmap:2 ", "a=extmap:5 ", "a=extmap:14 ", "a=sendrecv")
		if i > 0 {
			hasNot(t, "m-line "+mid, b[i+1], "a=candidate", "a=end-of-candidates")
		}
	}
	microphone, camera, screen, voice, picture := b[1], b[2], b[3], b[4], b[5]
	has(t, "microphone", microphone, "m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "a=recvonly",
		"a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1", "a=rtcp-fb:111 transport-cc",
		"a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111", "a=extmap:1 "+uriLevel, "a=end-of-candidates")
	hasNot(t, "microphone", microphone, "a=ssrc", "a=msid", "a=rid", "a=simulcast")

	video := []string{"m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 45 46 108 109"}
	for _, c := range []struct {
		pt, rtx    int
		name, fmtp string
	}{
		{96, 97, "VP8", ""}, {98, 99, "VP9", "profile-id=0"}, {45, 46, "AV1", "level-idx=5;profile=0;tier=0"},
		{108, 109, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
	} {
		video = append(video, fmt.Sprintf("a=rtpmap:%d %s/90000", c.pt, c.name), fmt.Sprintf("a=rtpmap:%d rtx/90000", c.rtx), fmt.Sprintf("a=fmtp:%d apt=%d", c.rtx, c.pt))
		if c.fmtp != "" {
			video = append(video, fmt.Sprintf("a=fmtp:%d %s", c.pt, c.fmtp))
		}
		for _, f := range []string{"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"} {
			video = append(video, fmt.Sprintf("a=rtcp-fb:%d %s", c.pt, f))
		}
	}
	has(t, "camera", camera, append(video, "a=recvonly", "a=rid:l recv", "a=rid:m recv", "a=rid:h recv", "a=simulcast:recv l;m;h",
		"a=extmap:10 "+uriRID, "a=extmap:11 "+uriRRID, "a=extmap:12 "+uriDD)...)
	has(t, "screen", screen, append(video, "a=recvonly", "a=extmap:12 "+uriDD)...)
	hasNot(t, "screen", screen, "a=rid", "a=simulcast", "a=extmap:10 ", "a=extmap:11 ")

	s := o.Sections[3].Send
	has(t, "audio slot", voice, "m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "a=sendonly", "a=fmtp:111 minptime=10;useinbandfec=1", "a=extmap:1 "+uriLevel,
		"a=msid:s3 t3", fmt.Sprintf("a=ssrc:%d cname:s3", s.Media))
	hasNot(t, "audio slot", voice, "a=ssrc-group", "a=rid")
	if s.Media == 0 || s.RTX != 0 {
		t.Errorf("audio slot's SSRCs %v", s)
	}
	// Of VP9, AV1 and H264 the slot offers more variants; it answers those that publishers send.
	s = o.Sections[4].Send
	has(t, "video slot", picture, append(video, "a=sendonly", "a=extmap:12 "+uriDD, "a=msid:s9 t9", fmt.Sprintf("a=ssrc-group:FID %d %d", s.Media, s.RTX),
		fmt.Sprintf("a=ssrc:%d cname:s9", s.Media), fmt.Sprintf("a=ssrc:%d cname:s9", s.RTX))...)
	if s.Media == 0 || s.RTX == 0 || s.Media == s.RTX {
		t.Errorf("video slot's SSRCs %v", s)
	}
	for _, line := range slices.Concat(b...) {
		if strings.HasPrefix(line, "a=rtpmap:") && !strings.Contains("111 63 96 97 98 99 45 46 108 109", line[9:strings.Index(line, " ")]) {
			t.Errorf("line %q is of a codec that was not chosen", line)
		}
	}
}

func TestAnswerToFirefoxLineByLine(t *testing.T) {
	o := parse(t, readOffer(t, "firefox"))
	b := answer(t, o, testLocal())
	has(t, "session", b[0], "a=ice-lite", "a=group:BUNDLE 0 1 2 3 9")
	hasNot(t, "session", b[0], "a=extmap-allow-mixed") // Firefox has it for each m-line
	for i, mid := range []string{"0", "1", "2", "3", "9"} {
		has(t, "m-line "+mid, b[i+1], "c=IN IP4 0.0.0.0", "a=mid:"+mid, "a=setup:passive", "a=rtcp-mux", "a=extmap-allow-mixed", "a=extmap:3 "+uriMID, "a=extmap:7 "+uriTWCC)
		for _, line := range b[i+1] {
			if strings.HasPrefix(line, "a=extmap:") && strings.Contains(line, "only ") {
				t.Errorf("m-line %s has line %q with a direction", mid, line)
			}
		}
	}
	has(t, "microphone", b[1], "m=audio 9 UDP/TLS/RTP/SAVPF 109", "a=fmtp:109 minptime=10;useinbandfec=1;usedtx=1")
	has(t, "camera", b[2], "m=video 9 UDP/TLS/RTP/SAVPF 120 124 121 125 99 100", "a=simulcast:recv l;m;h", "a=extmap:8 "+uriDD, "a=extmap:9 "+uriRID, "a=extmap:10 "+uriRRID)
	hasNot(t, "camera", b[2], "a=fmtp:120 ", "a=bundle-only", "a=ssrc")
	has(t, "video slot", b[5], "m=video 9 UDP/TLS/RTP/SAVPF 120 124 121 125 99 100", "a=fmtp:120 max-fs=12288;max-fr=60", "a=sendonly", "a=msid:s9 t9")
	hasNot(t, "video slot", b[5], "a=extmap:8 ", "a=extmap:6 ")
}

func TestRejectedAndInactiveMLinesStaySo(t *testing.T) {
	chromium := readOffer(t, "chromium")
	at := strings.LastIndex(chromium, "m=video")
	text := edit(t, chromium[:at], "BUNDLE 0 1 2 3 9", "BUNDLE 0 1 2 3 5", "a=recvonly", "a=inactive") +
		edit(t, chromium[at:], "m=video 9", "m=video 0") +
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:5\r\na=sctp-port:5000\r\n"
	b := answer(t, parse(t, text), testLocal())
	has(t, "session", b[0], "a=group:BUNDLE 0 1 2 3")
	has(t, "inactive", b[4], "m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "a=inactive", "a=ice-ufrag:localufrag")
	hasNot(t, "inactive", b[4], "a=ssrc", "a=sendonly", "a=recvonly")
	has(t, "ended", b[5], "m=video 0 UDP/TLS/RTP/SAVPF 96", "a=mid:9", "a=inactive")
	has(t, "application", b[6], "m=application 0 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:5")
	hasNot(t, "application", b[6], "a=ice", "a=setup")
}

func TestTransportIsAnsweredInTheFirstMLineThatIsTaken(t *testing.T) {
	b := answer(t, parse(t, edit(t, readOffer(t, "chromium"), "m=audio 9", "m=audio 0")), testLocal())
	hasNot(t, "ended", b[1], "a=candidate")
	has(t, "camera", b[2], "a=end-of-candidates")
	has(t, "session", b[0], "a=group:BUNDLE 1 2 9")
}

func TestCandidateLines(t *testing.T) {
	b := answer(t, parse(t, readOffer(t, "chromium")), testLocal())
	var lines [][]string
	for _, line := range b[1] {
		if c, ok := strings.CutPrefix(line, "a=candidate:"); ok {
			lines = append(lines, strings.Fields(c))
		}
	}
	if len(lines) != 3 {
		t.Fatalf("candidates %v", lines)
	}
	for i, want := range []string{
		"1 udp 2130706431 192.0.2.2 8471 typ host",
		"1 udp 2130706175 2001:db8::2 8471 typ host",
		"1 tcp 1520434687 192.0.2.2 8471 typ host tcptype passive",
	} {
		if got := strings.Join(lines[i][1:], " "); got != want {
			t.Errorf("candidate %q, want %q", got, want)
		}
	}
	if lines[0][0] == lines[1][0] || lines[0][0] == lines[2][0] {
		t.Errorf("foundations %v are not told apart", lines)
	}
	l := testLocal()
	l.Candidates = []Candidate{{Addr: netip.MustParseAddrPort("[::ffff:192.0.2.2]:1"), Priority: 99}}
	has := false
	for _, line := range answer(t, parse(t, readOffer(t, "chromium")), l)[1] {
		has = has || strings.HasSuffix(line, " 1 udp 99 192.0.2.2 1 typ host")
	}
	if !has {
		t.Error("the caller's priority is not used")
	}
	l.Candidates = nil
	if _, err := Answer(parse(t, readOffer(t, "chromium")), l); err == nil {
		t.Error("an answer without candidates")
	}
}

func TestPreferenceOrdersAndLimitsTheCodecs(t *testing.T) {
	for _, c := range []struct {
		preference   []payload.Codec
		audio, video string
	}{
		{nil, "111 63", "96 97 98 99 45 46 108 109"},
		{[]payload.Codec{payload.RED, payload.Opus, payload.AV1, payload.VP8}, "63 111", "45 46 96 97"},
		{[]payload.Codec{payload.Opus, payload.H264}, "111", "108 109"},
		{[]payload.Codec{payload.RED, payload.VP8}, "", "96 97"}, // no RED without the Opus inside
	} {
		l := testLocal()
		l.Preference = c.preference
		o := parse(t, readOffer(t, "chromium"))
		b := answer(t, o, l)
		audio := "m=audio 9 UDP/TLS/RTP/SAVPF " + c.audio
		if c.audio == "" {
			audio = "m=audio 0 UDP/TLS/RTP/SAVPF 111"
		}
		has(t, "audio", b[1], audio)
		has(t, "video", b[2], "m=video 9 UDP/TLS/RTP/SAVPF "+c.video)
		if pt, rtx, ok := o.Sections[4].PayloadType(o.Sections[4].Chosen[0].Codec); !ok || !strings.HasPrefix(c.video+" ", fmt.Sprintf("%d %d ", pt, rtx)) {
			t.Errorf("payload types %d and %d, want those of %q", pt, rtx, c.video)
		}
	}
	l := testLocal()
	l.Preference = []payload.Codec{payload.RED}
	if _, err := Answer(parse(t, readOffer(t, "chromium")), l); err == nil {
		t.Error("an answer without any m-line")
	}
}

func TestSharedSoundIsAskedForInStereo(t *testing.T) {
	o := parse(t, readOffer(t, "chromium"))
	o.Sections[0].Stereo = true
	has(t, "sound", answer(t, o, testLocal())[1], "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1")
}

func TestSlotKeepsTheSSRCsThatTheCallerGives(t *testing.T) {
	o := parse(t, readOffer(t, "chromium"))
	o.Sections[4].Send = SSRC{1000, 1001}
	has(t, "slot", answer(t, o, testLocal())[5], "a=ssrc-group:FID 1000 1001", "a=ssrc:1000 cname:s9")
}

func BenchmarkOfferAndAnswer(b *testing.B) {
	text := readOffer(b, "chromium")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		o, err := ParseOffer(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Answer(o, testLocal()); err != nil {
			b.Fatal(err)
		}
	}
}
