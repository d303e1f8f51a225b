package packet

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/pion/rtp"

	"tarasul/sfu/payload"
)

var ids = Extensions{
	MID: 1, RID: 2, RepairedRID: 3, TransportCC: 4, AudioLevel: 5, AbsSendTime: 6, DependencyDescriptor: 7, PlayoutDelay: 8,
}

// plain makes the bytes of a packet. Extensions alternate id and value.
func plain(tb testing.TB, h rtp.Header, body []byte, exts ...any) []byte {
	tb.Helper()
	h.Version = 2
	for i := 0; i < len(exts); i += 2 {
		if err := h.SetExtension(uint8(exts[i].(int)), exts[i+1].([]byte)); err != nil {
			tb.Fatal(err)
		}
	}
	b, err := h.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	return append(b, body...)
}

func fill(b []byte) (Packet, error) {
	var h rtp.Header
	var p Packet
	if _, err := h.Unmarshal(b); err != nil {
		return p, err
	}
	return p, p.Fill(&h, b, &ids)
}

func TestFillReadsHeaderExtensionsAndPayload(t *testing.T) {
	b := plain(t, rtp.Header{SSRC: 7, SequenceNumber: 65535, Timestamp: 1 << 31, PayloadType: 96, Marker: true, CSRC: []uint32{1, 2}},
		[]byte("payload"), 1, []byte("0"), 2, []byte("h"), 3, []byte("m"), 4, []byte{0x12, 0x34}, 5, []byte{0x80 | 33},
		6, []byte{1, 2, 3}, 7, []byte{0xC0, 0, 1, 2}, 8, []byte{0x01, 0x20, 0x03}, 14, []byte("unknown"))
	p, err := fill(b)
	if err != nil {
		t.Fatal(err)
	}
	if p.SSRC != 7 || p.Seq != 65535 || p.Timestamp != 1<<31 || p.PayloadType != 96 || !p.Marker || p.PaddingOnly {
		t.Errorf("header: %+v", p)
	}
	if string(p.Payload) != "payload" || string(p.MID) != "0" || string(p.RID) != "h" || string(p.RepairedRID) != "m" ||
		!bytes.Equal(p.Dependency, []byte{0xC0, 0, 1, 2}) {
		t.Errorf("slices: %+v", p)
	}
	if !p.HasTransportSeq || p.TransportSeq != 0x1234 || !p.HasLevel || !p.Voice || p.Level != 33 ||
		!p.HasSendTime || p.SendTime != 0x010203 || !p.HasDelay || p.MinDelay != 0x012 || p.MaxDelay != 3 {
		t.Errorf("extensions: %+v", p)
	}
}

func TestFillReadsTwoByteExtensions(t *testing.T) {
	long := bytes.Repeat([]byte{9}, 60) // more than a one-byte header can say: a template structure
	b := plain(t, rtp.Header{Extension: true, ExtensionProfile: rtp.ExtensionProfileTwoByte}, []byte{1}, 7, long, 1, []byte("a"), 4, []byte{})
	p, err := fill(b)
	if err != nil || !bytes.Equal(p.Dependency, long) || string(p.MID) != "a" || p.HasTransportSeq {
		t.Errorf("%v %+v", err, p)
	}
}

func TestFillIgnoresWhatWasNotNegotiated(t *testing.T) {
	b := plain(t, rtp.Header{}, []byte{1}, 1, []byte("0"), 5, []byte{1})
	var h rtp.Header
	if _, err := h.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	arrived := time.Unix(5, 0)
	p := Packet{Arrived: arrived, MID: []byte("stale"), HasLevel: true, Descriptor: payload.Descriptor{KeyFrame: true}}
	if err := p.Fill(&h, b, &Extensions{}); err != nil {
		t.Fatal(err)
	}
	if p.MID != nil || p.HasLevel || p.Descriptor.KeyFrame || !p.Arrived.Equal(arrived) {
		t.Errorf("%+v", p)
	}
}

func TestFillRefusesOrHandlesEveryPadding(t *testing.T) {
	body := func(n int, last byte) []byte {
		b := make([]byte, n)
		if n > 0 {
			b[n-1] = last
		}
		return b
	}
	for _, c := range []struct {
		name    string
		body    []byte
		err     error
		payload int
		only    bool
	}{
		{"no byte at all", nil, ErrPadding, 0, false},
		{"zero", body(10, 0), ErrPadding, 0, false},
		{"longer than the payload", body(10, 11), ErrPadding, 0, false},
		{"255 in a short packet", body(10, 255), ErrPadding, 0, false},
		{"255 alone", body(255, 255), nil, 0, true},
		{"255 behind a payload", body(300, 255), nil, 45, false},
		{"one", body(10, 1), nil, 9, false},
		{"all", body(10, 10), nil, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := plain(t, rtp.Header{Padding: true}, c.body)
			p, err := fill(b)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && (len(p.Payload) != c.payload || p.PaddingOnly != c.only) {
				t.Errorf("payload %d, padding only %v", len(p.Payload), p.PaddingOnly)
			}
		})
	}
}

func TestFillRefusesMalformedHeaders(t *testing.T) {
	header := func(b ...byte) []byte { return append(b, make([]byte, 12-len(b))...) }
	for _, c := range []struct {
		name string
		b    []byte
		err  error
	}{
		{"empty", nil, ErrShort},
		{"eleven bytes", make([]byte, 11), ErrShort},
		{"version 1", header(0x40), ErrVersion},
		{"contributing sources cut off", header(0x8f), ErrShort},
		{"extension header cut off", header(0x90), ErrShort},
		{"extension longer than the packet", append(header(0x90), 0xBE, 0xDE, 0, 9), ErrShort},
		{"one-byte element longer than the extension", append(header(0x90), 0xBE, 0xDE, 0, 1, 0x1f, 0, 0, 0), ErrExtension},
		{"two-byte element longer than the extension", append(header(0x90), 0x10, 0, 0, 1, 1, 9, 0, 0), ErrExtension},
		{"two-byte element without length", append(header(0x90), 0x10, 0, 0, 1, 0, 0, 0, 1), ErrExtension},
		{"id 15 ends the list", append(header(0x90), 0xBE, 0xDE, 0, 1, 0xf3, 0, 0, 0), nil},
		{"id 0 with a length ends the list", append(header(0x90), 0xBE, 0xDE, 0, 1, 0x0f, 0, 0, 0), nil},
		{"another profile is passed over", append(header(0x90), 1, 2, 0, 1, 0x1f, 0, 0, 0), nil},
		{"no payload", header(0x80), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p Packet
			if err := p.Fill(&rtp.Header{}, c.b, &ids); !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
		})
	}
}

func TestDescribeAddsTheEndOfAPictureFromTheMarker(t *testing.T) {
	p := Packet{Marker: true, Payload: []byte{0x10, 0x01}} // VP8: start of a partition, not a key frame
	if !p.Describe(payload.VP8) || !p.Descriptor.FrameStart || !p.Descriptor.FrameEnd || p.Descriptor.KeyFrame {
		t.Errorf("%+v", p.Descriptor)
	}
	p.Marker = false
	if !p.Describe(payload.VP8) || p.Descriptor.FrameEnd {
		t.Errorf("%+v", p.Descriptor)
	}
	p.Payload = nil
	if p.Describe(payload.VP8) {
		t.Error("an empty payload was described")
	}
}

func TestFillAllocatesNothing(t *testing.T) {
	b := plain(t, rtp.Header{SSRC: 7}, make([]byte, 1000), 1, []byte("0"), 2, []byte("h"), 4, []byte{0, 1}, 5, []byte{1})
	var h rtp.Header
	if _, err := h.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	var p Packet
	if n := testing.AllocsPerRun(1000, func() {
		if p.Fill(&h, b, &ids) != nil {
			t.Error("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}

func FuzzFill(f *testing.F) {
	f.Add(plain(f, rtp.Header{SSRC: 7, CSRC: []uint32{1}}, []byte("payload"), 1, []byte("0"), 4, []byte{0, 1}))
	f.Add(plain(f, rtp.Header{Padding: true}, []byte{1, 2, 0, 3}))
	f.Add(append([]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 1, 9}, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h rtp.Header
		var p Packet
		_, parsed := h.Unmarshal(b)
		err := p.Fill(&h, b, &ids)
		if err != nil {
			return
		}
		if len(p.Payload) > len(b)-12 || p.PaddingOnly && len(p.Payload) != 0 {
			t.Errorf("%+v", p)
		}
		if parsed != nil {
			return
		}
		// what both can read they read alike
		if h.ExtensionProfile == rtp.ExtensionProfileOneByte {
			if want := h.GetExtension(ids.MID); len(want) > 0 && len(p.MID) == 0 {
				t.Errorf("mid %q, want %q", p.MID, want)
			}
		}
		for _, c := range []payload.Codec{payload.VP8, payload.Opus} {
			p.Describe(c)
		}
	})
}

func BenchmarkFill(b *testing.B) {
	buf := plain(b, rtp.Header{SSRC: 7}, make([]byte, 1000), 1, []byte("0"), 2, []byte("h"), 4, []byte{0, 1}, 6, []byte{1, 2, 3})
	var h rtp.Header
	if _, err := h.Unmarshal(buf); err != nil {
		b.Fatal(err)
	}
	var p Packet
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Fill(&h, buf, &ids); err != nil {
			b.Fatal(err)
		}
	}
}
