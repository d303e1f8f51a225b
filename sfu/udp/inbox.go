//go:build linux && (amd64 || arm64)

package udp

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Slots and SlotSize are how many datagrams an Inbox holds, and how many bytes of each. 2048 is more than any Ethernet
// frame; transport-wide feedback of a large meeting was cut at 1600.
const (
	Slots    = 512
	SlotSize = 2048
)

// message is struct mmsghdr of 64-bit Linux.
type message struct {
	header unix.Msghdr
	n      uint32 // bytes received or sent
	_      uint32
}

// Inbox is where Receive puts datagrams. It belongs to one goroutine.
type Inbox struct {
	messages []message
	vectors  []unix.Iovec
	names    []unix.RawSockaddrInet6
	used     int // messages that the kernel wrote into
	at       time.Time
}

// NewInbox makes an empty Inbox of about a mebibyte.
func NewInbox() *Inbox {
	in := &Inbox{messages: make([]message, Slots), vectors: make([]unix.Iovec, Slots), names: make([]unix.RawSockaddrInet6, Slots)}
	slots := make([]byte, Slots*SlotSize)
	for i := range in.messages {
		in.vectors[i].Base = &slots[i*SlotSize]
		in.vectors[i].SetLen(SlotSize)
		h := &in.messages[i].header
		h.Iov = &in.vectors[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&in.names[i]))
		h.Namelen = unix.SizeofSockaddrInet6
	}
	return in
}

// Datagram returns the i-th datagram of the last Receive. data is valid until the next Receive and may be changed in
// place. It is empty if the datagram was longer than SlotSize, since a part of one cannot be authenticated.
func (in *Inbox) Datagram(i int) (data []byte, from Addr) {
	m := &in.messages[i]
	if m.header.Flags&unix.MSG_TRUNC == 0 {
		data = unsafe.Slice(in.vectors[i].Base, m.n)
	}
	return data, addrOf(&in.names[i])
}

// Truncated reports whether the i-th datagram of the last Receive was longer than SlotSize.
func (in *Inbox) Truncated(i int) bool { return in.messages[i].header.Flags&unix.MSG_TRUNC != 0 }

// At is when the last Receive returned.
func (in *Inbox) At() time.Time { return in.at }

// remove moves the i-th of n datagrams behind the others and keeps their order.
func (in *Inbox) remove(i, n int) {
	vector := in.vectors[i]
	copy(in.vectors[i:n-1], in.vectors[i+1:n])
	in.vectors[n-1] = vector
	copy(in.names[i:n-1], in.names[i+1:n])
	for ; i < n-1; i++ {
		in.messages[i].n, in.messages[i].header.Flags = in.messages[i+1].n, in.messages[i+1].header.Flags
	}
}
