package sfu

import (
	"slices"
	"time"
)

// defaultTile is how large a picture is taken to be shown until the page has said so.
var defaultTile = Tile{Source: Camera, Width: 320, Height: 180}

// arrange gives everybody's slots to what they should carry now, and tells those for
// whom something has changed. It is called when anything that counts has changed: who
// is there, what is switched on or permitted, what is shown.
func (r *room) arrange(now time.Time) {
	for _, p := range r.peers {
		if p != nil {
			r.arrangePeer(p)
		}
	}
	r.allocate(now)
}

// arrangePeer is arrange for one peer.
func (r *room) arrangePeer(p *peer) {
	changed := r.arrangeAudio(p)
	if r.arrangeVideo(p) {
		changed = true
	}
	if changed {
		r.tellSlots(p)
	}
}

// arrangeAudio gives the audio slots to shared sound first, then to the voices: to all
// of them where the slots suffice, else to the most active. A voice keeps its slot as
// long as it is among them.
func (r *room) arrangeAudio(p *peer) bool {
	var slots []*downTrack
	for _, d := range p.slots {
		if !d.picture {
			slots = append(slots, d)
		}
	}
	var want []*upTrack
	for o := range r.others(p) {
		if up := o.up[ScreenAudio]; up != nil && up.open() {
			want = append(want, up)
		}
	}
	voices := r.voices(p, len(slots)-len(want))
	want = append(want, voices...)
	return r.assign(p, slots, want[:min(len(want), len(slots))])
}

// voices are at most n microphones that p should hear.
func (r *room) voices(p *peer, n int) []*upTrack {
	var open []*upTrack
	for o := range r.others(p) {
		if up := o.up[Microphone]; up != nil && up.open() {
			open = append(open, up)
		}
	}
	if len(open) <= n {
		return open
	}
	var out []*upTrack
	take := func(up *upTrack) {
		if len(out) < n && slices.Contains(open, up) && !slices.Contains(out, up) {
			out = append(out, up)
		}
	}
	for _, i := range r.audible {
		if o := r.peers[i]; o != nil && o != p {
			take(o.up[Microphone])
		}
	}
	for _, d := range p.slots { // what is carried already, before what is not
		take(d.up)
	}
	for _, up := range open {
		take(up)
	}
	return out
}

// arrangeVideo gives the video slots to the tiles that the page shows, in its order.
func (r *room) arrangeVideo(p *peer) bool {
	view := p.view
	if !p.viewed { // the page has not spoken yet: everyone small, a shared screen large
		for o := range r.others(p) {
			view = append(view, Tile{Peer: o.id, Source: Screen, Width: 1280, Height: 720})
		}
		for o := range r.others(p) {
			tile := defaultTile
			tile.Peer = o.id
			view = append(view, tile)
		}
	}
	var slots []*downTrack
	for _, d := range p.slots {
		if d.picture {
			slots = append(slots, d)
		}
	}
	var want []*upTrack
	tiles := map[*upTrack]Tile{}
	for _, tile := range view {
		o := r.peer(tile.Peer)
		if o == nil || o == p || tile.Source.audio() || tile.Source >= sourceCount || len(want) == len(slots) {
			continue
		}
		if up := o.up[tile.Source]; up != nil && up.open() && !slices.Contains(want, up) {
			want = append(want, up)
			tiles[up] = tile
		}
	}
	changed := r.assign(p, slots, want)
	cameras := 0
	for _, up := range want {
		if up.source == Camera {
			cameras++
		}
	}
	kept := r.shard.overload.level.kept(cameras)
	for _, up := range want {
		d := p.down[up.index]
		d.tile = tiles[up]
		reason := NotPaused
		if !d.decodes(up) {
			reason = PausedCodec
		}
		if up.source == Camera {
			if kept == 0 {
				reason = PausedOverload
			} else {
				kept--
			}
		}
		if d.paused != reason {
			d.paused, changed = reason, true
			d.selector.Restart() // what passed meanwhile was not seen
		}
	}
	return changed
}

// decodes reports whether the slot has a payload type for the first codec that was
// chosen for a source.
func (d *downTrack) decodes(up *upTrack) bool {
	if len(up.section.Chosen) == 0 {
		return false
	}
	return d.types[up.section.Chosen[0].Codec].pt != 0
}

// assign lets slots carry what is wanted, and what is carried already stays where it is.
// There are at least as many slots as wants.
func (r *room) assign(p *peer, slots []*downTrack, want []*upTrack) (changed bool) {
	put := func(d *downTrack, up *upTrack) {
		if d.up != nil {
			p.down[d.up.index] = nil
		}
		d.carry(up)
		if up != nil {
			p.down[up.index] = d
		}
		changed = true
	}
	for _, d := range slots {
		if d.up != nil && !slices.Contains(want, d.up) {
			put(d, nil)
		}
	}
	for _, up := range want {
		if p.down[up.index] != nil {
			continue
		}
		free := slices.IndexFunc(slots, func(d *downTrack) bool { return d.up == nil })
		put(slots[free], up)
	}
	return changed
}

// tellSlots says what every slot of a peer carries now.
func (r *room) tellSlots(p *peer) {
	e := SlotsChanged{Room: r.id, Peer: p.id}
	for _, d := range p.slots {
		if d.up != nil {
			e.Slots = append(e.Slots, SlotState{Mid: d.section.Mid, Source: d.up.source, Of: d.up.peer.id, Paused: d.paused})
		}
	}
	r.shard.events.tell(e)
}

// listen lets the voices that speak now take the audio slots, and names the dominant
// speaker.
func (r *room) listen(now time.Time) {
	if i, changed := r.speakers.Tick(now); changed {
		r.dominant = ""
		if i >= 0 && int(i) < len(r.peers) && r.peers[i] != nil {
			r.dominant = r.peers[i].id
		}
		r.shard.events.tell(SpeakerChanged{r.id, r.dominant})
	}
	var buffer [maxAudible]int32
	audible := r.speakers.Loudest(buffer[:])
	if slices.Equal(audible, r.audible) {
		return
	}
	r.audible = append(r.audible[:0], audible...)
	open := 0
	for p := range r.others(nil) {
		if up := p.up[Microphone]; up != nil && up.open() {
			open++
		}
	}
	for _, p := range r.peers {
		if p == nil || p.ears() >= open || !r.arrangeAudio(p) { // who hears all of them needs no choice
			continue
		}
		r.tellSlots(p)
		for _, d := range p.slots {
			if d.fresh && d.up != nil && d.up.source == Microphone {
				p.replay(d, now)
			}
		}
	}
}

// ears is how many slots the peer has for voices.
func (p *peer) ears() int {
	n := 0
	for _, d := range p.slots {
		if !d.picture && (d.up == nil || d.up.source == Microphone) {
			n++
		}
	}
	return n
}

// replay sends what a voice said just before it was given a slot: it was found to be a
// voice only because somebody had begun to speak. The receiver's jitter buffer takes the
// moment's delay back within the next words.
func (p *peer) replay(d *downTrack, now time.Time) {
	e := d.up.encodings[0]
	if e.ring == nil || !p.ready(now) {
		return
	}
	s := p.shard
	s.out.Begin(&p.out, now)
	for seq := e.newest - replayed + 1; seq != e.newest+1; seq++ {
		said, ok := e.ring.Get(seq)
		if !ok || now.Sub(said.Arrived) > 2*replayed*20*time.Millisecond {
			continue
		}
		codec, _ := e.up.codec(said.PayloadType)
		if d.forward(&incoming{said, e, codec}, now) == Sent {
			s.out.Add(&s.send)
		}
	}
	s.out.End()
}

// replayed is how many packets of a voice are sent to whom it was not sent: 200 ms.
const replayed = 10

// maxAudible is how many speakers are ranked: more than anyone has audio slots for when
// there are not enough for all.
const maxAudible = 64
