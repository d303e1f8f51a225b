//go:build linux && (amd64 || arm64)

package udp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// Messages is how many messages an Outbox holds.
	Messages = 512
	// SegmentsMax is how many datagrams a run may have: 64 is what every kernel since 4.18 takes, newer ones take 128.
	SegmentsMax = 64
)

// Outbox gathers messages for one Send. It belongs to one goroutine.
type Outbox struct {
	socket   *Socket
	n        int
	messages []message
	vectors  []unix.Iovec
	names    []unix.RawSockaddrInet6
	controls []control
	counts   []uint8  // datagrams of each message
	lost     []uint8  // of them, lost by the last Send
	refused  []bool   // by the last Send
	dirty    bool     // lost or refused is not all zero
	total    Counters // the outward half: of all messages until Send, then of those that left
}

// control is one UDP_SEGMENT control message as the kernel wants it, padding included.
type control struct {
	header unix.Cmsghdr
	size   uint16
	_      [6]byte
}

// NewOutbox makes an empty Outbox for s.
func NewOutbox(s *Socket) *Outbox {
	o := &Outbox{
		socket: s, messages: make([]message, Messages), vectors: make([]unix.Iovec, Messages), names: make([]unix.RawSockaddrInet6, Messages),
		controls: make([]control, Messages), counts: make([]uint8, Messages), lost: make([]uint8, Messages), refused: make([]bool, Messages),
	}
	for i := range o.messages {
		h := &o.messages[i].header
		h.Iov = &o.vectors[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&o.names[i]))
		c := &o.controls[i]
		c.header.Level, c.header.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.header.SetLen(unix.CmsgLen(2))
	}
	return o
}

// Add takes in one message for to: b is one datagram, or if 0 < segment < len(b) a run of datagrams of segment bytes each,
// the last of which may be shorter, at most SegmentsMax of them. b must stay as it is until Send. Add returns false, and
// has taken nothing, if out is full. A run counts as one message while the kernel takes runs, else as its datagrams.
func (o *Outbox) Add(to Addr, b []byte, segment int) bool {
	count := 1
	if segment > 0 && segment < len(b) {
		count = (len(b) + segment - 1) / segment
	}
	if count > SegmentsMax {
		panic("udp: run of more than SegmentsMax datagrams")
	}
	if count == 1 || o.socket.gso {
		if o.n == Messages {
			return false
		}
		o.put(to, b, segment, count)
		return true
	}
	if o.n+count > Messages {
		return false
	}
	for ; len(b) > segment; b = b[segment:] {
		o.put(to, b[:segment], 0, 1)
	}
	o.put(to, b, 0, 1)
	return true
}

func (o *Outbox) put(to Addr, b []byte, segment, count int) {
	i := o.n
	o.n++
	h := &o.messages[i].header
	h.Namelen = putName(&o.names[i], to, o.socket.v4)
	o.vectors[i].Base = unsafe.SliceData(b)
	o.vectors[i].SetLen(len(b))
	o.counts[i] = uint8(count)
	o.total.Messages++
	o.total.DatagramsOut += uint64(count)
	o.total.BytesOut += uint64(len(b))
	if count == 1 {
		h.Control = nil
		h.Controllen = 0
		return
	}
	o.total.Runs++
	o.total.Segments += uint64(count)
	o.controls[i].size = uint16(segment)
	h.Control = (*byte)(unsafe.Pointer(&o.controls[i]))
	h.Controllen = uint64(unsafe.Sizeof(control{}))
}

// Len is the number of messages.
func (o *Outbox) Len() int { return o.n }

// Clean reports whether the last Send lost nothing and no run was refused.
func (o *Outbox) Clean() bool { return !o.dirty }

// Lost is how many datagrams of the i-th message the last Send lost. It is valid until the next Add.
func (o *Outbox) Lost(i int) int { return int(o.lost[i]) }

// Refused reports whether the i-th message was a run that the last Send had to send piece by piece: the path to its
// destination does not take runs of that size. It is valid until the next Add.
func (o *Outbox) Refused(i int) bool { return o.refused[i] }

// forget takes the i-th message out of the total.
func (o *Outbox) forget(i int) {
	count := uint64(o.counts[i])
	o.total.Messages--
	o.total.DatagramsOut -= count
	o.total.BytesOut -= o.vectors[i].Len
	if count > 1 {
		o.total.Runs--
		o.total.Segments -= count
	}
}

// dropOne counts the i-th message as lost.
func (o *Outbox) dropOne(i int) (lost int) {
	o.forget(i)
	o.dirty = true
	o.lost[i] = o.counts[i]
	o.total.Dropped += uint64(o.counts[i])
	return int(o.counts[i])
}

// drop counts all messages from the i-th on as lost.
func (o *Outbox) drop(i int) (lost int) {
	for ; i < o.n; i++ {
		lost += o.dropOne(i)
	}
	return lost
}
