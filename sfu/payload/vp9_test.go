package payload

import (
	"bytes"
	"testing"
)

func TestVP9DescriptorsAreRead(t *testing.T) {
	structure := []byte{0x38, 1, 0x40, 0, 0xb4, 2, 0x80, 1, 0x68, 2, 0x00, 0x54, 9} // two layers with sizes, two pictures
	for _, c := range []struct {
		name string
		b    []byte
		want Descriptor
	}{
		{"bare", []byte{0x08, 1}, Descriptor{HeaderLen: 1, FrameStart: true, KeyFrame: true}},
		{"predicted", []byte{0x4c, 1}, Descriptor{HeaderLen: 1, FrameStart: true, FrameEnd: true}},
		{"middle of a key frame", []byte{0x00, 1}, Descriptor{HeaderLen: 1}},
		{"upper layer of a key picture is no beginning", []byte{0x28, 0x03, 7, 1},
			Descriptor{HeaderLen: 3, FrameStart: true, Spatial: 1, Numbers: Numbers{TL0: 7, HasTL0: true}}},
		{"not flexible", []byte{0xed, 0x92, 0x34, 2<<5 | 0x10 | 2<<1, 0x56, 1},
			Descriptor{HeaderLen: 5, FrameStart: true, FrameEnd: true, Temporal: 2, Spatial: 2, SwitchUp: true, NotForUpper: true,
				Numbers: Numbers{Picture: 0x1234, PictureBits: 15, TL0: 0x56, HasTL0: true}}},
		{"flexible with references", []byte{0xf8, 5, 0x20, 3, 5, 8, 1},
			Descriptor{HeaderLen: 6, FrameStart: true, Temporal: 1, Numbers: Numbers{Picture: 5, PictureBits: 7}}},
		{"scalability structure", append(with([]byte{0x0a}, structure...), 1),
			Descriptor{HeaderLen: 14, FrameStart: true, KeyFrame: true, SpatialLayers: 2, Width: 640, Height: 360}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Descriptor
			if !Parse(VP9, c.b, &d) || d != c.want {
				t.Errorf("\n got %+v\nwant %+v", d, c.want)
			}
		})
	}
}

func TestMalformedVP9IsRefused(t *testing.T) {
	for _, b := range [][]byte{
		nil, {0x08}, {0x80}, {0x80, 0x81}, {0x80, 5}, {0x20}, {0x20, 0}, {0x20, 0, 0}, {0x50}, {0x50, 1, 1, 1, 0, 9},
		{0x50, 1}, {0x02}, {0x02, 0x10, 0, 0},
		{0x02, 0x08}, {0x02, 0x08, 1}, {0x02, 0x08, 1, 0x0c, 1, 2}, {0x02, 0x00},
	} {
		if d := (Descriptor{}); Parse(VP9, b, &d) {
			t.Errorf("% x was taken for %+v", b, d)
		}
	}
}

func TestVP9RewritingLeavesTheReferences(t *testing.T) {
	var dst [MaxRewritten]byte
	for _, c := range []struct {
		name     string
		b, want  []byte
		replaced int
	}{
		{"not flexible", []byte{0xe8, 0x92, 0x34, 0x45, 0x56, 1}, []byte{0xe8, 0xff, 0xfe, 0x45, 200}, 5},
		{"flexible, 7 bits become 15", []byte{0xf8, 5, 0x20, 3, 4, 1}, []byte{0xf8, 0xff, 0xfe}, 2},
		{"no picture id", []byte{0x28, 0x45, 0x56, 1}, []byte{0x28, 0x45, 200}, 3},
		{"no numbers", []byte{0x08, 1}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Descriptor
			if !Parse(VP9, c.b, &d) {
				t.Fatal("refused")
			}
			written, replaced := Rewrite(VP9, dst[:], c.b, &d, Numbers{Picture: 0x7ffe, TL0: 200})
			if !bytes.Equal(dst[:written], c.want) || replaced != c.replaced {
				t.Errorf("% x, %d replaced", dst[:written], replaced)
			}
		})
	}
}
