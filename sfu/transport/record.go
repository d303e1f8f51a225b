package transport

import (
	"encoding/binary"
	"net"
	"os"
	"sync"
	"time"
)

// A DTLS 1.2 record (RFC 6347 section 4.1): content type, version, epoch, sequence number,
// length, content. Epoch 0 has no keys yet, so anybody can write its records.
const (
	recordHeader = 13

	recordChange    = 20
	recordAlert     = 21
	recordHandshake = 22
	recordData      = 23
)

// IsDTLS reports whether a datagram is a DTLS record (RFC 7983).
func IsDTLS(datagram []byte) bool {
	return len(datagram) >= recordHeader && datagram[0] >= 20 && datagram[0] <= 63
}

// admit copies the records of a datagram that may pass; nil if none may. Records without keys
// may only be what a handshake consists of, and none may pass once it is done: pion/dtls
// would answer some that are malformed with a fatal alert, and application data by ending
// the association. A peer that lost our last flight repeats its own, whose last record has
// keys, and that is enough to have ours repeated. A change of cipher comes before keys and
// never has any; pion does not open one that claims to, and would answer it with an alert
// that ends the association.
func admit(datagram []byte, keyed bool) []byte {
	var out []byte
	for b := datagram; len(b) >= recordHeader; {
		size := recordHeader + int(binary.BigEndian.Uint16(b[11:]))
		if size > len(b) {
			break
		}
		content, epoch := b[0], binary.BigEndian.Uint16(b[3:])
		plain := !keyed && (content == recordHandshake || content == recordChange)
		if epoch == 0 && plain || epoch != 0 && content > recordChange && content <= recordData {
			if out == nil {
				out = make([]byte, 0, len(b))
			}
			out = append(out, b[:size]...)
		}
		b = b[size:]
	}
	return out
}

// plainAlert reports whether a datagram is an alert without keys. We send none: it would end
// the handshake of the genuine peer when a forged datagram has spoilt ours.
func plainAlert(datagram []byte) bool {
	return len(datagram) >= recordHeader && datagram[0] == recordAlert && binary.BigEndian.Uint16(datagram[3:]) == 0
}

// pipe is the net.PacketConn of one handshake: it reads from the queue of the DTLS and writes
// to the peer. Writes never wait; the read deadline is only ever set to the past, by pion's
// context handling, or taken back.
type pipe struct {
	in     <-chan []byte
	write  func([]byte) error
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex    // guards expired
	expired chan struct{} // closed when the read deadline is in the past
}

func newPipe(in <-chan []byte, write func([]byte) error) *pipe {
	return &pipe{in: in, write: write, closed: make(chan struct{}), expired: make(chan struct{})}
}

// ReadFrom waits for a datagram.
func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	p.mu.Lock()
	expired := p.expired
	p.mu.Unlock()
	select {
	case <-expired:
		return 0, nil, os.ErrDeadlineExceeded
	case <-p.closed:
		return 0, nil, net.ErrClosed
	default:
	}
	select {
	case datagram := <-p.in:
		return copy(b, datagram), pipeAddr{}, nil
	case <-expired:
		return 0, nil, os.ErrDeadlineExceeded
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo sends a datagram. One that cannot be sent is a lost one.
func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	if !plainAlert(b) {
		_ = p.write(b)
	}
	return len(b), nil
}

// Close ends reads.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// SetReadDeadline takes a time in the past, or none.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	over := false
	select {
	case <-p.expired:
		over = true
	default:
	}
	switch {
	case t.IsZero() && over:
		p.expired = make(chan struct{})
	case t.IsZero() || over:
	case t.After(time.Now()):
		return os.ErrNoDeadline
	default:
		close(p.expired)
	}
	return nil
}

func (p *pipe) SetWriteDeadline(time.Time) error { return nil }
func (p *pipe) SetDeadline(t time.Time) error    { return p.SetReadDeadline(t) }
func (p *pipe) LocalAddr() net.Addr              { return pipeAddr{} }

// pipeAddr stands where pion/dtls wants an address: the path is the loop's affair.
type pipeAddr struct{}

func (pipeAddr) Network() string { return "udp" }
func (pipeAddr) String() string  { return "peer" }
