package signaling

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
)

// session is one page of one person. It outlives its websocket by the grace: what
// happens meanwhile waits in its ring, and the next socket that knows the token goes on
// where the last one ended.
type session struct {
	id      string
	token   string             // secret; whoever resumes must also bring the cookie of signIn
	signIn  identity.SessionID // never changes
	address string             // of the socket that made it
	turn    chan struct{}      // of capacity 1: held while a request is carried out, so they keep their order
	used    atomic.Bool        // a request came since the sign-in was last noted as in use

	mu      sync.Mutex // guards what follows; only a socket's queue is locked under it
	person  protocol.Person
	events  ring
	replies replies
	socket  *socket     // nil while there is none
	expiry  *time.Timer // runs while there is none
	place   *room       // in which the session has a seat or waits in the lobby
	ended   bool
}

func newSession(signIn identity.Session) *session {
	return &session{
		id: randomName(8), token: randomName(32), signIn: signIn.ID, address: signIn.Address,
		person: signIn.Person, turn: make(chan struct{}, 1),
	}
}

// event is an event that is encoded but for its sequence number, which each session
// counts for itself.
type event struct {
	head string // up to the number
	tail string // after it
}

// newEvent encodes an event. The bodies are our own structs, which cannot fail.
func newEvent(kind string, body any) event {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("encode event %s: %v", kind, err))
	}
	return event{head: `{"type":"` + kind + `","seq":`, tail: `,"body":` + string(encoded) + `}`}
}

// size is about that of its frame, in bytes.
func (e event) size() int { return len(e.head) + len(e.tail) }

func (e event) frame(seq uint64) []byte {
	frame := make([]byte, 0, len(e.head)+20+len(e.tail))
	frame = append(frame, e.head...)
	frame = strconv.AppendUint(frame, seq, 10)
	return append(frame, e.tail...)
}

// push gives the event the next number, keeps it, and sends it if there is a socket. It
// never waits. It reports whether the event reached a socket's queue.
func (s *session) push(e event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.events.put(e)
	return s.socket != nil && s.socket.send(e.frame(s.events.last))
}

// answer remembers the outcome of a request, unless kind is empty, and sends it over
// whatever socket the session has now, which need not be the one that asked.
func (s *session) answer(id, kind string, value any, frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind != "" {
		s.replies.put(id, reply{kind: kind, frame: frame, value: value})
	}
	if s.socket != nil {
		s.socket.send(frame)
	}
}

// answered gives what is remembered of a request.
func (s *session) answered(id string) (reply, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replies.get(id)
}

// last is the number of the newest event.
func (s *session) last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events.last
}

// held reports whether the events after seq are all still there.
func (s *session) held(seq uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events.holds(seq)
}

// attach makes sock the session's socket: the welcome goes out first, then every event
// after welcome.Seq, then what happens from now on. A former socket is closed. It is
// false if the session has ended or events after welcome.Seq are lost.
func (s *session) attach(sock *socket, id string, welcome protocol.Welcome) bool {
	s.mu.Lock()
	missed, ok := s.events.since(welcome.Seq)
	if s.ended || !ok {
		s.mu.Unlock()
		return false
	}
	former := s.socket
	s.socket = sock
	if s.expiry != nil {
		s.expiry.Stop()
		s.expiry = nil
	}
	welcome.You = s.person
	welcome.You.Online = true
	sock.send(append([][]byte{replyFrame(id, welcome)}, missed...)...)
	s.mu.Unlock()
	if former != nil && former != sock {
		former.abort(protocol.CloseReplaced, "resumed on another socket")
	}
	return true
}

// detach takes note that sock is gone; expired is called if no other one comes within
// grace. It is false if sock was not the session's socket any more.
func (s *session) detach(sock *socket, grace time.Duration, expired func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != sock {
		return false
	}
	s.socket = nil
	if !s.ended {
		s.expiry = time.AfterFunc(grace, expired)
	}
	return true
}

// connected reports whether the session has a socket.
func (s *session) connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.socket != nil
}

// end makes the session unusable. With a last event, that is sent first, and the socket
// is closed with code after it. It is false if the session has ended before, or (if only
// lost is asked for) has a socket again.
func (s *session) end(last *event, code protocol.CloseCode, reason string, onlyLost bool) bool {
	s.mu.Lock()
	if s.ended || onlyLost && s.socket != nil {
		s.mu.Unlock()
		return false
	}
	s.ended = true
	if s.expiry != nil {
		s.expiry.Stop()
		s.expiry = nil
	}
	sock := s.socket
	if sock != nil && last != nil {
		sock.send(last.frame(s.events.last + 1))
	}
	s.mu.Unlock()
	if sock != nil {
		sock.close(code, reason)
	}
	return true
}

// alive reports whether the session has not ended.
func (s *session) alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.ended
}

// who gives the session's person as last known.
func (s *session) who() protocol.Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.person
}

func (s *session) setPerson(p protocol.Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.person = p
}

// at gives the room in which the session sits or waits, nil if in none.
func (s *session) at() *room {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.place
}

// enter notes that the session sits or waits in r, and gives where it was.
func (s *session) enter(r *room) (former *room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	former, s.place = s.place, r
	return former
}

// exit notes that it no longer does; if it is elsewhere by now, that stays.
func (s *session) exit(r *room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.place == r {
		s.place = nil
	}
}

// replyFrame encodes an answer.
func replyFrame(id string, body any) []byte {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("encode reply: %v", err)) // our own structs
	}
	return encodeEnvelope(protocol.Envelope{Type: protocol.TypeReply, ID: id, Body: encoded})
}

// refusalFrame encodes a refusal.
func refusalFrame(id string, r *protocol.Refusal) []byte {
	return encodeEnvelope(protocol.Envelope{Type: protocol.TypeReply, ID: id, Error: r})
}

func encodeEnvelope(e protocol.Envelope) []byte {
	frame, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("encode envelope: %v", err)) // its parts are encoded already
	}
	return frame
}
