package payload

import "testing"

func TestH264UnitsAreRead(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want Descriptor
	}{
		{"parameter set alone", []byte{0x67, 1}, Descriptor{KeyFrame: true, FrameStart: true}},
		{"IDR slice without its parameter sets is no beginning", []byte{0x65, 0x80}, Descriptor{KeyFrame: true}},
		{"parameter sets and IDR aggregated", []byte{0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1, 0, 2, 0x65, 0x80},
			Descriptor{KeyFrame: true, FrameStart: true}},
		{"delimiter before the parameter set", []byte{0x78, 0, 2, 0x09, 0xf0, 0, 2, 0x67, 1}, Descriptor{KeyFrame: true, FrameStart: true}},
		{"fragmented parameter set", []byte{0x7c, 0x87, 1}, Descriptor{KeyFrame: true, FrameStart: true}},
		{"first fragment of an IDR slice", []byte{0x7c, 0x85, 0x80}, Descriptor{KeyFrame: true}},
		{"later fragment of an IDR slice", []byte{0x7c, 0x05, 0x80}, Descriptor{}},
		{"first slice of a picture", []byte{0x61, 0x9a}, Descriptor{FrameStart: true}},
		{"second slice of a picture", []byte{0x61, 0x40}, Descriptor{}},
		{"slice that nobody refers to", []byte{0x01, 0x9a}, Descriptor{FrameStart: true, Discardable: true}},
		{"first fragment of such a slice", []byte{0x1c, 0x81, 0x9a}, Descriptor{FrameStart: true, Discardable: true}},
		{"later fragment of such a slice", []byte{0x1c, 0x01, 0x9a}, Descriptor{Discardable: true}},
		{"a kind that nobody sends", []byte{0x7d, 1, 2}, Descriptor{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Descriptor
			if !Parse(H264, c.b, &d) || d != c.want {
				t.Errorf("\n got %+v\nwant %+v", d, c.want)
			}
		})
	}
}

func TestMalformedH264IsRefused(t *testing.T) {
	for _, b := range [][]byte{nil, {0x60}, {0x78}, {0x78, 0}, {0x78, 0, 1}, {0x78, 0, 3, 0x67, 1}, {0x78, 0, 0, 0x67}, {0x7c}, {0x7c, 0x85}} {
		if d := (Descriptor{}); Parse(H264, b, &d) {
			t.Errorf("% x was taken for %+v", b, d)
		}
	}
}
