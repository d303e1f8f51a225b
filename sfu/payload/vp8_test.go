package payload

import (
	"bytes"
	"testing"
)

// key is the beginning of a VP8 key frame of 640x360.
var key = []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 0xff}

func with(head []byte, body ...byte) []byte { return append(bytes.Clone(head), body...) }

func TestVP8DescriptorsAreRead(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want Descriptor
	}{
		{"one byte, later packet of a frame", []byte{0x00, 1}, Descriptor{HeaderLen: 1}},
		{"one byte, start of a delta frame", []byte{0x10, 1}, Descriptor{HeaderLen: 1, FrameStart: true}},
		{"start of another partition is no start of a frame", []byte{0x11, 0}, Descriptor{HeaderLen: 1}},
		{"not referred to", []byte{0x30, 1}, Descriptor{HeaderLen: 1, FrameStart: true, Discardable: true}},
		{"key frame with its size", with([]byte{0x10}, key...),
			Descriptor{HeaderLen: 1, FrameStart: true, KeyFrame: true, Width: 640, Height: 360}},
		{"key frame cut before its size", []byte{0x10, 0x10}, Descriptor{HeaderLen: 1, FrameStart: true, KeyFrame: true}},
		{"scaling bits are not size", []byte{0x10, 0, 0, 0, 0x9d, 1, 0x2a, 0x80, 0xc2, 0x68, 0x81},
			Descriptor{HeaderLen: 1, FrameStart: true, KeyFrame: true, Width: 640, Height: 360}},
		{"picture id of 7 bits", []byte{0x90, 0x80, 0x7f, 1},
			Descriptor{HeaderLen: 3, FrameStart: true, Numbers: Numbers{Picture: 127, PictureBits: 7, Dense: true}}},
		{"everything", []byte{0x90, 0xf0, 0x92, 0x34, 0x56, 0x40 | 0x20 | 0x11, 1},
			Descriptor{HeaderLen: 6, FrameStart: true, Temporal: 1, Sync: true, Numbers: Numbers{
				Picture: 0x1234, PictureBits: 15, Dense: true, TL0: 0x56, HasTL0: true, Key: 0x11, HasKey: true}}},
		{"sync on the base layer says nothing", []byte{0x90, 0x20, 0x20, 1}, Descriptor{HeaderLen: 3, FrameStart: true}},
		{"key index without temporal id", []byte{0x90, 0x10, 0xff, 1},
			Descriptor{HeaderLen: 3, FrameStart: true, Numbers: Numbers{Key: 31, HasKey: true}}},
		{"temporal id without key index", []byte{0x90, 0x20, 0xbf, 1}, Descriptor{HeaderLen: 3, FrameStart: true, Temporal: 2, Sync: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Descriptor
			if !Parse(VP8, c.b, &d) || d != c.want {
				t.Errorf("\n got %+v\nwant %+v", d, c.want)
			}
		})
	}
}

func TestMalformedVP8IsRefused(t *testing.T) {
	for _, b := range [][]byte{
		nil, {0x10}, {0x90}, {0x90, 0x80}, {0x90, 0x80, 0x81}, {0x90, 0x80, 0x81, 1}, {0x90, 0x40}, {0x90, 0x40, 1},
		{0x90, 0x20}, {0x90, 0x20, 1},
		{0x90, 0xf0, 0x80, 1, 2, 3}, {0x10, 0, 0, 0, 0x9d, 1, 0x2b, 0, 0, 0, 0},
	} {
		if d := (Descriptor{}); Parse(VP8, b, &d) {
			t.Errorf("% x was taken for %+v", b, d)
		}
	}
}

func TestVP8RewritingChangesTheNumbersAndNothingElse(t *testing.T) {
	var dst [MaxRewritten]byte
	n := Numbers{Picture: 0x7ffe, TL0: 200, Key: 30}
	for _, c := range []struct {
		name     string
		b, want  []byte
		replaced int
	}{
		{"everything", []byte{0xb0, 0xf0, 0x92, 0x34, 0x56, 0xe1, 1, 2}, []byte{0xb0, 0xf0, 0xff, 0xfe, 200, 0xe0 | 30}, 6},
		{"7 bits become 15", []byte{0x90, 0x80, 5, 1, 2}, []byte{0x90, 0x80, 0xff, 0xfe}, 3},
		{"temporal id without key index stays", []byte{0x90, 0xe0, 5, 6, 0xbf, 1}, []byte{0x90, 0xe0, 0xff, 0xfe, 200, 0xbf}, 5},
		{"key index alone", []byte{0x90, 0x10, 0x41, 1}, []byte{0x90, 0x10, 0x40 | 30}, 3},
		{"no numbers", []byte{0x10, 1, 2}, nil, 0},
		{"extension without numbers", []byte{0x90, 0x20, 0x40, 1}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Descriptor
			if !Parse(VP8, c.b, &d) {
				t.Fatal("refused")
			}
			written, replaced := Rewrite(VP8, dst[:], c.b, &d, n)
			if !bytes.Equal(dst[:written], c.want) || replaced != c.replaced {
				t.Errorf("% x, %d replaced", dst[:written], replaced)
			}
		})
	}
}

func TestRewriteRefusesAShortDestination(t *testing.T) {
	var d Descriptor
	b := []byte{0x90, 0x80, 5, 1}
	Parse(VP8, b, &d)
	if written, replaced := Rewrite(VP8, make([]byte, MaxRewritten-1), b, &d, Numbers{}); written != 0 || replaced != 0 {
		t.Errorf("%d, %d", written, replaced)
	}
	if written, replaced := Rewrite(VP8, make([]byte, MaxRewritten), b[:2], &d, Numbers{}); written != 0 || replaced != 0 {
		t.Errorf("a payload that is not the parsed one: %d, %d", written, replaced)
	}
}
