package synth

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/pion/rtp/codecs"
	"golang.org/x/image/vp8"
)

func TestAStampIsReadAsItWasPut(t *testing.T) {
	want := Stamp{Bot: 29, Kind: Camera, Encoding: 2, Index: 1 << 40, Time: 123456789012345}
	b := make([]byte, 100)
	want.Put(b)
	if got, ok := ReadStamp(b); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, other := range [][]byte{nil, b[:StampSize-1], b[:99], make([]byte, 100)} {
		if s, ok := ReadStamp(other); ok {
			t.Errorf("read %+v from %d bytes without a stamp", s, len(other))
		}
	}
}

// frame puts the packets of the present frame together again and checks each descriptor.
func frame(t *testing.T, v *Video, packets int) (whole []byte, descriptors []codecs.VP8Packet) {
	t.Helper()
	for i := range packets {
		packet := v.Append(nil, i, Stamp{Kind: Camera, Index: uint64(i)})
		var d codecs.VP8Packet
		payload, err := d.Unmarshal(packet)
		if err != nil {
			t.Fatal(err)
		}
		if len(payload) > MaxPayload || len(packet)-len(payload) != descriptorSize {
			t.Errorf("packet of %d bytes, payload %d", len(packet), len(payload))
		}
		if (d.S == 1) != (i == 0) || d.PID != 0 {
			t.Errorf("packet %d: S %d, PID %d", i, d.S, d.PID)
		}
		whole = append(whole, payload...)
		descriptors = append(descriptors, d)
	}
	return whole, descriptors
}

func TestARealDecoderShowsTheKeyFrames(t *testing.T) {
	for _, size := range [][2]int{{320, 180}, {640, 360}, {1280, 720}, {17, 33}} {
		v := NewVideo(VideoConfig{Bitrate: 600_000, FrameRate: 30, Width: size[0], Height: size[1], Temporal: 1})
		whole, _ := frame(t, v, v.Next(true))
		d := vp8.NewDecoder()
		d.Init(bytes.NewReader(whole), len(whole))
		h, err := d.DecodeFrameHeader()
		if err != nil || !h.KeyFrame || h.Width != size[0] || h.Height != size[1] {
			t.Fatalf("%v: header %+v, %v", size, h, err)
		}
		picture, err := d.DecodeFrame()
		if err != nil {
			t.Fatalf("%v: %v", size, err)
		}
		for y := range size[1] {
			for x := range size[0] {
				if c := picture.YCbCrAt(x, y); c.Y < 126 || c.Y > 130 || c.Cb < 126 || c.Cb > 130 || c.Cr < 126 || c.Cr > 130 {
					t.Fatalf("%v: pixel %d,%d is %+v, not grey", size, x, y, c)
				}
			}
		}
	}
}

func TestFramesKeepTheBitRateAndCountOn(t *testing.T) {
	for _, temporal := range []int{1, 2, 3} {
		v := NewVideo(VideoConfig{Bitrate: 1_000_000, FrameRate: 30, Width: 640, Height: 360, Temporal: temporal, Seed: 7})
		total, sizes := 0, map[int]bool{}
		var last codecs.VP8Packet
		const frames = 3000
		for n := range frames {
			whole, descriptors := frame(t, v, v.Next(n%300 == 0))
			d := descriptors[0]
			if n > 0 && d.PictureID != (last.PictureID+1)&0x7fff {
				t.Fatalf("frame %d: picture ID %d after %d", n, d.PictureID, last.PictureID)
			}
			if v.Key() != (n%300 == 0) || v.Key() != (whole[0]&1 == 0) {
				t.Fatalf("frame %d: key %v, in its bytes %v", n, v.Key(), whole[0]&1 == 0)
			}
			wantTL0 := last.TL0PICIDX
			if d.TID == 0 {
				wantTL0++
			}
			if n > 0 && d.TL0PICIDX != wantTL0 {
				t.Fatalf("frame %d: TL0PICIDX %d, want %d", n, d.TL0PICIDX, wantTL0)
			}
			if v.Key() && d.TID != 0 || int(d.TID) >= temporal {
				t.Fatalf("frame %d: temporal layer %d", n, d.TID)
			}
			total += len(whole)
			sizes[len(whole)] = true
			last = d
		}
		got := float64(total) * 8 * 30 / frames
		if math.Abs(got-1_000_000) > 20_000 {
			t.Errorf("%d temporal layers: %.0f bit/s", temporal, got)
		}
		if len(sizes) < 100 {
			t.Errorf("only %d different sizes of frames: runs of equal size would flatter the server", len(sizes))
		}
	}
}

func TestEveryPacketBeyondTheFirstPartitionHasItsStamp(t *testing.T) {
	v := NewVideo(VideoConfig{Bitrate: 150_000, FrameRate: 30, Width: 320, Height: 180, Temporal: 1})
	for n := range 100 {
		for i := range v.Next(n%50 == 0) {
			want := Stamp{Bot: 3, Kind: Camera, Index: uint64(n), Time: int64(i)}
			if got, ok := ReadStamp(v.Append(nil, i, want)); !ok || got != want {
				t.Fatalf("frame %d packet %d: %+v, %v", n, i, got, ok)
			}
		}
	}
}

func TestOpusPacketsAreValidAtAnySize(t *testing.T) {
	for size := minOpus; size < 1200; size++ {
		b := appendOpus(nil, size, Stamp{Time: int64(size)})
		if len(b) != size {
			t.Fatalf("asked for %d bytes, got %d", size, len(b))
		}
		if s, ok := ReadStamp(b); !ok || s.Time != int64(size) {
			t.Fatalf("%d bytes: %+v, %v", size, s, ok)
		}
		// RFC 6716 section 3.2.5: TOC, frame count, length of the padding, one frame, padding.
		if b[0] != 0xfb || b[1] != 0x41 {
			t.Fatalf("%d bytes: header %x", size, b[:2])
		}
		padding, i := 0, 2
		for ; b[i] == 255; i++ {
			padding += 254
		}
		padding += int(b[i])
		if got := b[i+1 : len(b)-padding]; !bytes.Equal(got, []byte{0xff, 0xfe}) {
			t.Fatalf("%d bytes: the frame is %x", size, got)
		}
	}
}

func TestOpusKeepsTheBitRate(t *testing.T) {
	o := NewOpus(OpusConfig{Bitrate: 32_000, Seed: 1})
	total := 0
	for range 5000 {
		total += len(o.Append(nil, Stamp{}))
	}
	if got := total * 8 / 100; got < 31_000 || got > 33_000 {
		t.Errorf("%d bit/s", got)
	}
}

func TestTheScriptLetsSoManySpeakAndEachInTurn(t *testing.T) {
	s := NewScript(10, 3, 5)
	spoke := map[int]bool{}
	for at := time.Duration(0); at < time.Minute; at += time.Second {
		n := 0
		for bot := range 10 {
			level := s.Level(bot, at)
			if s.Speaking(bot, at) {
				n++
				spoke[bot] = true
				if level < 5 || level > 60 {
					t.Errorf("bot %d speaks at level %d", bot, level)
				}
			} else if level != Silence {
				t.Errorf("bot %d is silent at level %d", bot, level)
			}
		}
		if n != 3 {
			t.Errorf("%d speak at %v", n, at)
		}
	}
	if len(spoke) != 10 {
		t.Errorf("only %d ever spoke", len(spoke))
	}
	for bot := range 10 {
		if !NewScript(10, 0, 5).Speaking(bot, time.Second) {
			t.Error("with no number of speakers all speak")
		}
	}
}

func TestMakingAPacketAllocatesNothing(t *testing.T) {
	v := NewVideo(VideoConfig{Bitrate: 1_000_000, FrameRate: 30, Width: 640, Height: 360, Temporal: 1})
	o := NewOpus(OpusConfig{Bitrate: 32_000})
	buffer := make([]byte, 0, 2000)
	if n := testing.AllocsPerRun(1000, func() {
		for i := range v.Next(false) {
			v.Append(buffer, i, Stamp{})
		}
		o.Append(buffer, Stamp{})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
