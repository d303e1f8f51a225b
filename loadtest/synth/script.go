package synth

import (
	"math"
	"math/rand/v2"
	"time"
)

// Silence is the audio level of a voice that says nothing (RFC 6464: -127 dBov).
const Silence = 127

// turn is how long somebody has the floor.
const turn = 4 * time.Second

// Script says who speaks when and how loudly. It is a function of time, so that it may be asked in any order.
type Script struct {
	bots, speakers int
	seed           uint64
}

// NewScript makes a script in which speakers of the bots speak at any time and take turns; 0 lets all speak all the time.
func NewScript(bots, speakers int, seed uint64) *Script {
	return &Script{bots: bots, speakers: speakers, seed: seed}
}

// Speaking reports whether a bot speaks at the time t after the start.
func (s *Script) Speaking(bot int, t time.Duration) bool {
	if s.speakers == 0 || s.speakers >= s.bots {
		return true
	}
	// One shuffle of all bots lasts for as many turns as it takes until all have spoken.
	n := int(t / turn)
	perRound := (s.bots + s.speakers - 1) / s.speakers
	order := rand.New(rand.NewPCG(s.seed, uint64(n/perRound))).Perm(s.bots)
	first := n % perRound * s.speakers
	for i := range s.speakers {
		if order[(first+i)%s.bots] == bot {
			return true
		}
	}
	return false
}

// Level is the audio level in -dBov (0 is the loudest) at which a bot speaks at the time t: its own usual loudness, with
// syllables four times a second and phrases over seconds.
func (s *Script) Level(bot int, t time.Duration) uint8 {
	if !s.Speaking(bot, t) {
		return Silence
	}
	r := rand.New(rand.NewPCG(s.seed, 1<<32+uint64(bot)))
	usual, phase, pace := 25+8*r.Float64(), 2*math.Pi*r.Float64(), 0.8+0.4*r.Float64()
	seconds := t.Seconds() * pace
	return uint8(usual + 8*math.Sin(2*math.Pi*4*seconds+phase) + 6*math.Sin(2*math.Pi*0.3*seconds+2*phase))
}
