// Package layers decides packet by packet what of a publisher's encodings goes to one subscriber, and changes over only
// where the subscriber's decoder can follow.
//
// It must never know why a layer was chosen (a size, a bitrate), nor of sequence numbers, sockets and clocks. A Selector
// belongs to one goroutine.
package layers

import (
	"math/bits"

	"tarasul/sfu/payload"
)

// Target is what a subscriber should get: one encoding, and its layers up to and including Spatial and Temporal. Layers
// that the encoding does not have are no mistake: 3, 7 is all that there is.
type Target struct {
	Encoding int8 // -1 = nothing
	Spatial  uint8
	Temporal uint8
}

// Nothing is the target of a down-track that is paused.
var Nothing = Target{Encoding: -1}

func (t Target) bit() uint32 { return payload.TargetBit(t.Spatial, t.Temporal) }

// Decision says what to do with a packet.
type Decision uint8

// The decisions.
const (
	Other            Decision = iota // of an encoding that is not being sent, or from before the switch to it
	Skip                             // of the current encoding, a layer that is not wanted: rewriter.Skip
	Forward                          // rewriter.Next
	SwitchAndForward                 // first packet of another encoding: rewriter.Switch, then Next
)

// Selector is the layer state of one down-track.
//
// It keeps the set of layer combinations that the decoder could follow from the next frame on. A key frame makes it
// whole; a frame that is not sent takes out the combinations that need it; a frame that is a switching point brings
// back those it opens. Whatever is in the set may be sent next, up or down; the rest has to wait for a key frame.
type Selector struct {
	target  Target
	current Target
	safe    uint32 // payload.TargetBits
	active  uint32 // of the combinations that are produced; only with a dependency descriptor
	layers  uint8  // spatial layers that the encoding has, as far as it was seen
	started identity
	latest  identity
	past    past
}

// NewSelector makes a selector that wants nothing.
func NewSelector() Selector { return Selector{target: Nothing, current: Nothing} }

// SetTarget says what the subscriber should get from now on. Nothing takes effect at once; another encoding with its key
// frame, until which the former one goes on; other layers as soon as the decoder can follow.
func (s *Selector) SetTarget(t Target) {
	t.Spatial, t.Temporal = min(t.Spatial, 3), min(t.Temporal, 7)
	s.target = t
	if t.Encoding < 0 {
		s.Restart()
	}
}

// Target is what was set last.
func (s *Selector) Target() Target { return s.target }

// Current is what is being sent, Nothing at first.
func (s *Selector) Current() Target { return s.current }

// Restart forgets what is being sent, as is right when a slot is given to another source, and after a pause: the next
// packet that is sent is the beginning of a key frame.
func (s *Selector) Restart() {
	*s = Selector{target: s.target, current: Nothing}
}

// WantsKey says of which encoding a key frame is needed to reach the target.
func (s *Selector) WantsKey() (encoding int8, ok bool) {
	switch {
	case s.target.Encoding < 0:
		return -1, false
	case s.target.Encoding != s.current.Encoding:
		return s.target.Encoding, true
	}
	want := s.reachable(s.target)
	return s.target.Encoding, s.row(want.Spatial, want.Temporal) == 0
}

// Marker is the RTP marker bit of a packet that is forwarded: where higher spatial layers are left out, the picture ends
// with the highest layer that is sent.
func (s *Selector) Marker(d *payload.Descriptor, marker bool) bool {
	return marker || s.current.Encoding >= 0 && d.FrameEnd && d.Spatial == s.current.Spatial
}

// Accept decides about a packet of an encoding. Packets may come late and repeatedly; padding must not be given to it.
func (s *Selector) Accept(encoding int8, d *payload.Descriptor) Decision {
	if encoding != s.current.Encoding {
		if encoding != s.target.Encoding || !d.KeyFrame || !d.FrameStart {
			return Other
		}
		s.begin(d)
		return SwitchAndForward
	}
	id := identify(d)
	late := id.before(s.latest)
	if late && id.before(s.started) {
		return Other
	}
	if !late {
		s.see(d, id)
	}
	present, opened := s.means(d)
	bit := s.current.bit()
	if late {
		if present&(s.past.base(bit, id)|s.past.level(bit, id)) != 0 {
			return Forward
		}
		s.safe &^= present &^ bit
		return Skip
	}
	if present&bit&s.safe == 0 {
		s.safe &^= present
		return Skip
	}
	s.open(opened, opening{at: id, base: bit})
	return Forward
}

// open says that combinations are safe from a frame on.
func (s *Selector) open(bits uint32, o opening) {
	if o.bits = bits &^ s.safe; o.bits != 0 {
		s.past.opened(o)
		s.safe |= o.bits
	}
}

// begin takes up the target's encoding at a key frame.
func (s *Selector) begin(d *payload.Descriptor) {
	id := identify(d)
	*s = Selector{
		target: s.target, current: s.target, safe: ^uint32(0), layers: max(d.SpatialLayers, d.Spatial+1),
		started: id, latest: id,
	}
	if d.HasTargets {
		s.active = d.Active
	}
	s.current = s.reachable(s.target)
}

// see takes in what a packet in order says of the stream, and changes over where a picture begins.
func (s *Selector) see(d *payload.Descriptor, id identity) {
	if d.SpatialLayers != 0 {
		s.layers = d.SpatialLayers
	}
	s.layers = max(s.layers, d.Spatial+1)
	lowest := uint8(0)
	if d.HasTargets {
		s.active = d.Active
		lowest = uint8(bits.TrailingZeros32(d.Active|1<<31)) >> 3
	}
	var begins bool
	switch {
	case !d.FrameStart:
	case id.width == 0:
		begins = d.Spatial == 0
	case d.Numbers.HasFrame: // each spatial layer of a picture has a number of its own
		begins = id != s.latest && d.Spatial <= lowest
	default:
		begins = id != s.latest
	}
	s.latest = id
	if !begins {
		return
	}
	if d.KeyFrame {
		s.open(^uint32(0), opening{at: id})
	}
	if d.Sync { // who gets the layer below may join this one
		below := uint32(0x01010101) << ((d.Temporal - 1) & 7)
		s.open(s.safe&below<<1, opening{at: id, joined: true})
	}
	if next := s.choose(); next != s.current {
		s.past.changed(id, s.current.bit())
		s.current = next
	}
}

// means says which combinations need a frame, and which it opens to those who get it.
func (s *Selector) means(d *payload.Descriptor) (present, opened uint32) {
	if d.HasTargets {
		return d.Present, d.Switch
	}
	spatial, higher := d.Spatial&3, uint32(0xff)<<(d.Temporal&7)&0xff
	row := higher << (8 * spatial)
	if d.SwitchUp {
		opened = row
	}
	if d.NotForUpper && spatial+1 < s.layers {
		return row, opened
	}
	return higher * 0x01010101 &^ (1<<(8*spatial) - 1), opened
}

// reachable is a target in layers that the encoding has: the highest up to it, or else the lowest that there is.
func (s *Selector) reachable(t Target) Target {
	if s.active == 0 {
		t.Spatial = min(t.Spatial, s.layers-1)
		return t
	}
	for spatial := int(t.Spatial); spatial >= 0; spatial-- {
		if row := s.active >> (8 * spatial) & (2<<t.Temporal - 1); row != 0 {
			t.Spatial, t.Temporal = uint8(spatial), uint8(bits.Len32(row)-1)
			return t
		}
	}
	lowest := uint8(bits.TrailingZeros32(s.active))
	t.Spatial, t.Temporal = lowest>>3, lowest&7
	return t
}

// row is the temporal layers up to temporal that the decoder can follow in a spatial layer, as bits.
func (s *Selector) row(spatial, temporal uint8) uint32 {
	able := s.safe
	if s.active != 0 {
		able &= s.active
	}
	return able >> (8 * spatial) & (2<<temporal - 1)
}

// choose is the best that the decoder can follow from here on: what is wanted, or else the nearest to it above, as far as
// the current layers, or else the nearest below. If there is nothing at all, nothing is sent until a key frame, and the
// wish remains.
func (s *Selector) choose() Target {
	want := s.reachable(s.target)
	if s.target.Encoding != s.current.Encoding { // the target's layers are of another encoding
		want = s.reachable(s.current)
	}
	spatial := want.Spatial
	for spatial < s.current.Spatial && s.row(spatial, want.Temporal) == 0 {
		spatial++
	}
	if s.row(spatial, want.Temporal) == 0 {
		for spatial = want.Spatial; spatial > 0 && s.row(spatial, want.Temporal) == 0; {
			spatial--
		}
	}
	if row := s.row(spatial, want.Temporal); row != 0 {
		return Target{want.Encoding, spatial, uint8(bits.Len32(row) - 1)}
	}
	return want
}
