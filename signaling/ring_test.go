package signaling

import (
	"bytes"
	"fmt"
	"testing"
)

func TestARingGivesExactlyWhatWasMissed(t *testing.T) {
	var r ring
	for i := 1; i <= 3*ringFrames; i++ {
		r.put(fmt.Appendf(nil, "%d", i))
	}
	last := uint64(3 * ringFrames)
	for _, missed := range []uint64{0, 1, 7, ringFrames - 1, ringFrames} {
		frames, ok := r.since(last - missed)
		if !ok || uint64(len(frames)) != missed {
			t.Fatalf("missed %d: %d frames, %v", missed, len(frames), ok)
		}
		for i, f := range frames {
			if want := fmt.Sprint(last - missed + 1 + uint64(i)); string(f) != want {
				t.Fatalf("missed %d: frame %d is %s, want %s", missed, i, f, want)
			}
		}
	}
	if _, ok := r.since(last - ringFrames - 1); ok {
		t.Error("gives what it no longer holds")
	}
	if _, ok := r.since(last + 1); ok {
		t.Error("takes a number that was never given out")
	}
}

func TestARingIsBoundedInBytes(t *testing.T) {
	var r ring
	for range 100 {
		r.put(make([]byte, 10<<10))
		if r.bytes > ringBytes {
			t.Fatalf("%d bytes", r.bytes)
		}
	}
	if frames, ok := r.since(100 - 25); !ok || len(frames) != 25 {
		t.Errorf("holds %d of the last 25, %v", len(frames), ok)
	}
	r.put(make([]byte, ringBytes+1))
	if _, ok := r.since(100); ok || r.bytes != 0 {
		t.Error("a frame larger than the ring must leave it empty")
	}
	if _, ok := r.since(101); !ok {
		t.Error("nothing was missed, so nothing is lacking")
	}
	r.put([]byte("x"))
	if frames, ok := r.since(101); !ok || len(frames) != 1 {
		t.Error("does not go on after a frame that was too large")
	}
}

// Whatever is put and asked: either all that was missed, in order, or no.
func FuzzRing(f *testing.F) {
	f.Add([]byte{1, 200, 3, 255, 255, 255, 9}, uint64(2))
	f.Fuzz(func(t *testing.T, sizes []byte, seq uint64) {
		var r ring
		var all [][]byte
		for i, size := range sizes {
			frame := bytes.Repeat([]byte{byte(i)}, int(size)*1200)
			all = append(all, frame)
			r.put(frame)
		}
		seq %= uint64(len(all)) + 3
		frames, ok := r.since(seq)
		if !ok {
			return
		}
		if seq > uint64(len(all)) || len(frames) != len(all)-int(seq) {
			t.Fatalf("since %d of %d: %d frames", seq, len(all), len(frames))
		}
		for i, frame := range frames {
			if !bytes.Equal(frame, all[int(seq)+i]) {
				t.Fatalf("since %d: frame %d is another", seq, i)
			}
		}
	})
}

func TestRepliesAreRememberedAndBounded(t *testing.T) {
	var r replies
	for i := range 3 * repliesKept {
		r.put(fmt.Sprint(i), reply{kind: "x", frame: []byte("y")})
	}
	if len(r.byID) != repliesKept || len(r.order) != repliesKept || r.bytes != repliesKept {
		t.Errorf("%d replies, %d in order, %d bytes", len(r.byID), len(r.order), r.bytes)
	}
	if _, ok := r.get(fmt.Sprint(3*repliesKept - 1)); !ok {
		t.Error("the newest is forgotten")
	}
	if _, ok := r.get(fmt.Sprint(2*repliesKept - 1)); ok {
		t.Error("one too old is remembered")
	}
	r.put("large", reply{frame: make([]byte, 2*repliesKeptBytes)})
	if _, ok := r.get("large"); !ok || len(r.order) != 1 {
		t.Error("a large reply must stay, and alone")
	}
	r.put("next", reply{frame: []byte("z")})
	if _, ok := r.get("large"); ok || r.bytes != 1 {
		t.Errorf("the large reply must go first; %d bytes", r.bytes)
	}
	r.put("next", reply{frame: []byte("another")})
	if p, _ := r.get("next"); string(p.frame) != "z" {
		t.Error("a reply was replaced")
	}
}
