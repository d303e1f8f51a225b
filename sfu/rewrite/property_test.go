package rewrite

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// network is how badly a source's packets reach the rewriter.
type network struct {
	loss, reorder, duplicates, repeats float64
	distance                           int // how far a packet may be late
}

// sourcePacket is a packet of a source. Sequence numbers and pictures are kept extended beside their wire forms.
type sourcePacket struct {
	seq     int
	picture int
	first   bool // of its picture
	wanted  bool
	ts      uint32
	n       Numbers
}

// fate is what became of a packet.
type fate struct {
	sourcePacket
	out    Out
	sent   bool
	filled bool
	closed bool // skipped in silence
}

// makeSource makes the packets of pictures pictures with temporal layers 0 2 1 2, of which those above top are not wanted.
func makeSource(random *rand.Rand, pictures int) []sourcePacket {
	seq, picture, ts := random.IntN(1<<16), random.IntN(1<<15), random.Uint32()
	if random.IntN(2) == 0 { // about to wrap
		seq, picture, ts = 1<<16-20, 1<<15-20, 1<<32-100000
	}
	n := Numbers{TL0: uint8(random.Uint32()), Key: uint8(random.IntN(32)), HasTL0: true, HasKey: true}
	switch random.IntN(4) {
	case 0:
		n.PictureBits, n.Dense = 7, true
	case 1:
		n.HasFrame = true
	case 2:
		n.PictureBits = 15
	default:
		n.PictureBits, n.Dense = 15, true
	}
	top := 2
	var packets []sourcePacket
	for i := range pictures {
		if i%16 == 0 {
			top = random.IntN(3)
		}
		temporal := []int{0, 2, 1, 2}[i%4]
		if temporal == 0 {
			n.TL0++
		}
		n.Key = (n.Key + 1) & 31
		n.Frame = uint16(picture)
		n.Picture = 0
		if n.PictureBits != 0 {
			n.Picture = uint16(picture) & (1<<n.PictureBits - 1)
		}
		for j := range 1 + random.IntN(3) {
			packets = append(packets, sourcePacket{seq, picture, j == 0, temporal <= top, ts, n})
			seq++
		}
		picture, ts = picture+1, ts+3000
	}
	return packets
}

// carry gives the packets in the order and number in which they arrive.
func (net network) carry(random *rand.Rand, packets []sourcePacket) []sourcePacket {
	type arrival struct {
		sourcePacket
		at int
	}
	var all []arrival
	for i, p := range packets {
		if i == 0 {
			all = append(all, arrival{p, -1})
			continue
		}
		at := i
		if random.Float64() < net.loss {
			if random.Float64() >= net.repeats {
				continue
			}
			at += random.IntN(net.distance + 1) // repeated
		}
		if random.Float64() < net.reorder {
			at += random.IntN(net.distance + 1)
		}
		all = append(all, arrival{p, at})
		if random.Float64() < net.duplicates {
			all = append(all, arrival{p, at + random.IntN(net.distance+1)})
		}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return a.at - b.at })
	arrived := make([]sourcePacket, len(all))
	for i, a := range all {
		arrived[i] = a.sourcePacket
	}
	return arrived
}

// run sends sources one after another through a rewriter and checks everything that a receiver relies on.
func run(t *testing.T, seed uint64, net network) {
	random := rand.New(rand.NewPCG(seed, 7))
	var r Rewriter
	r.Seed(State{
		Seq: uint16(random.Uint32()), Timestamp: random.Uint32(), Picture: uint16(random.IntN(1 << 15)), TL0: 250, Key: 30, Frame: 65500,
	})
	now := epoch
	last := r.State()
	for range 4 {
		packets := makeSource(random, 20+random.IntN(100))
		packets[0].wanted = true
		for i := range packets {
			packets[i].wanted = packets[i].wanted || packets[i].picture == packets[0].picture
		}
		fates := make(map[int]*fate)
		highest := packets[0].seq
		r.Switch(uint16(packets[0].seq), packets[0].ts, packets[0].n, now, video)
		for _, p := range net.carry(random, packets) {
			f := fates[p.seq]
			again := f != nil
			if !again {
				f = &fate{sourcePacket: p}
				fates[p.seq] = f
			}
			if p.wanted {
				out, verdict := r.Next(uint16(p.seq), p.ts, p.n, now)
				switch {
				case again && verdict != Duplicate, !again && verdict != Send:
					t.Fatalf("packet %d, again %v: verdict %d", p.seq, again, verdict)
				case !again:
					f.out, f.sent = out, true
				}
			} else {
				out, verdict := r.Skip(uint16(p.seq), p.ts, p.n)
				switch {
				case again && verdict != Nothing:
					t.Fatalf("packet %d skipped again: verdict %d", p.seq, verdict)
				case !again && (verdict == Fill) != (p.seq < highest):
					t.Fatalf("packet %d skipped, highest %d: verdict %d", p.seq, highest, verdict)
				case !again:
					f.out, f.filled, f.closed = out, verdict == Fill, verdict == Nothing
				}
			}
			highest = max(highest, p.seq)
			now = now.Add(time.Duration(random.IntN(20)) * ms)
		}
		last = check(t, &r, packets, fates, highest, last)
	}
}

// check looks at the fates of one source's packets. last is the state before it; it returns the state after it.
func check(t *testing.T, r *Rewriter, packets []sourcePacket, fates map[int]*fate, highest int, last State) State {
	t.Helper()
	first := fates[packets[0].seq]
	if !first.sent || first.out.Seq != last.Seq+1 || int32(first.out.Timestamp-last.Timestamp) <= 0 {
		t.Fatalf("the source begins with %+v after %+v", first.out, last)
	}
	n := first.out.Numbers
	if n.TL0 != last.TL0+1 || n.Key != (last.Key+1)&31 ||
		n.PictureBits != 0 && n.Picture != (last.Picture+1)&0x7fff || n.HasFrame && n.Frame != last.Frame+1 {
		t.Fatalf("the source begins with %+v after %+v", n, last)
	}
	closed := map[int]bool{} // pictures
	for _, f := range fates {
		closed[f.picture] = closed[f.picture] || f.closed
	}
	outSeq, outPicture, before := first.out.Seq-1, first.out.Numbers.Picture, packets[0].picture
	for _, p := range packets {
		if p.seq > highest {
			break
		}
		for ; before < p.picture; before++ {
			if !closed[before] || !p.n.Dense {
				outPicture = (outPicture + 1) & 0x7fff
			}
		}
		f := fates[p.seq]
		if f != nil && f.closed {
			continue
		}
		outSeq++
		if f == nil {
			if ref, ok := r.Source(outSeq); ok && (ref.Sent || ref.Seq != uint16(p.seq)) {
				t.Fatalf("%d stands for the lost %d: %+v", outSeq, p.seq, ref)
			}
			continue
		}
		if f.out.Seq != outSeq || f.out.Timestamp-first.out.Timestamp != p.ts-packets[0].ts {
			t.Fatalf("packet %d: %+v, want number %d", p.seq, f.out, outSeq)
		}
		if f.filled {
			if _, ok := r.Source(outSeq); ok {
				t.Fatalf("%d was filled and has a source", outSeq)
			}
			continue
		}
		got, want := f.out.Numbers, p.n
		want.TL0 += n.TL0 - packets[0].n.TL0
		want.Key = (want.Key + n.Key - packets[0].n.Key) & 31
		if want.HasFrame {
			want.Frame += n.Frame - packets[0].n.Frame
		} else {
			want.Frame = got.Frame
		}
		if want.PictureBits != 0 {
			want.Picture, want.PictureBits = outPicture, 15
		}
		if got != want {
			t.Fatalf("packet %d, picture %d:\n got %+v\nwant %+v", p.seq, p.picture, got, want)
		}
		if ref, ok := r.Source(outSeq); ok {
			if ref.Seq != uint16(p.seq) || !ref.Sent || ref.Generation != r.Generation() {
				t.Fatalf("%d stands for %d: %+v", outSeq, p.seq, ref)
			}
			if again := r.Again(ref, p.ts, p.n); again != f.out {
				t.Fatalf("packet %d: %+v again as %+v", p.seq, f.out, again)
			}
		} else if r.State().Seq-outSeq < minWindow {
			t.Fatalf("%d is forgotten", outSeq)
		}
	}
	after := r.State()
	if after.Seq != outSeq {
		t.Fatalf("the last number is %d, want %d", after.Seq, outSeq)
	}
	return after
}

func TestReceiversSeeOneStreamWhateverTheNetworkDoes(t *testing.T) {
	for _, c := range []struct {
		name string
		net  network
	}{
		{"a perfect network", network{}},
		{"loss", network{loss: 0.1}},
		{"loss that is repaired", network{loss: 0.1, repeats: 0.8, distance: 30}},
		{"reordering", network{reorder: 0.2, distance: 5}},
		{"duplicates", network{duplicates: 0.3, distance: 20}},
		{"everything", network{loss: 0.2, repeats: 0.5, reorder: 0.2, duplicates: 0.2, distance: 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(100) {
				run(t, seed, c.net)
			}
		})
	}
}

func FuzzStream(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint8(0), uint8(0), uint8(0), uint8(0))
	f.Add(uint64(2), uint8(50), uint8(128), uint8(50), uint8(50), uint8(20))
	f.Fuzz(func(t *testing.T, seed uint64, loss, repeats, reorder, duplicates, distance uint8) {
		run(t, seed, network{
			loss: float64(loss) / 512, repeats: float64(repeats) / 256, reorder: float64(reorder) / 256, duplicates: float64(duplicates) / 256,
			distance: int(distance % 25),
		})
	})
}

// FuzzArbitrary feeds numbers that no sender would send: nothing may panic, and no number may be given twice.
func FuzzArbitrary(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Rewriter
		seen := map[int]bool{}
		extended, seq, picture := 0, uint16(0), uint16(0)
		for i := 0; i+2 < len(b); i += 3 {
			seq += uint16(int16(int8(b[i]))) << (b[i+2] & 7)
			picture += uint16(int16(int8(b[i+1])))
			n := Numbers{Picture: picture & 0x7fff, PictureBits: 7 + 8*(b[i+2]>>7), Dense: b[i+2]&8 != 0, HasFrame: b[i+2]&16 != 0, Frame: picture}
			if n.PictureBits == 7 {
				n.Picture &= 0x7f
			}
			ts, now := uint32(b[i+1])<<24, epoch.Add(time.Duration(i)*ms)
			if i == 0 || b[i+2]&0x60 == 0x60 {
				r.Switch(seq, ts, n, now, video)
			}
			before := r.State().Seq
			out, verdict := r.Next(seq, ts, n, now)
			if b[i+2]&0x60 == 0x20 {
				out, verdict = r.Skip(seq+1, ts, n)
			}
			extended += int(r.State().Seq - before)
			if r.State().Seq-before > maxGap+1 {
				t.Fatalf("jumped from %d to %d", before, r.State().Seq)
			}
			if verdict == Send || verdict == Fill {
				place := extended - int(r.State().Seq-out.Seq)
				if seen[place] {
					t.Fatalf("%d was given twice", out.Seq)
				}
				seen[place] = true
			}
			if ref, ok := r.Source(out.Seq); ok {
				r.Again(ref, ts, n)
				seen[extended-int(r.State().Seq-out.Seq)] = true
			}
		}
	})
}
