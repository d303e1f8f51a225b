package sfu

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtp"

	"tarasul/sfu/egress"
	"tarasul/sfu/packet"
	"tarasul/sfu/transport"
	"tarasul/sfu/udp"
)

const (
	commandQueue = 4096 // commands that wait for the loop; who sends more waits
	frameQueue   = 1024 // datagrams from TCP that wait for the loop; more are lost
	turnFrames   = 128  // of them in one turn
)

// shard is one loop: a socket, the rooms that live here, and all that is in them. All
// fields below the line belong to the loop.
type shard struct {
	node       *Node
	number     int
	socket     *udp.Socket
	listener   *transport.TCPListener // nil without TCP
	candidates []transport.Candidate
	commands   chan func(now time.Time)
	frames     chan frame
	wait       time.Duration
	running    sync.WaitGroup // handshakes that end on their own

	// ----
	inbox   *udp.Inbox
	out     *egress.Sender
	events  outbox
	rooms   map[RoomID]*room
	byUfrag map[string]*peer
	byPath  map[transport.Path]*peer
	touched []*room
	packets [udp.Slots + turnFrames]packet.Packet
	used    int // of packets, in this turn
	header  rtp.Header
	reply   []byte   // scratch for STUN answers
	plain   []byte   // scratch for opened RTCP
	lost    []uint16 // scratch for NACKs
	// dependencies holds rewritten dependency descriptors until their packets are sealed.
	dependencies []byte
	send         egress.Packet // scratch for the packet under way
	stats        Stats
	nextTick     time.Time
	ticks        uint64
	overload     overload
	overflow     uint64 // of the kernel\'s buffer, when it was read last
	done         bool
}

// frame is one datagram that came over TCP.
type frame struct {
	data   []byte
	stream *transport.Stream
	closed bool // the stream has ended; no data
}

func newShard(n *Node, number int, addr netip.AddrPort, cfg Config) (*shard, error) {
	socket, err := udp.Listen(addr, udp.Config{})
	if err != nil {
		return nil, err
	}
	out, err := egress.New(socket, egress.Config{})
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	s := &shard{
		node: n, number: number, socket: socket, out: out, inbox: udp.NewInbox(), wait: cfg.Wait,
		commands: make(chan func(time.Time), commandQueue), frames: make(chan frame, frameQueue),
		rooms: map[RoomID]*room{}, byUfrag: map[string]*peer{}, byPath: map[transport.Path]*peer{},
		events: outbox{to: n.events},
	}
	port := socket.LocalAddr().Port()
	if cfg.TCP {
		s.listener, err = transport.ListenTCP(netip.AddrPortFrom(addr.Addr(), port), transport.TCPConfig{
			Deliver: func(data []byte, from *transport.Stream) {
				s.deliver(frame{data: append([]byte(nil), data...), stream: from})
			},
			Closed: func(ended *transport.Stream) { s.deliver(frame{stream: ended, closed: true}) },
		})
		if err != nil {
			return nil, errors.Join(err, socket.Close())
		}
	}
	s.candidates = candidates(n.advertise, port, cfg.TCP)
	return s, nil
}

// deliver hands a frame to the loop; a loop that is behind loses it, as UDP would.
func (s *shard) deliver(f frame) {
	select {
	case s.frames <- f:
		s.socket.Wake()
	default:
		if f.closed { // must not be lost; the stream's own goroutine can wait
			select {
			case s.frames <- f:
				s.socket.Wake()
			case <-s.node.stopped:
			}
		}
	}
}

// post runs f on the loop soon, after all that was posted before.
func (s *shard) post(f func(now time.Time)) {
	select {
	case s.commands <- f:
		s.socket.Wake()
	case <-s.node.stopped:
	}
}

// do runs f on the loop and waits until it has run.
func (s *shard) do(ctx context.Context, f func(now time.Time)) error {
	ran := make(chan struct{})
	wrapped := func(now time.Time) {
		f(now)
		close(ran)
	}
	select {
	case s.commands <- wrapped:
		s.socket.Wake()
	case <-ctx.Done():
		return ctx.Err()
	case <-s.node.stopped:
		return ErrClosed
	}
	select {
	case <-ran:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.node.stopped:
		return ErrClosed
	}
}

// run turns the loop until stop.
func (s *shard) run() error {
	var last time.Time // turn that brought something
	for !s.done {
		if rest := s.wait - time.Since(last); s.wait > 0 && rest > 0 {
			udp.Pause(rest) // what comes after a silence is not kept waiting; what follows it gathers
		}
		n, err := s.socket.Receive(s.inbox)
		if err != nil {
			if errors.Is(err, udp.ErrClosed) {
				break
			}
			return fmt.Errorf("media shard %d: %w", s.number, err)
		}
		now := s.inbox.At()
		if n > 0 {
			last = now
		}
		s.turn(n, now)
	}
	for _, r := range s.rooms {
		for _, p := range r.peers {
			if p != nil {
				p.close()
			}
		}
	}
	s.running.Wait()
	return nil
}

// turn does all the work that n datagrams and the passing of time have brought.
func (s *shard) turn(n int, now time.Time) {
	s.used = 0
	for i := range n {
		data, from := s.inbox.Datagram(i)
		s.datagram(data, transport.Path{Addr: from}, now)
	}
	for range turnFrames {
		select {
		case f := <-s.frames:
			s.frame(f, now)
			continue
		default:
		}
		break
	}
	if len(s.touched) > 0 {
		packets := s.forward(now)
		s.out.Flush()
		s.stats.Forwarding.observe(time.Since(now), packets)
	}
	for range commandQueue {
		select {
		case f := <-s.commands:
			f(now)
			continue
		default:
		}
		break
	}
	if len(s.touched) > 0 { // what a peer sent before its keys were there
		s.forward(now)
	}
	s.clock(now)
	s.out.Flush()
	s.events.retry()
	s.measure(now, n)
	if len(s.frames) > 0 || len(s.commands) > 0 { // their wakes are spent
		s.socket.Wake()
	}
}

// measure notes how late a turn of n datagrams was, and sheds or takes back if need be.
func (s *shard) measure(began time.Time, n int) {
	now := time.Now()
	if n == 0 { // nothing was kept waiting
		began = now
	}
	overflow := s.socket.Counters().Overflowed
	changed := s.overload.observe(now, now.Sub(began), overflow != s.overflow)
	s.overflow = overflow
	if changed {
		s.events.tell(OverloadChanged{s.number, int(s.overload.level)})
		for _, r := range s.rooms {
			r.arrange(now)
		}
	}
}

// forward empties the batches of the rooms that got packets, and says how many went out.
func (s *shard) forward(now time.Time) int {
	before := s.stats.Verdicts[Sent]
	for _, r := range s.touched {
		r.forward(now)
	}
	s.touched = s.touched[:0]
	return int(s.stats.Verdicts[Sent] - before)
}

func (s *shard) frame(f frame, now time.Time) {
	path := transport.Path{Addr: f.stream.Remote(), Stream: f.stream}
	if !f.closed {
		s.datagram(f.data, path, now)
	} else if p := s.byPath[path]; p != nil {
		p.forgetPath(path)
	}
}

// datagram tells the protocols on one socket apart (RFC 7983).
func (s *shard) datagram(data []byte, from transport.Path, now time.Time) {
	switch {
	case len(data) >= 12 && data[0]>>6 == 2:
		s.media(data, from, now)
	case transport.IsSTUN(data):
		s.stats.STUN++
		s.stun(data, from, now)
	case transport.IsDTLS(data):
		s.stats.DTLS++
		if p := s.byPath[from]; p != nil {
			p.handshake(data, from)
		} else {
			s.stats.Verdicts[Unknown]++
		}
	default:
		s.stats.Verdicts[Foreign]++
	}
}

// stun answers a connectivity check. It is routed by its user name and not by its
// address, since an address can be taken over by another peer; and only a check whose
// integrity is right teaches us an address.
func (s *shard) stun(data []byte, from transport.Path, now time.Time) {
	ufrag, ok := transport.Username(data)
	p := s.byUfrag[string(ufrag)]
	if !ok || p == nil {
		s.stats.Verdicts[STUNFailed]++
		return
	}
	result := p.check(string(ufrag), data, from, now)
	if result.Verdict == transport.Unauthorized || result.Verdict == transport.Malformed {
		s.stats.Verdicts[STUNFailed]++
	}
	if result.Reply != nil {
		s.reply = result.Reply[:0]
		s.answerSTUN(result.Reply, from)
	}
}

// answerSTUN sends a STUN response to where its request came from. What cannot be sent
// is lost: checks are repeated.
func (s *shard) answerSTUN(reply []byte, to transport.Path) {
	if to.Stream != nil {
		to.Stream.Write(reply)
		return
	}
	_ = s.socket.WriteTo(reply, to.Addr)
}

// media opens SRTP and SRTCP.
func (s *shard) media(data []byte, from transport.Path, now time.Time) {
	p := s.byPath[from]
	if p == nil {
		s.stats.Verdicts[Unknown]++
		return
	}
	if p.in == nil {
		p.keep(data, from)
		return
	}
	if data[1] >= 192 && data[1] <= 223 { // RFC 5761 section 4
		plain, err := p.in.DecryptRTCP(s.plain[:0], data, nil)
		if err != nil {
			s.stats.Verdicts[Unopened]++
			return
		}
		s.plain = plain
		p.hear(from, now)
		p.rtcp(plain, now)
		return
	}
	plain, err := p.in.DecryptRTP(data, data, &s.header)
	if err != nil {
		s.stats.Verdicts[Unopened]++
		return
	}
	p.hear(from, now)
	s.stats.PacketsIn++
	s.stats.BytesIn += uint64(len(plain))
	if s.used == len(s.packets) { // early packets of many peers at once
		s.forward(now)
		s.used = 0
	}
	in := &s.packets[s.used]
	s.used++
	s.stats.Verdicts[p.receive(in, &s.header, plain, now)]++
}

// join puts a new peer into its room; the same person's former session ends.
func (s *shard) join(id RoomID, p *peer, now time.Time) {
	if r := s.rooms[id]; r != nil {
		if former := r.peer(p.id); former != nil {
			s.remove(former, now)
		}
	}
	r := s.rooms[id]
	if r == nil {
		r = newRoom(s, id)
		s.rooms[id] = r
	}
	s.byUfrag[p.agents[0].ufrag] = p
	r.add(p, now)
	s.setIdle()
}

// remove takes a peer out of its room and ends its transport.
func (s *shard) remove(p *peer, now time.Time) {
	r := p.room
	if r == nil {
		return
	}
	for _, g := range p.agents {
		delete(s.byUfrag, g.ufrag)
	}
	for _, path := range p.paths() {
		if s.byPath[path] == p {
			delete(s.byPath, path)
		}
	}
	r.remove(p, now)
	p.close()
	if r.count == 0 {
		delete(s.rooms, r.id)
	}
	s.setIdle()
}

// setIdle lets a loop without rooms sleep until something comes, and one with rooms
// keep its clock.
func (s *shard) setIdle() {
	if len(s.rooms) == 0 {
		s.socket.SetIdle(0)
	} else {
		s.socket.SetIdle(tick)
	}
}

// stop ends the loop after its current turn.
func (s *shard) stop() {
	select {
	case s.commands <- func(time.Time) { s.done = true }:
	default: // full of commands, of which nobody waits any more
		s.socket.Close()
	}
	s.socket.Wake()
}

// close frees the sockets; the loop is not running.
func (s *shard) close() {
	if s.listener != nil {
		s.listener.Close()
	}
	s.socket.Close()
}

// snapshot fills in what is not counted as it happens.
func (s *shard) snapshot() Stats {
	st := s.stats
	st.Rooms = len(s.rooms)
	st.Overload = int(s.overload.level)
	for _, r := range s.rooms {
		for _, p := range r.peers {
			if p == nil {
				continue
			}
			st.Peers++
			if p.in != nil {
				st.Connected++
			}
			st.leave(p)
			for _, up := range p.up {
				if up != nil && up.flows() {
					st.UpTracks++
				}
			}
			for _, d := range p.slots {
				if d.up != nil {
					st.DownTracks++
				}
			}
		}
	}
	st.Socket = s.socket.Counters()
	return st
}
