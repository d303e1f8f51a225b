package sfu

import (
	"time"

	"tarasul/sfu/layers"
)

const (
	// enough is the part of a tile's height from which an encoding is sharp enough for
	// it: 360 lines fill a tile of 450.
	enough = 0.8
	// unwantedAfter is how long an encoding that nobody watches is still sent, so that a
	// page that is being rearranged does not stop and start it.
	unwantedAfter = 2 * time.Second
	// legible is the least height of a shared screen, if it is sent at all.
	legible = 720
	// All layers inside an encoding: more than a bitrate can say is not known yet.
	topSpatial, topTemporal = 3, 7
)

// allocate sets the target of every video slot by the size at which it is shown, and
// tells publishers which encodings are wanted. Sharing out a bitrate will go here.
func (r *room) allocate(now time.Time) {
	r.reallocate = false
	for p := range r.others(nil) {
		for _, up := range p.up {
			if up != nil {
				up.wanted = 0
			}
		}
	}
	for p := range r.others(nil) {
		for _, d := range p.slots {
			if d.up == nil || !d.picture || d.paused != NotPaused {
				continue
			}
			ideal := d.ideal()
			target := d.reachable(ideal, now)
			d.up.wanted |= 1<<ideal | 1<<target
			d.selector.SetTarget(layers.Target{Encoding: int8(target), Spatial: topSpatial, Temporal: topTemporal})
			d.wantsKey(now)
		}
	}
	for p := range r.others(nil) {
		for _, up := range p.up {
			if up != nil && !up.source.audio() && up.open() {
				up.tellWanted(now)
			}
		}
	}
}

// ideal is the smallest encoding that is sharp enough for the tile, else the largest that
// the load allows.
func (d *downTrack) ideal() int {
	lines := min(d.tile.Width, d.tile.Height)
	if d.up.source == Screen {
		lines = max(lines, legible)
	}
	top := d.peer.shard.overload.level.top(d)
	for i, e := range d.up.encodings[:top] {
		if float64(e.lines()) >= enough*float64(lines) {
			return i
		}
	}
	return top
}

// reachable is the encoding to take as long as the ideal one does not come: the next
// lower one that does, else the next higher, else the ideal one all the same.
func (d *downTrack) reachable(ideal int, now time.Time) int {
	all := d.up.encodings
	for i := ideal; i >= 0; i-- {
		if all[i].flowing(now) {
			return i
		}
	}
	for i := ideal + 1; i < len(all); i++ {
		if all[i].flowing(now) {
			return i
		}
	}
	return ideal
}

// tellWanted tells the publisher which encodings somebody watches, when that has changed.
func (u *upTrack) tellWanted(now time.Time) {
	wanted := u.wanted
	for i, e := range u.encodings {
		if wanted&(1<<i) != 0 {
			e.lastWanted = now
		} else if u.told&(1<<i) != 0 && now.Sub(e.lastWanted) < unwantedAfter {
			wanted |= 1 << i
		}
	}
	if u.everTold && wanted == u.told {
		return
	}
	u.told, u.everTold = wanted, true
	rids := make(map[string]bool, len(u.encodings))
	for i, e := range u.encodings {
		rids[e.rid] = wanted&(1<<i) != 0
	}
	u.peer.shard.events.tell(WantedChanged{u.peer.room.id, u.peer.id, u.source, rids})
}
