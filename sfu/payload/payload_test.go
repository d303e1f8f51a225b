package payload

import (
	"bytes"
	"testing"
)

func TestCodecsHaveNameAndClock(t *testing.T) {
	for _, c := range []struct {
		codec Codec
		name  string
		clock uint32
		video bool
	}{
		{None, "none", 0, false}, {Opus, "opus", 48000, false}, {RED, "red", 48000, false}, {VP8, "VP8", 90000, true}, {VP9, "VP9", 90000, true},
		{H264, "H264", 90000, true}, {AV1, "AV1", 90000, true}, {AV1 + 1, "none", 0, false},
	} {
		if c.codec.String() != c.name || c.codec.ClockRate() != c.clock || c.codec.Video() != c.video {
			t.Errorf("%v: %d %v", c.codec, c.codec.ClockRate(), c.codec.Video())
		}
	}
}

func TestAudioAlwaysBegins(t *testing.T) {
	var d Descriptor
	if !Parse(Opus, []byte{0x78}, &d) || d != (Descriptor{KeyFrame: true, FrameStart: true, FrameEnd: true}) {
		t.Errorf("%+v", d)
	}
	if Parse(Opus, nil, &d) || Parse(None, []byte{1}, &d) {
		t.Error("nothing was taken for something")
	}
}

func TestTargetBitsAreDistinct(t *testing.T) {
	var seen uint32
	for s := range uint8(4) {
		for temporal := range uint8(8) {
			seen |= TargetBit(s, temporal)
		}
	}
	if seen != 1<<32-1 {
		t.Errorf("%b", seen)
	}
}

// FuzzParse holds for every codec: no panic, and a rewritten payload reads as the old one with the new numbers.
func FuzzParse(f *testing.F) {
	f.Add(uint8(VP8), []byte{0x90, 0xf0, 0x92, 0x34, 0x56, 0x71, 1})
	f.Add(uint8(VP8), with([]byte{0x90, 0x80, 0x7f}, key...))
	f.Add(uint8(VP9), []byte{0xaa, 0x92, 0x34, 0x25, 0x07, 0x18, 1, 2, 3, 4, 1, 0x04, 9, 1})
	f.Add(uint8(VP9), []byte{0xf8, 0x11, 0x25, 0x03, 0x02, 1})
	f.Add(uint8(H264), []byte{0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1})
	f.Add(uint8(AV1), []byte{0x18, 0x0a, 1})
	f.Add(uint8(RED), []byte{0xef, 0x0f, 0x00, 0x01, 0x6f, 1, 2})
	f.Fuzz(func(t *testing.T, codec uint8, b []byte) {
		c := Codec(codec % uint8(AV1+1))
		var d Descriptor
		if !Parse(c, b, &d) {
			return
		}
		if int(d.HeaderLen) >= len(b) {
			t.Fatalf("descriptor of %d bytes in a payload of %d", d.HeaderLen, len(b))
		}
		n := Numbers{Picture: 0x1234, TL0: 77, Key: 19}
		var dst [MaxRewritten]byte
		written, replaced := Rewrite(c, dst[:], b, &d, n)
		if replaced > int(d.HeaderLen) || written < replaced || written > replaced+1 {
			t.Fatalf("%d for %d of %d", written, replaced, d.HeaderLen)
		}
		if written == 0 {
			return
		}
		changed := append(bytes.Clone(dst[:written]), b[replaced:]...)
		var got Descriptor
		if !Parse(c, changed, &got) {
			t.Fatalf("% x became % x", b, changed)
		}
		want := d
		want.HeaderLen = uint8(int(d.HeaderLen) + written - replaced)
		if d.Numbers.PictureBits != 0 {
			want.Numbers.Picture, want.Numbers.PictureBits = n.Picture, 15
		}
		if d.Numbers.HasTL0 {
			want.Numbers.TL0 = n.TL0
		}
		if d.Numbers.HasKey {
			want.Numbers.Key = n.Key
		}
		if got != want {
			t.Fatalf("\n got %+v\nwant %+v", got, want)
		}
	})
}

func TestParsingAndRewritingAllocateNothing(t *testing.T) {
	b := with([]byte{0x90, 0xf0, 0x92, 0x34, 0x56, 0x71}, key...)
	red := []byte{0xef, 0x0f, 0x00, 0x01, 0x6f, 1, 2}
	var dst [MaxRewritten]byte
	var blocks [4]Block
	if n := testing.AllocsPerRun(1000, func() {
		var d Descriptor
		if !Parse(VP8, b, &d) {
			t.Error("refused")
		}
		Rewrite(VP8, dst[:], b, &d, Numbers{})
		Blocks(blocks[:0], red)
		Primary(red)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkParseVP8(b *testing.B) {
	p := []byte{0x90, 0xf0, 0x92, 0x34, 0x56, 0x71, 1, 2, 3}
	var d Descriptor
	b.ReportAllocs()
	for b.Loop() {
		Parse(VP8, p, &d)
	}
}

func BenchmarkRewriteVP8(b *testing.B) {
	p := []byte{0x90, 0xf0, 0x92, 0x34, 0x56, 0x71, 1, 2, 3}
	var d Descriptor
	var dst [MaxRewritten]byte
	Parse(VP8, p, &d)
	b.ReportAllocs()
	for b.Loop() {
		Rewrite(VP8, dst[:], p, &d, Numbers{Picture: 5})
	}
}

func BenchmarkParseVP9(b *testing.B) {
	p := []byte{0xa8, 0x92, 0x34, 0x25, 0x07, 1}
	var d Descriptor
	b.ReportAllocs()
	for b.Loop() {
		Parse(VP9, p, &d)
	}
}

func BenchmarkParseH264(b *testing.B) {
	p := []byte{0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1}
	var d Descriptor
	b.ReportAllocs()
	for b.Loop() {
		Parse(H264, p, &d)
	}
}
