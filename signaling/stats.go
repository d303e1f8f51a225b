package signaling

import (
	"sync/atomic"
	"time"

	"tarasul/signaling/protocol"
)

// counters are plain numbers that the service adds to and the operators' listener reads.
type counters struct {
	requests map[string]*requestCount // by type; the keys never change
	unknown  atomic.Uint64            // frames of a type that does not exist
	garbled  atomic.Uint64            // frames that are no requests at all
	limited  atomic.Uint64            // frames above the rate limit
	repeated atomic.Uint64            // requests that had been carried out before

	resumed    atomic.Uint64 // with the events that were missed
	snapshots  atomic.Uint64 // with a snapshot, for too much was missed
	forgotten  atomic.Uint64 // resume of a session that is gone
	foreign    atomic.Uint64 // resume of somebody else's session
	sockets    atomic.Int64  // open now
	unsaid     atomic.Int64  // of them, those that have said nothing
	opened     atomic.Uint64
	refused    atomic.Uint64 // not upgraded: origin, subprotocol, too many
	slow       atomic.Uint64 // closed because the client read too slowly
	signedIn   atomic.Uint64
	wrong      atomic.Uint64 // wrong password
	slowed     atomic.Uint64 // sign-ins that came too fast
	signInLost atomic.Uint64 // sign-ins that failed for another reason

	messages   atomic.Uint64 // chat messages stored
	seatsTaken atomic.Uint64
	seatsLost  atomic.Uint64 // released because the grace was over
	mediaEvent atomic.Uint64 // events of the media core
}

// requestCount counts one request type by outcome.
type requestCount struct {
	outcomes map[protocol.Code]*atomic.Uint64 // "" is success; the keys never change
	took     durations
}

func newCounters(types map[string]entry) *counters {
	c := &counters{requests: make(map[string]*requestCount, len(types))}
	for t := range types {
		r := &requestCount{outcomes: map[protocol.Code]*atomic.Uint64{"": {}}}
		for _, code := range protocol.Codes() {
			r.outcomes[code] = &atomic.Uint64{}
		}
		c.requests[t] = r
	}
	return c
}

func (r *requestCount) note(code protocol.Code, took time.Duration) {
	n := r.outcomes[code]
	if n == nil {
		n = r.outcomes[protocol.CodeInternal] // a code outside the closed set is a fault of ours
	}
	n.Add(1)
	r.took.observe(took)
}

// Stats is a reading of all counters. Counts only grow; the other numbers are of now.
type Stats struct {
	Sockets, Sessions, People  int // now
	Meetings, Seats            int // now: meetings that run, and the people in them
	SocketsOpened, SocketsSlow uint64
	SocketsRefused             uint64
	Requests                   map[string]RequestStats // by type
	Unknown, Garbled, Limited  uint64
	Repeated                   uint64
	EventsQueued, EventsKept   uint64            // given to a socket; kept for a client that has none
	Resumes                    map[string]uint64 // by outcome: replayed, snapshot, forgotten, foreign
	SignIns                    map[string]uint64 // by outcome: ok, wrong_password, rate_limited, failed
	ChatStored                 uint64
	SeatsTaken, SeatsLost      uint64
	MediaEvents                uint64
	Draining                   bool
}

// RequestStats is what became of the requests of one type: Outcomes by code, "ok" for
// success; those that never happened are left out.
type RequestStats struct {
	Outcomes map[string]uint64
	Took     Histogram
}

// Stats reads the counters; it may be called at any time from anywhere.
func (s *Server) Stats() Stats {
	c := s.count
	meetings, seats := s.rooms.count()
	st := Stats{
		Sockets: int(c.sockets.Load()), Sessions: s.hub.count(), People: s.hub.people(),
		Meetings: meetings, Seats: seats,
		SocketsOpened: c.opened.Load(), SocketsSlow: c.slow.Load(), SocketsRefused: c.refused.Load(),
		Requests: make(map[string]RequestStats, len(c.requests)),
		Unknown:  c.unknown.Load(), Garbled: c.garbled.Load(), Limited: c.limited.Load(), Repeated: c.repeated.Load(),
		EventsQueued: s.hub.queued.Load(), EventsKept: s.hub.kept.Load(),
		Resumes: map[string]uint64{
			"replayed": c.resumed.Load(), "snapshot": c.snapshots.Load(), "forgotten": c.forgotten.Load(), "foreign": c.foreign.Load(),
		},
		SignIns: map[string]uint64{
			"ok": c.signedIn.Load(), "wrong_password": c.wrong.Load(), "rate_limited": c.slowed.Load(), "failed": c.signInLost.Load(),
		},
		ChatStored: c.messages.Load(), SeatsTaken: c.seatsTaken.Load(), SeatsLost: c.seatsLost.Load(),
		MediaEvents: c.mediaEvent.Load(), Draining: s.draining.Load(),
	}
	for t, r := range c.requests {
		out := RequestStats{Outcomes: map[string]uint64{}, Took: r.took.read()}
		for code, n := range r.outcomes {
			name := string(code)
			if code == "" {
				name = "ok"
			}
			if v := n.Load(); v > 0 {
				out.Outcomes[name] = v
			}
		}
		st.Requests[t] = out
	}
	return st
}
