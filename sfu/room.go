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
	codec    payload.Codec
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
	for _, d := range p.slots {
		d.carry(nil)
	}
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
func (r *room) take(p *packet.Packet, e *encoding, codec payload.Codec) {
	if len(r.batch) == 0 {
		r.shard.touched = append(r.shard.touched, r)
	}
	r.batch = append(r.batch, incoming{p, e, codec})
}

// forward sends each subscriber their share of what one turn brought in: subscriber by
// subscriber, so that packets to one destination lie next to each other and leave as
// one run. On a quiet loop most turns bring one packet, and most of the cost is memory
// that has gone cold meanwhile: then only those who carry its source are touched.
func (r *room) forward(now time.Time) {
	if up := r.single(); up != nil {
		for _, d := range up.subs {
			if !d.peer.ready(now) {
				continue
			}
			sent := 0
			for i := range r.batch {
				sent = r.offer(d, &r.batch[i], now, sent)
			}
			r.close(d.peer, sent, now)
		}
	} else {
		for _, p := range r.peers {
			if p == nil || !p.ready(now) {
				continue
			}
			sent := 0
			for i := range r.batch {
				in := &r.batch[i]
				if d := p.down[in.encoding.up.index]; d != nil {
					sent = r.offer(d, in, now, sent)
				}
			}
			r.close(p, sent, now)
		}
	}
	r.batch = r.batch[:0]
}

// single is the up-track that the whole batch is of, or nil.
func (r *room) single() *upTrack {
	up := r.batch[0].encoding.up
	for i := 1; i < len(r.batch); i++ {
		if r.batch[i].encoding.up != up {
			return nil
		}
	}
	return up
}

// offer lets a down-track decide about a packet; sent is how many packets its peer was
// sent before in this turn, and with this one.
func (r *room) offer(d *downTrack, in *incoming, now time.Time, sent int) int {
	s := r.shard
	verdict := d.forward(in, now)
	s.stats.Verdicts[verdict]++
	if verdict != Sent {
		return sent
	}
	if sent == 0 {
		s.out.Begin(&d.peer.out, now)
	}
	s.out.Add(&s.send)
	return sent + 1
}

// close ends a peer's share of a turn.
func (r *room) close(p *peer, sent int, now time.Time) {
	if sent == 0 {
		return
	}
	r.shard.out.End()
	r.shard.dependencies = r.shard.dependencies[:0]
	if !p.flowing {
		p.flow(now)
	}
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
