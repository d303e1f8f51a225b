//go:build linux

package bot

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tarasul/loadtest/sock"
	"tarasul/loadtest/synth"
	"tarasul/loadtest/twcc"
	"tarasul/signaling/protocol"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtp"
)

// Errors of a peer's media.
var (
	ErrSilent     = errors.New("bot: the server does not answer connectivity checks")
	ErrMediaEnded = errors.New("bot: the server ended the media session")
)

// Times of a peer's feedback, in nanoseconds.
const (
	transportInterval = int64(100 * time.Millisecond)
	reportInterval    = int64(time.Second)
)

// maxEarly is how many packets are kept that arrive before there are keys.
const maxEarly = 256

// PeerConfig says what a peer sends and receives.
type PeerConfig struct {
	Index      int // the bot's number, which its stamps carry
	Bots       int // how many bots there are
	Voice      int // its part in the script
	Microphone bool
	AudioRate  int // bits per second
	Camera     []Encoding
	FrameRate  int
	Temporal   int // temporal layers
	AudioSlots int
	VideoSlots int
	Sample     int  // one packet in so many is decrypted; 1 also checks every frame
	Feedback   bool // report transport-wide arrival times
	Script     *synth.Script
	Seed       uint64
	// Route gives the address to which the peer sends instead of the server's own, such as a relay's; nil: none.
	Route func(server netip.AddrPort) (netip.AddrPort, error)
	// Tap sees every datagram that the peer sends, on whatever goroutine sends it, and must not keep it; nil: nobody does.
	Tap func(datagram []byte)
}

// Encoding is one encoding of the camera.
type Encoding struct {
	Bitrate       int // bits per second
	Width, Height int
}

// Peer is a bot's media session. Its exported methods may be called from anywhere; all the rest belongs to the engine's loop.
type Peer struct {
	engine *Engine
	cfg    PeerConfig
	cname  string
	checks *checks
	offer  protocol.MediaOffer

	nominated chan struct{}
	arrived   chan struct{} // closed when the first media has
	failed    chan struct{} // closed once err is set
	failure   sync.Once
	err       error

	socket  *sock.UDP
	pipe    *pipe
	conn    *dtls.Conn
	watcher sync.WaitGroup

	// The loop's own from here on.
	keys        keys
	connectedAt int64
	firstMedia  int64
	sources     []*source
	slots       map[string]*slot   // by mid
	streams     map[uint32]*stream // by SSRC
	seen        [2][]flow          // by kind and bot
	recorder    twcc.Recorder
	transport   bool
	nextNumber  uint16 // transport-wide sequence number
	nextReport  int64
	nextTwcc    int64
	missing     int // slots with packets to ask for
	anyMedia    uint32
	early       []earlyMedia
	header      rtp.Header // scratch
	plain       []byte     // scratch of the receiving side
}

// NewPeer prepares a media session and its offer.
func NewPeer(e *Engine, cfg PeerConfig) *Peer {
	random := rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.Index)))
	p := &Peer{
		engine: e, cfg: cfg, cname: randomText(9), checks: newChecks(),
		nominated: make(chan struct{}), arrived: make(chan struct{}), failed: make(chan struct{}),
		slots: map[string]*slot{}, streams: map[uint32]*stream{},
		seen: [2][]flow{make([]flow, cfg.Bots), make([]flow, cfg.Bots)},
	}
	o := offerConfig{
		ufrag: p.checks.localUfrag, pwd: p.checks.localPwd, fingerprint: e.identity.fingerprint, cname: p.cname,
		audioSlots: cfg.AudioSlots, videoSlots: cfg.VideoSlots,
	}
	mid := 0
	if cfg.Microphone {
		s := newSource(p, synth.Voice, mid, random)
		o.microphone = s.ssrc
		s.opus = synth.NewOpus(synth.OpusConfig{Bitrate: cfg.AudioRate, Seed: random.Uint64()})
		s.interval = int64(time.Second) / synth.OpusPacketsPerSecond
		p.sources = append(p.sources, s)
		mid++
	}
	if len(cfg.Camera) > 0 {
		// The encodings of a camera see the same frames at the same time.
		phase := random.Int64N(int64(time.Second) / int64(cfg.FrameRate))
		for i, encoding := range cfg.Camera {
			s := newSource(p, synth.Camera, mid, random)
			s.encoding = uint8(i)
			if len(cfg.Camera) > 1 {
				s.rid = rids[i]
			}
			s.video = synth.NewVideo(synth.VideoConfig{
				Bitrate: encoding.Bitrate, FrameRate: cfg.FrameRate, Width: encoding.Width, Height: encoding.Height,
				Temporal: cfg.Temporal, Seed: random.Uint64(),
			})
			s.history = newHistory()
			s.interval, s.phase = int64(time.Second)/int64(cfg.FrameRate), phase
			o.camera = append(o.camera, [2]uint32{s.ssrc, s.rtx})
			p.sources = append(p.sources, s)
		}
	}
	p.offer = writeOffer(o)
	return p
}

// Offer is the peer's offer.
func (p *Peer) Offer() protocol.MediaOffer { return p.offer }

// Connect applies the server's answer and returns once ICE and DTLS are done and the peer sends. It may be called once.
func (p *Peer) Connect(ctx context.Context, sdp string) error {
	a, err := parseAnswer(sdp)
	if err != nil {
		return err
	}
	for mid := range p.offer.Sends {
		if !a.accepted[mid] {
			return fmt.Errorf("the answer refuses what is sent in section %q", mid)
		}
	}
	server := a.candidates[0]
	if p.cfg.Route != nil {
		if server, err = p.cfg.Route(server); err != nil {
			return err
		}
	}
	if p.socket, err = sock.Open(server, 4<<20); err != nil {
		return err
	}
	p.pipe = newPipe(p.socket, p.cfg.Tap)
	p.checks.remoteUfrag, p.checks.remotePwd = a.ufrag, a.pwd
	if err := p.engine.Do(func() { p.enter(a) }); err != nil {
		return err
	}
	select {
	case <-p.nominated:
	case <-p.failed:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("ICE: %w", ctx.Err())
	}
	conn, k, err := handshake(ctx, p.engine.identity, p.pipe, a.fingerprint)
	if err != nil {
		return err
	}
	p.conn = conn
	p.watcher.Go(func() {
		// The server sends no application data: all there is to read is the end.
		var b [64]byte
		for {
			if _, err := conn.Read(b[:]); err != nil {
				p.fail(ErrMediaEnded)
				return
			}
		}
	})
	return p.engine.Do(func() { p.start(k) })
}

// AwaitMedia waits at most d for the first RTP packet and returns when it arrived, on the engine's clock.
func (p *Peer) AwaitMedia(ctx context.Context, d time.Duration) (int64, error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.arrived:
		t, err := p.Times()
		return t.FirstMedia, err
	case <-p.failed:
		return 0, p.err
	case <-timer.C:
		return 0, fmt.Errorf("no media within %v", d)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Failed is closed when the media session is broken; Err says why.
func (p *Peer) Failed() <-chan struct{} { return p.failed }

// Err says why the session is broken, once Failed is closed.
func (p *Peer) Err() error { return p.err }

func (p *Peer) fail(err error) {
	p.failure.Do(func() {
		p.err = err
		close(p.failed)
	})
}

// Close ends the session: the server is told by DTLS.
func (p *Peer) Close() {
	if p.socket == nil {
		return
	}
	// If the engine has stopped, the loop touches nothing any more.
	_ = p.engine.Do(p.leave)
	p.fail(ErrClosed)
	if p.conn != nil {
		p.conn.Close()
	}
	p.pipe.Close()
	p.watcher.Wait()
	p.socket.Close()
	p.socket = nil
}

// enter puts the peer on the loop.
func (p *Peer) enter(a *answer) {
	for _, offered := range a.slots {
		kind := synth.Voice
		if offered.video {
			kind = synth.Camera
		}
		s := &slot{peer: p, mid: offered.mid, kind: kind, carries: nobody}
		p.slots[offered.mid] = s
		if offered.ssrc != 0 {
			p.stream(s, offered.ssrc, false)
		}
		if offered.rtx != 0 {
			p.stream(s, offered.rtx, true)
		}
	}
	p.transport = a.transport
	p.engine.peers = append(p.engine.peers, p)
	p.tick(p.engine.clock.Since())
}

// start begins to send, now that there are keys.
func (p *Peer) start(k keys) {
	now := p.engine.clock.Since()
	p.keys, p.connectedAt = k, now
	p.nextReport, p.nextTwcc = now+reportInterval, now+transportInterval
	for _, s := range p.sources {
		s.next = now + s.phase
		heap.Push(&p.engine.schedule, s)
	}
	for _, d := range p.early {
		p.take(d.data, d.at)
	}
	p.early = nil
	p.drain()
}

// earlyMedia is media that arrived before there were keys.
type earlyMedia struct {
	data []byte
	at   int64
}

// keepEarly keeps what the server sends between its last handshake message and our having read it: a key frame, often.
func (p *Peer) keepEarly(b []byte, at int64) {
	if len(p.early) == maxEarly {
		p.engine.totals.Early++
		return
	}
	p.early = append(p.early, earlyMedia{slices.Clone(b), at})
}

// leave takes the peer off the loop.
func (p *Peer) leave() {
	e := p.engine
	e.peers = slices.DeleteFunc(e.peers, func(other *Peer) bool { return other == p })
	if p.keys.out == nil {
		return
	}
	for _, s := range p.sources {
		heap.Remove(&e.schedule, s.place)
	}
	p.keys = keys{}
}

// tick does what is due from time to time: checks, feedback and repeats.
func (p *Peer) tick(now int64) {
	request, alive := p.checks.due(now)
	if !alive {
		p.fail(ErrSilent)
	}
	if request != nil {
		p.send(request)
	}
	if p.keys.out == nil {
		return
	}
	if p.missing > 0 {
		p.askForMissing(now)
	}
	if now >= p.nextTwcc {
		p.nextTwcc += transportInterval
		p.reportTransport()
	}
	if now >= p.nextReport {
		p.nextReport += reportInterval
		p.report(now)
	}
}

// send sends one datagram. What a full buffer loses is counted, and a server that is gone ends the session.
func (p *Peer) send(b []byte) {
	if p.cfg.Tap != nil {
		p.cfg.Tap(b)
	}
	switch err := p.socket.Send(b); {
	case err == nil:
	case errors.Is(err, sock.ErrUnreachable):
		p.fail(err)
	default:
		p.engine.totals.SendErrors++
	}
}

// Inject sends a datagram of somebody else's making from the peer's own address, as one who can forge it would. It may be called
// from anywhere between Connect and Close. The error is that of sock.UDP.Send.
func (p *Peer) Inject(b []byte) error { return p.socket.Send(b) }

// drain takes in all that has arrived.
func (p *Peer) drain() {
	for {
		n, err := p.socket.Receive(p.engine.batch)
		if err != nil {
			p.fail(err)
			return
		}
		if n == 0 {
			return
		}
		_, fromWall := p.engine.clock.Now()
		for i := range n {
			datagram, wall := p.socket.Datagram(p.engine.batch, i)
			at := wall - fromWall
			if wall == 0 {
				at = p.engine.clock.Since()
			}
			p.take(datagram, at)
		}
		if n < sock.Slots {
			return
		}
	}
}

// take sorts what arrives (RFC 7983).
func (p *Peer) take(b []byte, at int64) {
	switch {
	case len(b) < 2:
		p.engine.totals.Foreign++
	case b[0] >= 128 && b[0] <= 191:
		switch {
		case p.keys.in == nil:
			p.keepEarly(b, at)
		case b[1] >= 192 && b[1] <= 223:
			p.takeRTCP(b)
		default:
			p.takeRTP(b, at)
		}
	case b[0] >= 20 && b[0] <= 63:
		p.pipe.put(b)
	case b[0] <= 3:
		if p.checks.answered(b, at) == nil {
			select {
			case <-p.nominated:
			default:
				close(p.nominated)
			}
		}
	default:
		p.engine.totals.Foreign++
	}
}
