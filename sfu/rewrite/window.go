package rewrite

import "time"

// The window grows from minWindow to maxWindow entries of 6 bytes, so that it holds about a second.
const (
	minWindow = 64
	maxWindow = 512
)

// entry is one outgoing sequence number.
type entry struct {
	source  uint16
	picture uint16 // as it was sent; of a hole, the shift of its place
	tag     uint16 // low bits of the generation, and the state
}

// The states of an entry.
const (
	unused = iota
	hole   // its packet has not come
	sent
	filled // with padding
)

func tag(generation uint32, state uint16) uint16 { return uint16(generation)<<2 | state }

func (e *entry) state() uint16       { return e.tag & 3 }
func (e *entry) settle(state uint16) { e.tag = e.tag&^3 | state }
func (e *entry) of(generation uint32) bool {
	return generation != 0 && e.tag>>2 == uint16(generation)&0x3fff
}

// window is the latest outgoing sequence numbers, as a ring indexed by them.
type window struct {
	entries []entry
	held    int       // how many of the entries, back from the newest, are in use
	lap     time.Time // when the entry 0 was last written
}

// push adds the sequence number out, which follows the newest. It grows the ring if that goes round within a second.
func (w *window) push(out, source, picture, state uint16, generation uint32, now time.Time) {
	if w.entries == nil {
		w.entries = make([]entry, minWindow)
		w.lap = now
	}
	if int(out)&(len(w.entries)-1) == 0 {
		if w.held == len(w.entries) && len(w.entries) < maxWindow && now.Sub(w.lap) < time.Second {
			w.grow(out)
		}
		w.lap = now
	}
	w.entries[int(out)&(len(w.entries)-1)] = entry{source: source, picture: picture, tag: tag(generation, state)}
	w.held = min(w.held+1, len(w.entries))
}

// grow doubles the ring before the sequence number out is pushed.
func (w *window) grow(out uint16) {
	old := w.entries
	w.entries = make([]entry, 2*len(old))
	for i := 1; i <= w.held; i++ {
		seq := out - uint16(i)
		w.entries[int(seq)&(len(w.entries)-1)] = old[int(seq)&(len(old)-1)]
	}
}

// cut forgets everything: what comes late from now on is too late.
func (w *window) cut() { w.held = 0 }

// at is the entry of an outgoing sequence number, nil if it is not held; newest is the last one pushed.
func (w *window) at(out, newest uint16) *entry {
	if int(newest-out) >= w.held {
		return nil
	}
	return &w.entries[int(out)&(len(w.entries)-1)]
}

// find is the entry of a source packet of a generation and its outgoing number. highest is the source's highest sequence
// number. Packets come late by little, so the search goes back from the newest.
func (w *window) find(source, highest, newest uint16, generation uint32) (e *entry, out uint16) {
	distance, before := highest-source, uint16(0)
	for i := range w.held {
		out = newest - uint16(i)
		e = &w.entries[int(out)&(len(w.entries)-1)]
		d := highest - e.source
		switch {
		case !e.of(generation) || d > distance || d < before:
			return nil, 0
		case d == distance:
			return e, out
		}
		before = d
	}
	return nil, 0
}
