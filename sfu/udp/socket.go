//go:build linux

// Package udp is one shard's UDP socket.
package udp

import (
	"errors"
	"net/netip"
	"time"
)

// ErrClosed is what Receive and WriteTo return once Close was called.
var ErrClosed = errors.New("udp: socket closed")

// Config is how a Socket is made; the zero value is good.
type Config struct {
	// Buffer is the size in bytes asked for the kernel's receive and send buffers, each. 0 means 8 MiB.
	Buffer int
}

// Socket is one bound UDP socket. Receive, Send, SetIdle and Counters belong to one goroutine, the loop; Wake, WriteTo,
// LocalAddr, Buffers and Close may be called from anywhere.
type Socket struct{}

// Listen binds addr. [::] gives a socket for both families, or for IPv4 only where the machine has no IPv6.
func Listen(addr netip.AddrPort, cfg Config) (*Socket, error) { return nil, nil }

// LocalAddr is the address bound, with the port that the kernel chose if 0 was asked for.
func (s *Socket) LocalAddr() netip.AddrPort { return netip.AddrPort{} }

// Buffers returns the sizes in bytes that the kernel granted.
func (s *Socket) Buffers() (receive, send int) { return 0, 0 }

// SetIdle bounds how long Receive waits: after d without a datagram it returns 0. 0 means that it waits for ever.
func (s *Socket) SetIdle(d time.Duration) {}

// Wake makes a Receive that waits, or else the next one, return at once.
func (s *Socket) Wake() {}

// Receive waits for datagrams and takes all that have gathered, at most Slots of them.
// It returns 0 after SetIdle's time or a Wake, and ErrClosed after Close. Other errors mean that the socket is broken.
func (s *Socket) Receive(in *Inbox) (n int, err error) { return 0, nil }

// Send sends and empties out. It returns how many datagrams were lost; out.Lost says of which messages.
func (s *Socket) Send(out *Outbox) (lost int) { return 0 }

// WriteTo sends one datagram from any goroutine: the slow path, for handshakes.
func (s *Socket) WriteTo(b []byte, to Addr) error { return nil }

// Counters returns the counts so far.
func (s *Socket) Counters() Counters { return Counters{} }

// Close makes Receive return ErrClosed.
func (s *Socket) Close() error { return nil }

// Slots and SlotSize are how many datagrams an Inbox holds and how many bytes of each.
const (
	Slots    = 512
	SlotSize = 2048
)

// Inbox is where Receive puts datagrams.
type Inbox struct{}

// NewInbox makes an empty Inbox of about a mebibyte.
func NewInbox() *Inbox { return &Inbox{} }

// Datagram returns the i-th datagram of the last Receive; data is valid until the next one and may be changed in place.
// It is empty if the datagram was longer than SlotSize (Truncated).
func (in *Inbox) Datagram(i int) (data []byte, from Addr) { return nil, Addr{} }

// Truncated reports whether the i-th datagram was cut.
func (in *Inbox) Truncated(i int) bool { return false }

// Outbox gathers messages for one Send.
type Outbox struct{}

// NewOutbox makes an empty Outbox for s.
func NewOutbox(s *Socket) *Outbox { return &Outbox{} }

// Add takes in one message: b is one datagram, or if segment > 0 and segment < len(b) a run of datagrams of segment bytes
// each, the last of which may be shorter. b must stay as it is until Send. Add returns false if out is full.
func (o *Outbox) Add(to Addr, b []byte, segment int) bool { return false }

// Len is the number of messages.
func (o *Outbox) Len() int { return 0 }

// Counters are plain numbers of the loop.
type Counters struct {
	DatagramsIn, BytesIn, ReceiveCalls, Truncated uint64

	DatagramsOut, BytesOut, SendCalls, Messages uint64
	Runs                                        uint64 // messages of more than one datagram that the kernel took
	Segments                                    uint64 // datagrams in them
	Refused                                     uint64 // runs that the kernel refused and that left piece by piece
	Dropped                                     uint64 // datagrams lost because the send buffer stayed full, or refused
}
