package relay

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

const ms = time.Millisecond

// arrival is a packet that came out of a link.
type arrival struct {
	ref uint32
	at  time.Duration
}

// takeAll runs the link until nothing is on its way.
func takeAll(l *Link) (all []arrival) {
	for {
		at, ok := l.Next()
		if !ok {
			return all
		}
		ref, _ := l.Take(at)
		all = append(all, arrival{ref, at})
	}
}

func valid(t testing.TB, p Params) Params {
	t.Helper()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLinkThatDoesNothingPassesAllAtOnce(t *testing.T) {
	l := NewLink(Params{}, 1)
	for i := range uint32(100) {
		now := time.Duration(i) * ms
		if fate := l.Send(now, 1200, i); fate != Passed {
			t.Fatalf("packet %d: fate %d", i, fate)
		}
		if at, ok := l.Next(); !ok || at != now {
			t.Fatalf("packet %d arrives at %v, was sent at %v", i, at, now)
		}
		if ref, ok := l.Take(now); !ok || ref != i {
			t.Fatalf("packet %d came back as %d", i, ref)
		}
	}
	if c := l.Counters(); c.Packets != 100 || c.Passed != 100 || c.Bytes != 120_000 || c.PassedBytes != 120_000 || c.Loss() != 0 {
		t.Errorf("counters are %+v", c)
	}
}

func TestNothingIsTakenBeforeItsTime(t *testing.T) {
	l := NewLink(Params{Delay: 10 * ms}, 1)
	l.Send(0, 100, 7)
	if _, ok := l.Take(10*ms - 1); ok {
		t.Error("the packet arrived early")
	}
	if ref, ok := l.Take(10 * ms); !ok || ref != 7 {
		t.Error("the packet did not arrive in time")
	}
}

// TestLossIsAsOftenAndAsLongAsAsked sends many packets and compares mean and length of bursts with what was asked for.
func TestLossIsAsOftenAndAsLongAsAsked(t *testing.T) {
	for _, p := range []Params{
		{Loss: 0.01}, {Loss: 0.05}, {Loss: 0.5}, {Loss: 1},
		{Loss: 0.05, Burst: 1}, {Loss: 0.05, Burst: 3}, {Loss: 0.1, Burst: 10}, {Loss: 0.3, Burst: 2},
	} {
		const packets = 400_000
		l := NewLink(valid(t, p), 11)
		lost, bursts, before := 0, 0, Passed
		for i := range packets {
			fate := l.Send(time.Duration(i)*ms, 100, 0)
			l.Take(time.Duration(i) * ms)
			if fate == LostOnWire {
				lost++
				if before == Passed {
					bursts++
				}
			}
			before = fate
		}
		share, length := float64(lost)/packets, float64(lost)/float64(bursts)
		if math.Abs(share-p.Loss) > 0.05*p.Loss+0.0005 {
			t.Errorf("%+v: %.4f were lost", p, share)
		}
		want := p.Burst
		if want == 0 {
			want = 1 / (1 - p.Loss) // of independent losses
		}
		if p.Loss < 1 && math.Abs(length-want) > 0.05*want {
			t.Errorf("%+v: bursts of %.3f, want %.3f", p, length, want)
		}
	}
}

func TestSameSeedAndTimesGiveTheSameFate(t *testing.T) {
	p := valid(t, Params{Loss: 0.1, Burst: 2, Delay: 30 * ms, Jitter: 15 * ms, Rate: 2e6, QueueTime: 50 * ms, Bucket: 5000})
	run := func(seed uint64) (fates []Fate, arrivals []arrival) {
		l, source := NewLink(p, seed), rand.New(rand.NewPCG(5, 6))
		now := time.Duration(0)
		for i := range 5000 {
			now += time.Duration(source.IntN(int(8 * ms)))
			fates = append(fates, l.Send(now, 100+source.IntN(1200), uint32(i)))
		}
		return fates, takeAll(l)
	}
	fates, arrivals := run(1)
	again, arrivalsAgain := run(1)
	other, _ := run(2)
	differ := 0
	for i := range fates {
		if fates[i] != again[i] {
			t.Fatalf("packet %d had fate %d, then %d", i, fates[i], again[i])
		}
		if fates[i] != other[i] {
			differ++
		}
	}
	for i := range arrivals {
		if arrivals[i] != arrivalsAgain[i] {
			t.Fatalf("arrival %d was %v, then %v", i, arrivals[i], arrivalsAgain[i])
		}
	}
	if differ == 0 {
		t.Error("another seed changes nothing")
	}
}

func TestWhatTheWireLosesDoesNotDependOnTheRate(t *testing.T) {
	lost := func(p Params) (all []int) {
		l := NewLink(valid(t, p), 3)
		for i := range 2000 {
			if l.Send(time.Duration(i)*ms, 1000, 0) == LostOnWire {
				all = append(all, i)
			}
		}
		return all
	}
	free, slow := lost(Params{Loss: 0.1, Burst: 3}), lost(Params{Loss: 0.1, Burst: 3, Rate: 6e6, Delay: 40 * ms, Jitter: 5 * ms})
	inFree := map[int]bool{}
	for _, i := range free {
		inFree[i] = true
	}
	for _, i := range slow { // those that the queue lost are missing here
		if !inFree[i] {
			t.Fatalf("packet %d is lost by the wire of the slow link alone", i)
		}
	}
	if len(slow) == 0 || len(slow) >= len(free) {
		t.Errorf("the wire lost %d packets of the free link, %d of the slow one", len(free), len(slow))
	}
}

func TestRateSpacesPackets(t *testing.T) {
	l := NewLink(valid(t, Params{Rate: 1e6, QueueTime: time.Second, Delay: 20 * ms}), 1)
	for i := range uint32(50) {
		if fate := l.Send(0, 1250, i); fate != Passed { // 10 ms each
			t.Fatalf("packet %d: fate %d", i, fate)
		}
	}
	for i, a := range takeAll(l) {
		if want := time.Duration(i+1)*10*ms + 20*ms; a.at != want {
			t.Fatalf("packet %d arrives at %v, want %v", i, a.at, want)
		}
	}
	if q := l.Counters().Queue; q.Max != 500 || math.Abs(q.P50-250) > 5 {
		t.Errorf("queue delays are %+v", q)
	}
}

func TestQueueLosesItsTail(t *testing.T) {
	for _, c := range []struct {
		name   string
		p      Params
		passed int // of 100 packets of 1250 bytes (10 ms each) at once
	}{
		{"time", Params{Rate: 1e6, QueueTime: 100 * ms}, 11}, // the last one waits for 100 ms
		{"bytes", Params{Rate: 1e6, QueueBytes: 12_500}, 10},
		{"time and bytes", Params{Rate: 1e6, QueueTime: 100 * ms, QueueBytes: 5000}, 4},
		{"neither", Params{Rate: 1e6}, 21},
		{"less than a packet", Params{Rate: 1e6, QueueBytes: 100}, 1},
		{"bucket", Params{Rate: 1e6, QueueTime: 100 * ms, Bucket: 12_500}, 21},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := NewLink(valid(t, c.p), 1)
			for i := range uint32(100) {
				if fate, want := l.Send(0, 1250, i), i < uint32(c.passed); (fate == Passed) != want || !want && fate != LostInQueue {
					t.Fatalf("packet %d: fate %d", i, fate)
				}
			}
			if got := l.Counters(); got.LostInQueue != uint64(100-c.passed) || got.Loss() != float64(100-c.passed)/100 {
				t.Errorf("counters are %+v", got)
			}
			if l.Send(10*time.Second, 1250, 0) != Passed {
				t.Error("the link is not free again")
			}
		})
	}
}

func TestBucketPassesABurstAfterAPause(t *testing.T) {
	l := NewLink(valid(t, Params{Rate: 1e6, Bucket: 3750, QueueTime: time.Second}), 1)
	for i := range uint32(5) {
		l.Send(time.Second, 1250, i)
	}
	want := []time.Duration{0, 0, 0, 10 * ms, 20 * ms}
	for i, a := range takeAll(l) {
		if a.at != time.Second+want[i] {
			t.Errorf("packet %d arrives at %v, want %v", i, a.at, time.Second+want[i])
		}
	}
}

// TestJitterStaysInItsBounds and has the same mean for a stream that sends seldom and one that sends often.
func TestJitterStaysInItsBounds(t *testing.T) {
	p := valid(t, Params{Delay: 150 * ms, Jitter: 20 * ms})
	for _, every := range []time.Duration{20 * ms, ms, 50 * time.Microsecond} {
		l, sum, n, least, most := NewLink(p, 4), time.Duration(0), 0, time.Hour, time.Duration(0)
		for now := time.Duration(0); now < 20*time.Second; now += every {
			l.Send(now, 100, uint32(n))
			n++
		}
		for i, a := range takeAll(l) {
			if a.ref != uint32(i) {
				t.Fatalf("packet %d arrived as number %d", a.ref, i)
			}
			d := a.at - time.Duration(i)*every
			sum, least, most = sum+d, min(least, d), max(most, d)
		}
		if least < 150*ms || most > 170*ms || most-least < 15*ms {
			t.Errorf("every %v: delays from %v to %v", every, least, most)
		}
		if mean := sum / time.Duration(n); (mean - 160*ms).Abs() > ms {
			t.Errorf("every %v: mean delay %v", every, mean)
		}
	}
}

// TestSlowerLinkDrainsItsQueueAtTheNewRate: 5 Mbit/s become 0.6 in mid-flight, and what waits then takes 0.6.
func TestSlowerLinkDrainsItsQueueAtTheNewRate(t *testing.T) {
	l := NewLink(valid(t, Params{Rate: 5e6, QueueTime: 100 * ms}), 1)
	n := uint32(0)
	for l.Send(0, 1250, n) == Passed { // 2 ms each
		n++
	}
	l.Set(20*ms, valid(t, Params{Rate: 600_000, QueueTime: 100 * ms}))
	if l.Send(20*ms, 1250, n) != LostInQueue {
		t.Error("the queue is longer than it may be, and took a packet")
	}
	arrivals := takeAll(l)
	if len(arrivals) != int(n) {
		t.Fatalf("%d of %d packets arrived", len(arrivals), n)
	}
	const slow = 1250 * 8 * time.Second / 600_000
	for i, a := range arrivals {
		want := time.Duration(i+1) * 2 * ms
		if i >= 10 {
			want = 20*ms + time.Duration(i-9)*slow
		}
		if (a.at - want).Abs() > time.Microsecond {
			t.Fatalf("packet %d arrives at %v, want %v", i, a.at, want)
		}
	}
	// And afterwards nothing faster than that.
	last := arrivals[len(arrivals)-1].at
	l.Send(last-ms, 1250, 0)
	if at, _ := l.Next(); (at - last - slow).Abs() > time.Microsecond {
		t.Errorf("the next packet arrives %v after the last, want %v", at-last, slow)
	}
}

func TestLinkWithoutALimitAnyMoreEmptiesItsQueue(t *testing.T) {
	l := NewLink(Params{Rate: 1e6, Delay: 5 * ms}, 1)
	for i := range uint32(10) {
		l.Send(0, 1250, i)
	}
	l.Set(25*ms, Params{Delay: 5 * ms})
	for i, a := range takeAll(l) {
		if want := min(time.Duration(i+1)*10*ms, 25*ms) + 5*ms; a.at != want {
			t.Errorf("packet %d arrives at %v, want %v", i, a.at, want)
		}
	}
}

func TestShorterDelayOvertakesNothing(t *testing.T) {
	l := NewLink(Params{Delay: 300 * ms}, 1)
	l.Send(0, 100, 0)
	l.Set(10*ms, Params{Delay: 50 * ms})
	l.Send(20*ms, 100, 1)
	l.Send(400*ms, 100, 2)
	want := []time.Duration{300 * ms, 300 * ms, 450 * ms}
	for i, a := range takeAll(l) {
		if a.ref != uint32(i) || a.at != want[i] {
			t.Errorf("packet %d arrives at %v, want packet %d at %v", a.ref, a.at, i, want[i])
		}
	}
}

// TestWhateverHappensPacketsStayInOrder changes everything at random, also between extremes, and lets time go backwards.
func TestWhateverHappensPacketsStayInOrder(t *testing.T) {
	source := rand.New(rand.NewPCG(8, 9))
	rates := []Bitrate{0, MinRate, 600_000, 5e6, 1e9, MaxRate}
	for round := range 200 {
		l, now, sent, taken := NewLink(Params{}, uint64(round)), time.Duration(0), uint32(0), uint32(0)
		var previous time.Duration
		take := func(now time.Duration) {
			for at, ok := l.Next(); ok && at <= now; at, ok = l.Next() {
				ref, _ := l.Take(now)
				if at < previous || ref != taken {
					t.Fatalf("round %d: packet %d arrives at %v after packet %d at %v", round, ref, at, taken-1, previous)
				}
				previous = at
				taken++
			}
		}
		for range 500 {
			now += time.Duration(source.IntN(int(5*ms))) - ms
			switch source.IntN(20) {
			case 0:
				p := Params{
					Loss: source.Float64() / 2, Delay: time.Duration(source.IntN(100)) * ms, Jitter: time.Duration(source.IntN(50)) * ms,
					Rate: rates[source.IntN(len(rates))],
				}
				if p.Rate > 0 {
					p.Bucket, p.QueueTime, p.QueueBytes = source.IntN(20_000), time.Duration(source.IntN(60_000))*ms, source.IntN(MaxBytes)
				}
				l.Set(now, valid(t, p))
			case 1:
				take(now)
			default:
				if l.Send(now, source.IntN(65_536), sent) == Passed {
					sent++
				}
			}
		}
		take(1<<63 - 1)
		if taken != sent || l.Len() != 0 {
			t.Fatalf("round %d: %d packets passed, %d arrived, %d are left", round, sent, taken, l.Len())
		}
	}
}

func TestLinkTakesNoMemoryPerPacket(t *testing.T) {
	l, now := NewLink(valid(t, Params{Loss: 0.1, Burst: 3, Delay: 20 * ms, Jitter: 10 * ms, Rate: 10e6}), 1), time.Duration(0)
	turn := func() {
		now += ms
		l.Send(now, 1000, 0)
		for _, ok := l.Take(now); ok; _, ok = l.Take(now) {
		}
	}
	for range 1000 {
		turn()
	}
	if n := testing.AllocsPerRun(1000, turn); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func TestParamsThatCannotBe(t *testing.T) {
	for _, p := range []Params{
		{Loss: -0.1}, {Loss: 1.1}, {Loss: math.NaN()}, {Burst: 0.5}, {Burst: math.Inf(1)}, {Burst: math.NaN()}, {Loss: 0.9, Burst: 2},
		{Delay: -1}, {Delay: MaxDelay + 1}, {Jitter: -1}, {Rate: 999}, {Rate: -1}, {Rate: MaxRate + 1}, {Rate: 1e6, Bucket: -1}, {Rate: 1e6, QueueTime: -1},
		{Rate: 1e6, QueueTime: MaxQueue + 1}, {Rate: 1e6, QueueBytes: -1}, {QueueTime: ms}, {QueueBytes: 1}, {Bucket: 1},
	} {
		if p.Validate() == nil {
			t.Errorf("%+v is valid", p)
		}
	}
}

func BenchmarkLink(b *testing.B) {
	l, now := NewLink(Params{Loss: 0.05, Burst: 3, Delay: 20 * ms, Jitter: 10 * ms, Rate: 100e6}, 1), time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		now += 200 * time.Microsecond
		l.Send(now, 1200, 0)
		for _, ok := l.Take(now); ok; _, ok = l.Take(now) {
		}
	}
}
