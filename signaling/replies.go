package signaling

// Bounds of the replies that a session remembers.
const (
	repliesKept      = 64
	repliesKeptBytes = 256 << 10
)

// reply is the outcome of a request that must not be carried out twice.
type reply struct {
	kind  string // the request's type
	frame []byte
	value any // the body, nil for a refusal; see entry.again
}

// replies remembers the outcomes of the last requests of one session by their ids, so
// that a client that never saw the answer may ask again. Reading requests are not in
// it: they are simply run again.
type replies struct {
	byID  map[string]reply
	order []string // oldest first
	bytes int
}

func (r *replies) get(id string) (reply, bool) {
	p, ok := r.byID[id]
	return p, ok
}

func (r *replies) put(id string, p reply) {
	if r.byID == nil {
		r.byID = make(map[string]reply, repliesKept)
	}
	if _, known := r.byID[id]; known {
		return
	}
	r.byID[id] = p
	r.order = append(r.order, id)
	r.bytes += len(p.frame)
	// The newest always stays, however large: it is the one that will be asked for.
	for len(r.order) > 1 && (len(r.order) > repliesKept || r.bytes > repliesKeptBytes) {
		oldest := r.order[0]
		r.order = r.order[1:]
		r.bytes -= len(r.byID[oldest].frame)
		delete(r.byID, oldest)
	}
}
