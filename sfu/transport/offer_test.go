package transport

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"tarasul/sfu/payload"
)

// readOffer reads a stored offer of a real browser: microphone, camera with three simulcast
// streams, shared screen, one audio slot, one video slot.
func readOffer(t testing.TB, browser string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + browser + "-offer.sdp")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func parse(t testing.TB, text string) *Offer {
	t.Helper()
	o, err := ParseOffer(text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// edit replaces parts of an offer, and fails if one is not there.
func edit(t testing.TB, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the offer has no %q", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

func TestChromiumsOfferIsUnderstood(t *testing.T) {
	o := parse(t, readOffer(t, "chromium"))
	if o.Remote != (Credentials{"SJPZ", "3u9gWMwlMjuxnnkIYja+2GXS"}) {
		t.Errorf("credentials %v", o.Remote)
	}
	if o.Fingerprint.Algorithm != "sha-256" || !strings.HasPrefix(o.Fingerprint.Value, "97:2A:D8:72:") {
		t.Errorf("fingerprint %v", o.Fingerprint)
	}
	if want := (Extensions{MID: 4, RID: 10, RepairedRID: 11, TransportCC: 3, AudioLevel: 1, DependencyDescriptor: 12}); o.Extensions != want {
		t.Errorf("extensions %+v, want %+v", o.Extensions, want)
	}
	all := []string{"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"}
	opus := Codec{payload.Opus, 111, 0, 48000, 2, "minptime=10;useinbandfec=1", []string{"transport-cc"}}
	red := Codec{payload.RED, 63, 0, 48000, 2, "111/111", nil}
	vp8 := Codec{payload.VP8, 96, 97, 90000, 0, "", all}
	h264 := Codec{payload.H264, 108, 109, 90000, 0, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", all}
	av1 := Codec{payload.AV1, 45, 46, 90000, 0, "level-idx=5;profile=0;tier=0", all}
	vp9 := Codec{payload.VP9, 98, 99, 90000, 0, "profile-id=0", all}
	audio := Extensions{MID: 4, TransportCC: 3, AudioLevel: 1}
	video := Extensions{MID: 4, TransportCC: 3, DependencyDescriptor: 12}
	camera := Extensions{MID: 4, RID: 10, RepairedRID: 11, TransportCC: 3, DependencyDescriptor: 12}
	checkSections(t, o, []Section{
		{Mid: "0", Kind: Audio, Role: Sends, Codecs: []Codec{opus, red}, Extensions: audio, SSRCs: []SSRC{{3569952021, 0}}},
		{Mid: "1", Kind: Video, Role: Sends, RIDs: []RID{{"l", false}, {"m", false}, {"h", false}}, Codecs: []Codec{vp8, h264, av1, vp9}, Extensions: camera},
		{Mid: "2", Kind: Video, Role: Sends, Codecs: []Codec{vp8, h264, av1, vp9}, Extensions: video, SSRCs: []SSRC{{3303678844, 1205456301}}},
		{Mid: "3", Kind: Audio, Role: Slot, Codecs: []Codec{opus, red}, Extensions: audio},
		{Mid: "9", Kind: Video, Role: Slot, Codecs: []Codec{vp8, vp9, h264, av1}, Extensions: video},
	})
}

func TestFirefoxsOfferIsUnderstood(t *testing.T) {
	o := parse(t, readOffer(t, "firefox"))
	if o.Remote != (Credentials{"845cb65b", "37825a72c3c4c886a14b8b2415cc1627"}) {
		t.Errorf("credentials %v", o.Remote)
	}
	if !strings.HasPrefix(o.Fingerprint.Value, "EE:F3:54:88:") {
		t.Errorf("fingerprint %v, want the session's", o.Fingerprint)
	}
	all := []string{"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"}
	opus := Codec{payload.Opus, 109, 0, 48000, 2, "maxplaybackrate=48000;stereo=1;useinbandfec=1", []string{"transport-cc"}}
	vp8 := Codec{payload.VP8, 120, 124, 90000, 0, "max-fs=12288;max-fr=60", all}
	vp9 := Codec{payload.VP9, 121, 125, 90000, 0, "max-fs=12288;max-fr=60", all}
	av1 := Codec{payload.AV1, 99, 100, 90000, 0, "", all}
	audio := Extensions{MID: 3, TransportCC: 7, AudioLevel: 1}
	checkSections(t, o, []Section{
		{Mid: "0", Kind: Audio, Role: Sends, Codecs: []Codec{opus}, Extensions: audio, SSRCs: []SSRC{{2947804551, 0}}},
		{
			Mid: "1", Kind: Video, Role: Sends, RIDs: []RID{{"l", false}, {"m", false}, {"h", false}}, Codecs: []Codec{vp8, vp9, av1},
			Extensions: Extensions{MID: 3, RID: 9, RepairedRID: 10, TransportCC: 7, DependencyDescriptor: 8},
			SSRCs:      []SSRC{{2021046402, 185517332}, {3646388644, 685242669}, {779690606, 3872695427}},
		},
		{
			Mid: "2", Kind: Video, Role: Sends, Codecs: []Codec{vp8, vp9, av1},
			Extensions: Extensions{MID: 3, TransportCC: 7, DependencyDescriptor: 8}, SSRCs: []SSRC{{3972710115, 826865234}},
		},
		{Mid: "3", Kind: Audio, Role: Slot, Codecs: []Codec{opus}, Extensions: audio},
		// The dependency descriptor is "/sendonly": Firefox does not read it.
		{Mid: "9", Kind: Video, Role: Slot, Codecs: []Codec{vp8, vp9, av1}, Extensions: Extensions{MID: 3, TransportCC: 7}},
	})
}

func checkSections(t *testing.T, o *Offer, want []Section) {
	t.Helper()
	if len(o.Sections) != len(want) {
		t.Fatalf("%d m-lines, want %d", len(o.Sections), len(want))
	}
	for i := range want {
		got := *o.Sections[i]
		got.name, got.mixed = want[i].name, want[i].mixed
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("m-line %d\n got %+v\nwant %+v", i, got, want[i])
		}
	}
}

func TestOffersThatMakeNoSenseAreRefused(t *testing.T) {
	chromium := readOffer(t, "chromium")
	for name, text := range map[string]string{
		"empty":                      "",
		"not SDP":                    "hello",
		"only a version":             "v=0\r\n",
		"no m-lines":                 chromium[:strings.Index(chromium, "m=")],
		"too long":                   chromium + strings.Repeat("a=x:y\r\n", MaxOffer/7),
		"a control character":        edit(t, chromium, "a=mid:3", "a=mid:3\x00"),
		"too many m-lines":           "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" + strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", MaxSections+1),
		"no BUNDLE":                  edit(t, chromium, "a=group:BUNDLE 0 1 2 3 9\r\n", ""),
		"an empty BUNDLE":            edit(t, chromium, "a=group:BUNDLE 0 1 2 3 9", "a=group:BUNDLE"),
		"no ufrag":                   edit(t, chromium, "a=ice-ufrag:SJPZ\r\n", ""),
		"a short ufrag":              edit(t, chromium, "a=ice-ufrag:SJPZ", "a=ice-ufrag:SJP"),
		"a short password":           edit(t, chromium, "a=ice-pwd:3u9gWMwlMjuxnnkIYja+2GXS", "a=ice-pwd:short"),
		"a ufrag with a colon":       edit(t, chromium, "a=ice-ufrag:SJPZ", "a=ice-ufrag:SJ:PZ"),
		"no fingerprint":             edit(t, chromium, "a=fingerprint:sha-256 ", "a=nothing:"),
		"a fingerprint of SHA-1":     edit(t, chromium, "a=fingerprint:sha-256 ", "a=fingerprint:sha-1 "),
		"a fingerprint cut short":    edit(t, chromium, ":B3:5B:A1", ":B3:5B"),
		"a DTLS server":              edit(t, chromium, "a=setup:actpass", "a=setup:passive"),
		"no rtcp-mux":                edit(t, chromium, "a=rtcp-mux\r\n", ""),
		"a mid twice":                edit(t, chromium, "a=mid:9", "a=mid:3"),
		"a mid that is no token":     edit(t, chromium, "a=mid:9", "a=mid:9 9"),
		"a mid that is too long":     edit(t, chromium, "a=mid:9", "a=mid:"+strings.Repeat("9", 100)),
		"only codecs without a name": edit(t, chromium, "a=rtpmap:", "a=rtpmop:"),
		"an id for two extensions":   edit(t, chromium, "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level", "a=extmap:12 urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
		"an extension with two ids":  strings.Replace(chromium, "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:13 urn:ietf:params:rtp-hdrext:sdes:mid", 1),
	} {
		o, err := ParseOffer(text)
		if !errors.Is(err, ErrOffer) {
			t.Errorf("%s: %v, want ErrOffer; offer %v", name, err, o != nil)
		}
	}
}

func TestWhatWeCannotTakeIsRejectedByTheMLine(t *testing.T) {
	chromium := readOffer(t, "chromium")
	application := "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:10\r\na=sctp-port:5000\r\n"
	section := func(text, mid string) *Section { return parse(t, text).Section(mid) }
	for name, s := range map[string]*Section{
		"an application":    section(edit(t, chromium, "BUNDLE 0 1 2 3 9", "BUNDLE 0 1 2 3 9 10")+application, "10"),
		"not in the BUNDLE": section(edit(t, chromium, "BUNDLE 0 1 2 3 9", "BUNDLE 0 1 2 3"), "9"),
		"another protocol":  section(edit(t, chromium, "m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 RTP/AVP"), "0"),
		"ended":             section(edit(t, chromium, "m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 0 UDP/TLS/RTP/SAVPF"), "0"),
		"unknown codecs":    section(edit(t, chromium, "opus/48000/2", "speex/48000/2", "red/48000/2", "x/48000/2"), "0"),
	} {
		if s == nil || s.Role != Rejected {
			t.Errorf("%s: %+v, want it rejected", name, s)
		}
	}
}

func TestDirectionsAndTheSessionsDirection(t *testing.T) {
	chromium := readOffer(t, "chromium")
	for _, c := range []struct {
		line string
		want Role
	}{
		{"a=sendonly\r\n", Sends}, {"a=sendrecv\r\n", Sends}, {"a=recvonly\r\n", Slot}, {"a=inactive\r\n", Inactive}, {"", Sends},
	} {
		o := parse(t, edit(t, chromium, "a=sendonly\r\n", c.line))
		if got := o.Sections[0].Role; got != c.want {
			t.Errorf("%q is role %d, want %d", c.line, got, c.want)
		}
	}
	o := parse(t, edit(t, readOffer(t, "firefox"), "a=sendrecv\r\n", "a=inactive\r\n", "a=sendonly\r\n", ""))
	if o.Sections[0].Role != Inactive || o.Sections[3].Role != Slot {
		t.Errorf("roles %d and %d, want the session's direction where the m-line has none", o.Sections[0].Role, o.Sections[3].Role)
	}
}

func TestSimulcastStreamsInTheBrowsersOrder(t *testing.T) {
	chromium := readOffer(t, "chromium")
	for _, c := range []struct {
		line string
		want []RID
	}{
		{"a=simulcast:send l;m;h\r\n", []RID{{"l", false}, {"m", false}, {"h", false}}},
		{"a=simulcast:send h;~m;l\r\n", []RID{{"h", false}, {"m", true}, {"l", false}}},
		{"a=simulcast:send ~l,m;h\r\n", []RID{{"l", true}, {"h", false}}},
		{"a=simulcast:recv x send m;l\r\n", []RID{{"m", false}, {"l", false}}},
		{"a=simulcast:send l;unknown;l;h\r\n", []RID{{"l", false}, {"h", false}}},
		{"", []RID{{"l", false}, {"m", false}, {"h", false}}},
	} {
		o := parse(t, edit(t, chromium, "a=simulcast:send l;m;h\r\n", c.line))
		if got := o.Sections[1].RIDs; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q gives %v, want %v", c.line, got, c.want)
		}
	}
}

func TestHeaderExtensionIDs(t *testing.T) {
	chromium := readOffer(t, "chromium")
	const twcc = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	for _, c := range []struct {
		name, id, mixed string
		want            uint8
	}{
		{"the largest one-byte id", "14", "", 14},
		{"fifteen is no id", "15", "a=extmap-allow-mixed", 0},
		{"two bytes, where they may mix", "200", "a=extmap-allow-mixed", 200},
		{"two bytes, where they may not", "200", "a=x", 0},
		{"none", "0", "a=extmap-allow-mixed", 0},
		{"too large", "256", "a=extmap-allow-mixed", 0},
	} {
		text := edit(t, chromium, "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset\r\n", "", "a=extmap:3 "+twcc, "a=extmap:"+c.id+" "+twcc)
		if c.mixed != "" {
			text = edit(t, text, "a=extmap-allow-mixed", c.mixed)
		}
		if got := parse(t, text).Extensions.TransportCC; got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	// Without transport-wide feedback the send time is the fallback.
	o := parse(t, edit(t, chromium, "a=extmap:3 "+twcc+"\r\n", ""))
	if o.Extensions.TransportCC != 0 || o.Extensions.AbsSendTime != 2 {
		t.Errorf("extensions %+v, want the absolute send time", o.Extensions)
	}
}

func TestTransportIsThatOfTheFirstBundledMLine(t *testing.T) {
	// A browser that does not insist on BUNDLE offers a transport for every m-line.
	first, rest, _ := strings.Cut(readOffer(t, "chromium"), "m=video")
	text := first + "m=video" + edit(t, rest, "a=ice-ufrag:SJPZ", "a=ice-ufrag:OTHER")
	if o := parse(t, text); o.Remote.Ufrag != "SJPZ" {
		t.Errorf("ufrag %q, want the first m-line's", o.Remote.Ufrag)
	}
	if o := parse(t, edit(t, text, "m=audio 9", "m=audio 0")); o.Remote.Ufrag != "OTHER" {
		t.Errorf("ufrag %q, want that of the first m-line that is left", o.Remote.Ufrag)
	}
}

func TestLaterOfferContinuesTheSession(t *testing.T) {
	chromium := readOffer(t, "chromium")
	before := parse(t, chromium)
	if _, err := Answer(before, testLocal()); err != nil {
		t.Fatal(err)
	}
	moreSlots := edit(t, chromium, "BUNDLE 0 1 2 3 9", "BUNDLE 0 1 2 3 9 10") + edit(t, chromium[strings.LastIndex(chromium, "m=video"):], "a=mid:9", "a=mid:10")
	later := parse(t, moreSlots)
	restart, err := later.Continue(before)
	if err != nil || restart {
		t.Fatalf("more slots: restart %v, %v", restart, err)
	}
	if _, err := Answer(later, testLocal()); err != nil {
		t.Fatal(err)
	}
	seen := map[uint32]bool{0: true}
	for i, s := range later.Sections {
		if i < len(before.Sections) && s.Send != before.Sections[i].Send {
			t.Errorf("m-line %d: SSRCs %v became %v", i, before.Sections[i].Send, s.Send)
		}
		if s.Role != Slot {
			continue
		}
		if seen[s.Send.Media] || s.Kind == Video && (seen[s.Send.RTX] || s.Send.Media == s.Send.RTX) {
			t.Errorf("m-line %d: SSRCs %v are not its own", i, s.Send)
		}
		seen[s.Send.Media], seen[s.Send.RTX] = true, true
	}

	restarted := parse(t, edit(t, chromium, "a=ice-ufrag:SJPZ", "a=ice-ufrag:anew", "a=ice-pwd:3u9gWMwlMjuxnnkIYja+2GXS", "a=ice-pwd:4u9gWMwlMjuxnnkIYja+2GXS"))
	if restart, err := restarted.Continue(before); err != nil || !restart {
		t.Errorf("new credentials: restart %v, %v", restart, err)
	}
}

func TestLaterOfferOfAnotherSessionIsRefused(t *testing.T) {
	chromium := readOffer(t, "chromium")
	before := parse(t, chromium)
	if _, err := Answer(before, testLocal()); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"another certificate": edit(t, chromium, "97:2A:D8", "97:2A:D9"),
		"fewer m-lines":       chromium[:strings.LastIndex(chromium, "m=video")],
		"another mid":         edit(t, chromium, "a=mid:3", "a=mid:7", "BUNDLE 0 1 2 3", "BUNDLE 0 1 2 7"),
		"another kind":        swapKinds(chromium),
		"a slot that sends":   edit(t, chromium, "a=recvonly", "a=sendonly"),
		"a sender as a slot":  edit(t, chromium, "a=sendonly", "a=recvonly"),
		"half a restart":      edit(t, chromium, "a=ice-ufrag:SJPZ", "a=ice-ufrag:anew"),
	} {
		if _, err := parse(t, text).Continue(before); !errors.Is(err, ErrOffer) {
			t.Errorf("%s: %v, want ErrOffer", name, err)
		}
	}
}

// swapKinds makes the last audio m-line a video one with the same mid.
func swapKinds(text string) string {
	at := strings.LastIndex(text, "m=audio")
	video := strings.LastIndex(text, "m=video")
	return text[:at] + strings.Replace(text[video:], "a=mid:9", "a=mid:3", 1) + strings.Replace(text[at:video], "a=mid:3", "a=mid:9", 1)
}

func TestEndedMLineMayBeRecycled(t *testing.T) {
	chromium := readOffer(t, "chromium")
	first := parse(t, chromium)
	if _, err := Answer(first, testLocal()); err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndex(chromium, "m=video")
	head, last := edit(t, chromium[:at], "BUNDLE 0 1 2 3 9", "BUNDLE 0 1 2 3"), chromium[at:]
	ended := parse(t, head+edit(t, last, "m=video 9", "m=video 0"))
	if _, err := ended.Continue(first); err != nil {
		t.Fatal(err)
	}
	if _, err := Answer(ended, testLocal()); err != nil {
		t.Fatal(err)
	}
	recycled := parse(t, edit(t, head, "BUNDLE 0 1 2 3", "BUNDLE 0 1 2 3 20")+edit(t, last, "a=mid:9", "a=mid:20"))
	if _, err := recycled.Continue(ended); err != nil {
		t.Fatal(err)
	}
	if _, err := Answer(recycled, testLocal()); err != nil {
		t.Fatal(err)
	}
	if was, is := first.Sections[4].Send, recycled.Sections[4].Send; is == was || is.Media == 0 {
		t.Errorf("SSRCs %v after %v, want new ones", is, was)
	}
}

func FuzzParseOffer(f *testing.F) {
	// Parts of the real offers: the fuzzer takes minutes to minimise what it finds in whole ones.
	for _, browser := range []string{"chromium", "firefox"} {
		lines := strings.SplitAfter(readOffer(f, browser), "\r\n")
		f.Add(strings.Join(lines[:40], ""))
	}
	f.Add("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=group:BUNDLE a\na=ice-ufrag:ufrag\na=ice-pwd:0123456789012345678901\n" +
		"a=fingerprint:sha-256 AA" + strings.Repeat(":AA", 31) + "\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\na=mid:a\na=rtcp-mux\na=rtpmap:96 VP8/90000\n" +
		"a=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\na=rid:x send\na=simulcast:send x\na=ssrc-group:FID 1 2\na=ssrc:1 cname:x\n")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := ParseOffer(text)
		if err != nil {
			if !errors.Is(err, ErrOffer) || err.Error() == "" {
				t.Fatalf("error %v", err)
			}
			return
		}
		answer, err := Answer(o, testLocal())
		if errors.Is(err, ErrOffer) {
			return // nothing but RED, whose Opus is missing
		} else if err != nil {
			t.Fatalf("an offer that was taken cannot be answered: %v", err)
		}
		if got := strings.Count(answer, "\r\nm="); got != len(o.Sections) {
			t.Fatalf("%d m-lines answer %d", got, len(o.Sections))
		}
		again := parse(t, text)
		if restart, err := again.Continue(o); err != nil || restart {
			t.Fatalf("the same offer does not continue itself: %v, %v", restart, err)
		}
	})
}
