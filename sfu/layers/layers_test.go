package layers

import (
	"testing"

	"tarasul/sfu/payload"
)

// vp8 is the first and only packet of a VP8 frame.
func vp8(picture uint16, temporal uint8, sync bool) *payload.Descriptor {
	return &payload.Descriptor{
		FrameStart: true, FrameEnd: true, Temporal: temporal, Sync: sync,
		Numbers: payload.Numbers{Picture: picture & 0x7fff, PictureBits: 15},
	}
}

func vp8Key(picture uint16) *payload.Descriptor {
	d := vp8(picture, 0, false)
	d.KeyFrame = true
	return d
}

func expect(t *testing.T, s *Selector, encoding int8, d *payload.Descriptor, want Decision) {
	t.Helper()
	if got := s.Accept(encoding, d); got != want {
		t.Errorf("encoding %d, picture %d, temporal %d: decision %d, want %d", encoding, d.Numbers.Picture, d.Temporal, got, want)
	}
}

func TestAnotherEncodingBeginsWithItsKeyFrameAndTheFormerGoesOnUntilThen(t *testing.T) {
	s := NewSelector()
	if _, ok := s.WantsKey(); ok || s.Current() != Nothing {
		t.Error("a new selector wants something")
	}
	expect(t, &s, 0, vp8Key(0), Other)
	s.SetTarget(Target{Encoding: 0, Temporal: 7, Spatial: 3})
	if e, ok := s.WantsKey(); e != 0 || !ok {
		t.Errorf("wants a key frame of %d: %v", e, ok)
	}
	expect(t, &s, 0, vp8(1, 0, false), Other)
	expect(t, &s, 1, vp8Key(0), Other)
	middle := vp8Key(2)
	middle.FrameStart = false
	expect(t, &s, 0, middle, Other)
	expect(t, &s, 0, vp8Key(3), SwitchAndForward)
	if e, ok := s.WantsKey(); ok {
		t.Errorf("still wants a key frame of %d", e)
	}
	expect(t, &s, 0, vp8(4, 2, false), Forward)

	s.SetTarget(Target{Encoding: 1, Temporal: 7})
	expect(t, &s, 0, vp8(5, 0, false), Forward)
	expect(t, &s, 1, vp8(900, 0, false), Other)
	expect(t, &s, 0, vp8Key(6), Forward)
	if e, ok := s.WantsKey(); e != 1 || !ok || s.Current().Encoding != 0 {
		t.Errorf("wants a key frame of %d: %v; current %+v", e, ok, s.Current())
	}
	expect(t, &s, 1, vp8Key(901), SwitchAndForward)
	expect(t, &s, 0, vp8(7, 0, false), Other)
	expect(t, &s, 1, vp8(900, 0, false), Other) // late, from before the key frame
	expect(t, &s, 1, vp8(902, 1, false), Forward)
}

func TestNothingTakesEffectAtOnceAndNeedsAKeyFrameAfterwards(t *testing.T) {
	s := NewSelector()
	s.SetTarget(Target{Encoding: 0})
	expect(t, &s, 0, vp8Key(0), SwitchAndForward)
	s.SetTarget(Nothing)
	expect(t, &s, 0, vp8(1, 0, false), Other)
	if _, ok := s.WantsKey(); ok || s.Target() != Nothing {
		t.Error("wants a key frame of nothing")
	}
	s.SetTarget(Target{Encoding: 0})
	expect(t, &s, 0, vp8(2, 0, false), Other)
	if _, ok := s.WantsKey(); !ok {
		t.Error("wants no key frame")
	}
	expect(t, &s, 0, vp8Key(3), SwitchAndForward)
	s.Restart()
	expect(t, &s, 0, vp8(4, 0, false), Other)
	expect(t, &s, 0, vp8Key(5), SwitchAndForward)
}

func TestTemporalLayersGoDownAtOnceAndUpAtSyncFrames(t *testing.T) {
	s := NewSelector()
	s.SetTarget(Target{Encoding: 0, Temporal: 2})
	expect(t, &s, 0, vp8Key(0), SwitchAndForward)
	expect(t, &s, 0, vp8(1, 2, false), Forward)
	s.SetTarget(Target{Encoding: 0, Temporal: 0})
	middle := vp8(1, 2, false)
	middle.FrameStart = false
	expect(t, &s, 0, middle, Forward) // the frame is sent to its end
	expect(t, &s, 0, vp8(2, 1, true), Skip)
	expect(t, &s, 0, vp8(3, 2, false), Skip)
	expect(t, &s, 0, vp8(4, 0, false), Forward)

	s.SetTarget(Target{Encoding: 0, Temporal: 2})
	expect(t, &s, 0, vp8(5, 2, true), Skip) // above a layer that is not sent
	expect(t, &s, 0, vp8(6, 1, false), Skip)
	expect(t, &s, 0, vp8(7, 1, true), Forward)
	expect(t, &s, 0, vp8(8, 2, false), Skip)
	expect(t, &s, 0, vp8(9, 1, false), Forward)
	expect(t, &s, 0, vp8(10, 2, true), Forward)
	expect(t, &s, 0, vp8(11, 2, false), Forward)
	if _, ok := s.WantsKey(); ok {
		t.Error("temporal layers want a key frame")
	}
	expect(t, &s, 0, vp8(6, 1, false), Skip) // late, and what it refers to was not sent
	expect(t, &s, 0, vp8(4, 0, false), Forward)
}

func TestASenderThatNumbersAnewIsFollowed(t *testing.T) {
	s := NewSelector()
	s.SetTarget(Target{Encoding: 0, Temporal: 7})
	expect(t, &s, 0, vp8Key(20000), SwitchAndForward)
	s.SetTarget(Target{Encoding: 0, Temporal: 0})
	expect(t, &s, 0, vp8Key(5000), Forward)
	expect(t, &s, 0, vp8(5001, 1, true), Skip)
	expect(t, &s, 0, vp8(5002, 0, false), Forward)
	if s.Current() != (Target{Encoding: 0}) {
		t.Errorf("%+v", s.Current())
	}
}

// vp9 is one packet that is a whole VP9 layer frame.
func vp9(picture uint16, spatial uint8, key bool) *payload.Descriptor {
	d := &payload.Descriptor{
		FrameStart: true, FrameEnd: true, Spatial: spatial, KeyFrame: key && spatial == 0,
		Numbers: payload.Numbers{Picture: picture, PictureBits: 15},
	}
	if d.KeyFrame {
		d.SpatialLayers = 3
	}
	return d
}

func TestSpatialLayersGoDownAtAPictureAndUpAtAKeyFrame(t *testing.T) {
	s := NewSelector()
	s.SetTarget(Target{Encoding: 0, Spatial: 3})
	expect(t, &s, 0, vp9(0, 0, true), SwitchAndForward)
	expect(t, &s, 0, vp9(0, 1, true), Forward)
	s.SetTarget(Target{Encoding: 0, Spatial: 0})
	expect(t, &s, 0, vp9(0, 2, true), Forward) // the picture is sent to its end
	if s.Current().Spatial != 2 {
		t.Errorf("current %+v", s.Current())
	}
	expect(t, &s, 0, vp9(1, 0, false), Forward)
	expect(t, &s, 0, vp9(1, 1, false), Skip)
	expect(t, &s, 0, vp9(1, 2, false), Skip)
	if !s.Marker(vp9(1, 0, false), false) {
		t.Error("the picture does not end with its last layer")
	}
	s.SetTarget(Target{Encoding: 0, Spatial: 1})
	if _, ok := s.WantsKey(); !ok {
		t.Error("wants no key frame")
	}
	expect(t, &s, 0, vp9(2, 0, false), Forward)
	expect(t, &s, 0, vp9(2, 1, false), Skip)
	expect(t, &s, 0, vp9(3, 0, true), Forward)
	expect(t, &s, 0, vp9(3, 1, true), Forward)
	expect(t, &s, 0, vp9(3, 2, true), Skip)
	if s.Marker(vp9(3, 0, true), false) || !s.Marker(vp9(3, 1, true), false) || !s.Marker(vp9(3, 0, true), true) {
		t.Error("the picture ends elsewhere")
	}
	if _, ok := s.WantsKey(); ok {
		t.Error("still wants a key frame")
	}
}

func TestLayersThatUpperOnesDoNotNeedAreLeftOut(t *testing.T) {
	s := NewSelector()
	s.SetTarget(Target{Encoding: 0, Spatial: 1})
	expect(t, &s, 0, vp9(0, 0, true), SwitchAndForward)
	expect(t, &s, 0, vp9(0, 1, true), Forward)
	expect(t, &s, 0, vp9(0, 2, true), Skip)
	for spatial, want := range []Decision{Skip, Forward, Skip} {
		d := vp9(1, uint8(spatial), false)
		d.NotForUpper = true
		expect(t, &s, 0, d, want)
	}
	s.SetTarget(Target{Encoding: 0, Spatial: 0})
	d := vp9(2, 0, false)
	d.NotForUpper = true
	expect(t, &s, 0, d, Skip) // the lower layer's last picture was not sent: down, too, needs a key frame
	if _, ok := s.WantsKey(); !ok {
		t.Error("wants no key frame")
	}
	expect(t, &s, 0, vp9(3, 0, true), Forward)
	if s.Current().Spatial != 0 {
		t.Errorf("current %+v", s.Current())
	}
}

func TestALayerThatIsNoLongerProducedWaitsForAKeyFrame(t *testing.T) {
	all := payload.TargetBit(0, 0) | payload.TargetBit(1, 0)
	row := func(spatial int) uint32 { return 0xff << (8 * spatial) }
	frame := func(number uint16, spatial uint8, key bool, present, active uint32) *payload.Descriptor {
		d := &payload.Descriptor{FrameStart: true, FrameEnd: true, Spatial: spatial, KeyFrame: key}
		d.HasTargets, d.Present, d.Active = true, present, active
		d.Numbers.Frame, d.Numbers.HasFrame = number, true
		return d
	}
	s := NewSelector()
	s.SetTarget(Target{Encoding: 0, Spatial: 3, Temporal: 7})
	expect(t, &s, 0, frame(0, 0, true, ^uint32(0), all), SwitchAndForward)
	if s.Current() != (Target{Encoding: 0, Spatial: 1}) {
		t.Errorf("current %+v", s.Current())
	}
	expect(t, &s, 0, frame(1, 1, false, row(1)|row(2)|row(3), all), Forward)
	expect(t, &s, 0, frame(2, 0, false, row(0), all), Skip)
	expect(t, &s, 0, frame(3, 1, false, row(1)|row(2)|row(3), all), Forward)
	only := payload.TargetBit(0, 0) // the upper layer is switched off: who watched it gets the lower one
	if expect(t, &s, 0, frame(4, 0, false, ^uint32(0), only), Skip); s.Current().Spatial != 0 {
		t.Errorf("current %+v", s.Current())
	}
	if _, ok := s.WantsKey(); !ok {
		t.Error("wants no key frame")
	}
	expect(t, &s, 0, frame(5, 0, false, ^uint32(0), only), Skip)
	expect(t, &s, 0, frame(6, 0, true, ^uint32(0), only), Forward)
	expect(t, &s, 0, frame(7, 0, false, ^uint32(0), only), Forward)
	if _, ok := s.WantsKey(); ok {
		t.Error("still wants a key frame")
	}
	above := payload.TargetBit(1, 0) // now only the upper layer is produced, which nobody asked for
	s.SetTarget(Target{Encoding: 0})
	expect(t, &s, 0, frame(8, 1, true, ^uint32(0), above), Forward)
	if s.Current() != (Target{Encoding: 0, Spatial: 1}) {
		t.Errorf("current %+v", s.Current())
	}
}

func TestTheMarkerOfVoiceIsLeftAlone(t *testing.T) {
	s := NewSelector()
	d := &payload.Descriptor{KeyFrame: true, FrameStart: true, FrameEnd: true}
	if s.Marker(d, false) || !s.Marker(d, true) {
		t.Error("the marker of a talk spurt was changed")
	}
}

func TestAcceptAllocatesNothing(t *testing.T) {
	s := NewSelector()
	s.SetTarget(Target{Encoding: 0, Temporal: 1})
	s.Accept(0, vp8Key(0))
	d := vp8(0, 0, false)
	if n := testing.AllocsPerRun(1000, func() {
		d.Numbers.Picture = (d.Numbers.Picture + 1) & 0x7fff
		d.Temporal = uint8(d.Numbers.Picture & 3)
		s.Accept(0, d)
		s.WantsKey()
	}); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}

// FuzzAccept gives descriptors that no sender would send: nothing may panic, and nothing may be sent before a switch.
func FuzzAccept(f *testing.F) {
	f.Add([]byte{0x00, 0xff, 0x0f, 1, 2, 3, 4, 5, 0x41, 0x22, 0x90, 7})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewSelector()
		for ; len(b) >= 6; b = b[6:] {
			if b[0]&3 == 0 {
				s.SetTarget(Target{int8(b[1]&3) - 1, b[2], b[3]})
			}
			d := payload.Descriptor{
				KeyFrame: b[0]&4 != 0, FrameStart: b[0]&8 != 0, FrameEnd: b[0]&16 != 0, Sync: b[0]&32 != 0, SwitchUp: b[0]&64 != 0,
				NotForUpper: b[0]&128 != 0, Spatial: b[1] >> 4, Temporal: b[1] & 15, SpatialLayers: b[2] & 7, HasTargets: b[2]&8 != 0,
				Present: uint32(b[3]) * 0x00010101, Switch: uint32(b[4]) * 0x01000101, Active: uint32(b[5]) * 0x01010001,
			}
			d.Numbers = payload.Numbers{
				Picture: uint16(b[3]) << 7, PictureBits: []uint8{0, 7, 15, 15}[b[2]>>6], HasFrame: b[2]&16 != 0, Frame: uint16(b[4]),
			}
			encoding := int8(b[2] >> 4 & 1)
			before := s.Current()
			decision := s.Accept(encoding, &d)
			after := s.Current()
			switch {
			case decision == SwitchAndForward && (before.Encoding == encoding || after.Encoding != encoding || !d.KeyFrame || !d.FrameStart),
				(decision == Forward || decision == Skip) && before.Encoding != encoding,
				after != Nothing && after.Encoding != before.Encoding && decision != SwitchAndForward,
				after.Spatial > 3 || after.Temporal > 7:
				t.Fatalf("decision %d of encoding %d: %+v became %+v", decision, encoding, before, after)
			}
			s.WantsKey()
			s.Marker(&d, false)
		}
	})
}

func BenchmarkAccept(b *testing.B) {
	s := NewSelector()
	s.SetTarget(Target{Encoding: 0, Temporal: 1})
	s.Accept(0, vp8Key(0))
	d := vp8(0, 0, false)
	b.ReportAllocs()
	for b.Loop() {
		d.Numbers.Picture = (d.Numbers.Picture + 1) & 0x7fff
		d.Temporal = uint8(d.Numbers.Picture & 3)
		s.Accept(0, d)
	}
}
