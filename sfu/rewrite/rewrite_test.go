package rewrite

import (
	"testing"
	"time"
)

var epoch = time.Unix(1_800_000_000, 0)

const (
	video = 90000
	audio = 48000
	ms    = time.Millisecond
)

// vp8 is the numbers of a VP8 picture.
func vp8(picture uint16, tl0, key uint8) Numbers {
	return Numbers{Picture: picture, PictureBits: 15, TL0: tl0, Key: key, HasTL0: true, HasKey: true, Dense: true}
}

func next(t *testing.T, r *Rewriter, seq uint16, ts uint32, n Numbers, now time.Time) Out {
	t.Helper()
	out, verdict := r.Next(seq, ts, n, now)
	if verdict != Send {
		t.Fatalf("packet %d: verdict %d", seq, verdict)
	}
	return out
}

func TestASwitchContinuesEveryNumber(t *testing.T) {
	var r Rewriter
	r.Seed(State{Seq: 65534, Timestamp: 1<<32 - 100, Picture: 0x7ffe, TL0: 255, Key: 31})
	r.Switch(500, 7000, vp8(3, 40, 9), epoch, video)
	first := next(t, &r, 500, 7000, vp8(3, 40, 9), epoch)
	if want := (Out{65535, 1<<32 - 99, vp8(0x7fff, 0, 0)}); first != want {
		t.Errorf("first: %+v", first)
	}
	second := next(t, &r, 501, 10000, vp8(4, 41, 10), epoch.Add(33*ms))
	if want := (Out{0, 2901, vp8(0, 1, 1)}); second != want {
		t.Errorf("second: %+v", second)
	}
	r.Switch(9, 1<<31, vp8(0x7fff, 255, 31), epoch.Add(43*ms), video)
	third := next(t, &r, 9, 1<<31, vp8(0x7fff, 255, 31), epoch.Add(43*ms))
	if want := (Out{1, 2901 + 900, vp8(1, 2, 2)}); third != want {
		t.Errorf("third: %+v", third)
	}
	fourth := next(t, &r, 10, 1<<31+3000, vp8(0, 0, 0), epoch.Add(76*ms))
	if want := (Out{2, 2901 + 3900, vp8(2, 3, 3)}); fourth != want {
		t.Errorf("fourth: %+v", fourth)
	}
	if r.Generation() != 2 || r.Offset() != 1<<31+2901+900 {
		t.Errorf("generation %d, offset %d", r.Generation(), r.Offset())
	}
}

func TestAudioAdvancesInWholeStepsOfTwentyMilliseconds(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		ticks uint32
	}{
		{0, 960}, {3 * ms, 960}, {29 * ms, 960}, {31 * ms, 1920}, {1009 * ms, 48000}, {-time.Second, 960}, {100 * time.Hour, 1 << 30},
	} {
		var r Rewriter
		r.Switch(1, 5, Numbers{}, epoch, audio)
		before := next(t, &r, 1, 5, Numbers{}, epoch)
		now := epoch.Add(c.after)
		r.Switch(77, 123456, Numbers{}, now, audio)
		if out := next(t, &r, 77, 123456, Numbers{}, now); out.Timestamp-before.Timestamp != c.ticks || out.Seq != before.Seq+1 {
			t.Errorf("after %v: %d ticks", c.after, out.Timestamp-before.Timestamp)
		}
	}
}

func TestSenderReportsAlignTwoEncodings(t *testing.T) {
	for _, c := range []struct {
		name  string
		exact int32 // ticks after the last packet that the sender reports tell
		ticks uint32
	}{
		{"a frame later", 3000, 3000},
		{"the same frame", 0, 1},
		{"a frame earlier", -3000, 1},
		{"much later than time has passed", 2 * video, 2970},
		{"much earlier", -2 * video, 2970},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Rewriter
			r.Switch(1, 5, Numbers{}, epoch, video)
			before := next(t, &r, 1, 5, Numbers{}, epoch)
			now := epoch.Add(33 * ms)
			ts := uint32(1 << 31)
			r.SwitchAligned(9, ts, Numbers{}, now, video, before.Timestamp+uint32(c.exact)-ts)
			if out := next(t, &r, 9, ts, Numbers{}, now); out.Timestamp-before.Timestamp != c.ticks {
				t.Errorf("%d ticks", int32(out.Timestamp-before.Timestamp))
			}
		})
	}
}

func TestSkippedPacketsLeaveNoHoles(t *testing.T) {
	var r Rewriter
	r.Switch(65530, 0, vp8(0x7ffd, 0, 0), epoch, video)
	outSeq, outPicture := uint16(0), uint16(0)
	for i := range uint16(100) { // every second picture of two packets is skipped
		picture := (0x7ffd + i) & 0x7fff
		n := vp8(picture, uint8(i/2), 0)
		for packet := range uint16(2) {
			seq := 65530 + 2*i + packet
			if i%2 == 1 {
				if _, verdict := r.Skip(seq, uint32(i)*3000, n); verdict != Nothing {
					t.Fatalf("packet %d: verdict %d", seq, verdict)
				}
				continue
			}
			out := next(t, &r, seq, uint32(i)*3000, n, epoch)
			if packet == 0 {
				outPicture++
			}
			outSeq++
			if out.Seq != outSeq || out.Numbers.Picture != outPicture || out.Numbers.TL0 != uint8(i/2)+1 {
				t.Fatalf("picture %d: %+v, want number %d, picture %d", i, out, outSeq, outPicture)
			}
		}
	}
}

func TestPicturesThatAreReferredToByDifferenceKeepTheirHoles(t *testing.T) {
	var r Rewriter
	n := Numbers{PictureBits: 15, HasFrame: true}
	n.Picture, n.Frame = 10, 65535
	r.Switch(0, 0, n, epoch, video)
	first := next(t, &r, 0, 0, n, epoch)
	for seq := uint16(1); seq < 4; seq++ {
		n.Picture, n.Frame = n.Picture+1, n.Frame+1
		r.Skip(seq, 0, n)
	}
	n.Picture, n.Frame = n.Picture+1, n.Frame+1
	out := next(t, &r, 4, 0, n, epoch)
	if out.Seq != first.Seq+1 || out.Numbers.Picture != first.Numbers.Picture+4 || out.Numbers.Frame != first.Numbers.Frame+4 {
		t.Errorf("%+v after %+v", out, first)
	}
}

func TestShortPictureIDsBecomeLongAndContinueOverTheirWrap(t *testing.T) {
	var r Rewriter
	n := Numbers{PictureBits: 7, Dense: true}
	r.Seed(State{Picture: 0x7f00})
	r.Switch(0, 0, n, epoch, video)
	for i := range uint16(1000) {
		n.Picture = i & 0x7f
		out := next(t, &r, i, uint32(i)*3000, n, epoch)
		if want := (0x7f01 + i) & 0x7fff; out.Numbers.Picture != want || out.Numbers.PictureBits != 15 {
			t.Fatalf("picture %d: %+v", i, out)
		}
		if i <= 40 {
			continue
		}
		ref, ok := r.Source(out.Seq - 40)
		n.Picture = (i - 40) & 0x7f
		if again := r.Again(ref, 0, n); !ok || again.Numbers.Picture != (out.Numbers.Picture-40)&0x7fff {
			t.Fatalf("picture %d is repeated as %+v", i-40, again)
		}
	}
}

func TestLatePacketsFindTheirPlace(t *testing.T) {
	var r Rewriter
	r.Switch(10, 0, vp8(0, 0, 0), epoch, video)
	base := next(t, &r, 10, 0, vp8(0, 0, 0), epoch).Seq
	// picture 1 = 11, 12; picture 2 (skipped) = 13, 14; picture 3 = 15, 16
	if out := next(t, &r, 12, 3000, vp8(1, 0, 0), epoch); out.Seq != base+2 {
		t.Errorf("%+v", out)
	}
	if _, verdict := r.Skip(14, 6000, vp8(2, 0, 0)); verdict != Nothing {
		t.Errorf("verdict %d", verdict)
	}
	if out := next(t, &r, 16, 9000, vp8(3, 0, 0), epoch); out.Seq != base+5 || out.Numbers.Picture != 3 {
		t.Errorf("one number is closed over: %+v", out)
	}
	if out := next(t, &r, 15, 9000, vp8(3, 0, 0), epoch); out.Seq != base+4 || out.Numbers.Picture != 3 {
		t.Errorf("late beginning of picture 3: %+v", out)
	}
	if out, verdict := r.Skip(13, 6000, vp8(2, 0, 0)); verdict != Fill || out.Seq != base+3 || out.Timestamp != 6001 {
		t.Errorf("late part of the skipped picture: %d %+v", verdict, out)
	}
	if out := next(t, &r, 11, 3000, vp8(1, 0, 0), epoch); out.Seq != base+1 || out.Numbers.Picture != 2 {
		t.Errorf("late beginning of picture 1: %+v", out)
	}
	for _, c := range []struct {
		seq  uint16
		want Verdict
	}{{11, Duplicate}, {13, Duplicate}, {16, Duplicate}, {14, TooLate}, {9, TooLate}, {40000, TooLate}} {
		if _, verdict := r.Next(c.seq, 0, vp8(0, 0, 0), epoch); verdict != c.want {
			t.Errorf("again %d: verdict %d", c.seq, verdict)
		}
		if _, verdict := r.Skip(c.seq, 0, vp8(0, 0, 0)); verdict != Nothing {
			t.Errorf("skipping %d: verdict %d", c.seq, verdict)
		}
	}
	if _, ok := r.Source(base + 3); ok {
		t.Error("padding has a source")
	}
}

func TestPacketsOfBeforeASwitchAreTooLate(t *testing.T) {
	var r Rewriter
	r.Switch(10, 0, Numbers{}, epoch, video)
	next(t, &r, 10, 0, Numbers{}, epoch)
	next(t, &r, 12, 0, Numbers{}, epoch)
	r.Switch(10, 0, Numbers{}, epoch, video)
	if _, verdict := r.Next(9, 0, Numbers{}, epoch); verdict != TooLate {
		t.Errorf("verdict %d", verdict)
	}
	next(t, &r, 10, 0, Numbers{}, epoch)
	if _, verdict := r.Next(9, 0, Numbers{}, epoch); verdict != TooLate {
		t.Errorf("verdict %d", verdict)
	}
	next(t, &r, 12, 0, Numbers{}, epoch) // 11 is missing
	r.Switch(12, 0, Numbers{}, epoch, video)
	next(t, &r, 12, 0, Numbers{}, epoch)
	if _, verdict := r.Next(11, 0, Numbers{}, epoch); verdict != TooLate {
		t.Errorf("a hole of the former source was filled: verdict %d", verdict)
	}
}

func TestNothingIsSentBeforeTheFirstSwitch(t *testing.T) {
	var r Rewriter
	if _, verdict := r.Next(0, 0, Numbers{}, epoch); verdict != TooLate {
		t.Errorf("verdict %d", verdict)
	}
	if _, verdict := r.Skip(0, 0, Numbers{}); verdict != Nothing {
		t.Errorf("verdict %d", verdict)
	}
	if _, ok := r.Source(0); ok {
		t.Error("there is a source")
	}
}

func TestALongOutageIsShownAsOneMissingNumber(t *testing.T) {
	var r Rewriter
	r.Switch(0, 0, Numbers{}, epoch, video)
	first := next(t, &r, 0, 0, Numbers{}, epoch)
	if out := next(t, &r, maxGap+1, 0, Numbers{}, epoch); out.Seq != first.Seq+maxGap+1 {
		t.Errorf("a short outage: %+v", out)
	}
	last := next(t, &r, 30000, 0, Numbers{}, epoch)
	if last.Seq != first.Seq+maxGap+3 {
		t.Errorf("a long outage: %+v", last)
	}
	if _, verdict := r.Next(10, 0, Numbers{}, epoch); verdict != TooLate {
		t.Errorf("verdict %d", verdict)
	}
	if out := next(t, &r, 29999, 0, Numbers{}, epoch); out.Seq != last.Seq-1 {
		t.Errorf("the packet before: %+v", out)
	}
}

func TestASourceWhoseNumbersBeginAnewDoesNotTakeTheReceiverBack(t *testing.T) {
	var r Rewriter
	n := vp8(500, 3, 4)
	n.HasFrame, n.Frame = true, 900
	r.Switch(0, 1<<30, n, epoch, video)
	before := next(t, &r, 0, 1<<30, n, epoch)
	n.Picture, n.Frame = 20, 5
	out := next(t, &r, 1, 7, n, epoch.Add(100*ms))
	if out.Timestamp != before.Timestamp+9000 || out.Numbers.Picture != before.Numbers.Picture+1 ||
		out.Numbers.Frame != before.Numbers.Frame+1 {
		t.Errorf("%+v after %+v", out, before)
	}
	n.Picture, n.Frame = 21, 6
	again := next(t, &r, 2, 3007, n, epoch.Add(133*ms))
	if again.Timestamp != out.Timestamp+3000 || again.Numbers.Picture != out.Numbers.Picture+1 {
		t.Errorf("%+v after %+v", again, out)
	}
	n.Picture = 7
	r.Skip(3, 3007, n)
	n.Picture = 8
	if again = next(t, &r, 4, 6007, n, epoch.Add(166*ms)); again.Numbers.Picture != out.Numbers.Picture+2 {
		t.Errorf("a skipped picture began anew: %+v", again)
	}
	n.Picture = 100
	r.Skip(5, 9007, n)
	if again = next(t, &r, 6, 9007, n, epoch.Add(200*ms)); again.Numbers.Picture != out.Numbers.Picture+2+92 {
		t.Errorf("a picture that was skipped in part: %+v", again)
	}
}

func TestPicturesOutOfTheOrderOfTheirTimestampsStaySo(t *testing.T) {
	var r Rewriter
	r.Switch(0, 9000, Numbers{}, epoch, video)
	first := next(t, &r, 0, 9000, Numbers{}, epoch)
	if out := next(t, &r, 1, 3000, Numbers{}, epoch); out.Timestamp != first.Timestamp-6000 {
		t.Errorf("%+v", out)
	}
	r.Switch(0, 0, Numbers{}, epoch, video)
	if out := next(t, &r, 0, 0, Numbers{}, epoch); out.Timestamp != first.Timestamp+1 {
		t.Errorf("%+v", out)
	}
}

func TestRetransmissionsLookAsTheFirstTime(t *testing.T) {
	var r Rewriter
	type packet struct {
		generation uint32
		seq        uint16
		ts         uint32
		n          Numbers
		out        Out
	}
	var all []packet
	for generation := range uint32(6) {
		seq, ts := uint16(generation*1000), generation*50000
		n := vp8(uint16(generation*77), uint8(generation*9), 5)
		n.HasFrame, n.Frame = true, uint16(generation*333)
		r.Switch(seq, ts, n, epoch, video)
		for i := range 5 {
			all = append(all, packet{r.Generation(), seq, ts, n, next(t, &r, seq, ts, n, epoch)})
			seq, ts, n.Picture, n.Frame = seq+1, ts+3000, n.Picture+1, n.Frame+1
			if i == 2 {
				r.Skip(seq, ts, n)
				seq, ts, n.Picture, n.Frame = seq+1, ts+3000, n.Picture+1, n.Frame+1
			}
		}
	}
	for _, p := range all {
		ref, ok := r.Source(p.out.Seq)
		if old := p.generation+4 <= r.Generation(); ok == old {
			t.Errorf("generation %d: found %v", p.generation, ok)
		}
		if !ok {
			continue
		}
		if ref.Generation != p.generation || ref.Seq != p.seq || !ref.Sent {
			t.Errorf("%+v for %+v", ref, p)
		}
		if again := r.Again(ref, p.ts, p.n); again != p.out {
			t.Errorf("%+v again as %+v", p.out, again)
		}
	}
	if _, ok := r.Source(all[len(all)-1].out.Seq + 1); ok {
		t.Error("a number of the future has a source")
	}
}

func TestWhatNeverCameInTurnCanBeNumberedFromWhereItIsKept(t *testing.T) {
	var r Rewriter
	r.Switch(100, 0, vp8(9, 0, 0), epoch, video) // the beginning of a key frame, repeated late: 101 and 102 were passed over
	first := next(t, &r, 100, 0, vp8(9, 0, 0), epoch)
	next(t, &r, 103, 3000, vp8(10, 0, 0), epoch)
	ref, ok := r.Source(first.Seq + 1)
	if !ok || ref.Sent || ref.Seq != 101 {
		t.Fatalf("%+v %v", ref, ok)
	}
	out := r.Again(ref, 0, vp8(9, 0, 0))
	if out.Seq != first.Seq+1 || out.Timestamp != first.Timestamp || out.Numbers != first.Numbers {
		t.Errorf("%+v", out)
	}
	if ref, ok = r.Source(first.Seq + 1); !ok || !ref.Sent || r.Again(ref, 0, vp8(9, 0, 0)) != out {
		t.Errorf("%+v %v", ref, ok)
	}
	if _, verdict := r.Next(101, 0, vp8(9, 0, 0), epoch); verdict != Duplicate {
		t.Errorf("verdict %d", verdict)
	}
	r.Switch(0, 0, Numbers{}, epoch, video)
	next(t, &r, 0, 0, Numbers{}, epoch)
	if _, ok = r.Source(first.Seq + 2); ok {
		t.Error("what never came of a former source was found")
	}
}

func TestAnotherNodeContinues(t *testing.T) {
	var here, there Rewriter
	here.Switch(0, 0, vp8(0, 0, 0), epoch, video)
	last := next(t, &here, 0, 0, vp8(0, 0, 0), epoch)
	there.Seed(here.State())
	if _, verdict := there.Next(1, 0, vp8(0, 0, 0), epoch); verdict != TooLate {
		t.Errorf("without a switch: verdict %d", verdict)
	}
	now := epoch.Add(50 * ms)
	there.Switch(1, 4500, vp8(1, 0, 0), now, video)
	out := next(t, &there, 1, 4500, vp8(1, 0, 0), now)
	if out.Seq != last.Seq+1 || out.Timestamp != last.Timestamp+4500 ||
		out.Numbers.Picture != last.Numbers.Picture+1 || there.Generation() != 2 {
		t.Errorf("%+v after %+v", out, last)
	}
	if _, ok := there.Source(last.Seq); ok {
		t.Error("found a packet of before")
	}
}

func TestTheWindowGrowsToASecondAndNoFurther(t *testing.T) {
	for _, c := range []struct {
		name    string
		spacing time.Duration
		entries int
	}{{"voice", 20 * ms, 64}, {"150 kbit/s", 55 * ms, 64}, {"a shared screen", 4 * ms, 256}, {"everything", ms / 2, 512}} {
		var r Rewriter
		r.Switch(0, 0, Numbers{}, epoch, video)
		for i := range 5000 {
			next(t, &r, uint16(i), uint32(i), Numbers{}, epoch.Add(time.Duration(i)*c.spacing))
		}
		if got := len(r.window.entries); got != c.entries {
			t.Errorf("%s: %d entries", c.name, got)
		}
		for i := range c.entries {
			if ref, ok := r.Source(r.last.Seq - uint16(i)); !ok || ref.Seq != uint16(4999-i) {
				t.Fatalf("%s: %d back is %+v %v", c.name, i, ref, ok)
			}
		}
		if _, ok := r.Source(r.last.Seq - uint16(c.entries)); ok {
			t.Errorf("%s: found more than is held", c.name)
		}
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	var r Rewriter
	seq, now := uint16(0), epoch
	step := func() {
		n := vp8(seq, 0, 0)
		if seq%3 == 0 {
			r.Skip(seq, uint32(seq), n)
		} else if _, verdict := r.Next(seq, uint32(seq), n, now); verdict != Send {
			t.Error("refused")
		}
		if ref, ok := r.Source(r.last.Seq); ok {
			r.Again(ref, 0, n)
		}
		seq, now = seq+1, now.Add(ms)
	}
	r.Switch(1, 0, vp8(1, 0, 0), epoch, video)
	for range 3000 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
	if n := testing.AllocsPerRun(1000, func() { r.Switch(seq, 0, vp8(seq, 0, 0), now, video) }); n != 0 {
		t.Errorf("%v allocations a switch, want 0", n)
	}
}

func BenchmarkNext(b *testing.B) {
	var r Rewriter
	n := vp8(0, 0, 0)
	r.Switch(0, 0, n, epoch, video)
	seq := uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		if _, verdict := r.Next(seq, 0, n, epoch); verdict != Send {
			b.Fatal(verdict)
		}
		seq++
	}
}

func BenchmarkSkip(b *testing.B) {
	var r Rewriter
	n := vp8(0, 0, 0)
	r.Switch(0, 0, n, epoch, video)
	seq := uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		n.Picture++
		r.Skip(seq, 0, n)
		seq++
	}
}

func BenchmarkSource(b *testing.B) {
	var r Rewriter
	r.Switch(0, 0, vp8(0, 0, 0), epoch, video)
	for i := range uint16(1000) {
		if _, verdict := r.Next(i, 0, vp8(i, 0, 0), epoch); verdict != Send {
			b.Fatal(verdict)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		ref, ok := r.Source(r.last.Seq - 20)
		if !ok {
			b.Fatal("gone")
		}
		r.Again(ref, 0, vp8(980, 0, 0))
	}
}
