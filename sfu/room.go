package sfu

import (
	"slices"
	"time"

	"tarasul/sfu/packet"
	"tarasul/sfu/payload"
	"tarasul/sfu/rewrite"
	"tarasul/sfu/speaker"
)

// room is the peers who see and hear each other. It belongs to its shard's loop.
type room struct {
	shard      *shard
	id         RoomID
	peers      []*peer // nil where somebody has left; indices stay
	count      int
	batch      []incoming // fresh packets of this turn
	speakers   *speaker.Detector
	dominant   PeerID
	audible    []int32 // peers' indices, the most active first
	reallocate bool
}

// incoming is one fresh packet.
type incoming struct {
	packet   *packet.Packet
	encoding *encoding
}

func newRoom(s *shard, id RoomID) *room {
	return &room{shard: s, id: id, speakers: speaker.New()}
}

func (r *room) peer(id PeerID) *peer {
	for _, p := range r.peers {
		if p != nil && p.id == id {
			return p
		}
	}
	return nil
}

// others iterates over everyone but p, in order of seats.
func (r *room) others(p *peer) func(func(*peer) bool) {
	return func(yield func(*peer) bool) {
		for _, o := range r.peers {
			if o != nil && o != p && !yield(o) {
				return
			}
		}
	}
}

func (r *room) add(p *peer, now time.Time) {
	p.index = slices.Index(r.peers, nil)
	if p.index < 0 {
		p.index = len(r.peers)
		r.peers = append(r.peers, nil)
	}
	r.peers[p.index] = p
	r.count++
	p.room, p.heard = r, now
	for o := range r.others(nil) {
		for len(o.down) < len(r.peers)*int(sourceCount) {
			o.down = append(o.down, nil)
		}
	}
	p.apply()
	r.arrange(now)
}

func (r *room) remove(p *peer, now time.Time) {
	r.batch = slices.DeleteFunc(r.batch, func(in incoming) bool { return in.encoding.up.peer == p })
	r.peers[p.index] = nil
	r.count--
	r.speakers.Remove(int32(p.index))
	r.audible = slices.DeleteFunc(r.audible, func(i int32) bool { return i == int32(p.index) })
	p.room = nil
	r.shard.stats.leave(p)
	r.arrange(now) // the slots that carried p are given up
	for o := range r.others(p) {
		for _, d := range o.slots {
			for i := range d.recent {
				if e := d.recent[i].encoding; e != nil && e.up.peer == p {
					d.recent[i] = origin{}
				}
			}
		}
	}
}

// take adds a fresh packet to this turn's batch.
func (r *room) take(p *packet.Packet, e *encoding) {
	if len(r.batch) == 0 {
		r.shard.touched = append(r.shard.touched, r)
	}
	r.batch = append(r.batch, incoming{p, e})
}

// forward sends each subscriber their share of what one turn brought in: subscriber by
// subscriber, so that packets to one destination lie next to each other and leave as
// one run.
func (r *room) forward(now time.Time) {
	s := r.shard
	for _, p := range r.peers {
		if p == nil || !p.ready(now) {
			continue
		}
		sent := 0
		for i := range r.batch {
			in := &r.batch[i]
			d := p.down[in.encoding.up.index]
			if d == nil {
				continue
			}
			verdict := d.forward(in, now)
			s.stats.Verdicts[verdict]++
			if verdict != Sent {
				continue
			}
			if sent == 0 {
				s.out.Begin(&p.out, now)
			}
			sent++
			s.out.Add(&s.send)
		}
		if sent > 0 {
			s.out.End()
			s.dependencies = s.dependencies[:0]
			if !p.flowing {
				p.flow(now)
			}
		}
	}
	r.batch = r.batch[:0]
}

// flow notes that a peer gets media.
func (p *peer) flow(now time.Time) {
	p.flowing = true
	took := now.Sub(p.created)
	p.shard.stats.FirstMedia.observe(took, 1)
	p.shard.events.tell(PeerFlowing{p.room.id, p.id, took})
}

// renumber rewrites a dependency descriptor's frame number. The result is valid until
// the packets of this destination are sealed.
func (s *shard) renumber(raw []byte, n rewrite.Numbers) []byte {
	if !n.HasFrame {
		return raw
	}
	at := len(s.dependencies)
	s.dependencies = append(s.dependencies, raw...)
	room := s.dependencies[at:]
	if payload.RewriteDependency(room, raw, n.Frame) == 0 {
		return raw
	}
	return room
}
