package tally

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestSequenceTellsLossReorderingAndDuplicates(t *testing.T) {
	for _, test := range []struct {
		name string
		in   []uint16
		want Counts
		lost uint64
	}{
		{"in order", []uint16{5, 6, 7, 8}, Counts{Expected: 4, Received: 4}, 0},
		{"one lost", []uint16{5, 6, 8}, Counts{Expected: 4, Received: 3, LargestGap: 1}, 1},
		{"one late", []uint16{5, 7, 6, 8}, Counts{Expected: 4, Received: 4, Reordered: 1, LargestGap: 1}, 0},
		{"one twice", []uint16{5, 6, 6, 7}, Counts{Expected: 3, Received: 3, Duplicates: 1}, 0},
		{"late and then again", []uint16{5, 7, 6, 6}, Counts{Expected: 3, Received: 3, Reordered: 1, Duplicates: 1, LargestGap: 1}, 0},
		{"overtaken at the start", []uint16{6, 5, 7}, Counts{Expected: 3, Received: 3, Reordered: 1}, 0},
		{"wraps", []uint16{65534, 65535, 0, 1}, Counts{Expected: 4, Received: 4}, 0},
		{"lost at the wrap", []uint16{65534, 1}, Counts{Expected: 4, Received: 2, LargestGap: 2}, 2},
		{"late over the wrap", []uint16{65534, 0, 65535}, Counts{Expected: 3, Received: 3, Reordered: 1, LargestGap: 1}, 0},
		{"overtaken at the wrap at the start", []uint16{0, 65535, 1}, Counts{Expected: 3, Received: 3, Reordered: 1}, 0},
		{"too old to tell", []uint16{5, 5 + window, 5}, Counts{Expected: window + 1, Received: 2, Stale: 1, LargestGap: window - 1}, window - 1},
		{"a number's place is free again after a gap", []uint16{1, window, window + 2, window + 1}, Counts{Expected: window + 2, Received: 4, Reordered: 1, LargestGap: window - 2}, window - 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s Sequence
			for _, n := range test.in {
				s.Observe(n)
			}
			if got := s.Counts(); got != test.want {
				t.Errorf("counts %+v, want %+v", got, test.want)
			}
			if got := s.Counts().Lost(); got != test.lost {
				t.Errorf("lost %d, want %d", got, test.lost)
			}
		})
	}
}

func TestSequenceReportsTheGap(t *testing.T) {
	var s Sequence
	s.Observe(65533)
	if a, gap := s.Observe(1); a != InOrder || gap != 3 {
		t.Errorf("%v with a gap of %d, want InOrder and 3", a, gap)
	}
	if a, _ := s.Observe(0); a != Reordered {
		t.Errorf("%v, want Reordered", a)
	}
	if s.Highest() != 1<<16+1 {
		t.Errorf("highest %d", s.Highest())
	}
}

// TestSequenceAgreesWithABookOfAllPackets loses, repeats and reorders at random, within the window.
func TestSequenceAgreesWithABookOfAllPackets(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		start := r.IntN(1 << 16)
		var sent []int
		for n := range 200_000 {
			switch x := r.IntN(100); {
			case x < 5: // lost
			case x < 8:
				sent = append(sent, start+n, start+n)
			default:
				sent = append(sent, start+n)
			}
		}
		for i := 0; i+20 < len(sent); i += 20 {
			if r.IntN(4) == 0 {
				r.Shuffle(20, func(a, b int) { sent[i+a], sent[i+b] = sent[i+b], sent[i+a] })
			}
		}
		var s Sequence
		book, highest := map[int]bool{}, -1
		var want Counts
		for _, n := range sent {
			if book[n] {
				want.Duplicates++
			} else {
				want.Received++
				if n < highest {
					want.Reordered++
				}
			}
			book[n] = true
			highest = max(highest, n)
			s.Observe(uint16(n))
		}
		want.Expected = uint64(highest - slices.Min(sent) + 1)
		got := s.Counts()
		got.LargestGap = 0
		if got != want {
			t.Fatalf("seed %d: %+v, want %+v", seed, got, want)
		}
	}
}

func FuzzSequence(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 255, 255})
	f.Fuzz(func(t *testing.T, in []byte) {
		var s Sequence
		for n := 0; n+1 < len(in); n += 2 {
			s.Observe(uint16(in[n])<<8 | uint16(in[n+1]))
			if c := s.Counts(); c.Received > c.Expected {
				t.Fatalf("received more than expected: %+v", c)
			}
		}
		if c := s.Counts(); c.Received+c.Duplicates+c.Stale != uint64(len(in)/2) {
			t.Fatalf("a packet was not counted: %+v of %d", c, len(in)/2)
		}
	})
}

func TestPercentilesAreRightToABucket(t *testing.T) {
	var h Histogram
	if h.Percentile(50) != 0 {
		t.Error("the percentile of nothing is not 0")
	}
	r := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for range 100_000 {
		d := time.Duration(r.ExpFloat64() * float64(400*time.Microsecond))
		all = append(all, d)
		h.Add(d)
	}
	slices.Sort(all)
	for _, p := range []float64{0, 1, 50, 95, 99, 99.9, 100} {
		exact := all[max(0, int(p/100*float64(len(all)))-1)]
		got := h.Percentile(p)
		if got < exact || float64(got) > float64(exact)*1.017+1 {
			t.Errorf("p%v is %v, want %v", p, got, exact)
		}
	}
	if h.Max() != all[len(all)-1] || h.Total() != uint64(len(all)) {
		t.Errorf("max %v of %d", h.Max(), h.Total())
	}
}

func TestEveryDurationLiesInItsBucket(t *testing.T) {
	for shift := range 50 {
		for _, d := range []time.Duration{1<<shift - 1, 1 << shift, 1<<shift + 1, 3 << shift / 2} {
			b := bucket(d)
			if b == buckets-1 {
				continue // the last one takes all the rest
			}
			if d > upper(b) || b > 0 && d <= upper(b-1) {
				t.Errorf("%d is in bucket %d, which ends at %d (the one before at %d)", d, b, upper(b), upper(max(b-1, 0)))
			}
		}
	}
}

func TestMergedHistogramsAreAsOne(t *testing.T) {
	var a, b, both Histogram
	for i := range 1000 {
		d := time.Duration(i*i) - 5
		both.Add(d)
		if i%3 == 0 {
			a.Add(d)
		} else {
			b.Add(d)
		}
	}
	a.Merge(&b)
	if a != both {
		t.Error("they differ")
	}
	if both.Negative() != 3 {
		t.Errorf("%d negative, want 3", both.Negative())
	}
}
