package layers

import (
	"math/rand/v2"
	"slices"
	"testing"

	"tarasul/sfu/payload"
)

// frame is a frame of a model encoder: what it refers to is known, so that a model decoder can tell whether it can be decoded.
type frame struct {
	descriptor payload.Descriptor // of its first packet, without FrameStart and FrameEnd
	refs       []int              // indices into the encoder's frames
	packets    int
}

// encoder makes the frames of one encoding: codec VP8 (temporal layers with sync flags), VP9 (spatial and temporal layers
// with U and Z), AV1 (the same with a dependency descriptor) or H264 (neither). keyMode means that spatial layers refer
// to each other only in key pictures.
type encoder struct {
	codec             payload.Codec
	spatial, temporal int
	keyMode           bool
	random            *rand.Rand
	frames            []frame
	pictures          int
	since             int // pictures since the key frame
	number            uint16
	last              [3][3]int // index of the latest frame of a layer, -1 = none or not to be referred to
	wantKey           bool
}

func newEncoder(codec payload.Codec, spatial, temporal int, keyMode bool, random *rand.Rand) *encoder {
	return &encoder{
		codec: codec, spatial: spatial, temporal: temporal, keyMode: keyMode, random: random, wantKey: true, number: uint16(random.Uint32()),
	}
}

// picture adds the frames of the next picture and returns the index of the first.
func (e *encoder) picture() int {
	first := len(e.frames)
	key := e.wantKey
	e.wantKey = false
	if key {
		e.since = 0
	}
	temporal := [3][]int{{0}, {0, 1}, {0, 2, 1, 2}}[e.temporal-1]
	t := temporal[e.since%len(temporal)]
	e.since++
	barrier := key || e.random.IntN(3) > 0 // no later frame of a higher layer refers across this picture
	if e.codec == payload.VP8 {
		barrier = key
	}
	if key {
		for s := range e.last {
			e.last[s] = [3]int{-1, -1, -1}
		}
	}
	sync := e.codec == payload.VP8 && t > 0 && e.random.IntN(3) > 0
	for s := range e.spatial {
		f := frame{packets: 1 + e.random.IntN(3)}
		d := &f.descriptor
		d.Spatial, d.Temporal = uint8(s), uint8(t)
		d.KeyFrame = key && s == 0
		d.Sync = sync
		for lower := 0; lower <= t; lower++ {
			if ref := e.last[s][lower]; ref >= 0 && (!sync || lower == 0) {
				f.refs = append(f.refs, ref)
			}
		}
		if s > 0 && (key || !e.keyMode) {
			f.refs = append(f.refs, len(e.frames)-1)
		}
		if barrier && !key {
			for higher := t + 1; higher < 3; higher++ {
				e.last[s][higher] = -1
			}
		}
		e.last[s][t] = len(e.frames)
		e.describe(d, s, t, key, barrier)
		e.frames = append(e.frames, f)
	}
	e.pictures++
	if e.codec != payload.AV1 {
		e.number++
	}
	return first
}

func (e *encoder) describe(d *payload.Descriptor, s, t int, key, barrier bool) {
	switch e.codec {
	case payload.VP8:
		d.Numbers = payload.Numbers{Picture: e.number & 0x7fff, PictureBits: 15}
	case payload.VP9:
		d.Numbers = payload.Numbers{Picture: e.number & 0x7fff, PictureBits: 15}
		d.SwitchUp = barrier
		d.NotForUpper = e.keyMode && !key || s == e.spatial-1 && e.random.IntN(2) == 0
		if key && s == 0 {
			d.SpatialLayers = uint8(e.spatial)
		}
	case payload.AV1:
		d.Numbers = payload.Numbers{Frame: e.number, HasFrame: true}
		e.number++
		d.HasTargets = true
		for os := range 4 {
			for ot := range 8 {
				bit := payload.TargetBit(uint8(os), uint8(ot))
				row := min(os, e.spatial-1)
				if os < e.spatial && ot < e.temporal {
					d.Active |= bit
				}
				switch {
				case ot < t, row < s, row > s && e.keyMode && !key:
					continue
				}
				d.Present |= bit
				if key && s == 0 || barrier && row == s {
					d.Switch |= bit
				}
			}
		}
	}
}

// packet is one packet of a frame on its way.
type packet struct {
	encoding   int8
	frame      int
	seq        int
	descriptor payload.Descriptor
	at         int
}

// network delivers the packets of several encoders to a selector, and keeps for a model decoder what was sent on.
type network struct {
	encoders []*encoder
	seqs     []int
	reorder  int // packets
	random   *rand.Rand
	clock    int
	waiting  []packet
}

func (n *network) picture(encoding int) {
	e := n.encoders[encoding]
	for i := e.picture(); i < len(e.frames); i++ {
		f := &e.frames[i]
		for j := range f.packets {
			d := f.descriptor
			d.FrameStart, d.FrameEnd = j == 0, j == f.packets-1
			d.KeyFrame = d.KeyFrame && j == 0
			at := n.clock
			if n.reorder > 0 && n.random.IntN(8) == 0 {
				at += n.random.IntN(n.reorder)
			}
			n.waiting = append(n.waiting, packet{int8(encoding), i, n.seqs[encoding], d, at})
			n.seqs[encoding]++
			n.clock++
		}
	}
}

// arrived is what has come by now, in the order in which it came.
func (n *network) arrived() []packet {
	slices.SortStableFunc(n.waiting, func(a, b packet) int { return a.at - b.at })
	i, _ := slices.BinarySearchFunc(n.waiting, n.clock, func(p packet, at int) int { return p.at - at })
	out := slices.Clone(n.waiting[:i])
	n.waiting = n.waiting[i:]
	return out
}

// receiver is a model decoder: it knows which packets of which frames were sent to it.
type receiver struct {
	sent   []map[int]int  // by encoding: packets by frame
	cut    []map[int]bool // by encoding: frames of which a packet came before the switch to it or after the switch from it
	others []packet
}

func (r *receiver) take(p packet, decision Decision) {
	switch decision {
	case Forward, SwitchAndForward:
		r.sent[p.encoding][p.frame]++
	case Other:
		r.others = append(r.others, p)
		r.cut[p.encoding][p.frame] = true
		return
	}
	if decision != SwitchAndForward {
		return
	}
	// what came between the parts of a key frame whose beginning came late is sent when the subscriber asks for it
	for _, o := range r.others {
		if o.encoding == p.encoding && o.seq > p.seq {
			r.sent[o.encoding][o.frame]++
		}
	}
	r.others = r.others[:0]
}

// check reports the frames that were sent as a whole and cannot be decoded, but for those around a switch during which
// packets came out of order: a key frame is there.
func (r *receiver) check(t *testing.T, n *network) (decoded int) {
	t.Helper()
	for encoding, e := range n.encoders {
		able, excused := make([]bool, len(e.frames)), make([]bool, len(e.frames))
		for i, f := range e.frames {
			excused[i] = r.cut[encoding][i]
			if r.sent[encoding][i] < f.packets {
				continue
			}
			able[i] = true
			for _, ref := range f.refs {
				able[i] = able[i] && able[ref]
				excused[i] = excused[i] || excused[ref]
			}
			if !able[i] && !excused[i] {
				t.Fatalf("encoding %d, frame %d (spatial %d, temporal %d) cannot be decoded: it refers to %v",
					encoding, i, f.descriptor.Spatial, f.descriptor.Temporal, f.refs)
			}
			if able[i] {
				decoded++
			}
		}
	}
	return decoded
}

// simulate changes the target at random, answers wishes for key frames, and checks what the decoder makes of it.
func simulate(t *testing.T, seed uint64, codec payload.Codec, spatial, temporal int, keyMode bool, encodings, reorder int) {
	random := rand.New(rand.NewPCG(seed, 6))
	n := &network{random: random, reorder: reorder}
	r := &receiver{}
	for range encodings {
		n.encoders = append(n.encoders, newEncoder(codec, spatial, temporal, keyMode, random))
		n.seqs = append(n.seqs, 0)
		r.sent = append(r.sent, map[int]int{})
		r.cut = append(r.cut, map[int]bool{})
	}
	s := NewSelector()
	settled := 0 // pictures since the target was set
	for range 400 {
		if settled > 60 || random.IntN(40) == 0 {
			if settled > 60 {
				reached(t, &s, n.encoders[max(0, s.Target().Encoding)])
			}
			settled = 0
			s.SetTarget(Target{int8(random.IntN(encodings)), uint8(random.IntN(4)), uint8(random.IntN(4))})
			if random.IntN(10) == 0 {
				s.SetTarget(Nothing)
			}
		}
		settled++
		for i, e := range n.encoders {
			if encoding, ok := s.WantsKey(); ok && int(encoding) == i && random.IntN(5) == 0 {
				e.wantKey = true
			}
			e.wantKey = e.wantKey || random.IntN(100) == 0
			n.picture(i)
		}
		for _, p := range n.arrived() {
			r.take(p, s.Accept(p.encoding, &p.descriptor))
		}
	}
	n.clock += reorder
	for _, p := range n.arrived() {
		r.take(p, s.Accept(p.encoding, &p.descriptor))
	}
	if decoded := r.check(t, n); decoded < 50 {
		t.Errorf("only %d frames were decoded", decoded)
	}
}

// reached checks that a target which was given time is what is sent.
func reached(t *testing.T, s *Selector, e *encoder) {
	t.Helper()
	want := s.Target()
	if want == Nothing {
		if s.Current() != Nothing {
			t.Fatalf("%+v is sent", s.Current())
		}
		return
	}
	if key, ok := s.WantsKey(); ok {
		t.Fatalf("the target %+v still wants a key frame of %d; %+v is sent", want, key, s.Current())
	}
	got := s.Current()
	temporal := min(int(want.Temporal), e.temporal-1)
	if got.Encoding != want.Encoding || int(got.Spatial) != min(int(want.Spatial), e.spatial-1) ||
		min(int(got.Temporal), e.temporal-1) != temporal {
		t.Fatalf("%+v is sent, the target is %+v", got, want)
	}
}

func TestWhatIsSentCanAlwaysBeDecoded(t *testing.T) {
	for _, c := range []struct {
		name              string
		codec             payload.Codec
		spatial, temporal int
		keyMode           bool
		encodings         int
		reorder           int
	}{
		{"VP8 simulcast", payload.VP8, 1, 3, false, 3, 0},
		{"VP8 without layers", payload.VP8, 1, 1, false, 2, 0},
		{"VP8 simulcast, reordered", payload.VP8, 1, 3, false, 3, 12},
		{"H264 simulcast", payload.H264, 1, 1, false, 3, 0},
		{"VP9 L3T3", payload.VP9, 3, 3, false, 1, 0},
		{"VP9 L3T3_KEY", payload.VP9, 3, 3, true, 1, 0},
		{"VP9 L3T3, reordered", payload.VP9, 3, 3, false, 1, 12},
		{"VP9 L2T3_KEY, reordered", payload.VP9, 2, 3, true, 1, 12},
		{"VP9 simulcast", payload.VP9, 1, 3, false, 3, 0},
		{"AV1 L3T3", payload.AV1, 3, 3, false, 1, 0},
		{"AV1 L3T3_KEY", payload.AV1, 3, 3, true, 1, 0},
		{"AV1 L3T3, reordered", payload.AV1, 3, 3, false, 1, 12},
		{"AV1 L3T3_KEY, reordered", payload.AV1, 3, 3, true, 1, 12},
		{"AV1 simulcast", payload.AV1, 1, 3, false, 3, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(25) {
				simulate(t, seed, c.codec, c.spatial, c.temporal, c.keyMode, c.encodings, c.reorder)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}
