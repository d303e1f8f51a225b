//go:build linux

package bot

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"tarasul/loadtest/synth"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// echo is a server of one peer, made of pion/webrtc as a second opinion on everything a bot says: it sends what it receives
// back into the first slot of each kind.
type echo struct {
	t      *testing.T
	pc     *webrtc.PeerConnection
	answer string
	slots  map[webrtc.RTPCodecType]*webrtc.TrackLocalStaticRTP

	leaveOut atomic.Int32 // packets that are to be lost on the way to the bot
	received chan rtcp.Packet
	tracks   chan *webrtc.TrackRemote
}

func newEcho(t *testing.T, offer string) *echo {
	t.Helper()
	e := &echo{
		t: t, slots: map[webrtc.RTPCodecType]*webrtc.TrackLocalStaticRTP{}, received: make(chan rtcp.Packet, 10_000),
		tracks: make(chan *webrtc.TrackRemote, 10),
	}
	engine := &webrtc.MediaEngine{}
	check(t, engine.RegisterDefaultCodecs())
	for _, uri := range []string{"urn:ietf:params:rtp-hdrext:sdes:mid", "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"} {
		check(t, engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo))
	}
	check(t, engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: "urn:ietf:params:rtp-hdrext:ssrc-audio-level"}, webrtc.RTPCodecTypeAudio))
	registry := &interceptor.Registry{}
	check(t, webrtc.RegisterDefaultInterceptors(engine, registry))
	settings := webrtc.SettingEngine{}
	logs := logging.NewDefaultLoggerFactory()
	logs.DefaultLogLevel = logging.LogLevelDisabled
	settings.LoggerFactory = logs
	settings.SetLite(true)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	check(t, settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer))
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings)).
		NewPeerConnection(webrtc.Configuration{})
	check(t, err)
	e.pc = pc
	t.Cleanup(func() { check(t, pc.Close()) })
	pc.OnTrack(e.forward)
	check(t, pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}))
	for _, transceiver := range pc.GetTransceivers() {
		if transceiver.Direction() != webrtc.RTPTransceiverDirectionSendonly || transceiver.Sender() != nil && transceiver.Sender().Track() != nil {
			continue
		}
		capability := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
		if transceiver.Kind() == webrtc.RTPCodecTypeVideo {
			capability = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
		}
		track, err := webrtc.NewTrackLocalStaticRTP(capability, transceiver.Kind().String(), "slot")
		check(t, err)
		sender, err := pc.AddTrack(track)
		check(t, err)
		if e.slots[transceiver.Kind()] == nil {
			e.slots[transceiver.Kind()] = track
		}
		go e.listen(sender)
	}
	answer, err := pc.CreateAnswer(nil)
	check(t, err)
	gathered := webrtc.GatheringCompletePromise(pc)
	check(t, pc.SetLocalDescription(answer))
	<-gathered
	e.answer = pc.LocalDescription().SDP
	return e
}

func (e *echo) listen(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			select {
			case e.received <- p:
			default:
			}
		}
	}
}

func (e *echo) forward(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	e.tracks <- track
	var skipped uint16
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if track.Kind() == webrtc.RTPCodecTypeVideo && track.RID() != "" && track.RID() != "l" {
			continue
		}
		if track.Kind() == webrtc.RTPCodecTypeVideo && e.leaveOut.Load() > 0 {
			e.leaveOut.Add(-1)
			continue
		}
		packet.SequenceNumber -= skipped
		packet.Extension, packet.Extensions = false, nil
		if err := e.slots[track.Kind()].WriteRTP(packet); err != nil {
			return
		}
	}
}

// await returns the first RTCP packet from the bot of type P for which is holds.
func await[P rtcp.Packet](e *echo, is func(P) bool) P {
	e.t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case p := <-e.received:
			if q, ok := p.(P); ok && is(q) {
				return q
			}
		case <-timeout:
			var none P
			e.t.Fatalf("no %T from the bot", none)
			return none
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newTestEngine runs an engine until the test ends.
func newTestEngine(t *testing.T) *Engine {
	t.Helper()
	e, err := NewEngine()
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { e.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done; e.Close() })
	return e
}

func testPeer(e *Engine, change func(*PeerConfig)) *Peer {
	cfg := PeerConfig{
		Bots: 1, Microphone: true, AudioRate: 32_000, Camera: []Encoding{{Bitrate: 300_000, Width: 320, Height: 180}},
		FrameRate: 30, Temporal: 1, AudioSlots: 2, VideoSlots: 2, Sample: 1, Feedback: true, Script: synth.NewScript(1, 0, 1), Seed: 1,
	}
	if change != nil {
		change(&cfg)
	}
	return NewPeer(e, cfg)
}

// connect connects a peer to an echo of its own.
func connect(t *testing.T, p *Peer) *echo {
	t.Helper()
	e := newEcho(t, p.Offer().SDP)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	check(t, p.Connect(ctx, e.answer))
	t.Cleanup(p.Close)
	return e
}

// until waits until the engine's state satisfies ok.
func until(t *testing.T, e *Engine, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		good := false
		check(t, e.Do(func() { good = ok() }))
		if good {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s still not: %s; totals %+v", what, e.totals)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestABotHearsAndSeesItselfThroughAServer(t *testing.T) {
	e := newTestEngine(t)
	p := testPeer(e, nil)
	connect(t, p)
	until(t, e, "both kinds arrive", func() bool { return p.seen[synth.Voice][0].inWindow > 0 && p.seen[synth.Camera][0].inWindow > 0 })
	check(t, e.StartWindow())
	var start uint64
	until(t, e, "a second of media has passed", func() bool {
		if start == 0 {
			start = e.totals.Packets
		}
		return e.totals.Packets >= start+100
	})
	w, err := e.EndWindow(func(receiver, sender int) bool { return true })
	check(t, err)
	if w.VideoFlows != 1 || w.VoiceFlows != 1 || len(w.Silent) != 0 {
		t.Errorf("%d pictures and %d voices flow, silent: %v", w.VideoFlows, w.VoiceFlows, w.Silent)
	}
	for kind, r := range w.Received {
		if r.Lost() != 0 || r.Duplicates != 0 || r.Packets == 0 {
			t.Errorf("kind %d: %+v", kind, r)
		}
		if l := w.Latency[kind]; l.Total() == 0 || l.Percentile(50) > 50*time.Millisecond || l.Negative() > 0 {
			t.Errorf("kind %d: latency p50 %v of %d, %d negative", kind, l.Percentile(50), l.Total(), l.Negative())
		}
		if w.Sent[kind].Packets == 0 {
			t.Errorf("kind %d: nothing sent", kind)
		}
	}
	if n := w.Totals; n.BrokenFrames+n.BlindStarts+n.Undecipherable+n.Foreign+n.Misdirected+n.Withheld+n.Unstamped != 0 {
		t.Errorf("faults: %+v", n)
	}
	times, err := p.Times()
	check(t, err)
	if times.Connected == 0 || times.FirstMedia < times.Connected-int64(time.Second) || times.Pictures[0] == 0 {
		t.Errorf("times %+v", times)
	}
}

func TestABotReportsAsABrowserDoes(t *testing.T) {
	e := newTestEngine(t)
	p := testPeer(e, nil)
	server := connect(t, p)
	await(server, func(r *rtcp.ReceiverReport) bool { return len(r.Reports) > 0 && r.Reports[0].LastSequenceNumber > 0 })
	// pion reports on what it receives, so the bot soon leaves out the mid.
	until(t, e, "the server's reports are heard", func() bool { return p.sources[0].known && p.sources[1].known })
	until(t, e, "transport-wide reports come back", func() bool { return e.totals.TransportReports > 0 })
}

func TestALossIsCountedAndAskedForAndAPLIIsAnsweredWithAKeyFrame(t *testing.T) {
	e := newTestEngine(t)
	p := testPeer(e, nil)
	server := connect(t, p)
	until(t, e, "the picture arrives", func() bool { return p.seen[synth.Camera][0].inWindow > 10 })
	server.leaveOut.Store(3)
	await(server, func(n *rtcp.TransportLayerNack) bool { return len(n.Nacks) > 0 })
	until(t, e, "the loss is counted", func() bool {
		for _, s := range p.slots {
			if s.kind == synth.Camera && s.media.sequence.Counts().Lost() == 3 {
				return true
			}
		}
		return false
	})
	// Nobody has those packets, so after some tries the bot wants a key frame, as a decoder does.
	await(server, func(*rtcp.PictureLossIndication) bool { return true })

	var before uint64
	check(t, e.Do(func() { before = p.sources[1].sent.KeyFrames }))
	check(t, server.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: p.sources[1].ssrc}}))
	until(t, e, "a key frame is sent", func() bool { return p.sources[1].sent.KeyFrames > before })
	check(t, server.pc.WriteRTCP([]rtcp.Packet{&rtcp.FullIntraRequest{MediaSSRC: p.sources[1].ssrc, FIR: []rtcp.FIREntry{{SSRC: p.sources[1].ssrc}}}}))
	until(t, e, "another one is sent", func() bool { return p.sources[1].sent.KeyFrames > before+1 })

	var sequence uint16
	check(t, e.Do(func() { sequence = p.sources[1].sequence - 5 }))
	check(t, server.pc.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: p.sources[1].ssrc, Nacks: []rtcp.NackPair{{PacketID: sequence, LostPackets: 3}}}}))
	until(t, e, "three packets are sent again", func() bool { return p.sources[1].sent.Retransmissions == 3 })
}

func TestThreeEncodingsAreToldApartAndStopWhenUnwanted(t *testing.T) {
	e := newTestEngine(t)
	p := testPeer(e, func(c *PeerConfig) {
		c.Microphone = false
		c.Camera = []Encoding{{60_000, 160, 90}, {150_000, 320, 180}, {500_000, 640, 360}}
		c.Temporal = 3
	})
	server := connect(t, p)
	got := map[string]bool{}
	for len(got) < 3 {
		select {
		case track := <-server.tracks:
			got[track.RID()] = true
		case <-time.After(10 * time.Second):
			t.Fatalf("tracks %v", got)
		}
	}
	if !got["l"] || !got["m"] || !got["h"] {
		t.Errorf("rids %v", got)
	}
	check(t, p.Want(synth.Camera, map[string]bool{"l": true, "m": false, "h": false}))
	var sent [3]uint64
	check(t, e.Do(func() {
		for i, s := range p.sources {
			sent[i] = s.sent.Packets
		}
	}))
	until(t, e, "the smallest goes on", func() bool { return p.sources[0].sent.Packets > sent[0]+10 })
	check(t, e.Do(func() {
		if p.sources[1].sent.Packets != sent[1] || p.sources[2].sent.Packets != sent[2] {
			t.Error("an unwanted encoding goes on")
		}
		sent[2] = p.sources[2].sent.KeyFrames
	}))
	check(t, p.Want(synth.Camera, map[string]bool{"h": true}))
	until(t, e, "it comes back with a key frame", func() bool { return p.sources[2].sent.KeyFrames == sent[2]+1 })
}

func TestTheEndOfTheServerIsNoticed(t *testing.T) {
	e := newTestEngine(t)
	p := testPeer(e, nil)
	server := connect(t, p)
	check(t, server.pc.Close())
	select {
	case <-p.Failed():
	case <-time.After(10 * time.Second):
		t.Fatal("the bot did not notice")
	}
}
