// Package layers decides packet by packet what of a publisher's encodings goes to one subscriber: it changes over only
// where the subscriber's decoder can follow.
//
// It must never know why a layer was chosen (size, bitrate), nor of sequence numbers, sockets and clocks.
package layers

import "tarasul/sfu/payload"

// Target is what a subscriber should get: one encoding, and its layers up to and including Spatial and Temporal.
type Target struct {
	Encoding int8 // -1 = nothing
	Spatial  uint8
	Temporal uint8
}

// Nothing is the target of a down-track that is paused.
var Nothing = Target{Encoding: -1}

// Decision says what to do with a packet.
type Decision uint8

// Decisions.
const (
	Other            Decision = iota // of an encoding that is not being sent
	Skip                             // of the current encoding, a layer that is not wanted: rewriter.Skip
	Forward                          // rewriter.Next
	SwitchAndForward                 // first packet of another encoding: rewriter.Switch, then Next
)

// Selector is the layer state of one down-track.
type Selector struct{}

// NewSelector makes a selector that wants nothing.
func NewSelector() Selector { return Selector{} }

// SetTarget says what the subscriber should get from now on. Nothing takes effect at once, all else where the decoder can follow.
func (s *Selector) SetTarget(t Target) {}

// Target is what was last set.
func (s *Selector) Target() Target { return Nothing }

// Current is what is being sent.
func (s *Selector) Current() Target { return Nothing }

// Restart forgets what is being sent, as after a slot was given to another source: the next packet sent is the start of a key frame.
func (s *Selector) Restart() {}

// Accept decides about a packet of an encoding.
func (s *Selector) Accept(encoding int8, d *payload.Descriptor) Decision { return Other }

// Marker is the marker bit of a packet that is forwarded: where higher spatial layers are left out, the picture ends
// with the highest one sent.
func (s *Selector) Marker(d *payload.Descriptor, marker bool) bool { return marker }

// WantsKey says of which encoding a key frame is needed to reach the target.
func (s *Selector) WantsKey() (encoding int8, ok bool) { return -1, false }
