package sfu

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"tarasul/sfu/egress"
	"tarasul/sfu/transport"
	"tarasul/sfu/udp"
)

// offerOf is the smallest offer of a browser's kind: a microphone, a camera and slots.
func offerOf(slots int) Offer {
	var b strings.Builder
	mids := []string{"0", "1"}
	for i := range 2 * slots {
		mids = append(mids, fmt.Sprint(i+2))
	}
	fmt.Fprintf(&b, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE %s\r\n", strings.Join(mids, " "))
	section := func(mid, kind, direction string) {
		codec := "111\r\na=rtpmap:111 opus/48000/2"
		if kind == "video" {
			codec = "96 97\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli"
		}
		fmt.Fprintf(&b, "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=setup:actpass\r\n"+
			"a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 %s\r\n"+
			"a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:2 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"+
			"a=extmap:3 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
			kind, codec, mid, direction, strings.TrimSuffix(strings.Repeat("AB:", 32), ":"))
	}
	section("0", "audio", "sendonly")
	section("1", "video", "sendonly")
	for i := range slots {
		section(fmt.Sprint(i+2), "audio", "recvonly")
	}
	for i := range slots {
		section(fmt.Sprint(i+2+slots), "video", "recvonly")
	}
	return Offer{SDP: b.String(), Sends: map[string]Source{"0": Microphone, "1": Camera}}
}

// bench is a shard whose loop the test turns itself, and clients without a handshake.
type bench struct {
	t       testing.TB
	shard   *shard
	clients []*benchClient
	sink    *net.UDPConn
}

type benchClient struct {
	peer  *peer
	path  transport.Path
	seal  *srtp.Context
	seq   uint16
	ts    uint32
	ready [][]byte
}

func newBench(t testing.TB, people, slots int) *bench {
	t.Helper()
	node, err := New(Config{Address: "127.0.0.1:0", Shards: 1}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, shard: node.shards[0], sink: sink}
	t.Cleanup(func() {
		b.shard.close()
		sink.Close()
	})
	now := time.Now()
	for i := range people {
		offer := offerOf(slots)
		parsed, err := parse(offer)
		if err != nil {
			t.Fatal(err)
		}
		local := transport.NewCredentials()
		if _, err := node.answer(b.shard, &session{offer: parsed, local: local}); err != nil {
			t.Fatal(err)
		}
		p := newPeer(b.shard, PeerID(fmt.Sprint(i)), parsed, offer.Sends, generationOf(local, parsed), Everything, On{Microphone: true, Camera: true})
		b.shard.join("room", p, now)
		c := &benchClient{peer: p, path: transport.Path{Addr: udp.AddrOf(sink.LocalAddr().(*net.UDPAddr).AddrPort())}}
		c.path.Addr.Port += uint16(i) // told apart by where they seem to be
		b.shard.byPath[c.path] = p
		p.move(c.path)
		p.in, p.out.Seal = contexts(t), contexts(t)
		if p.out.Sealer, err = egress.NewSealer(make([]byte, 16), make([]byte, 12)); err != nil {
			t.Fatal(err)
		}
		c.seal = contexts(t)
		b.clients = append(b.clients, c)
	}
	for _, c := range b.clients { // all are really at the sink
		c.peer.out.Addr = udp.AddrOf(sink.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	return b
}

func contexts(t testing.TB) *srtp.Context {
	t.Helper()
	c, err := srtp.CreateContext(make([]byte, 16), make([]byte, 12), srtp.ProtectionProfileAeadAes128Gcm, srtp.SRTPReplayProtection(512))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// seals prepares n packets of a client, so that the test measures only the shard.
func (b *bench) seals(c *benchClient, n int, key bool) {
	b.t.Helper()
	for range n {
		h := rtp.Header{Version: 2, PayloadType: 96, SSRC: 77, SequenceNumber: c.seq, Timestamp: c.ts, Marker: true}
		if err := h.SetExtension(1, []byte("1")); err != nil {
			b.t.Fatal(err)
		}
		c.seq++
		c.ts += 3000
		body := make([]byte, 1100)
		copy(body, []byte{0x90, 0x80, 0x80 | byte(c.seq>>8), byte(c.seq), 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02})
		if !key {
			body[4] = 0x01
		}
		key = false
		plain, err := (&rtp.Packet{Header: h, Payload: body}).Marshal()
		if err != nil {
			b.t.Fatal(err)
		}
		sealed, err := c.seal.EncryptRTP(nil, plain, nil)
		if err != nil {
			b.t.Fatal(err)
		}
		c.ready = append(c.ready, sealed)
	}
}

// turn lets every client's next packet come in one drain.
func (b *bench) turn(now time.Time) {
	s := b.shard
	s.used = 0
	for _, c := range b.clients {
		if len(c.ready) > 0 {
			s.datagram(c.ready[0], c.path, now)
			c.ready = c.ready[1:]
		}
	}
	s.forward(now)
	s.out.Flush()
}

func TestNoAllocationPerForwardedPacket(t *testing.T) {
	b := newBench(t, 4, 4)
	now := time.Now()
	const warm, runs = 700, 300
	for _, c := range b.clients {
		b.seals(c, warm+runs+1, true)
	}
	for range warm { // until the histories have grown to what they keep
		b.turn(now)
		now = now.Add(33 * time.Millisecond)
	}
	before := b.shard.stats.Verdicts[Sent]
	n := testing.AllocsPerRun(runs, func() {
		b.turn(now)
		now = now.Add(33 * time.Millisecond)
	})
	sent := b.shard.stats.Verdicts[Sent] - before
	if want := uint64((runs + 1) * 4 * 3); sent != want {
		t.Fatalf("%d packets were forwarded, want %d: %v", sent, want, b.shard.stats.Verdicts)
	}
	if n != 0 {
		t.Errorf("%v allocations a turn of 12 forwarded packets, want 0", n)
	}
}

// BenchmarkForward is the whole way of a packet in a meeting of 30, all on camera: opened,
// kept, and forwarded to 29.
func BenchmarkForward(bm *testing.B) {
	b := newBench(bm, 30, 29)
	now := time.Now()
	for _, c := range b.clients {
		b.seals(c, 1, true)
	}
	b.turn(now)
	bm.ReportAllocs()
	turns := 0
	for bm.Loop() {
		bm.StopTimer()
		for _, c := range b.clients {
			b.seals(c, 1, false)
		}
		bm.StartTimer()
		now = now.Add(33 * time.Millisecond)
		b.turn(now)
		turns++
	}
	bm.ReportMetric(float64(bm.Elapsed().Nanoseconds())/float64(turns)/870, "ns/forwarded")
}

func TestEventsThatDoNotFitAreToldLaterAndOnlyTheNewest(t *testing.T) {
	to := make(chan Event, 1)
	o := outbox{to: to}
	o.tell(SpeakerChanged{"r", "a"})
	o.tell(SpeakerChanged{"r", "b"})
	o.tell(PeerGone{"r", "x", "dtls"})
	o.tell(SpeakerChanged{"r", "c"})
	var got []string
	for range 3 {
		got = append(got, fmt.Sprint(<-to))
		o.retry()
	}
	if want := "[{r a} {r c} {r x dtls}]"; fmt.Sprint(got) != want {
		t.Errorf("told %v, want %v", got, want)
	}
	if len(o.pending) != 0 {
		t.Errorf("%d events still wait", len(o.pending))
	}
}

func TestKeyFrameRequestsAreMergedAndThrottled(t *testing.T) {
	b := newBench(t, 2, 2)
	b.seals(b.clients[0], 1, true)
	now := time.Now()
	b.turn(now)
	e := b.clients[0].peer.up[Camera].encodings[0]
	asked := func() uint64 { return b.shard.stats.KeyFrameRequests }
	before := asked()
	start := now.Add(10 * time.Second)
	for i := range 10_000 { // ten seconds of somebody who asks every millisecond
		e.askKey(start.Add(time.Duration(i) * time.Millisecond))
	}
	if n := asked() - before; n < keyBurst || n > keyBurst+11 {
		t.Errorf("%d requests in ten seconds, want about one a second after a burst of %d", n, keyBurst)
	}
	if !e.keyPending {
		t.Error("the last wish is forgotten")
	}
}
