package history

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestALostPacketIsRequestedWithBackOffAndGivenUp(t *testing.T) {
	r, s := New(Config{}), newSource(0, 50)
	r.Put(s.packet(65535))
	r.Put(s.packet(1)) // 0 is missing
	var asked []time.Duration
	for at := time.Duration(0); at < 2*time.Second; at += ms {
		if got := r.Missing(epoch.Add(at), 0, nil); len(got) > 0 {
			if !slices.Equal(got, []uint16{0}) {
				t.Fatalf("asked for %v", got)
			}
			asked = append(asked, at)
		}
	}
	want := []time.Duration{5 * ms, 25 * ms, 50 * ms, 82 * ms}
	if len(asked) != maxRequests || !slices.Equal(asked[:4], want) {
		t.Errorf("asked at %v", asked)
	}
	if last := asked[len(asked)-1]; last > maxAge {
		t.Errorf("asked for the last time after %v", last)
	}
	if got := r.Stats(); got.Requested != maxRequests || got.Abandoned != 1 {
		t.Errorf("%+v", got)
	}
	if _, ok := r.Due(); ok {
		t.Error("something is still due")
	}
	if !r.Put(s.packet(0)) {
		t.Error("a packet that was given up is refused when it comes all the same")
	}
}

func TestRequestsRepeatAfterTheRoundTrip(t *testing.T) {
	r, s := New(Config{}), newSource(0, 50)
	r.Put(s.packet(0))
	r.Put(s.packet(2))
	var asked []time.Duration
	for at := time.Duration(0); at < 2*time.Second; at += ms {
		if len(r.Missing(epoch.Add(at), 200*ms, nil)) > 0 {
			asked = append(asked, at)
		}
	}
	if !slices.Equal(asked, []time.Duration{5 * ms, 205 * ms, 455 * ms, 768 * ms}) {
		t.Errorf("asked at %v", asked)
	}
}

func TestReorderedPacketsAreNotRequested(t *testing.T) {
	r, s := New(Config{ReorderWait: 10 * ms}), newSource(2*ms, 50)
	for _, seq := range []uint16{0, 2, 1, 5, 4, 3, 6} {
		r.Put(s.packet(seq))
		if got := r.Missing(s.at, 0, nil); len(got) > 0 {
			t.Errorf("asked for %v", got)
		}
	}
	if got := r.Missing(s.at.Add(time.Second/2), 0, nil); len(got) > 0 {
		t.Errorf("asked for %v", got)
	}
}

func TestDueSaysWhenToAskNext(t *testing.T) {
	r, s := New(Config{}), newSource(0, 50)
	r.Put(s.packet(0))
	r.Put(s.packet(2))
	s.step = 3 * ms
	r.Put(s.packet(4))
	for i, c := range []struct {
		at    time.Duration
		asked []uint16
	}{{5 * ms, []uint16{1}}, {8 * ms, []uint16{3}}, {25 * ms, []uint16{1}}, {28 * ms, []uint16{3}}} {
		due, ok := r.Due()
		if !ok || !due.Equal(epoch.Add(c.at)) {
			t.Fatalf("step %d: due at %v", i, due.Sub(epoch))
		}
		if early := r.Missing(due.Add(-1), 0, nil); len(early) > 0 {
			t.Errorf("step %d: asked for %v too early", i, early)
		}
		if got := r.Missing(due, 0, nil); !slices.Equal(got, c.asked) {
			t.Errorf("step %d: asked for %v", i, got)
		}
	}
}

func TestALongOutageDoesNotRaiseAStorm(t *testing.T) {
	r, s := New(Config{}), newSource(0, 50)
	seq := uint16(0)
	requests := 0
	for range 20 { // bursts of 250 lost packets, each below what counts as a jump
		r.Put(s.packet(seq))
		seq += 251
	}
	for at := time.Duration(0); at < 2*time.Second; at += 5 * ms {
		requests += len(r.Missing(epoch.Add(at), 0, nil))
	}
	if requests > maxMissing*maxRequests {
		t.Errorf("%d requests", requests)
	}
	if got := r.Stats(); got.Abandoned != 19*250 {
		t.Errorf("%+v", got)
	}
}

func TestARepairedPacketIsFreshOnce(t *testing.T) {
	r, s := New(Config{}), newSource(0, 50)
	r.Put(s.packet(0))
	r.Put(s.packet(2))
	r.Missing(epoch.Add(10*ms), 0, nil)
	seq, original, ok := OSN(append([]byte{0, 1}, s.packet(1).Payload...))
	if !ok || seq != 1 {
		t.Fatal(seq, ok)
	}
	p := s.packet(seq)
	p.Payload, p.Repaired = original, true
	if !r.Put(p) {
		t.Error("refused")
	}
	if r.Put(p) {
		t.Error("taken twice")
	}
	checkView(t, r, 1, 50)
	if got, _ := r.Get(1); !got.Repaired {
		t.Error("no longer known as repaired")
	}
	if got := r.Missing(epoch.Add(100*ms), 0, nil); len(got) > 0 {
		t.Errorf("asked for %v", got)
	}
	if got := r.Stats(); got.Repaired != 1 || got.Received != 3 {
		t.Errorf("%+v", got)
	}
	if report, _ := r.Report(); report.CumulativeLost != 1 {
		t.Errorf("the path lost one packet: %+v", report)
	}
}

func TestRetransmissionsAreSplit(t *testing.T) {
	for _, b := range [][]byte{nil, {1}, {1, 2}} {
		if _, _, ok := OSN(b); ok {
			t.Errorf("% x was taken for a retransmission", b)
		}
	}
	if seq, original, ok := OSN([]byte{0xab, 0xcd, 9}); !ok || seq != 0xabcd || !bytes.Equal(original, []byte{9}) {
		t.Error(seq, original, ok)
	}
}
