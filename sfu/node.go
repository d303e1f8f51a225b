package sfu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"tarasul/sfu/transport"
)

// Errors that callers decide by.
var (
	ErrNoPeer = errors.New("no such media session")
	ErrOffer  = transport.ErrOffer
	ErrClosed = errors.New("the media core is shutting down")
)

var _ Media = (*Node)(nil)

// Node is the media core of one process: its shards and which of them owns which room.
type Node struct {
	log         *slog.Logger
	certificate *transport.Certificate
	advertise   []netip.Addr
	shards      []*shard
	events      chan Event
	stopped     chan struct{}

	mu    sync.Mutex // guards rooms and closed; taken alone
	rooms map[RoomID]*placement
}

// placement is where a room lives and how many sessions hold it there.
type placement struct {
	shard *shard
	peers map[PeerID]*session
}

// session is what the callers' side keeps of a peer: negotiation is slow and happens
// outside the loop, one at a time per peer.
type session struct {
	mu    sync.Mutex // serialises negotiation; guards offer and local
	peer  *peer      // set before the session is known to anyone
	offer *transport.Offer
	local transport.Credentials
}

// New binds the sockets of every shard; Run starts them.
func New(cfg Config, log *slog.Logger) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	certificate, err := transport.NewCertificate()
	if err != nil {
		return nil, fmt.Errorf("media certificate: %w", err)
	}
	n := &Node{
		log: log, certificate: certificate, rooms: map[RoomID]*placement{},
		events: make(chan Event, eventQueue), stopped: make(chan struct{}),
	}
	base, _ := netip.ParseAddrPort(cfg.Address)
	if n.advertise, err = advertised(base.Addr(), cfg.Advertise); err != nil {
		return nil, err
	}
	for i := range cfg.Shards {
		addr := base
		if base.Port() != 0 {
			addr = netip.AddrPortFrom(base.Addr(), base.Port()+uint16(i))
		}
		s, err := newShard(n, i, addr, cfg)
		if err != nil {
			for _, s := range n.shards {
				s.close()
			}
			return nil, fmt.Errorf("media: %w", err)
		}
		n.shards = append(n.shards, s)
	}
	return n, nil
}

// Run turns the loops until ctx ends, and waits for all that they started.
func (n *Node) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	errs := make([]error, len(n.shards))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i, s := range n.shards {
		loops.Go(func() {
			defer cancel() // a node that has lost a loop is no node
			errs[i] = s.run()
		})
	}
	<-ctx.Done()
	close(n.stopped)
	for _, s := range n.shards {
		s.stop()
	}
	loops.Wait()
	for _, s := range n.shards {
		s.close()
	}
	return errors.Join(errs...)
}

// Events is what the core has to tell.
func (n *Node) Events() <-chan Event { return n.events }

// Addresses are where the shards listen.
func (n *Node) Addresses() []netip.AddrPort {
	var out []netip.AddrPort
	for _, s := range n.shards {
		out = append(out, s.socket.LocalAddr())
	}
	return out
}

// Join makes a peer's media session in a room and answers its offer.
func (n *Node) Join(ctx context.Context, room RoomID, id PeerID, offer Offer, permit Permit, on On) (Answer, error) {
	parsed, err := parse(offer)
	if err != nil {
		return Answer{}, err
	}
	ses := &session{offer: parsed, local: transport.NewCredentials()}
	s := n.place(room, id, ses, func(s *shard) *peer {
		return newPeer(s, id, parsed, offer.Sends, generationOf(ses.local, parsed), permit, on)
	})
	answer, err := n.answer(s, ses)
	if err == nil {
		err = s.do(ctx, func(now time.Time) { s.join(room, ses.peer, now) })
	}
	if err != nil {
		n.unplace(room, id, ses)
		return Answer{}, err
	}
	return answer, nil
}

// Reoffer answers a later offer of the same session.
func (n *Node) Reoffer(ctx context.Context, room RoomID, id PeerID, offer Offer) (Answer, error) {
	n.mu.Lock()
	var ses *session
	var s *shard
	if p := n.rooms[room]; p != nil {
		ses, s = p.peers[id], p.shard
	}
	n.mu.Unlock()
	if ses == nil {
		return Answer{}, ErrNoPeer
	}
	ses.mu.Lock()
	defer ses.mu.Unlock()
	parsed, err := parse(offer)
	if err != nil {
		return Answer{}, err
	}
	restart, err := parsed.Continue(ses.offer)
	if err != nil {
		return Answer{}, err
	}
	var next *generation
	if restart {
		ses.local = transport.NewCredentials()
		g := generationOf(ses.local, parsed)
		next = &g
	}
	ses.offer = parsed
	answer, err := n.answer(s, ses)
	if err != nil {
		return Answer{}, err
	}
	gone := false
	err = s.do(ctx, func(now time.Time) {
		if gone = ses.peer.room == nil; !gone {
			ses.peer.renegotiate(parsed, offer.Sends, next, now)
		}
	})
	if err == nil && gone {
		err = ErrNoPeer
	}
	return answer, err
}

// Leave ends a session.
func (n *Node) Leave(room RoomID, id PeerID) {
	n.change(room, id, func(s *shard, p *peer, now time.Time) { s.remove(p, now) })
	n.unplace(room, id, nil)
}

// Permit says which sources of a peer may pass.
func (n *Node) Permit(room RoomID, id PeerID, permit Permit) {
	n.change(room, id, func(_ *shard, p *peer, now time.Time) { p.setPermit(permit, now) })
}

// Switch says what a peer has switched on.
func (n *Node) Switch(room RoomID, id PeerID, on On) {
	n.change(room, id, func(_ *shard, p *peer, now time.Time) { p.setOn(on, now) })
}

// View says what a peer shows.
func (n *Node) View(room RoomID, id PeerID, tiles []Tile) {
	n.change(room, id, func(_ *shard, p *peer, now time.Time) { p.setView(tiles, now) })
}

// Stats reads the figures of all shards. A shard that does not answer before ctx ends
// is missing from them, and the error says so.
func (n *Node) Stats(ctx context.Context) (Stats, error) {
	var sum Stats
	for _, s := range n.shards {
		var one Stats
		if err := s.do(ctx, func(time.Time) { one = s.snapshot() }); err != nil {
			return sum, fmt.Errorf("shard %d: %w", s.number, err)
		}
		sum.add(&one)
	}
	return sum, nil
}

// change runs f on the loop that owns the peer, and does not wait for it. Changes of one
// caller keep their order.
func (n *Node) change(room RoomID, id PeerID, f func(*shard, *peer, time.Time)) {
	n.mu.Lock()
	p := n.rooms[room]
	var ses *session
	if p != nil {
		ses = p.peers[id]
	}
	n.mu.Unlock()
	if ses == nil {
		return
	}
	s := p.shard
	s.post(func(now time.Time) {
		if ses.peer.room != nil {
			f(s, ses.peer, now)
		}
	})
}

// place registers a session, and makes its peer, at the shard of its room; a new room
// goes to the shard that has the fewest sessions.
func (n *Node) place(room RoomID, id PeerID, ses *session, newPeer func(*shard) *peer) *shard {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.rooms[room]
	if p == nil {
		load := make([]int, len(n.shards))
		for _, other := range n.rooms {
			load[other.shard.number] += 1 + len(other.peers)
		}
		least := 0
		for i, l := range load {
			if l < load[least] {
				least = i
			}
		}
		p = &placement{shard: n.shards[least], peers: map[PeerID]*session{}}
		n.rooms[room] = p
	}
	ses.peer = newPeer(p.shard)
	p.peers[id] = ses
	return p.shard
}

// unplace forgets a session (only if it is still the given one, unless that is nil),
// and the room with its last.
func (n *Node) unplace(room RoomID, id PeerID, only *session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.rooms[room]
	if p == nil {
		return
	}
	if only == nil || p.peers[id] == only {
		delete(p.peers, id)
	}
	if len(p.peers) == 0 {
		delete(n.rooms, room)
	}
}

// parse reads an offer and checks what each of its m-lines is said to carry.
func parse(offer Offer) (*transport.Offer, error) {
	parsed, err := transport.ParseOffer(offer.SDP)
	if err != nil {
		return nil, err
	}
	seen := Permit{}
	for mid, source := range offer.Sends {
		section := parsed.Section(mid)
		switch {
		case source >= sourceCount || seen[source]:
			return nil, fmt.Errorf("%w: m-line %q: source %d is unknown or named twice", ErrOffer, mid, source)
		case section == nil:
			return nil, fmt.Errorf("%w: no m-line %q", ErrOffer, mid)
		case section.Role == transport.Slot || (section.Kind == transport.Audio) != source.audio():
			return nil, fmt.Errorf("%w: m-line %q cannot carry source %d", ErrOffer, mid, source)
		}
		seen[source] = true
		section.Stereo = source == ScreenAudio
	}
	return parsed, nil
}

// answer writes the SDP answer to a session's newest offer.
func (n *Node) answer(s *shard, ses *session) (Answer, error) {
	text, err := transport.Answer(ses.offer, transport.Local{
		Credentials: ses.local, Fingerprint: n.certificate.Fingerprint, Candidates: s.candidates,
	})
	if err != nil {
		return Answer{}, err
	}
	a := Answer{SDP: text}
	for _, section := range ses.offer.Sections {
		switch {
		case section.Role == transport.Slot && section.Kind == transport.Audio:
			a.AudioSlots = append(a.AudioSlots, section.Mid)
		case section.Role == transport.Slot && section.Kind == transport.Video:
			a.VideoSlots = append(a.VideoSlots, section.Mid)
		}
	}
	return a, nil
}

// generationOf makes the ICE agent of an offer.
func generationOf(local transport.Credentials, o *transport.Offer) generation {
	return generation{ufrag: local.Ufrag, agent: transport.NewAgent(local, o.Remote)}
}
