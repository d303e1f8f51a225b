package signaling

import (
	"fmt"
	"testing"
)

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
