package twcc

import (
	"math/rand/v2"
	"testing"

	"github.com/pion/rtcp"
)

// read gives back what reports say: when each packet arrived in ticks of 250 us, or -1 for one that did not.
func read(t *testing.T, raw []byte, into map[uint16]int64) *rtcp.TransportLayerCC {
	t.Helper()
	var p rtcp.TransportLayerCC
	if err := p.Unmarshal(raw); err != nil {
		t.Fatalf("%v in %x", err, raw)
	}
	if p.SenderSSRC != 1 || p.MediaSSRC != 2 {
		t.Fatalf("SSRCs %d and %d", p.SenderSSRC, p.MediaSSRC)
	}
	var statuses []uint16
	for _, c := range p.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				statuses = append(statuses, c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			statuses = append(statuses, c.SymbolList...)
		}
	}
	if len(statuses) < int(p.PacketStatusCount) {
		t.Fatalf("%d statuses of %d", len(statuses), p.PacketStatusCount)
	}
	at, deltas := int64(p.ReferenceTime)*ticks, p.RecvDeltas
	for i, s := range statuses[:p.PacketStatusCount] {
		number := p.BaseSequenceNumber + uint16(i)
		if s == notReceived {
			if _, known := into[number]; !known {
				into[number] = -1
			}
			continue
		}
		at += deltas[0].Delta / 250
		deltas = deltas[1:]
		into[number] = at
	}
	if len(deltas) != 0 {
		t.Fatalf("%d deltas too many", len(deltas))
	}
	return &p
}

func TestReportsSayWhatArrivedAndWhen(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 3))
		var r Recorder
		want, got := map[uint16]int64{}, map[uint16]int64{}
		at, number := int64(1e9+random.IntN(1e9)), uint16(65000+random.IntN(500))
		loss := random.IntN(60)
		var held *arrival
		first := true
		for round := range 40 {
			for range random.IntN(800) {
				at += random.Int64N(1_000_000)
				if random.IntN(500) == 0 {
					at += random.Int64N(200_000_000) // a large delta
				}
				number++
				if !first && random.IntN(100) < loss {
					want[number] = -1
					continue
				}
				first = false
				if held == nil && random.IntN(20) == 0 && number > 10 {
					held = &arrival{int64(number), at} // this one comes later
					continue
				}
				want[number] = at / tick
				r.Record(number, at)
				if held != nil && random.IntN(3) == 0 {
					want[uint16(held.number)] = at / tick
					r.Record(uint16(held.number), at)
					held = nil
				}
			}
			for reports := 0; r.Pending() > 0; reports++ {
				raw := r.Append(nil, 1, 2)
				if len(raw) > 1200 || reports > 100 {
					t.Fatalf("seed %d round %d: report %d of %d bytes", seed, round, reports, len(raw))
				}
				read(t, raw, got)
			}
		}
		if held != nil {
			want[uint16(held.number)] = -1
		}
		for n, at := range want {
			g, ok := got[n]
			if !ok && at >= 0 || ok && g != at {
				t.Fatalf("seed %d: packet %d at %d, reported %d (%v)", seed, n, at, g, ok)
			}
		}
	}
}

func TestReportsAreCounted(t *testing.T) {
	var r Recorder
	if out := r.Append(nil, 1, 2); out != nil {
		t.Errorf("a report of nothing: %x", out)
	}
	for i := range 300 {
		r.Record(uint16(i), int64(i)*1e6)
		if p := read(t, r.Append(nil, 1, 2), map[uint16]int64{}); p.FbPktCount != uint8(i) {
			t.Fatalf("report %d has number %d", i, p.FbPktCount)
		}
	}
}

func TestAPacketTwiceIsReportedOnce(t *testing.T) {
	var r Recorder
	for _, n := range []uint16{5, 7, 6, 6, 5} {
		r.Record(n, 1e9)
	}
	got := map[uint16]int64{}
	if p := read(t, r.Append(nil, 1, 2), got); p.PacketStatusCount != 3 || len(p.RecvDeltas) != 3 {
		t.Errorf("%d statuses, %d deltas", p.PacketStatusCount, len(p.RecvDeltas))
	}
}

func FuzzRecorder(f *testing.F) {
	f.Add([]byte{1, 0, 2, 9, 3, 200})
	f.Fuzz(func(t *testing.T, in []byte) {
		var r Recorder
		number, at := uint16(0), int64(0)
		for i := 0; i+1 < len(in); i += 2 {
			number += uint16(int8(in[i])) * 3
			at += int64(in[i+1]) * 1_000_000
			r.Record(number, at)
			if in[i]%8 == 0 {
				for r.Pending() > 0 {
					read(t, r.Append(nil, 1, 2), map[uint16]int64{})
				}
			}
		}
	})
}

func TestRecordingAndReportingAllocateNothing(t *testing.T) {
	var r Recorder
	number, buffer := uint16(0), make([]byte, 0, 2000)
	cycle := func() {
		for range 200 {
			number++
			r.Record(number, int64(number)*1e6)
		}
		for r.Pending() > 0 {
			r.Append(buffer, 1, 2)
		}
	}
	cycle()
	if n := testing.AllocsPerRun(100, cycle); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRecordAndReport(b *testing.B) {
	var r Recorder
	buffer := make([]byte, 0, 2000)
	for i := range b.N {
		r.Record(uint16(i), int64(i)*430_000)
		if i%233 == 0 {
			for r.Pending() > 0 {
				r.Append(buffer, 1, 2)
			}
		}
	}
}
