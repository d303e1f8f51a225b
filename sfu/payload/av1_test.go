package payload

import "testing"

func TestAV1AggregationHeadersAreRead(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want Descriptor
	}{
		{"start of a sequence", []byte{0x18, 0x08, 1}, Descriptor{KeyFrame: true, FrameStart: true}},
		{"one element", []byte{0x10, 0x30, 1}, Descriptor{FrameStart: true}},
		{"rest of an OBU", []byte{0x90, 0xff, 1}, Descriptor{}},
		{"layer in the OBU extension", []byte{0x10, 0x34, 2<<5 | 1<<3, 1}, Descriptor{FrameStart: true, Temporal: 2, Spatial: 1}},
		{"two elements, the first with its length", []byte{0x20, 2, 0x34, 1 << 5, 0x30, 1}, Descriptor{FrameStart: true, Temporal: 1}},
		{"every element with its length", []byte{0x00, 1, 0x30, 2, 0x30, 9}, Descriptor{FrameStart: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Descriptor
			if !Parse(AV1, c.b, &d) || d != c.want {
				t.Errorf("\n got %+v\nwant %+v", d, c.want)
			}
		})
	}
}

func TestMalformedAV1IsRefused(t *testing.T) {
	for _, b := range [][]byte{
		nil, {0x10}, {0x00}, {0x98, 1}, {0x20, 5, 1}, {0x20, 0x80}, {0x20, 0x80, 0x80, 0x80, 0x80, 1}, {0x00, 9, 1},
		{0x10, 0x80}, {0x10, 0x04}, {0x20, 0, 1},
	} {
		if d := (Descriptor{}); Parse(AV1, b, &d) {
			t.Errorf("% x was taken for %+v", b, d)
		}
	}
}
