package history

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"tarasul/sfu/packet"
	"tarasul/sfu/payload"
)

var epoch = time.Unix(1_800_000_000, 0)

// source makes the packets of one encoding. The content of a packet follows from its number.
type source struct {
	at   time.Time
	step time.Duration
	size int
	p    packet.Packet
	buf  []byte
}

func newSource(step time.Duration, size int) *source {
	return &source{at: epoch, step: step, size: size, buf: make([]byte, 4000)}
}

// packet is the packet seq, arriving one step after the one before.
func (s *source) packet(seq uint16) *packet.Packet {
	s.at = s.at.Add(s.step)
	b := s.buf[:s.size]
	for i := 0; i+1 < len(b); i += 2 {
		binary.BigEndian.PutUint16(b[i:], seq)
	}
	s.p = packet.Packet{
		SSRC: 7, Seq: seq, Timestamp: uint32(seq) * 3000, PayloadType: 96, Marker: seq%2 == 0, Payload: b, Dependency: b[:min(4, s.size)],
		Arrived: s.at, MID: b[:1], Descriptor: payload.Descriptor{HeaderLen: uint8(seq), Numbers: payload.Numbers{Picture: seq}},
	}
	return &s.p
}

func checkView(t *testing.T, r *Ring, seq uint16, size int) {
	t.Helper()
	p, ok := r.Get(seq)
	if !ok {
		t.Fatalf("packet %d is gone", seq)
	}
	if p.SSRC != 7 || p.Seq != seq || p.Timestamp != uint32(seq)*3000 || p.PayloadType != 96 || p.Marker != (seq%2 == 0) ||
		len(p.Payload) != size || p.Descriptor.Numbers.Picture != seq || !bytes.Equal(p.Dependency, p.Payload[:min(4, size)]) ||
		p.PaddingOnly != (size == 0) {
		t.Fatalf("packet %d: %+v", seq, p)
	}
	for i := 0; i+1 < size; i += 2 {
		if binary.BigEndian.Uint16(p.Payload[i:]) != seq {
			t.Fatalf("packet %d has the bytes of another at %d", seq, i)
		}
	}
}

func TestPacketsAreKeptForASecond(t *testing.T) {
	for _, c := range []struct {
		name  string
		step  time.Duration
		size  int
		bytes int // at most
	}{
		{"voice at 50 packets a second", 20 * time.Millisecond, 80, 24 << 10},
		{"150 kbit/s in 17 packets a second", time.Second / 17, 1100, 48 << 10},
		{"2.5 Mbit/s", time.Second / 280, 1130, 600 << 10},
		{"8 Mbit/s", time.Second / 900, 1130, 1200 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, s := New(Config{}), newSource(c.step, c.size)
			window := int(time.Second/c.step) * 9 / 10
			if size := c.size + 8; window*size > 1<<20 {
				window = (1<<20 - 2*size) / size
			}
			for i := range 3000 {
				seq := uint16(64000 + i) // wraps
				if !r.Put(s.packet(seq)) {
					t.Fatalf("packet %d was refused", seq)
				}
				if i >= window {
					checkView(t, r, seq-uint16(window)+1, c.size)
				}
				checkView(t, r, seq, c.size)
			}
			if got := r.Stats(); got.Bytes > c.bytes || got.Received != 3000 || got.TooOld+got.Duplicates+got.Resets != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAMeetingOfThirtyStaysSmall(t *testing.T) {
	sum := 0
	for range 30 {
		for _, c := range []struct {
			rate int
			size int
		}{{17, 1100}, {9, 900}, {50, 90}, {30, 1000}} { // three encodings of 150 kbit/s in all would be fewer
			r, s := New(Config{}), newSource(time.Second/time.Duration(c.rate), c.size)
			for i := range 200 {
				r.Put(s.packet(uint16(i)))
			}
			sum += r.Stats().Bytes
		}
	}
	if sum > 5<<20 {
		t.Errorf("%d KiB", sum>>10)
	}
}

func TestDuplicatesAndTooOldPacketsAreRefused(t *testing.T) {
	r, s := New(Config{}), newSource(20*time.Millisecond, 50)
	for i := range 3000 {
		r.Put(s.packet(uint16(i)))
	}
	for _, seq := range []uint16{2999, 2990, 2940} {
		if r.Put(s.packet(seq)) {
			t.Errorf("%d was taken twice", seq)
		}
	}
	for _, seq := range []uint16{2900, 1500, 500} {
		if r.Put(s.packet(seq)) {
			t.Errorf("%d was taken though it is too old", seq)
		}
	}
	if got := r.Stats(); got.Duplicates != 3 || got.TooOld != 3 || got.Received != 3000 {
		t.Errorf("%+v", got)
	}
	if _, ok := r.Get(3000); ok {
		t.Error("a packet of the future was found")
	}
	if _, ok := r.Get(100); ok {
		t.Error("a packet of the past was found")
	}
}

func TestAnEmptyRingKnowsNothing(t *testing.T) {
	r := New(Config{})
	if _, ok := r.Get(0); ok {
		t.Error("found a packet")
	}
	if _, ok := r.Report(); ok {
		t.Error("reported")
	}
	if _, ok := r.Due(); ok || len(r.Missing(epoch, 0, nil)) != 0 {
		t.Error("misses a packet")
	}
}

func TestPacketsBeforeTheFirstAreTaken(t *testing.T) {
	r, s := New(Config{}), newSource(time.Millisecond, 50)
	for _, seq := range []uint16{2, 0, 65535, 1, 3} {
		if !r.Put(s.packet(seq)) {
			t.Errorf("%d was refused", seq)
		}
	}
	for _, seq := range []uint16{65535, 0, 1, 2, 3} {
		checkView(t, r, seq, 50)
	}
	if got := r.Missing(s.at.Add(time.Second/2), 0, nil); len(got) != 0 {
		t.Errorf("misses %v", got)
	}
}

func TestAJumpBeginsAnewInsteadOfAskingForIt(t *testing.T) {
	r, s := New(Config{}), newSource(time.Millisecond, 50)
	for _, seq := range []uint16{0, 1, 3, 5000, 5002} {
		if !r.Put(s.packet(seq)) {
			t.Errorf("%d was refused", seq)
		}
	}
	if got := r.Missing(s.at.Add(100*time.Millisecond), 0, nil); len(got) != 1 || got[0] != 5001 {
		t.Errorf("misses %v", got)
	}
	if got := r.Stats(); got.Resets != 1 || got.Abandoned != 1 {
		t.Errorf("%+v", got)
	}
	if report, _ := r.Report(); report.CumulativeLost != 2 {
		t.Errorf("%+v", report)
	}
}

func TestASenderThatBeginsAnewBehindIsFollowedAtItsSecondPacket(t *testing.T) {
	r, s := New(Config{}), newSource(time.Millisecond, 50)
	for i := range 100 {
		r.Put(s.packet(uint16(40000 + i)))
	}
	for i, want := range []bool{false, true, true, true} {
		if got := r.Put(s.packet(uint16(20000 + i))); got != want {
			t.Errorf("packet %d of the new run: %v", i, got)
		}
	}
	checkView(t, r, 20003, 50)
	if report, _ := r.Report(); report.CumulativeLost != 0 || report.HighestSeq != 1<<16+20003 {
		t.Errorf("%+v", report)
	}
}

func TestPacketsWithoutPayloadCountButHaveNothingToSend(t *testing.T) {
	r, s := New(Config{}), newSource(time.Millisecond, 0)
	r.Put(s.packet(4))
	checkView(t, r, 4, 0)
	s.size = maxRecord // with its dependency descriptor it is larger than what is kept
	if !r.Put(s.packet(5)) {
		t.Error("refused")
	}
	if _, ok := r.Get(5); ok {
		t.Error("kept")
	}
	if r.Put(s.packet(5)) {
		t.Error("taken twice")
	}
}

func TestAViewCannotBeGrownIntoItsNeighbours(t *testing.T) {
	r, s := New(Config{}), newSource(time.Millisecond, 50)
	r.Put(s.packet(1))
	r.Put(s.packet(2))
	p, _ := r.Get(1)
	_ = append(p.Payload, bytes.Repeat([]byte{0xff}, 100)...)
	_ = append(p.Dependency, bytes.Repeat([]byte{0xff}, 100)...)
	checkView(t, r, 1, 50)
	checkView(t, r, 2, 50)
}

// TestWhatIsFoundIsWhatWasPut puts packets of all sizes in all orders and compares with a map that forgets nothing.
func TestWhatIsFoundIsWhatWasPut(t *testing.T) {
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 1))
		r, s := New(Config{MinBytes: 8 << 10, MaxBytes: 64 << 10}), newSource(0, 0)
		sizes := map[uint16]int{}
		next := uint16(random.IntN(1 << 16))
		for range 5000 {
			seq := next - uint16(random.IntN(40))
			if random.IntN(3) > 0 {
				next += uint16(1 + random.IntN(3))
				seq = next
			}
			s.step, s.size = time.Duration(random.IntN(40))*time.Millisecond, random.IntN(1500)
			if _, known := sizes[seq]; known {
				s.size = sizes[seq]
			}
			if r.Put(s.packet(seq)) {
				sizes[seq] = s.size
			}
			for range 3 {
				seq := next - uint16(random.IntN(100))
				if _, ok := r.Get(seq); ok {
					checkView(t, r, seq, sizes[seq])
				}
			}
			delete(sizes, next-200)
			delete(sizes, next-201)
			delete(sizes, next-202)
		}
	}
}

func TestPutAndGetAllocateNothing(t *testing.T) {
	r, s := New(Config{}), newSource(time.Millisecond, 1100)
	seq := uint16(0)
	put := func() {
		if seq += 1; seq%10 == 0 {
			seq++ // lost
		}
		if !r.Put(s.packet(seq)) {
			t.Error("refused")
		}
	}
	for range 4000 {
		put()
	}
	var asked [64]uint16
	if n := testing.AllocsPerRun(1000, func() {
		put()
		if _, ok := r.Get(seq - 9); !ok && (seq-9)%10 != 0 {
			t.Errorf("%d is gone", seq-9)
		}
		r.Missing(s.at, 30*time.Millisecond, asked[:0])
		r.Report()
	}); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}

func FuzzRing(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 0x80, 0x41, 0xff, 0x10})
	f.Add(bytes.Repeat([]byte{1, 0xc3, 0x7f}, 50))
	f.Fuzz(func(t *testing.T, moves []byte) {
		r, s := New(Config{MinBytes: 8 << 10, MaxBytes: 32 << 10}), newSource(0, 0)
		seq := uint16(0)
		var asked [maxMissing]uint16
		for _, move := range moves {
			switch move >> 6 {
			case 0:
				seq += uint16(move)
			case 1:
				seq -= uint16(move & 63)
			case 2:
				seq += uint16(move&63) << 10
			case 3:
				s.at = s.at.Add(time.Duration(move&63) * 50 * time.Millisecond)
			}
			s.step, s.size = time.Millisecond, 1400
			fresh := r.Put(s.packet(seq))
			if fresh {
				checkView(t, r, seq, 1400)
			}
			last := int64(-1)
			for _, missing := range r.Missing(s.at, 0, asked[:0]) {
				if _, have := r.Get(missing); have {
					t.Fatalf("asks for %d, which it has", missing)
				}
				if extended := r.extend(missing); last >= 0 && extended <= last {
					t.Fatalf("asks for %d after %d", extended, last)
				} else {
					last = extended
				}
			}
			r.Report()
		}
	})
}

func BenchmarkPut(b *testing.B) {
	r, s := New(Config{}), newSource(time.Millisecond, 1100)
	p := s.packet(0)
	b.ReportAllocs()
	for b.Loop() {
		p.Seq++
		p.Arrived = p.Arrived.Add(time.Millisecond)
		r.Put(p)
	}
}

func BenchmarkGet(b *testing.B) {
	r, s := New(Config{}), newSource(time.Millisecond, 1100)
	for i := range 3000 {
		r.Put(s.packet(uint16(i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := r.Get(2900); !ok {
			b.Fatal("gone")
		}
	}
}

func BenchmarkPutWithOnePercentLoss(b *testing.B) {
	r, s := New(Config{}), newSource(time.Millisecond, 1100)
	p := s.packet(0)
	var asked [64]uint16
	b.ReportAllocs()
	for b.Loop() {
		if p.Seq++; p.Seq%100 == 0 {
			p.Seq++
		}
		p.Arrived = p.Arrived.Add(time.Millisecond)
		r.Put(p)
		r.Missing(p.Arrived, 30*time.Millisecond, asked[:0])
	}
}
