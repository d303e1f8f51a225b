package transport

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tarasul/sfu/udp"
)

const (
	// maxFrame is the largest datagram that a peer may send: what fits the loop's buffers.
	maxFrame = 2048
	// flushTime is how long a stream that was closed may take to send what is queued, like a close_notify.
	flushTime = time.Second
	// sendBuffer is what the kernel may hold; left to itself it holds megabytes, which on a slow
	// link is media of many seconds ago.
	sendBuffer = 128 << 10
	// keepBuffer is what a stream keeps of a buffer that a jam made large.
	keepBuffer = 32 << 10
)

// Stream is one ICE-TCP connection: datagrams with their length before them (RFC 4571).
type Stream struct {
	conn     *net.TCPConn
	remote   udp.Addr
	cfg      TCPConfig
	admitted atomic.Bool
	dropped  atomic.Uint64
	wake     chan struct{} // there is something to write, or the end

	mu      sync.Mutex // guards what follows
	pending []byte     // frames that wait to be sent
	closed  bool
}

func newStream(conn *net.TCPConn, remote netip.AddrPort, cfg TCPConfig) *Stream {
	_ = conn.SetWriteBuffer(sendBuffer)
	return &Stream{conn: conn, remote: udp.AddrOf(remote), cfg: cfg, wake: make(chan struct{}, 1)}
}

// Remote is the peer's address.
func (s *Stream) Remote() udp.Addr { return s.remote }

// Admit says that a STUN check on this stream was authenticated. Until then only STUN is
// delivered, and the stream is closed after TCPConfig.Admission. It may be called with every check.
func (s *Stream) Admit() {
	if s.admitted.CompareAndSwap(false, true) {
		// From now on the peer's consent decides; TCP's own keep-alive finds dead connections.
		_ = s.conn.SetReadDeadline(time.Time{})
	}
}

// Write queues a datagram to be sent; it copies it and never blocks. False means that it was
// dropped: the queue is full, the stream closed, or the datagram longer than a frame can be.
func (s *Stream) Write(datagram []byte) bool {
	s.mu.Lock()
	ok := !s.closed && len(datagram) <= 0xffff && len(s.pending)+2+len(datagram) <= s.cfg.Queue
	if ok {
		s.pending = binary.BigEndian.AppendUint16(s.pending, uint16(len(datagram)))
		s.pending = append(s.pending, datagram...)
	}
	s.mu.Unlock()
	if !ok {
		s.dropped.Add(1)
		return false
	}
	s.nudge()
	return true
}

// Dropped counts the datagrams that Write dropped.
func (s *Stream) Dropped() uint64 { return s.dropped.Load() }

// Close sends what is queued, at most for flushTime, and closes the connection. It does not
// wait for that, and may be called more than once and from the loop.
func (s *Stream) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if !first {
		return
	}
	now := time.Now()
	_ = s.conn.SetWriteDeadline(now.Add(flushTime))
	_ = s.conn.SetReadDeadline(now)
	s.nudge()
}

func (s *Stream) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// read delivers frames until the connection ends, and reports whether there were any. It runs
// on a goroutine of its own.
func (s *Stream) read() (delivered bool) {
	s.mu.Lock()
	if !s.closed { // Close has set the deadline that ends us
		_ = s.conn.SetReadDeadline(time.Now().Add(s.cfg.Admission))
	}
	s.mu.Unlock()
	in := bufio.NewReaderSize(s.conn, 2*maxFrame)
	frame := make([]byte, maxFrame)
	for {
		n, err := readFrame(in, frame)
		if err != nil {
			return delivered
		}
		if s.admitted.Load() || IsSTUN(frame[:n]) {
			delivered = true
			s.cfg.Deliver(frame[:n], s)
		}
	}
}

// readFrame reads one frame into b, which must hold it (RFC 4571 section 2).
func readFrame(in io.Reader, b []byte) (int, error) {
	if _, err := io.ReadFull(in, b[:2]); err != nil {
		return 0, err
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > len(b) {
		return 0, io.ErrShortBuffer
	}
	return io.ReadFull(in, b[:n])
}

// write sends what gathers, as much at a time as there is. It runs on a goroutine of its own
// and closes the connection in the end.
func (s *Stream) write() {
	defer s.conn.Close()
	var sending []byte
	for range s.wake {
		s.mu.Lock()
		sending, s.pending = s.pending, sending[:0]
		closed := s.closed
		s.mu.Unlock()
		if len(sending) > 0 {
			if _, err := s.conn.Write(sending); err != nil {
				s.Close()
				return
			}
		}
		if closed {
			return
		}
		if cap(sending) > keepBuffer {
			sending = nil
		}
	}
}
