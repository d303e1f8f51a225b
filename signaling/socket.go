package signaling

import (
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"tarasul/signaling/protocol"
)

// Timing and bounds of one websocket.
const (
	pingEvery    = 15 * time.Second
	pongDeadline = 40 * time.Second // nothing was read for so long: the socket is dead
	writeTimeout = 10 * time.Second // one frame that does not get through in this time ends the socket
	closeTimeout = time.Second      // to write the close frame, and for the client to answer it
	queueFrames  = 1024
	queueBytes   = 1 << 20
)

// socket is the sending half of one websocket. Whoever has something to say appends it to
// a bounded queue, which one writer goroutine empties; a client that reads so slowly that
// the queue is full loses the socket, not the session, and nobody waits for it.
type socket struct {
	conn *websocket.Conn
	wake chan struct{} // of capacity 1: the queue or closing has changed
	read chan struct{} // closed by the reader when it has ended
	done chan struct{} // closed when the writer has ended and the connection is closed
	// goodbye says that the client closed with "normal closure"; the reader's own. Pages
	// that reload or lose their network never do.
	goodbye bool

	mu      sync.Mutex // guards what follows; nothing is locked under it
	queue   [][]byte
	bytes   int
	closing protocol.CloseCode // 0 while the socket is to go on
	reason  string             // for the close frame: a constant phrase
	drop    bool               // close without writing what is queued
}

func newSocket(conn *websocket.Conn) *socket {
	return &socket{conn: conn, wake: make(chan struct{}, 1), read: make(chan struct{}), done: make(chan struct{})}
}

// send queues frames, in order and either all of them or none. It is false if the socket
// is closing, or closes now because the client is too slow.
func (s *socket) send(frames ...[]byte) bool {
	total := 0
	for _, f := range frames {
		total += len(f)
	}
	s.mu.Lock()
	if s.closing != 0 {
		s.mu.Unlock()
		return false
	}
	// A replay after a resume may be larger than the bound; it only has to fit into an
	// empty queue, and rings are bounded themselves.
	if len(s.queue) > 0 && (len(s.queue)+len(frames) > queueFrames || s.bytes+total > queueBytes) {
		s.closing, s.reason, s.drop = protocol.CloseSlow, "reads too slowly", true
		s.queue, s.bytes = nil, 0
		s.mu.Unlock()
		s.unblock()
		s.signal()
		return false
	}
	s.queue = append(s.queue, frames...)
	s.bytes += total
	s.mu.Unlock()
	s.signal()
	return true
}

// close ends the socket after what is queued was written. The first call decides.
func (s *socket) close(code protocol.CloseCode, reason string) {
	s.mu.Lock()
	if s.closing == 0 {
		s.closing, s.reason = code, reason
	}
	s.mu.Unlock()
	s.signal()
}

// abort ends the socket without writing anything that is still queued.
func (s *socket) abort(code protocol.CloseCode, reason string) {
	s.mu.Lock()
	if s.closing == 0 {
		s.closing, s.reason = code, reason
	}
	s.drop = true
	s.queue, s.bytes = nil, 0
	s.mu.Unlock()
	s.unblock()
	s.signal()
}

func (s *socket) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// unblock makes a write that waits for the client fail now instead of after its timeout.
func (s *socket) unblock() {
	_ = s.conn.NetConn().SetWriteDeadline(time.Unix(1, 0))
}

// closed reports whether the socket is on its way out: what is read from it no longer counts.
func (s *socket) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing != 0
}

// gone reports whether the connection has ended.
func (s *socket) gone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// wasSlow reports whether the socket was closed because the client read too slowly.
func (s *socket) wasSlow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing == protocol.CloseSlow
}

// write runs until the socket closes or its reader has ended, then closes the connection,
// which ends the reader.
func (s *socket) write() {
	defer close(s.done)
	defer s.conn.Close()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-s.wake:
		case <-s.read:
			if _, closing, reason := s.take(); closing != 0 {
				s.farewell(closing, reason)
			}
			return
		case <-ping.C:
			if s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout)) != nil {
				return
			}
			continue
		}
		queue, closing, reason := s.take()
		for _, frame := range queue {
			if s.dropped() {
				break
			}
			_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			if s.conn.WriteMessage(websocket.TextMessage, frame) != nil {
				return
			}
		}
		if closing != 0 {
			s.farewell(closing, reason)
			return
		}
	}
}

// take empties the queue.
func (s *socket) take() (queue [][]byte, closing protocol.CloseCode, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue = s.queue
	s.queue, s.bytes = nil, 0
	return queue, s.closing, s.reason
}

func (s *socket) dropped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drop
}

// farewell writes the close frame and gives the client a moment to answer it: to close at
// once with something still unread would reset the connection, and the code be lost.
func (s *socket) farewell(code protocol.CloseCode, reason string) {
	frame := websocket.FormatCloseMessage(int(code), reason)
	if s.conn.WriteControl(websocket.CloseMessage, frame, time.Now().Add(closeTimeout)) != nil {
		return
	}
	patience := time.NewTimer(closeTimeout)
	defer patience.Stop()
	select {
	case <-s.read:
	case <-patience.C:
	}
}
