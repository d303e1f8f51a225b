package transport_test

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"tarasul/sfu/payload"
	"tarasul/sfu/transport"
	"tarasul/sfu/udp"
)

// server is what the shard does with a transport, in the smallest form: one peer, one UDP
// socket, one TCP listener.
type server struct {
	t           *testing.T
	certificate *transport.Certificate
	socket      *net.UDPConn
	tcp         *transport.TCPListener
	running     sync.WaitGroup

	media chan *rtp.Packet // opened
	done  chan error       // of the handshake
	gone  chan string      // the association's end
	ended chan *transport.Stream

	mu      sync.Mutex // guards what follows
	offer   *transport.Offer
	local   transport.Credentials
	agents  map[string]*transport.Agent
	path    transport.Path
	dtls    *transport.DTLS
	in, out *srtp.Context
	seq     uint16
	version uint64
}

func newServer(t *testing.T) *server {
	t.Helper()
	certificate, err := transport.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		t: t, certificate: certificate, agents: map[string]*transport.Agent{},
		media: make(chan *rtp.Packet, 1000), done: make(chan error, 1), gone: make(chan string, 1), ended: make(chan *transport.Stream, 100),
	}
	if s.socket, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	s.tcp, err = transport.ListenTCP(netip.MustParseAddrPort("127.0.0.1:0"), transport.TCPConfig{
		Deliver: func(frame []byte, from *transport.Stream) {
			s.datagram(frame, transport.Path{Addr: from.Remote(), Stream: from})
		},
		Closed: func(ended *transport.Stream) { s.ended <- ended },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.running.Go(func() {
		b := make([]byte, 2048)
		for {
			n, from, err := s.socket.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			s.datagram(b[:n], transport.Path{Addr: udp.AddrOf(from)})
		}
	})
	t.Cleanup(func() {
		s.mu.Lock()
		handshake := s.dtls
		s.mu.Unlock()
		if handshake != nil {
			handshake.Close()
		}
		s.socket.Close()
		s.tcp.Close()
		s.running.Wait()
	})
	return s
}

// answer takes an offer, the first or a later one.
func (s *server) answer(offer string, tcp bool) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := transport.ParseOffer(offer)
	if err != nil {
		return "", err
	}
	restart := s.offer == nil
	if s.offer != nil {
		if restart, err = o.Continue(s.offer); err != nil {
			return "", err
		}
	}
	if restart {
		s.local = transport.NewCredentials()
		s.agents[s.local.Ufrag] = transport.NewAgent(s.local, o.Remote)
	}
	s.offer = o
	s.version++
	candidate := transport.Candidate{Addr: s.socket.LocalAddr().(*net.UDPAddr).AddrPort()}
	if tcp {
		candidate = transport.Candidate{Addr: s.tcp.Addr(), TCP: true}
	}
	return transport.Answer(o, transport.Local{
		Credentials: s.local, Fingerprint: s.certificate.Fingerprint, Candidates: []transport.Candidate{candidate}, Session: 1, Version: s.version,
	})
}

func (s *server) send(b []byte, to transport.Path) error {
	if to.Stream != nil {
		to.Stream.Write(b)
		return nil
	}
	_, err := s.socket.WriteToUDPAddrPort(b, to.Addr.AddrPort())
	return err
}

func (s *server) datagram(b []byte, from transport.Path) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case transport.IsSTUN(b):
		ufrag, _ := transport.Username(b)
		agent := s.agents[string(ufrag)]
		if agent == nil {
			return
		}
		r := agent.Handle(b, from, time.Now(), nil)
		if r.Verdict == transport.Checked && from.Stream != nil {
			from.Stream.Admit()
		}
		if p, ok := agent.Selected(); ok {
			s.path = p
		}
		if r.Reply != nil {
			_ = s.send(r.Reply, from)
		}
	case transport.IsDTLS(b):
		if s.dtls == nil {
			s.dtls = transport.StartDTLS(s.t.Context(), transport.DTLSConfig{
				Certificate: s.certificate, Remote: s.offer.Fingerprint,
				Write:  func(b []byte) error { s.mu.Lock(); defer s.mu.Unlock(); return s.send(b, s.path) },
				Done:   s.keyed,
				Closed: func(reason string) { s.gone <- reason },
			})
		}
		s.dtls.Deliver(b)
	case s.in != nil && b[1] < 192 || b[1] > 223:
		var h rtp.Header
		plain, err := s.in.DecryptRTP(nil, b, &h)
		if err != nil {
			s.t.Error(err)
			return
		}
		p := &rtp.Packet{}
		if err := p.Unmarshal(plain); err != nil {
			s.t.Error(err)
			return
		}
		select {
		case s.media <- p:
		default:
		}
	}
}

func (s *server) keyed(k transport.Keys, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.in, s.out, err = k.Contexts()
	}
	s.done <- err
}

// write sends one packet from a slot.
func (s *server) write(slot *transport.Section, codec payload.Codec, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pt, _, ok := slot.PayloadType(codec)
	if !ok {
		s.t.Fatalf("slot %s has no %v", slot.Mid, codec)
	}
	s.seq++
	raw, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: pt, SSRC: slot.Send.Media, SequenceNumber: s.seq}, Payload: body}).Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	sealed, err := s.out.EncryptRTP(nil, raw, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.send(sealed, s.path); err != nil {
		s.t.Error(err)
	}
}

// client is a browser in the form of pion/webrtc: it sends a microphone and a camera, and
// receives in as many slots as it is told.
type client struct {
	t         *testing.T
	pc        *webrtc.PeerConnection
	microRTP  *webrtc.TrackLocalStaticRTP
	cameraRTP *webrtc.TrackLocalStaticRTP
	tracks    chan *webrtc.TrackRemote
	connected chan struct{}
	seq       uint16 // of what it sends
}

func newClient(t *testing.T) *client {
	t.Helper()
	quiet := &logging.DefaultLoggerFactory{Writer: bytes.NewBuffer(nil), DefaultLogLevel: logging.LogLevelDisabled}
	settings := webrtc.SettingEngine{LoggerFactory: quiet}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4})
	codecs := &webrtc.MediaEngine{}
	if err := codecs.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		for _, uri := range []string{"urn:ietf:params:rtp-hdrext:sdes:mid", "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"} {
			if err := codecs.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
				t.Fatal(err)
			}
		}
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(codecs), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, pc: pc, tracks: make(chan *webrtc.TrackRemote, 100), connected: make(chan struct{})}
	t.Cleanup(func() { pc.GracefulClose() })
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { c.tracks <- track })
	var once sync.Once
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(c.connected) })
		}
	})
	c.microRTP = c.sender(webrtc.MimeTypeOpus, "microphone")
	c.cameraRTP = c.sender(webrtc.MimeTypeVP8, "camera")
	c.slots(1, 1)
	return c
}

func (c *client) sender(mime, id string) *webrtc.TrackLocalStaticRTP {
	c.t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, id, id)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		c.t.Fatal(err)
	}
	return track
}

func (c *client) slots(audio, video int) {
	c.t.Helper()
	for kind, n := range map[webrtc.RTPCodecType]int{webrtc.RTPCodecTypeAudio: audio, webrtc.RTPCodecTypeVideo: video} {
		for range n {
			if _, err := c.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

// offer makes an offer.
func (c *client) offer(restart bool) string {
	c.t.Helper()
	offer, err := c.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.pc.SetLocalDescription(offer); err != nil {
		c.t.Fatal(err)
	}
	return offer.SDP
}

func (c *client) accept(answer string) {
	c.t.Helper()
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		c.t.Fatalf("%v in\n%s", err, answer)
	}
}

// join connects a client to a server.
func join(t *testing.T, tcp bool) (*server, *client) {
	t.Helper()
	s, c := newServer(t), newClient(t)
	answer, err := s.answer(c.offer(false), tcp)
	if err != nil {
		t.Fatal(err)
	}
	c.accept(answer)
	if err := wait(t, s.done); err != nil {
		t.Fatal(err)
	}
	wait(t, c.connected)
	return s, c
}

func wait[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came in 20 s")
	}
	panic("unreachable")
}

// heard sends from a track until the server has opened a packet of it, and returns the m-line
// that it belongs to.
func heard(t *testing.T, s *server, c *client, track *webrtc.TrackLocalStaticRTP, body string) *transport.Section {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		c.seq++
		if err := track.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: c.seq}, Payload: []byte(body)}); err != nil {
			t.Fatal(err)
		}
		select {
		case p := <-s.media:
			if string(p.Payload) != body {
				continue
			}
			for _, section := range s.offer.Sections {
				for _, ssrc := range section.SSRCs {
					if ssrc.Media == p.SSRC {
						return section
					}
				}
			}
			t.Fatalf("SSRC %d belongs to no m-line", p.SSRC)
		case <-tick.C:
		}
	}
	t.Fatal("the server never heard it")
	return nil
}

// shown sends from a slot until the client has its track and a packet of it.
func shown(t *testing.T, s *server, c *client, slot *transport.Section, codec payload.Codec) {
	t.Helper()
	body := []byte("from slot " + slot.Mid)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		s.write(slot, codec, body)
		select {
		case track := <-c.tracks:
			if uint32(track.SSRC()) != slot.Send.Media || track.StreamID() != "s"+slot.Mid {
				t.Errorf("track %q with SSRC %d, want slot %s with %d", track.StreamID(), track.SSRC(), slot.Mid, slot.Send.Media)
			}
			p, _, err := track.ReadRTP()
			if err != nil || !bytes.Equal(p.Payload, body) || !strings.EqualFold(track.Codec().MimeType[6:], codec.String()) {
				t.Errorf("the client reads %q of %s, %v", p.Payload, track.Codec().MimeType, err)
			}
			return
		case <-tick.C:
		}
	}
	t.Fatalf("slot %s never came", slot.Mid)
}

func slotOf(t *testing.T, s *server, kind transport.Kind, index int) *transport.Section {
	t.Helper()
	for _, section := range s.offer.Sections {
		if section.Role == transport.Slot && section.Kind == kind {
			if index == 0 {
				return section
			}
			index--
		}
	}
	t.Fatal("no such slot")
	return nil
}

func TestMediaFlowsBothWaysWithAPionClient(t *testing.T) {
	for _, way := range []struct {
		name string
		tcp  bool
	}{{"UDP", false}, {"TCP", true}} {
		t.Run(way.name, func(t *testing.T) {
			s, c := join(t, way.tcp)
			if (s.path.Stream != nil) != way.tcp {
				t.Errorf("the path is %v", s.path)
			}
			if m := heard(t, s, c, c.microRTP, "voice"); m.Kind != transport.Audio || m.Role != transport.Sends {
				t.Errorf("the voice came on %+v", m)
			}
			if m := heard(t, s, c, c.cameraRTP, "picture"); m.Kind != transport.Video {
				t.Errorf("the picture came on %+v", m)
			}
			shown(t, s, c, slotOf(t, s, transport.Audio, 0), payload.Opus)
			shown(t, s, c, slotOf(t, s, transport.Video, 0), payload.VP8)
			if err := c.pc.GracefulClose(); err != nil {
				t.Fatal(err)
			}
			if way.tcp { // pion may close its connection before it has written the close_notify
				for wait(t, s.ended) != s.path.Stream {
				}
			} else if reason := wait(t, s.gone); reason != "closed" {
				t.Errorf("gone for %q", reason)
			}
		})
	}
}

func TestMoreSlotsInALaterOffer(t *testing.T) {
	s, c := join(t, false)
	before := slotOf(t, s, transport.Video, 0).Send
	c.slots(2, 3)
	answer, err := s.answer(c.offer(false), false)
	if err != nil {
		t.Fatal(err)
	}
	c.accept(answer)
	if now := slotOf(t, s, transport.Video, 0).Send; now != before {
		t.Errorf("the first slot's SSRCs were %v and are %v", before, now)
	}
	for i := range 4 {
		shown(t, s, c, slotOf(t, s, transport.Video, i), payload.H264)
	}
	shown(t, s, c, slotOf(t, s, transport.Audio, 2), payload.Opus)
	heard(t, s, c, c.microRTP, "the old path still carries")
}

func TestICERestartKeepsTheKeys(t *testing.T) {
	s, c := join(t, false)
	heard(t, s, c, c.microRTP, "before")
	answer, err := s.answer(c.offer(true), false)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.agents) != 2 {
		t.Fatal("the restart was not seen")
	}
	c.accept(answer)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 2000 { // until the new generation has checked a path
		s.mu.Lock()
		alive := s.agents[s.local.Ufrag].Alive(time.Now())
		s.mu.Unlock()
		if alive {
			break
		}
		<-tick.C
	}
	heard(t, s, c, c.microRTP, "after")
	shown(t, s, c, slotOf(t, s, transport.Audio, 0), payload.Opus)
}

func TestPeerWithAnotherCertificateIsRefused(t *testing.T) {
	s, c := newServer(t), newClient(t)
	offer := c.offer(false)
	at := strings.Index(offer, "a=fingerprint:sha-256 ") + len("a=fingerprint:sha-256 ")
	other := "00"
	if offer[at:at+2] == other {
		other = "01"
	}
	answer, err := s.answer(strings.ReplaceAll(offer, offer[at:at+95], other+offer[at+2:at+95]), false)
	if err != nil {
		t.Fatal(err)
	}
	c.accept(answer)
	if err := wait(t, s.done); err == nil || s.in != nil {
		t.Errorf("%v; there are keys: %v", err, s.in != nil)
	}
}

func TestOfferOfAnotherPeerDoesNotContinueASession(t *testing.T) {
	s, _ := join(t, false)
	if _, err := s.answer(newClient(t).offer(false), false); !errors.Is(err, transport.ErrOffer) {
		t.Errorf("%v, want ErrOffer", err)
	}
}
