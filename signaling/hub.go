package signaling

import (
	"sync"
	"sync/atomic"

	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
)

// hub knows every session of this node and brings events to them. It is the bus of a
// single node; nothing in it waits.
type hub struct {
	queued atomic.Uint64 // events that were given to a socket
	kept   atomic.Uint64 // events that wait in a ring for a client to come back

	mu       sync.RWMutex // guards what follows; a session may be locked under it, not the reverse
	byID     map[string]*session
	byToken  map[string]*session
	byPerson map[protocol.PersonID]map[*session]struct{}
}

func newHub() *hub {
	return &hub{
		byID: map[string]*session{}, byToken: map[string]*session{},
		byPerson: map[protocol.PersonID]map[*session]struct{}{},
	}
}

// add takes in a session. first is true if the person had none, and so is online only now.
func (h *hub) add(s *session) (first bool) {
	person := s.who().ID
	h.mu.Lock()
	defer h.mu.Unlock()
	h.byID[s.id], h.byToken[s.token] = s, s
	theirs := h.byPerson[person]
	if theirs == nil {
		theirs = map[*session]struct{}{}
		h.byPerson[person] = theirs
	}
	theirs[s] = struct{}{}
	return len(theirs) == 1
}

// remove forgets a session. last is true if it was the person's only one.
func (h *hub) remove(s *session) (last bool) {
	person := s.who().ID
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byID[s.id] != s {
		return false
	}
	delete(h.byID, s.id)
	delete(h.byToken, s.token)
	theirs := h.byPerson[person]
	delete(theirs, s)
	if len(theirs) == 0 {
		delete(h.byPerson, person)
		return true
	}
	return false
}

func (h *hub) session(id string) *session {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.byID[id]
}

// resume gives the session of a token if it was made by that sign-in.
func (h *hub) resume(token string, signIn identity.SessionID) (s *session, foreign bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s = h.byToken[token]
	if s != nil && s.signIn != signIn {
		return nil, true
	}
	return s, false
}

// online reports whether a person has a session.
func (h *hub) online(person protocol.PersonID) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.byPerson[person]) > 0
}

// all gives every session, of gives those of one person, as they are now.
func (h *hub) all() []*session {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]*session, 0, len(h.byID))
	for _, s := range h.byID {
		out = append(out, s)
	}
	return out
}

func (h *hub) of(person protocol.PersonID) []*session {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]*session, 0, len(h.byPerson[person]))
	for s := range h.byPerson[person] {
		out = append(out, s)
	}
	return out
}

func (h *hub) count() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.byID)
}

// people counts who is online.
func (h *hub) people() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.byPerson)
}

// push brings an event to sessions.
func (h *hub) push(e event, to ...*session) {
	for _, s := range to {
		if s.push(e) {
			h.queued.Add(1)
		} else {
			h.kept.Add(1)
		}
	}
}

// broadcast brings an event to every session.
func (h *hub) broadcast(kind string, body any) { h.push(newEvent(kind, body), h.all()...) }

// tell brings an event to all sessions of a person but one, which may be nil.
func (h *hub) tell(person protocol.PersonID, but *session, kind string, body any) {
	e := newEvent(kind, body)
	for _, s := range h.of(person) {
		if s != but {
			h.push(e, s)
		}
	}
}
