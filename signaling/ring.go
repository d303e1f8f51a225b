package signaling

// Bounds of what a session remembers for a client that comes back.
const (
	ringEvents = 512
	ringBytes  = 256 << 10
)

// ring holds the most recent events of one session. Their sequence numbers are
// consecutive, so only the newest is stored; what they say is shared with the other
// sessions that got them. It is bounded in number and in bytes; the oldest go first. The
// zero value is empty and before event 1.
type ring struct {
	events []event // oldest first
	bytes  int
	last   uint64 // sequence number of the newest event, also when it is no longer held
}

// put adds the event after the last one. An event that alone is larger than the ring
// empties it: a client that has missed it needs a snapshot.
func (r *ring) put(e event) {
	r.last++
	for len(r.events) > 0 && (len(r.events) == ringEvents || r.bytes+e.size() > ringBytes) {
		r.bytes -= r.events[0].size()
		r.events[0] = event{} // the array behind the slice lives on for a while
		r.events = r.events[1:]
	}
	if e.size() > ringBytes {
		return
	}
	r.events = append(r.events, e)
	r.bytes += e.size()
}

// since gives the frames of all events after seq, oldest first. It is false if some of
// them are no longer held, or if seq was never given out.
func (r *ring) since(seq uint64) ([][]byte, bool) {
	if !r.holds(seq) {
		return nil, false
	}
	missed := r.events[len(r.events)-int(r.last-seq):]
	frames := make([][]byte, 0, len(missed))
	for i, e := range missed {
		frames = append(frames, e.frame(seq+1+uint64(i)))
	}
	return frames, true
}

// holds reports whether all events after seq are there.
func (r *ring) holds(seq uint64) bool {
	return seq <= r.last && r.last-seq <= uint64(len(r.events))
}
