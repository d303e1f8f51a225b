package signaling

import (
	"encoding/json"
	"strings"
	"testing"

	"tarasul/signaling/protocol"
)

// numbered gives an event of about size bytes.
func numbered(i uint64, size int) event {
	return newEvent("test", map[string]any{"n": i, "filling": strings.Repeat("x", size)})
}

// follow checks that frames are the events after seq, in order, none missing.
func follow(t *testing.T, frames [][]byte, seq uint64) {
	t.Helper()
	for _, f := range frames {
		seq++
		var env protocol.Envelope
		var body struct{ N uint64 }
		check(t, json.Unmarshal(f, &env))
		check(t, json.Unmarshal(env.Body, &body))
		if env.Seq != seq || body.N != seq || env.Type != "test" || env.ID != "" {
			t.Fatalf("%s is not event %d", f, seq)
		}
	}
}

func TestARingGivesExactlyWhatWasMissed(t *testing.T) {
	var r ring
	const last = 3 * ringEvents
	for i := uint64(1); i <= last; i++ {
		r.put(numbered(i, 0))
	}
	for _, missed := range []uint64{0, 1, 7, ringEvents - 1, ringEvents} {
		frames, ok := r.since(last - missed)
		if !ok || uint64(len(frames)) != missed {
			t.Fatalf("missed %d: %d frames, %v", missed, len(frames), ok)
		}
		follow(t, frames, last-missed)
	}
	if _, ok := r.since(last - ringEvents - 1); ok {
		t.Error("gives what it no longer holds")
	}
	if _, ok := r.since(last + 1); ok {
		t.Error("takes a number that was never given out")
	}
	if cap(r.events) > 4*ringEvents {
		t.Errorf("room for %d events", cap(r.events))
	}
}

func TestARingIsBoundedInBytes(t *testing.T) {
	var r ring
	for i := range 100 {
		r.put(numbered(uint64(i+1), 10<<10))
		if r.bytes > ringBytes {
			t.Fatalf("%d bytes", r.bytes)
		}
	}
	if frames, ok := r.since(100 - 25); !ok || len(frames) != 25 {
		t.Errorf("holds %d of the last 25, %v", len(frames), ok)
	}
	r.put(numbered(101, ringBytes))
	if _, ok := r.since(100); ok || r.bytes != 0 {
		t.Error("an event larger than the ring must leave it empty")
	}
	if _, ok := r.since(101); !ok {
		t.Error("nothing was missed, so nothing is lacking")
	}
	r.put(numbered(102, 0))
	frames, ok := r.since(101)
	if !ok || len(frames) != 1 {
		t.Error("does not go on after an event that was too large")
	}
	follow(t, frames, 101)
}

// Whatever is put and asked: either all that was missed, in order, or no.
func FuzzRing(f *testing.F) {
	f.Add([]byte{1, 200, 3, 255, 255, 255, 9}, uint64(2))
	f.Fuzz(func(t *testing.T, sizes []byte, seq uint64) {
		var r ring
		for i, size := range sizes {
			r.put(numbered(uint64(i+1), int(size)*1200))
		}
		count := uint64(len(sizes))
		seq %= count + 3
		frames, ok := r.since(seq)
		if !ok {
			return
		}
		if seq > count || uint64(len(frames)) != count-seq {
			t.Fatalf("since %d of %d: %d frames", seq, count, len(frames))
		}
		follow(t, frames, seq)
	})
}
