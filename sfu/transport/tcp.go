package transport

import (
	"net/netip"
	"time"

	"tarasul/sfu/udp"
)

// TCPConfig is what a TCPListener needs. The callbacks are called from goroutines of the
// connections and must not block.
type TCPConfig struct {
	Deliver    func(frame []byte, s *Stream) // one datagram; only valid during the call
	Closed     func(s *Stream)               // once per admitted stream
	PerAddress int                           // connections at a time from one IP address, default 64
	Total      int                           // connections at a time, default 1024
	Admission  time.Duration                 // time until Admit must have been called, default 10 s
	Queue      int                           // bytes that may wait to be sent per stream, default 256 KiB
}

// TCPListener accepts ICE-TCP connections (RFC 6544, passive candidates).
type TCPListener struct{}

// ListenTCP listens on an address. The error names the address.
func ListenTCP(addr netip.AddrPort, cfg TCPConfig) (*TCPListener, error) { panic("soon") }

// Addr is the address that is listened on.
func (l *TCPListener) Addr() netip.AddrPort { panic("soon") }

// Close ends the listener and all its streams and waits for their goroutines.
func (l *TCPListener) Close() error { panic("soon") }

// Stream is one ICE-TCP connection: datagrams in RFC 4571 frames.
type Stream struct{}

// Remote is the peer's address.
func (s *Stream) Remote() udp.Addr { panic("soon") }

// Admit says that a STUN check on this stream was authenticated. Until then only STUN is
// delivered, and the stream is closed after TCPConfig.Admission.
func (s *Stream) Admit() { panic("soon") }

// Write queues a datagram to be sent; it copies it and never blocks. False means that it was
// dropped: the queue is full or the stream closed.
func (s *Stream) Write(datagram []byte) bool { panic("soon") }

// Dropped counts the datagrams that Write dropped.
func (s *Stream) Dropped() uint64 { panic("soon") }

// Close closes the connection without waiting. It may be called more than once and from the loop.
func (s *Stream) Close() { panic("soon") }
