package speaker

import "time"

const (
	frame = 20 * time.Millisecond // what one packet of Opus carries, as a rule
	// late is the silence that counts as none: packets of 60 ms, or that come unevenly.
	late = 3 * frame
	// The windows of the paper: a second is blocks blocks of blockFrames frames.
	blockFrames, blocks = 5, 10
	frames              = blockFrames * blocks
	// Levels run from 0 to 127 and are measured in steps of unit, of which steps fit in.
	unit, steps = 10, 13
	// speechStep is the step above which a frame counts as speech: -57 dBov.
	speechStep = 6
	// A microphone's own noise is what it never falls below in floorFrames frames of sound, at first in firstFrames. It is
	// not taken to be higher than maxFloor.
	firstFrames, floorFrames, maxFloor = 100, 500, 90
	// Activity follows speech within 0.2 s and falls off within 2 s.
	attack, release = 0.1, 0.01
)

// member is one participant's last second.
type member struct {
	id     int32
	last   time.Time // up to which the frames are known
	levels [frames]uint8
	head   int // of the oldest frame, which the next one replaces

	floor, lowest uint8 // what the microphone never falls below, and what it did not in the present window
	due           int   // frames until that window ends

	activity float32 // 0 to 1: how much and how loudly he speaks at present

	// as measured at the last Tick
	speech                  int     // frames in the last second
	immediate, medium, long float32 // scores, as logarithms
}

func newMember(id int32, now time.Time) *member {
	return &member{id: id, last: now.Add(-frame), lowest: 127, due: firstFrames}
}

// observe takes in a packet. What is missing before it was silence, unless it is so little that the packet covers it.
func (m *member) observe(level uint8, now time.Time) {
	loudness := 127 - min(level, 127)
	gap := now.Sub(m.last)
	n := 1
	if gap <= late {
		n = max(1, int(gap/frame))
	} else {
		m.pass(now.Add(-frame))
	}
	for range n {
		m.push(loudness)
	}
	m.last = now
}

// pass lets time go by in silence.
func (m *member) pass(now time.Time) {
	if now.Sub(m.last) <= late {
		return
	}
	n := int(now.Sub(m.last) / frame)
	m.last = m.last.Add(time.Duration(n) * frame)
	for range min(n, 10*frames) {
		m.push(0)
	}
}

// push takes in one frame.
func (m *member) push(loudness uint8) {
	if loudness > 0 {
		m.lowest = min(m.lowest, loudness)
		m.floor = min(m.floor, loudness)
		if m.due--; m.due == 0 {
			m.floor, m.lowest, m.due = min(m.lowest, maxFloor), 127, floorFrames
		}
		if loudness < m.floor+unit {
			loudness = 0
		}
	}
	m.levels[m.head] = loudness
	m.head = (m.head + 1) % frames

	aim := min(max(float32(loudness)-60, 0)/40, 1) // -67 dBov is nothing, -27 is a clear voice
	if aim > m.activity {
		m.activity += (aim - m.activity) * attack
	} else {
		m.activity += (aim - m.activity) * release
	}
}

// measure scores the last frame, the last tenth of a second and the last second.
func (m *member) measure(s *scores) {
	m.speech = 0
	full, newest := 0, 0
	for block := range blocks { // from the newest on
		spoken := 0
		for i := range blockFrames {
			if m.levels[(m.head+2*frames-1-block*blockFrames-i)%frames]/unit > speechStep {
				spoken++
			}
		}
		if block == 0 {
			newest = spoken
		}
		if spoken == blockFrames {
			full++
		}
		m.speech += spoken
	}
	m.immediate = s.immediate[m.levels[(m.head+frames-1)%frames]/unit]
	m.medium, m.long = s.medium[newest], s.long[full]
}
