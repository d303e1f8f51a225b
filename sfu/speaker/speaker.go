// Package speaker finds who is speaking from the audio levels that clients put in their packets (RFC 6464), after
// Volfin and Cohen, "Dominant speaker identification for multipoint videoconferencing" (Computer Speech & Language 27, 2013).
//
// It must never know of packets, rooms or clocks.
package speaker

import "time"

// Nobody is the dominant speaker of a room where nobody has spoken.
const Nobody int32 = -1

// Detector follows the speech of one room.
type Detector struct{}

// New makes a detector.
func New() *Detector { return &Detector{} }

// Observe takes in the level of one packet of a participant, in -dBov: 0 is the loudest, 127 silence.
func (d *Detector) Observe(id int32, level uint8, now time.Time) {}

// Remove forgets a participant.
func (d *Detector) Remove(id int32) {}

// Tick decides. It should be called every 100 to 300 ms.
func (d *Detector) Tick(now time.Time) (dominant int32, changed bool) { return Nobody, false }

// Dominant is the dominant speaker, Nobody if there is none.
func (d *Detector) Dominant() int32 { return Nobody }

// Loudest fills dst with those who speak, most active first, and returns the part of it that is filled.
func (d *Detector) Loudest(dst []int32) []int32 { return dst[:0] }
