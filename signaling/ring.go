package signaling

// Bounds of what a session remembers for a client that comes back.
const (
	ringFrames = 512
	ringBytes  = 256 << 10
)

// ring holds the most recent events of one session as frames that are ready to be sent.
// Their sequence numbers are consecutive, so only the newest is stored. It is bounded in
// number and in bytes; the oldest go first. The zero value is empty and before event 1.
type ring struct {
	frames [][]byte // frames[(first+i) % len] for i < count
	first  int
	count  int
	bytes  int
	last   uint64 // sequence number of the newest event, also when it is no longer held
}

// put adds the event after the last one. A frame that alone is larger than the ring
// empties it: a client that has missed it needs a snapshot.
func (r *ring) put(frame []byte) {
	if r.frames == nil {
		r.frames = make([][]byte, ringFrames)
	}
	r.last++
	for r.count > 0 && (r.count == len(r.frames) || r.bytes+len(frame) > ringBytes) {
		r.bytes -= len(r.frames[r.first])
		r.frames[r.first] = nil
		r.first = (r.first + 1) % len(r.frames)
		r.count--
	}
	if len(frame) > ringBytes {
		return
	}
	r.frames[(r.first+r.count)%len(r.frames)] = frame
	r.bytes += len(frame)
	r.count++
}

// since gives all events after seq, oldest first. It is false if some of them are no
// longer held, or if seq was never given out.
func (r *ring) since(seq uint64) ([][]byte, bool) {
	if seq > r.last || r.last-seq > uint64(r.count) {
		return nil, false
	}
	missing := int(r.last - seq)
	out := make([][]byte, 0, missing)
	for i := r.count - missing; i < r.count; i++ {
		out = append(out, r.frames[(r.first+i)%len(r.frames)])
	}
	return out, true
}
