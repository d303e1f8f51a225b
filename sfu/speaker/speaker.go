// Package speaker finds who is speaking from the audio levels that clients put in their packets (RFC 6464), after Volfin
// and Cohen, "Dominant speaker identification for multipoint videoconferencing" (Computer Speech & Language 27, 2013).
//
// It must never know of packets, rooms or clocks. A Detector belongs to one goroutine.
package speaker

import (
	"slices"
	"time"
)

// Nobody is the dominant speaker where nobody speaks.
const Nobody int32 = -1

const (
	// hold is how long somebody stays dominant who has fallen silent and whom nobody follows.
	hold = 5 * time.Second
	// takeOver and takeFloor are the speech in the last second, in frames, that it takes to become dominant: after
	// somebody, and after nobody. A cough is shorter.
	takeOver, takeFloor = 25, 15
	// lead is how many frames more than the dominant speaker's that must be, so that two who talk at once do not alternate.
	lead = 15
	// The thresholds c1, c2, c3 of the paper: the logarithm of the ratio of the scores over the three windows, the
	// challenger's to the dominant speaker's, has to exceed them.
	immediateRatio, mediumRatio, longRatio = 3, 2, 0
	// margin is how much more active than the one before somebody has to be to be ranked before them. A breath costs less.
	margin = 0.2
	// audible is the activity from which somebody counts as one who speaks.
	audible = 0.1
)

// Detector follows the speech in one room.
type Detector struct {
	scores   scores
	members  []*member // the most active first
	dominant int32
	told     int32
	spoke    time.Time // when the dominant speaker was last heard
}

// New makes a detector.
func New() *Detector { return &Detector{scores: newScores(), dominant: Nobody, told: Nobody} }

// Observe takes in the level of one packet, in -dBov: 0 is the loudest, 127 is silence. Participants who send nothing
// (discontinuous transmission, mute) are silent. Only the first packet of a participant allocates.
func (d *Detector) Observe(id int32, level uint8, now time.Time) {
	i := d.index(id)
	if i < 0 {
		i = len(d.members)
		d.members = append(d.members, newMember(id, now))
	}
	d.members[i].observe(level, now)
}

// Remove forgets a participant.
func (d *Detector) Remove(id int32) {
	if i := d.index(id); i >= 0 {
		d.members = slices.Delete(d.members, i, i+1)
	}
	if d.dominant == id {
		d.dominant = Nobody
	}
}

func (d *Detector) index(id int32) int {
	return slices.IndexFunc(d.members, func(m *member) bool { return m.id == id })
}

// Tick decides who is the dominant speaker, and says whether that has changed since the last Tick. It should be called
// every 100 to 300 ms. Silence keeps the dominant speaker for five seconds; then there is Nobody.
func (d *Detector) Tick(now time.Time) (dominant int32, changed bool) {
	var holder *member
	for _, m := range d.members {
		m.pass(now)
		m.measure(&d.scores)
		if m.id == d.dominant {
			holder = m
		}
	}
	d.rank()
	var best *member
	for _, m := range d.members {
		if m != holder && d.exceeds(m, holder) && (best == nil || m.medium > best.medium || m.medium == best.medium && m.speech > best.speech) {
			best = m
		}
	}
	switch {
	case best != nil:
		d.dominant, d.spoke = best.id, now
	case holder != nil && holder.speech > 0:
		d.spoke = now
	case d.dominant != Nobody && now.Sub(d.spoke) >= hold:
		d.dominant = Nobody
	}
	changed = d.dominant != d.told
	d.told = d.dominant
	return d.dominant, changed
}

// exceeds reports whether a challenger takes over from the holder, who may be nil.
func (d *Detector) exceeds(m, holder *member) bool {
	immediate, medium, long, least := d.scores.immediate[0], d.scores.medium[0], d.scores.long[0], takeFloor
	if holder != nil {
		immediate, medium, long, least = holder.immediate, holder.medium, holder.long, max(takeOver, holder.speech+lead)
	}
	return m.speech >= least && m.immediate-immediate > immediateRatio && m.medium-medium > mediumRatio && m.long-long > longRatio
}

// rank sorts by activity, but leaves in peace those who differ by little.
func (d *Detector) rank() {
	for i := range d.members {
		for j := i; j > 0 && d.members[j].activity > d.members[j-1].activity+margin; j-- {
			d.members[j], d.members[j-1] = d.members[j-1], d.members[j]
		}
	}
}

// Dominant is the dominant speaker as of the last Tick, Nobody if there is none.
func (d *Detector) Dominant() int32 { return d.told }

// Loudest writes those who speak or spoke until a few seconds ago into dst, the most active first as of the last Tick, and
// returns the part that is filled. Who begins to speak passes those who are silent within a third of a second; among
// those who speak alike the order stays as it is.
func (d *Detector) Loudest(dst []int32) []int32 {
	n := 0
	for _, m := range d.members {
		if n == len(dst) {
			break
		}
		if m.activity >= audible {
			dst[n] = m.id
			n++
		}
	}
	return dst[:n]
}
