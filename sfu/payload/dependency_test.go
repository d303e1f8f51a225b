package payload

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// bitWriter and template write descriptors for the tests.
type bitWriter struct {
	b   []byte
	pos int
}

func (w *bitWriter) bits(n int, v int) {
	for i := n - 1; i >= 0; i-- {
		if w.pos&7 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.pos>>3] |= byte(v>>i&1) << (7 - w.pos&7)
		w.pos++
	}
}

func (w *bitWriter) nonSymmetric(n, v int) {
	bits := 0
	for x := n; x != 0; x >>= 1 {
		bits++
	}
	m := 1<<bits - n
	if v < m {
		w.bits(bits-1, v)
		return
	}
	w.bits(bits-1, (v+m)>>1)
	w.bits(1, (v+m)&1)
}

type template struct {
	spatial, temporal uint8
	dtis              string
	chains, diffs     []int
}

// l1t3 and l3t3key are the structures that Chromium's encoders send.
var (
	l1t3 = []template{
		{0, 0, "SSS", []int{0}, nil},
		{0, 0, "SSS", []int{4}, []int{4}},
		{0, 1, "-DS", []int{2}, []int{2}},
		{0, 2, "--D", []int{1}, []int{1}},
		{0, 2, "--D", []int{3}, []int{1}},
	}
	l2t2key = []template{
		{0, 0, "SSSS", []int{0, 0}, nil},
		{0, 0, "SS--", []int{4, 3}, []int{4}},
		{0, 1, "-D--", []int{2, 1}, []int{2}},
		{1, 0, "--SS", []int{1, 1}, []int{1}},
		{1, 0, "--SS", []int{1, 4}, []int{4}},
		{1, 1, "---D", []int{3, 2}, []int{2}},
	}
)

const dtiLetters = "-DSR"

func (w *bitWriter) structure(offset int, templates []template, protected []int, sizes []int) {
	targets := len(templates[0].dtis)
	w.bits(6, offset)
	w.bits(5, targets-1)
	for i, t := range templates {
		next := 3
		if i+1 < len(templates) {
			next = int(templates[i+1].temporal - t.temporal)
			if templates[i+1].spatial != t.spatial {
				next = 2
			}
		}
		w.bits(2, next)
	}
	for _, t := range templates {
		w.dtis(t.dtis)
	}
	for _, t := range templates {
		for _, diff := range t.diffs {
			w.bits(1, 1)
			w.bits(4, diff-1)
		}
		w.bits(1, 0)
	}
	chains := len(templates[0].chains)
	w.nonSymmetric(targets+1, chains)
	if chains > 0 {
		for _, c := range protected {
			w.nonSymmetric(chains, c)
		}
		for _, t := range templates {
			for _, c := range t.chains {
				w.bits(4, c)
			}
		}
	}
	if len(sizes) == 0 {
		w.bits(1, 0)
		return
	}
	w.bits(1, 1)
	for _, s := range sizes {
		w.bits(16, s-1)
	}
}

func (w *bitWriter) dtis(s string) {
	for _, letter := range s {
		w.bits(2, slices.Index([]rune(dtiLetters), letter))
	}
}

func mandatory(start, end bool, id int, frame int) *bitWriter {
	w := &bitWriter{}
	for _, flag := range []bool{start, end} {
		if flag {
			w.bits(1, 1)
		} else {
			w.bits(1, 0)
		}
	}
	w.bits(6, id)
	w.bits(16, frame)
	return w
}

// keyL1T3 and keyL2T2 are the descriptors of a key frame with structure, template ids from 60 on (which wrap).
func keyL1T3() []byte {
	w := mandatory(true, false, 60, 100)
	w.bits(5, 0b10000)
	w.structure(60, l1t3, []int{0, 0, 0}, []int{640, 360})
	return w.b
}

func keyL2T2() []byte {
	w := mandatory(true, true, 10, 100)
	w.bits(5, 0b10000)
	w.structure(10, l2t2key, []int{0, 0, 1, 1}, []int{320, 180, 640, 360})
	return w.b
}

func parsed(t *testing.T, p *DependencyParser, raw []byte) Dependency {
	t.Helper()
	var d Dependency
	if err := p.Parse(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDependencyOfAKeyFrameWithItsStructure(t *testing.T) {
	var p DependencyParser
	d := parsed(t, &p, keyL1T3())
	if !d.FrameStart || d.FrameEnd || !d.HasStructure || !d.KeyFrame() || d.Template != 60 || d.Frame != 100 ||
		d.Width != 640 || d.Height != 360 || d.ActiveTargets != 7 || d.SpatialLayers != 1 || len(d.FrameDiffs()) != 0 {
		t.Errorf("%+v", d)
	}
	if !slices.Equal(d.Indications(), []Indication{SwitchPoint, SwitchPoint, SwitchPoint}) || !slices.Equal(d.ChainDiffs(), []uint8{0}) {
		t.Errorf("%v %v", d.Indications(), d.ChainDiffs())
	}
	var to Descriptor
	d.Apply(&to)
	if !to.KeyFrame || !to.FrameStart || to.FrameEnd || to.Present != 1<<32-1 || to.Switch != 1<<32-1 || !to.HasTargets ||
		to.Numbers != (Numbers{HasFrame: true, Frame: 100}) || to.Width != 640 || to.SpatialLayers != 1 {
		t.Errorf("%+v", to)
	}
}

func TestDependencyFollowsTheTemplates(t *testing.T) {
	var p DependencyParser
	parsed(t, &p, keyL1T3())
	d := parsed(t, &p, mandatory(false, true, (60+2)%64, 102).b)
	if d.FrameStart || !d.FrameEnd || d.HasStructure || d.KeyFrame() || d.Frame != 102 || d.Temporal != 1 ||
		!slices.Equal(d.Indications(), []Indication{NotPresent, Droppable, SwitchPoint}) ||
		!slices.Equal(d.FrameDiffs(), []uint16{2}) || !slices.Equal(d.ChainDiffs(), []uint8{2}) {
		t.Errorf("%+v", d)
	}
	var to Descriptor
	d.Apply(&to)
	for s := range uint8(4) {
		for temporal := range uint8(8) {
			bit := TargetBit(s, temporal)
			if (to.Present&bit != 0) != (temporal >= 1) || (to.Switch&bit != 0) != (temporal >= 2) {
				t.Errorf("spatial %d, temporal %d: present %032b, switch %032b", s, temporal, to.Present, to.Switch)
			}
		}
	}
	if d = parsed(t, &p, mandatory(true, true, (60+4)%64, 103).b); d.Temporal != 2 { // the id wraps to 0
		t.Errorf("%+v", d)
	}
}

func TestDependencyOfKeyModeLeavesLowerLayersOutAfterTheKeyFrame(t *testing.T) {
	var p DependencyParser
	d := parsed(t, &p, keyL2T2())
	var to Descriptor
	if d.Apply(&to); to.Present != 1<<32-1 || to.SpatialLayers != 2 || to.Width != 320 {
		t.Errorf("key frame: %+v", to)
	}
	d = parsed(t, &p, mandatory(true, true, 13, 101).b)
	to = Descriptor{Spatial: 3}
	d.Apply(&to)
	if to.Active != TargetBit(0, 0)|TargetBit(0, 1)|TargetBit(1, 0)|TargetBit(1, 1) {
		t.Errorf("active %032b", to.Active)
	}
	if to.KeyFrame || to.Spatial != 1 || to.Present&TargetBit(0, 1) != 0 || to.Present&TargetBit(1, 0) == 0 ||
		to.Present&TargetBit(3, 7) == 0 {
		t.Errorf("upper layer of the key picture: %+v", to)
	}
	d = parsed(t, &p, mandatory(true, true, 11, 104).b)
	if d.Apply(&to); to.Present&TargetBit(0, 0) == 0 || to.Present&TargetBit(1, 0) != 0 {
		t.Errorf("lower layer later: %+v", to)
	}
}

func TestDependencyCustomFieldsReplaceTheTemplate(t *testing.T) {
	var p DependencyParser
	parsed(t, &p, keyL1T3())
	w := mandatory(true, true, 61, 0xffff)
	w.bits(5, 0b00111)
	w.dtis("R-D")
	w.bits(2, 1)
	w.bits(4, 6) // 7
	w.bits(2, 3)
	w.bits(12, 4095) // 4096
	w.bits(2, 0)
	w.bits(8, 200)
	d := parsed(t, &p, w.b)
	if !slices.Equal(d.Indications(), []Indication{Required, NotPresent, Droppable}) || !slices.Equal(d.FrameDiffs(), []uint16{7, 4096}) ||
		!slices.Equal(d.ChainDiffs(), []uint8{200}) || d.Frame != 0xffff {
		t.Errorf("%+v", d)
	}
	if d = parsed(t, &p, mandatory(true, true, 61, 1).b); !slices.Equal(d.FrameDiffs(), []uint16{4}) {
		t.Errorf("the custom fields stuck to the template: %+v", d)
	}
}

func TestDependencyActiveTargetsStayUntilChanged(t *testing.T) {
	var p DependencyParser
	parsed(t, &p, keyL2T2())
	w := mandatory(true, true, 11, 104)
	w.bits(5, 0b01000)
	w.bits(4, 0b0011) // the upper layer is switched off
	d := parsed(t, &p, w.b)
	if d.ActiveTargets != 3 {
		t.Fatalf("%b", d.ActiveTargets)
	}
	d = parsed(t, &p, mandatory(true, true, 12, 105).b)
	var to Descriptor
	d.Apply(&to)
	if to.Active != TargetBit(0, 0)|TargetBit(0, 1) {
		t.Errorf("active %032b", to.Active)
	}
	if d.ActiveTargets != 3 || to.Present&TargetBit(1, 1) == 0 || to.Present&TargetBit(1, 0) != 0 {
		t.Errorf("who watches the upper layer gets the lower one: %b %032b", d.ActiveTargets, to.Present)
	}
	w = mandatory(true, true, 11, 106)
	w.bits(5, 0b01000)
	w.bits(4, 0)
	if d = parsed(t, &p, w.b); d.ActiveTargets != 0 {
		t.Errorf("%b", d.ActiveTargets)
	}
	if d.Apply(&to); to.Present != 0 {
		t.Errorf("nothing is active, but %032b needs the frame", to.Present)
	}
	if d = parsed(t, &p, keyL2T2()); d.ActiveTargets != 15 {
		t.Errorf("a new structure activates all: %b", d.ActiveTargets)
	}
}

func TestDependencyTargetsAboveTheLowestAreServedByTheLowest(t *testing.T) {
	var p DependencyParser
	parsed(t, &p, keyL2T2())
	w := mandatory(true, true, 13, 101)
	w.bits(5, 0b01000)
	w.bits(4, 0b1100) // only the upper layer is produced
	d := parsed(t, &p, w.b)
	var to Descriptor
	if d.Apply(&to); to.Present&TargetBit(0, 0) == 0 {
		t.Errorf("who watches the lower layer gets nothing: %032b", to.Present)
	}
}

func TestMalformedDependenciesAreRefusedAndForgotten(t *testing.T) {
	var p DependencyParser
	var d Dependency
	if err := p.Parse(mandatory(true, true, 0, 1).b, &d); !errors.Is(err, ErrDependencyTemplate) {
		t.Errorf("before any structure: %v", err)
	}
	parsed(t, &p, keyL1T3())
	for i, raw := range [][]byte{nil, {0}, {0, 0}} {
		if err := p.Parse(raw, &d); !errors.Is(err, ErrDependencyShort) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if err := p.Parse(mandatory(true, true, 59, 1).b, &d); !errors.Is(err, ErrDependencyTemplate) {
		t.Errorf("id before the first: %v", err)
	}
	if err := p.Parse(mandatory(true, true, 1, 1).b, &d); !errors.Is(err, ErrDependencyTemplate) {
		t.Errorf("id behind the last: %v", err)
	}
	whole := keyL2T2()
	for n := 4; n < len(whole); n++ {
		if err := p.Parse(whole[:n], &d); err == nil {
			t.Errorf("a structure cut at %d of %d bytes was read", n, len(whole))
		}
	}
	endless := mandatory(true, true, 0, 1)
	endless.bits(5, 0b10000)
	endless.bits(6, 0)
	endless.bits(5, 0)
	for range 100 {
		endless.bits(2, 0)
	}
	if err := p.Parse(endless.b, &d); !errors.Is(err, ErrDependencyStructure) {
		t.Errorf("65 templates: %v", err)
	}
	if d = parsed(t, &p, mandatory(true, true, 61, 1).b); d.Spatial != 0 || len(d.Indications()) != 3 {
		t.Errorf("a refused structure took hold: %+v", d)
	}
	p.Reset()
	if err := p.Parse(mandatory(true, true, 61, 1).b, &d); !errors.Is(err, ErrDependencyTemplate) {
		t.Errorf("after a reset: %v", err)
	}
}

func TestRewriteDependencyChangesTheFrameNumberOnly(t *testing.T) {
	raw := keyL1T3()
	dst := make([]byte, len(raw))
	if n := RewriteDependency(dst, raw, 0xabcd); n != len(raw) {
		t.Fatal(n)
	}
	var p DependencyParser
	if d := parsed(t, &p, dst); d.Frame != 0xabcd || d.Template != 60 || !d.HasStructure {
		t.Errorf("%+v", d)
	}
	if RewriteDependency(dst[:4], raw, 1) != 0 || RewriteDependency(dst, raw[:2], 1) != 0 {
		t.Error("too short was written")
	}
}

func TestNonSymmetricNumbersComeBack(t *testing.T) {
	for n := 1; n <= 33; n++ {
		for v := range n {
			var w bitWriter
			w.bits(3, 5)
			w.nonSymmetric(n, v)
			r := bitReader{b: w.b, pos: 3}
			if got := r.nonSymmetric(n); got != v || r.short {
				t.Fatalf("%d of %d became %d", v, n, got)
			}
		}
	}
}

func TestBitFieldsComeBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var w bitWriter
	var sizes, values []int
	for range 1000 {
		n := random.IntN(17)
		v := random.IntN(1 << n)
		sizes, values = append(sizes, n), append(values, v)
		w.bits(n, v)
	}
	r := bitReader{b: w.b}
	for i, n := range sizes {
		if got := int(r.bits(n)); got != values[i] {
			t.Fatalf("field %d: %d of %d bits became %d", i, values[i], n, got)
		}
	}
	if r.bits(16); !r.short {
		t.Error("reading past the end was not noticed")
	}
}

func TestDependenciesAllocateOnlyForStructures(t *testing.T) {
	var p DependencyParser
	var d Dependency
	key, delta := keyL2T2(), mandatory(true, true, 11, 104).b
	parsed(t, &p, key)
	parsed(t, &p, key)
	if n := testing.AllocsPerRun(1000, func() {
		for _, raw := range [][]byte{key, delta} {
			if p.Parse(raw, &d) != nil {
				t.Error("refused")
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzDependency(f *testing.F) {
	f.Add(keyL1T3(), mandatory(true, true, 61, 1).b)
	f.Add(keyL2T2(), mandatory(true, true, 13, 1).b)
	f.Add(keyL2T2(), append(mandatory(true, true, 13, 1).b, 0x7f, 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var p DependencyParser
		var d Dependency
		known := false
		for _, raw := range [][]byte{first, second, first, second} {
			err := p.Parse(raw, &d)
			if err != nil {
				continue
			}
			known = known || d.HasStructure
			if !known || d.Spatial > 3 || d.Temporal > 7 || len(d.Indications()) == 0 || len(d.FrameDiffs()) > MaxFrameDiffs {
				t.Fatalf("%+v", d)
			}
			var to Descriptor
			d.Apply(&to)
			if to.Switch&^to.Present != 0 {
				t.Fatalf("switch %032b without present %032b", to.Switch, to.Present)
			}
		}
	})
}

func BenchmarkDependency(b *testing.B) {
	var p DependencyParser
	var d Dependency
	if err := p.Parse(keyL2T2(), &d); err != nil {
		b.Fatal(err)
	}
	raw := mandatory(true, true, 11, 104).b
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Parse(raw, &d); err != nil {
			b.Fatal(err)
		}
	}
}
