package sfu

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"tarasul/sfu/egress"
	"tarasul/sfu/packet"
	"tarasul/sfu/transport"
)

const (
	maxSSRCs     = 64               // streams that one peer may send
	maxEarly     = 128              // packets that may come before the keys
	quietAfter   = 12 * time.Second // nothing authentic for so long: do not send into the void
	goneAfter    = 60 * time.Second // nothing for so long: the session is over
	settledAfter = 1500 * time.Millisecond
	brokenAfter  = 500 * time.Millisecond // unusual silence after which pictures need new key frames
)

// peer is one person's media session: their transport, what they send and the slots in
// which they receive. It belongs to its shard's loop.
type peer struct {
	shard   *shard
	room    *room // nil when it is not, or no longer, in one
	id      PeerID
	index   int // in room.peers
	created time.Time

	// Transport.
	offer     *transport.Offer
	sends     map[string]Source
	agents    []generation                   // at most two: an ICE restart is made before the old one is broken
	path      transport.Path                 // where media goes
	wire      atomic.Pointer[transport.Path] // the same, for the handshake's goroutines
	dtls      *transport.DTLS
	in        *srtp.Context // nil until the handshake is done
	out       egress.Destination
	early     [][]byte
	heard     time.Time     // last authentic datagram
	heardRTP  time.Time     // last authentic SRTP or SRTCP
	pace      time.Duration // usual time between two of them: who only reports once a second is not silent
	ids       packet.Extensions
	recorder  *twcc.Recorder
	recorded  bool // something to report since the last transport-wide feedback
	reportNow bool // an SSRC is new: browsers repeat its mid until it is reported
	rtt       time.Duration

	// Up.
	bySSRC map[uint32]stream
	up     [sourceCount]*upTrack
	permit Permit
	on     On
	wall   publisherClock

	// Down.
	slots   []*downTrack
	bySlot  map[uint32]*downTrack
	down    []*downTrack // by upTrack.index: what of the room's tracks goes to which slot
	view    []Tile
	viewed  bool // a view has been set
	flowing bool // the first packet was forwarded
	resends int  // budget of retransmissions, refilled by the clock
}

// generation is one ICE generation: the ufrag by which its checks are routed.
type generation struct {
	ufrag string
	agent *transport.Agent
}

// stream is what one incoming SSRC is.
type stream struct {
	encoding *encoding
	rtx      bool
}

func newPeer(s *shard, id PeerID, offer *transport.Offer, sends map[string]Source, first generation, permit Permit, on On) *peer {
	return &peer{
		shard: s, id: id, offer: offer, sends: sends, agents: []generation{first}, permit: permit, on: on,
		created: time.Now(), bySSRC: map[uint32]stream{}, bySlot: map[uint32]*downTrack{},
		recorder: twcc.NewRecorder(ourSSRC),
	}
}

// ready reports whether media can be sent to the peer.
func (p *peer) ready(now time.Time) bool { return p.in != nil && now.Sub(p.heard) < quietAfter }

// apply makes the tracks and slots that the current offer has and that are not there yet.
func (p *peer) apply() {
	p.ids = packet.Extensions(p.offer.Extensions)
	p.out.Negotiate(egress.Extensions{
		TransportCC: p.ids.TransportCC, AudioLevel: p.ids.AudioLevel, Dependency: p.ids.DependencyDescriptor,
	})
	for _, section := range p.offer.Sections {
		switch section.Role {
		case transport.Sends:
			source, ok := p.sends[section.Mid]
			if !ok {
				continue
			}
			if up := p.up[source]; up != nil && up.section.Mid == section.Mid {
				up.section = section
				continue
			}
			p.up[source] = newUpTrack(p, source, section)
			if len(section.RIDs) > 0 {
				continue // their packets say by rid which one they are
			}
			for _, ssrc := range section.SSRCs {
				p.name(ssrc.Media, stream{encoding: p.up[source].encodings[0]})
				if ssrc.RTX != 0 {
					p.name(ssrc.RTX, stream{encoding: p.up[source].encodings[0], rtx: true})
				}
			}
		case transport.Slot:
			if d := p.bySlot[section.Send.Media]; d != nil {
				d.negotiate(section)
				continue
			}
			d := newDownTrack(p, section)
			p.slots = append(p.slots, d)
			p.bySlot[section.Send.Media] = d
		}
	}
}

// renegotiate takes over a later offer; agent is set if it restarts ICE.
func (p *peer) renegotiate(offer *transport.Offer, sends map[string]Source, restart *generation, now time.Time) {
	p.offer, p.sends = offer, sends
	p.apply()
	if restart != nil {
		if len(p.agents) > 1 { // a restart that came to nothing
			failed := p.agents[1]
			delete(p.shard.byUfrag, failed.ufrag)
			p.agents = p.agents[:1]
			for _, path := range failed.agent.Paths(nil) {
				p.unlearn(path)
			}
		}
		p.agents = append(p.agents, *restart)
		p.shard.byUfrag[restart.ufrag] = p
	}
	p.room.arrange(now)
}

// check answers a connectivity check of the peer.
func (p *peer) check(ufrag string, data []byte, from transport.Path, now time.Time) transport.Result {
	i := slices.IndexFunc(p.agents, func(g generation) bool { return g.ufrag == ufrag })
	agent := p.agents[i].agent
	result := agent.Handle(data, from, now, p.shard.reply)
	if !result.Learn {
		return result
	}
	p.heard = now
	if p.shard.byPath[from] != p {
		p.shard.byPath[from] = p
		if from.Stream != nil {
			from.Stream.Admit()
		}
	}
	if result.Forgot {
		p.unlearn(result.Forget)
	}
	switch {
	case i > 0 && result.Nominated: // the restart has succeeded: the former generation ends
		former := p.agents[0]
		delete(p.shard.byUfrag, former.ufrag)
		p.agents = append(p.agents[:0], p.agents[1])
		p.move(from)
		for _, path := range former.agent.Paths(nil) {
			p.unlearn(path)
		}
	case i > 0: // not yet
	case p.wire.Load() == nil || now.Sub(p.heardRTP) > settledAfter:
		if selected, ok := agent.Selected(); ok && selected != p.path {
			p.move(selected)
		}
	}
	return result
}

// paths are the addresses at which the peer has proved to be.
func (p *peer) paths() []transport.Path {
	var out []transport.Path
	for _, g := range p.agents {
		out = g.agent.Paths(out)
	}
	return out
}

// unlearn drops an address that no generation knows any more.
func (p *peer) unlearn(path transport.Path) {
	if p.shard.byPath[path] == p && !slices.Contains(p.paths(), path) {
		delete(p.shard.byPath, path)
	}
}

// forgetPath drops an address whose TCP connection has ended.
func (p *peer) forgetPath(path transport.Path) {
	for _, g := range p.agents {
		g.agent.Forget(path)
	}
	p.unlearn(path)
	if selected, ok := p.agents[0].agent.Selected(); ok && p.path == path {
		p.move(selected)
	}
}

// move points media and handshake at a path.
func (p *peer) move(path transport.Path) {
	p.path = path
	p.agents[0].agent.Select(path)
	p.wire.Store(&path)
	p.out.Addr = path.Addr
	p.out.Stream = nil
	if path.Stream != nil {
		p.out.Stream = path.Stream
	}
}

// hear notes an authentic packet. Media follows its source at once: a client whose
// address has moved need not wait for its next connectivity check.
func (p *peer) hear(from transport.Path, now time.Time) {
	silent := now.Sub(p.heardRTP)
	p.heard, p.heardRTP = now, now
	if silent > max(brokenAfter, 4*p.pace) {
		p.returned(now)
	}
	p.pace += (min(silent, 2*time.Second) - p.pace) / 8
	if p.path != from {
		p.move(from)
	}
}

// returned asks for key frames after a break in both directions: decoders on either side
// have lost what was under way, and would wait for seconds before they say so.
func (p *peer) returned(now time.Time) {
	for _, up := range p.up {
		if up == nil || up.source.audio() {
			continue
		}
		for _, e := range up.encodings {
			if e.ring != nil {
				e.askKey(now)
			}
		}
	}
	for _, d := range p.slots {
		if d.picture && d.current != nil {
			d.current.askKey(now)
		}
	}
}

// keep holds on to SRTP that came before the handshake's last flight was taken in: the
// first key frame is in it.
func (p *peer) keep(data []byte, from transport.Path) {
	if p.dtls == nil || from != p.path || len(p.early) == maxEarly {
		p.shard.stats.Verdicts[Early]++
		return
	}
	p.early = append(p.early, slices.Clone(data))
}

// handshake gives a datagram to the peer's DTLS, which begins with the first.
func (p *peer) handshake(data []byte, from transport.Path) {
	if p.wire.Load() == nil {
		p.move(from)
	}
	if p.dtls == nil {
		s := p.shard
		p.dtls = transport.StartDTLS(context.Background(), transport.DTLSConfig{
			Certificate: s.node.certificate,
			Remote:      p.offer.Fingerprint,
			Write: func(datagram []byte) error {
				to := p.wire.Load()
				if to.Stream == nil {
					return s.socket.WriteTo(datagram, to.Addr)
				}
				if !to.Stream.Write(datagram) {
					return errors.New("the stream is full")
				}
				return nil
			},
			Done: func(keys transport.Keys, err error) {
				if err == nil {
					var in, out *srtp.Context
					var sealer *egress.Sealer
					if key, salt, gcm := keys.GCM(); gcm {
						sealer, err = egress.NewSealer(key, salt)
					}
					if err == nil {
						in, out, err = keys.Contexts()
					}
					if err == nil {
						s.post(func(now time.Time) { p.keyed(in, out, sealer, now) })
						return
					}
				}
				s.node.log.Info("media handshake failed", "room", p.roomID(), "peer", p.id, "error", err)
				s.post(func(now time.Time) { p.lost("dtls", now) })
			},
			Closed: func(reason string) { s.post(func(now time.Time) { p.lost(reason, now) }) },
		})
	}
	p.dtls.Deliver(data)
}

// keyed begins media.
func (p *peer) keyed(in, out *srtp.Context, sealer *egress.Sealer, now time.Time) {
	if p.room == nil {
		return
	}
	p.in, p.out.Seal, p.out.Sealer, p.heard = in, out, sealer, now
	took := now.Sub(p.created)
	p.shard.stats.Connecting.observe(took, 1)
	p.shard.events.tell(PeerConnected{p.room.id, p.id, took})
	for _, data := range p.early {
		p.shard.media(data, p.path, now)
	}
	p.early = nil
}

// lost ends a session that cannot go on by itself.
func (p *peer) lost(reason string, now time.Time) {
	if p.room == nil {
		return
	}
	room := p.room.id
	p.shard.remove(p, now)
	p.shard.events.tell(PeerGone{room, p.id, reason})
}

// close ends the transport. Its goroutines end on their own time; the shard waits for
// them in the end.
func (p *peer) close() {
	if d := p.dtls; d != nil {
		p.shard.running.Go(d.Close)
	}
	for _, path := range p.paths() {
		if path.Stream != nil {
			path.Stream.Close()
		}
	}
}

// receive takes in one opened packet.
func (p *peer) receive(in *packet.Packet, h *rtp.Header, plain []byte, now time.Time) Verdict {
	if err := in.Fill(h, plain, &p.ids); err != nil {
		return Malformed
	}
	in.Arrived = now
	if in.HasTransportSeq {
		p.recorder.Record(in.SSRC, in.TransportSeq, now.UnixMicro())
		p.recorded = true
	}
	of, ok := p.bySSRC[in.SSRC]
	if !ok {
		if of, ok = p.identify(in); !ok {
			return Unnamed
		}
	}
	return of.encoding.receive(in, of.rtx, now)
}

// identify finds out what an SSRC is that is new: by mid and rid (RFC 8843 section 9.2,
// RFC 8852), or by the payload type where only one m-line has it.
func (p *peer) identify(in *packet.Packet) (stream, bool) {
	var up *upTrack
	for _, candidate := range p.up {
		if candidate == nil {
			continue
		}
		if len(in.MID) > 0 {
			if string(in.MID) == candidate.section.Mid {
				up = candidate
			}
		} else if codec, _ := candidate.codec(in.PayloadType); codec != 0 {
			if up != nil {
				return stream{}, false // more than one m-line has it
			}
			up = candidate
		}
	}
	if up == nil {
		return stream{}, false
	}
	rid, rtx := in.RID, len(in.RepairedRID) > 0
	if rtx {
		rid = in.RepairedRID
	}
	e := up.encoding(string(rid))
	if e == nil {
		return stream{}, false
	}
	if _, isRTX := up.codec(in.PayloadType); isRTX {
		rtx = true
	}
	of := stream{encoding: e, rtx: rtx}
	return of, p.name(in.SSRC, of)
}

// name remembers an SSRC. A publisher that has too many names none.
func (p *peer) name(ssrc uint32, of stream) bool {
	if len(p.bySSRC) >= maxSSRCs {
		return false
	}
	p.bySSRC[ssrc] = of
	p.reportNow = true
	if !of.rtx {
		of.encoding.rename(ssrc)
	}
	return true
}

func (p *peer) setPermit(permit Permit, now time.Time) {
	p.permit = permit
	p.room.arrange(now)
}

func (p *peer) setOn(on On, now time.Time) {
	p.on = on
	p.room.arrange(now)
}

func (p *peer) setView(tiles []Tile, now time.Time) {
	p.view, p.viewed = tiles, true
	p.room.arrangePeer(p)
	p.room.allocate(now)
}

func (p *peer) roomID() RoomID {
	if p.room == nil {
		return ""
	}
	return p.room.id
}
