package history

import (
	"testing"
	"time"
)

func TestReportsCountLossPerIntervalAndInAll(t *testing.T) {
	r, s := New(Config{}), newSource(time.Millisecond, 10)
	seq := uint16(65500)
	run := func(n int, lost func(i int) bool) Report {
		for i := range n {
			if !lost(i) {
				r.Put(s.packet(seq))
			}
			seq++
		}
		report, ok := r.Report()
		if !ok {
			t.Fatal("no report")
		}
		return report
	}
	if got := run(100, func(i int) bool { return i%4 == 1 }); got.FractionLost != 64 || got.CumulativeLost != 25 || got.HighestSeq != 65599 {
		t.Errorf("a quarter lost: %+v", got)
	}
	if got := run(100, func(int) bool { return false }); got.FractionLost != 0 || got.CumulativeLost != 25 || got.HighestSeq != 65699 {
		t.Errorf("nothing lost: %+v", got)
	}
	if got, _ := r.Report(); got.FractionLost != 0 || got.CumulativeLost != 25 {
		t.Errorf("nothing sent: %+v", got)
	}
	s.packet(0)
	if !r.Put(s.packet(65501)) { // one of the lost ones comes late, not as a retransmission
		t.Fatal("refused")
	}
	if got, _ := r.Report(); got.FractionLost != 0 || got.CumulativeLost != 24 {
		t.Errorf("a late packet: %+v", got)
	}
}

func TestJitterFollowsTheVariationOfTheTransitTime(t *testing.T) {
	// 33 ms frames whose transit time alternates by 4 ms, at a timestamp that wraps: the jitter tends to 4 ms = 360 ticks
	r, s := New(Config{}), newSource(0, 10)
	timestamp := uint32(1<<32 - 3000*50)
	for i := range 500 {
		p := s.packet(uint16(i))
		p.Timestamp = timestamp
		p.Arrived = epoch.Add(time.Duration(i)*time.Second/30 + time.Duration(i%2)*4*time.Millisecond)
		timestamp += 3000
		r.Put(p)
	}
	if got, _ := r.Report(); got.Jitter < 350 || got.Jitter > 365 {
		t.Errorf("%+v", got)
	}

	r = New(Config{ClockRate: 48000})
	for i := range 500 {
		p := s.packet(uint16(2 * i))
		p.Timestamp, p.Arrived = uint32(i)*960, epoch.Add(time.Duration(i)*20*time.Millisecond)
		r.Put(p)
		p.Seq, p.Arrived = p.Seq+1, p.Arrived.Add(15*time.Millisecond) // a second packet of the frame does not count
		r.Put(p)
	}
	if got, _ := r.Report(); got.Jitter != 0 {
		t.Errorf("a steady stream: %+v", got)
	}
}

func TestACutInTheTimestampsIsNoJitter(t *testing.T) {
	r, s := New(Config{}), newSource(0, 10)
	for i := range 10 {
		p := s.packet(uint16(i))
		p.Timestamp, p.Arrived = uint32(i)*3000, epoch.Add(time.Duration(i)*time.Second/30)
		if i >= 5 {
			p.Timestamp += 1 << 30 // the sender's clock was set
		}
		r.Put(p)
	}
	if got, _ := r.Report(); got.Jitter > 1 {
		t.Errorf("%+v", got)
	}
}
