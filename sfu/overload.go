package sfu

import "time"

// A loop that is asked for more than its core can do gets later and later, until the
// kernel drops whatever comes, voices too. Before that the shard sheds, in order: the top
// layers of what is not on a stage, then all but the lowest, then pictures from the end
// of each page's list; never a voice, never a shared screen.

// overloadLevel is how much is shed.
type overloadLevel int

const (
	noOverload    overloadLevel = iota
	shedTop                     // the largest encoding only where it is pinned or a shared screen
	shedUpper                   // the lowest encoding, but for shared screens
	shedQuarter                 // a quarter of everyone's camera pictures, from the end
	shedHalf                    //
	shedMost                    // three quarters
	shedPictures                // all of them
	worstOverload = shedPictures
)

const (
	// lateness is from a datagram's arrival to the end of its turn. A full core has turns of
	// 5 ms; what a jitter buffer takes without a sound is about 40.
	lateAbove = 25 * time.Millisecond
	lateBelow = 10 * time.Millisecond
	// raiseAfter and calmAfter are how long it must be late, or calm, for a step.
	raiseAfter = 500 * time.Millisecond
	calmAfter  = 3 * time.Second
	// A step back that had to be taken again makes the next one wait twice as long.
	calmAtMost = 60 * time.Second
)

// overload decides by how late the loop is. Time is an argument.
type overload struct {
	level   overloadLevel
	average time.Duration // of lateness
	late    time.Time     // since when it is too late
	calm    time.Time     // since when it is calm
	relaxed time.Time     // when the level was lowered last
	wait    time.Duration // for calm; at least calmAfter
}

// observe takes in how late a turn was, and whether the kernel has dropped datagrams
// since the last. It reports whether the level has changed.
func (o *overload) observe(now time.Time, lateness time.Duration, dropped bool) bool {
	o.average += (lateness - o.average) / 8
	switch {
	case o.average > lateAbove || dropped:
		o.calm = time.Time{}
		if o.late.IsZero() {
			o.late = now
		}
		if o.level < worstOverload && now.Sub(o.late) >= raiseAfter {
			if now.Sub(o.relaxed) < 2*max(o.wait, calmAfter) {
				o.wait = min(2*max(o.wait, calmAfter), calmAtMost)
			} else {
				o.wait = calmAfter
			}
			o.level++
			o.late = now
			return true
		}
	case o.average < lateBelow:
		o.late = time.Time{}
		if o.calm.IsZero() {
			o.calm = now
		}
		if o.level > noOverload && now.Sub(o.calm) >= max(o.wait, calmAfter) {
			o.level--
			o.calm, o.relaxed = now, now
			return true
		}
	default:
		o.late, o.calm = time.Time{}, time.Time{}
	}
	return false
}

// top is the largest encoding that a picture may have.
func (l overloadLevel) top(d *downTrack) int {
	all := len(d.up.encodings) - 1
	switch {
	case d.up.source == Screen || l == noOverload || l == shedTop && d.tile.Pinned:
		return all
	case l == shedTop:
		return max(0, all-1)
	}
	return 0
}

// kept is how many of n camera pictures are sent.
func (l overloadLevel) kept(n int) int {
	if l < shedQuarter {
		return n
	}
	quarters := int(l-shedQuarter) + 1
	return n - (n*quarters+3)/4
}
