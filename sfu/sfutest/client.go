// Package sfutest is a browser for tests of the media core: a pion/webrtc client with
// one offer and slots, and synthetic media that says who sent it and in what order.
//
// It must never know of signaling; a test carries offers and answers itself.
package sfutest

import (
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"tarasul/sfu"
)

const (
	levelURI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	midURI   = "urn:ietf:params:rtp-hdrext:sdes:mid"
	ridURI   = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
)

// Options say what a Client offers.
type Options struct {
	Rids       []string // simulcast of the camera; nil = one encoding
	AudioSlots int
	VideoSlots int
	TCP        bool   // ICE over TCP only
	Codec      string // VP8 or VP9; "" = VP8
}

// Client is one participant.
type Client struct {
	PC   *webrtc.PeerConnection
	t    testing.TB
	opt  Options
	mids map[string]sfu.Source

	Microphone *Sender
	Camera     map[string]*Sender // by rid

	mu       sync.Mutex
	received map[string][]Received // by mid
	reports  map[string][]rtcp.SenderReport
	missed   []uint16
	changed  chan struct{}
}

// Received is one packet that came in a slot.
type Received struct {
	Header rtp.Header
	Stamp  Stamp
	At     time.Time
}

// Stamp is what synthetic payloads carry.
type Stamp struct {
	Sender uint32 // the number given to the Sender
	Count  uint32 // of packets since its start
	Key    bool
	// Picture is the VP8 picture id that arrived with it.
	Picture uint16
}

// Sender makes one synthetic stream.
type Sender struct {
	ID     uint32
	sender *webrtc.RTPSender
	mid    func() string
	rid    string
	track  *webrtc.TrackLocalStaticRTP
	video  bool
	codec  string
	mu     sync.Mutex
	seq    uint16
	ts     uint32
	count  uint32
	pic    uint16
	width  int
	level  *uint8 // of the next packets, if it was given
	asked  int    // key frames asked for
	askedC chan struct{}
}

// New makes a client that has not offered yet. It is closed with the test.
func New(t testing.TB, id uint32, opt Options) *Client {
	t.Helper()
	if opt.Codec == "" {
		opt.Codec = "VP8"
	}
	media := &webrtc.MediaEngine{}
	video := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: "video/" + opt.Codec, ClockRate: 90000, SDPFmtpLine: map[string]string{"VP9": "profile-id=0"}[opt.Codec],
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "transport-cc"}},
		}, PayloadType: 96,
	}
	for _, c := range []struct {
		kind webrtc.RTPCodecType
		p    webrtc.RTPCodecParameters
	}{
		{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"}, PayloadType: 111}},
		{webrtc.RTPCodecTypeVideo, video},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96"}, PayloadType: 97}},
	} {
		must(t, media.RegisterCodec(c.p, c.kind))
	}
	for _, uri := range []string{midURI, ridURI,
		"urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"} {
		must(t, media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo))
	}
	for _, uri := range []string{midURI, levelURI} {
		must(t, media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeAudio))
	}
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	settings.SetIPFilter(func(ip net.IP) bool { return ip.To4() != nil })
	if opt.TCP {
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	}
	interceptors := &interceptor.Registry{}
	must(t, webrtc.ConfigureSimulcastExtensionHeaders(media))
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(settings), webrtc.WithInterceptorRegistry(interceptors)).
		NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	must(t, err)
	c := &Client{PC: pc, t: t, opt: opt, mids: map[string]sfu.Source{}, Camera: map[string]*Sender{},
		received: map[string][]Received{}, reports: map[string][]rtcp.SenderReport{}, changed: make(chan struct{}, 1)}
	t.Cleanup(func() { pc.Close() })
	c.addSenders(id)
	for range opt.AudioSlots {
		_, err = pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		must(t, err)
	}
	for range opt.VideoSlots {
		c.AddVideoSlot()
	}
	pc.OnTrack(c.onTrack)
	return c
}

func (c *Client) addSenders(id uint32) {
	audio, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "mic", "me")
	must(c.t, err)
	tr, err := c.PC.AddTransceiverFromTrack(audio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	must(c.t, err)
	c.Microphone = newSender(id<<8, audio, tr, false)
	go c.drain(tr.Sender())
	rids := c.opt.Rids
	if rids == nil {
		rids = []string{""}
	}
	var camera *webrtc.RTPTransceiver
	for i, rid := range rids {
		var options []func(*webrtc.TrackLocalStaticRTP)
		if rid != "" {
			options = append(options, webrtc.WithRTPStreamID(rid))
		}
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: "video/" + c.opt.Codec, ClockRate: 90000}, "cam", "me", options...)
		must(c.t, err)
		if i == 0 {
			camera, err = c.PC.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
			must(c.t, err)
		} else {
			must(c.t, camera.Sender().AddEncoding(track))
		}
		s := newSender(id<<8|uint32(i+1), track, camera, true)
		s.rid, s.codec = rid, c.opt.Codec
		s.width = 320 << i
		if len(rids) == 1 {
			s.width = 1280
		}
		c.Camera[rid] = s
	}
	if rids[0] == "" {
		go c.drain(camera.Sender())
	} else {
		for _, rid := range rids {
			go c.drainSimulcast(camera.Sender(), rid)
		}
	}
}

// AddVideoSlot adds a receive m-line for the next offer.
func (c *Client) AddVideoSlot() {
	_, err := c.PC.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	must(c.t, err)
}

func (c *Client) drain(s *webrtc.RTPSender) {
	for {
		packets, _, err := s.ReadRTCP()
		if err != nil {
			return
		}
		c.feedback(packets, c.opt.Rids)
	}
}

func (c *Client) drainSimulcast(s *webrtc.RTPSender, rid string) {
	for {
		packets, _, err := s.ReadSimulcastRTCP(rid)
		if err != nil {
			return
		}
		c.feedback(packets, []string{rid})
	}
}

func (c *Client) feedback(packets []rtcp.Packet, rids []string) {
	for _, p := range packets {
		if nack, ok := p.(*rtcp.TransportLayerNack); ok {
			c.note(func() {
				for _, pair := range nack.Nacks {
					c.missed = append(c.missed, pair.PacketList()...)
				}
			})
		}
		if _, ok := p.(*rtcp.PictureLossIndication); !ok {
			continue
		}
		if len(rids) == 0 {
			rids = []string{""}
		}
		for _, rid := range rids {
			s := c.Camera[rid]
			s.mu.Lock()
			s.asked++
			s.mu.Unlock()
			select {
			case s.askedC <- struct{}{}:
			default:
			}
		}
	}
}

// Offer makes the offer; with restart it restarts ICE.
func (c *Client) Offer(restart bool) sfu.Offer {
	c.t.Helper()
	offer, err := c.PC.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	must(c.t, err)
	must(c.t, c.PC.SetLocalDescription(offer))
	<-webrtc.GatheringCompletePromise(c.PC)
	sends := map[string]sfu.Source{}
	for _, t := range c.PC.GetTransceivers() {
		if t.Direction() != webrtc.RTPTransceiverDirectionSendonly {
			continue
		}
		if t.Kind() == webrtc.RTPCodecTypeAudio {
			sends[t.Mid()] = sfu.Microphone
		} else {
			sends[t.Mid()] = sfu.Camera
		}
	}
	return sfu.Offer{SDP: c.PC.LocalDescription().SDP, Sends: sends}
}

// Accept takes the answer.
func (c *Client) Accept(a sfu.Answer) {
	c.t.Helper()
	must(c.t, c.PC.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: a.SDP}))
}

// Connected waits until media can flow.
func (c *Client) Connected() {
	c.t.Helper()
	ok := make(chan struct{})
	var once sync.Once
	check := func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(ok) })
		}
	}
	c.PC.OnConnectionStateChange(check)
	check(c.PC.ConnectionState())
	select {
	case <-ok:
	case <-time.After(10 * time.Second):
		c.t.Fatalf("not connected after 10 s: %s", c.PC.ConnectionState())
	}
}

func (c *Client) onTrack(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	mid := receiver.RTPTransceiver().Mid()
	go c.readReports(mid, receiver)
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		r := Received{Header: p.Header, At: time.Now()}
		codec := ""
		if track.Kind() == webrtc.RTPCodecTypeVideo {
			codec = c.opt.Codec
		}
		r.Stamp = parse(p.Payload, codec)
		c.note(func() { c.received[mid] = append(c.received[mid], r) })
	}
}

// note changes what Until waits for.
func (c *Client) note(change func()) {
	c.mu.Lock()
	change()
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// readReports takes in the sender reports of a slot.
func (c *Client) readReports(mid string, receiver *webrtc.RTPReceiver) {
	for {
		packets, _, err := receiver.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok && sr.SSRC == uint32(receiver.Track().SSRC()) {
				c.note(func() { c.reports[mid] = append(c.reports[mid], *sr) })
			}
		}
	}
}

// Missed are the sequence numbers that the node asked this client for again.
func (c *Client) Missed() []uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.missed)
}

// Reports are the sender reports that came for a slot.
func (c *Client) Reports(mid string) []rtcp.SenderReport {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.reports[mid])
}

// Ask asks the node for packets of a slot again.
func (c *Client) Ask(ssrc uint32, seqs ...uint16) {
	c.t.Helper()
	must(c.t, c.PC.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)}}))
}

// Slot returns what has come in a slot so far.
func (c *Client) Slot(mid string) []Received {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.received[mid])
}

// Until waits until what has come satisfies ok, while send is called every 10 ms.
func (c *Client) Until(what string, send func(), ok func() bool) {
	c.t.Helper()
	deadline := time.After(10 * time.Second)
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for !ok() {
		select {
		case <-pace.C:
			if send != nil {
				send()
			}
		case <-c.changed:
		case <-deadline:
			c.t.Fatalf("after 10 s: %s", what)
		}
	}
}

func newSender(id uint32, track *webrtc.TrackLocalStaticRTP, tr *webrtc.RTPTransceiver, video bool) *Sender {
	return &Sender{ID: id, track: track, sender: tr.Sender(), mid: tr.Mid, video: video, seq: 65500, ts: 1<<32 - 5000, pic: 32760, askedC: make(chan struct{}, 1)}
}

// Asked is how many key frames were asked for.
func (s *Sender) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Send sends one packet: 20 ms of sound or one small frame.
func (s *Sender) Send(key bool) error {
	s.mu.Lock()
	p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: s.seq, Timestamp: s.ts, Marker: s.video}}
	s.seq++
	s.count++
	if s.video {
		s.ts += 3000
		p.Payload = frame(s.codec, s.pic, key, s.width)
		s.pic = (s.pic + 1) & 0x7fff
	} else {
		s.ts += 960
	}
	for _, e := range s.sender.GetParameters().HeaderExtensions {
		value := map[string][]byte{ridURI: []byte(s.rid), midURI: []byte(s.mid())}[e.URI]
		if e.URI == levelURI && s.level != nil {
			value = []byte{*s.level}
		}
		if len(value) == 0 {
			continue
		}
		if err := p.SetExtension(uint8(e.ID), value); err != nil {
			s.mu.Unlock()
			return err
		}
	}
	p.Payload = binary.BigEndian.AppendUint32(p.Payload, s.ID)
	p.Payload = binary.BigEndian.AppendUint32(p.Payload, s.count)
	track := s.track
	s.mu.Unlock()
	return track.WriteRTP(p)
}

// Speak sends 20 ms of sound at a level in -dBov.
func (c *Client) Speak(level uint8) error {
	s := c.Microphone
	s.mu.Lock()
	s.level = &level
	s.mu.Unlock()
	return s.Send(false)
}

// Sent is how many packets were sent.
func (s *Sender) Sent() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Last is the sequence number that was sent last.
func (s *Sender) Last() uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq - 1
}

// Report tells the node how the stream's clock lies: now is its current timestamp.
func (c *Client) Report(s *Sender, now time.Time) {
	c.t.Helper()
	s.mu.Lock()
	ts := s.ts
	s.mu.Unlock()
	ntp := uint64(now.Unix()+2208988800)<<32 | uint64(now.Nanosecond())<<32/1e9
	must(c.t, c.PC.WriteRTCP([]rtcp.Packet{&rtcp.SenderReport{SSRC: uint32(s.sender.GetParameters().Encodings[0].SSRC), NTPTime: ntp, RTPTime: ts}}))
}

// Skip leaves out one sequence number, as if the packet had been lost on the way.
func (s *Sender) Skip() {
	s.mu.Lock()
	s.seq++
	s.mu.Unlock()
}

// frame is a payload descriptor with a 15-bit picture id, and the beginning of a frame: of
// VP8 (RFC 7741 sections 4.2 and 4.3), or of VP9 (RFC 9628 section 4.2) with what stands
// for a frame.
func frame(codec string, picture uint16, key bool, width int) []byte {
	if codec == "VP9" {
		b := []byte{0x8c, 0x80 | byte(picture>>8), byte(picture), 0, 0, 0, 0}
		if !key {
			b[0] |= 0x40
		}
		return b
	}
	b := []byte{0x90, 0x80, 0x80 | byte(picture>>8), byte(picture)}
	if !key {
		return append(b, 0x01, 0, 0)
	}
	b = append(b, 0x10, 0, 0, 0x9d, 0x01, 0x2a)
	b = binary.LittleEndian.AppendUint16(b, uint16(width))
	return binary.LittleEndian.AppendUint16(b, uint16(width*9/16))
}

func parse(b []byte, codec string) Stamp {
	var s Stamp
	switch {
	case codec == "":
	case len(b) < 7:
		return s
	case codec == "VP9":
		s.Picture = binary.BigEndian.Uint16(b[1:]) & 0x7fff
		s.Key = b[0]&0x40 == 0
		b = b[7:]
	default:
		s.Picture = binary.BigEndian.Uint16(b[2:]) & 0x7fff
		s.Key = b[4]&1 == 0
		b = b[7:]
		if s.Key {
			b = b[min(7, len(b)):]
		}
	}
	if len(b) >= 8 {
		s.Sender, s.Count = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	}
	return s
}

func must(t testing.TB, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(fmt.Errorf("sfutest: %w", err))
	}
}
