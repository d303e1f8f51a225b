package bot

import (
	"fmt"
	"strconv"
	"strings"

	"tarasul/signaling/protocol"
)

// Payload types and header extensions, numbered as Chromium does.
const (
	payloadOpus = 111
	payloadRED  = 63
	payloadVP8  = 96
	payloadRTX  = 97

	extLevel       = 1 // urn:ietf:params:rtp-hdrext:ssrc-audio-level
	extAbsSendTime = 2
	extTransport   = 3 // transport-wide sequence number
	extMid         = 4
	extRid         = 10
	extRepairedRid = 11
)

// Rids of a simulcast, the smallest encoding first.
var rids = [3]string{"l", "m", "h"}

// offerConfig says what an offer is to have.
type offerConfig struct {
	ufrag, pwd, fingerprint string
	cname                   string
	microphone              uint32      // SSRC, 0 for none
	camera                  [][2]uint32 // SSRC and RTX SSRC of each encoding, none for no camera
	audioSlots, videoSlots  int
}

// writeOffer writes an offer in the shape of Chromium's, with the codecs of the video sections narrowed to VP8 and VP9 as the
// page narrows them: what is sent first, then the slots.
func writeOffer(c offerConfig) protocol.MediaOffer {
	sends := map[string]protocol.Source{}
	var sections []string
	add := func(kind, body string, source protocol.Source) {
		mid := strconv.Itoa(len(sections))
		if source != "" {
			sends[mid] = source
		}
		sections = append(sections, c.section(kind, mid, body))
	}
	if c.microphone != 0 {
		add("audio", "a=sendonly\r\na=msid:- microphone\r\n"+audioCodecs+ssrcLine(c.microphone, c.cname), protocol.SourceMicrophone)
	}
	if len(c.camera) > 0 {
		body := "a=sendonly\r\na=msid:- camera\r\n" + videoCodecs
		if len(c.camera) == 1 {
			body += fmt.Sprintf("a=ssrc-group:FID %d %d\r\n", c.camera[0][0], c.camera[0][1]) +
				ssrcLine(c.camera[0][0], c.cname) + ssrcLine(c.camera[0][1], c.cname)
		} else {
			names := rids[:len(c.camera)]
			for _, rid := range names {
				body += "a=rid:" + rid + " send\r\n"
			}
			body += "a=simulcast:send " + strings.Join(names, ";") + "\r\n"
		}
		add("video", body, protocol.SourceCamera)
	}
	for range c.audioSlots {
		add("audio", "a=recvonly\r\n"+audioCodecs, "")
	}
	for range c.videoSlots {
		add("video", "a=recvonly\r\n"+videoCodecs, "")
	}
	var b strings.Builder
	b.WriteString("v=0\r\no=- 4611732055432432640 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE")
	for mid := range sections {
		fmt.Fprintf(&b, " %d", mid)
	}
	b.WriteString("\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n")
	for _, s := range sections {
		b.WriteString(s)
	}
	return protocol.MediaOffer{SDP: b.String(), Sends: sends}
}

func (c offerConfig) section(kind, mid, body string) string {
	formats, extensions := fmt.Sprintf("%d %d", payloadOpus, payloadRED), audioExtensions
	if kind == "video" {
		formats, extensions = fmt.Sprintf("%d %d 98 99", payloadVP8, payloadRTX), videoExtensions
	}
	return "m=" + kind + " 9 UDP/TLS/RTP/SAVPF " + formats + "\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n" +
		"a=ice-ufrag:" + c.ufrag + "\r\na=ice-pwd:" + c.pwd + "\r\na=ice-options:trickle\r\n" +
		"a=fingerprint:sha-256 " + c.fingerprint + "\r\na=setup:actpass\r\na=mid:" + mid + "\r\n" +
		extensions + "a=rtcp-mux\r\na=rtcp-rsize\r\n" + body
}

func ssrcLine(ssrc uint32, cname string) string {
	return fmt.Sprintf("a=ssrc:%d cname:%s\r\n", ssrc, cname)
}

const (
	audioExtensions = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n" + commonExtensions
	videoExtensions = commonExtensions +
		"a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n" +
		"a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n" +
		"a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension\r\n"
	commonExtensions = "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n" +
		"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n" +
		"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"

	audioCodecs = "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n" +
		"a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
	videoCodecs = "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\n" +
		"a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n" +
		"a=rtpmap:98 VP9/90000\r\na=rtcp-fb:98 goog-remb\r\na=rtcp-fb:98 transport-cc\r\na=rtcp-fb:98 ccm fir\r\n" +
		"a=rtcp-fb:98 nack\r\na=rtcp-fb:98 nack pli\r\na=fmtp:98 profile-id=0\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n"
)
