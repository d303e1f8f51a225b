//go:build linux && (amd64 || arm64)

package relay

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is how many packets one system call moves.
const batch = 64

// buffer is the receive buffer that is asked for, in bytes; what the kernel grants has to do.
const buffer = 4 << 20

// socket is a UDP socket that never waits.
type socket struct {
	fd         int
	local      netip.AddrPort
	overflowed uint32 // packets that the kernel had no room for
}

// open makes a socket that is bound to local or, if remote is valid, speaks with it only.
func open(local, remote netip.AddrPort) (*socket, error) {
	family := unix.AF_INET
	if local.Addr().Is6() || remote.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	s := &socket{fd: fd}
	if err := s.prepare(local, remote); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return s, nil
}

func (s *socket) prepare(local, remote netip.AddrPort) error {
	for _, option := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, option[0], buffer) != nil { // only with privileges
			if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, option[1], buffer); err != nil {
				return err
			}
		}
	}
	for _, option := range []int{unix.SO_TIMESTAMPNS, unix.SO_RXQ_OVFL} {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, option, 1); err != nil {
			return err
		}
	}
	var err error
	if remote.IsValid() {
		err = unix.Connect(s.fd, sockaddr(remote))
	} else {
		err = unix.Bind(s.fd, sockaddr(local))
	}
	if err != nil {
		return err
	}
	bound, err := unix.Getsockname(s.fd)
	if err != nil {
		return err
	}
	switch a := bound.(type) {
	case *unix.SockaddrInet4:
		s.local = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		s.local = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	return nil
}

func (s *socket) close() { _ = unix.Close(s.fd) }

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// name is an address as the kernel wrote it, of either family.
type name struct {
	raw  unix.RawSockaddrInet6
	size uint32
}

// addr reads a name.
func (n *name) addr() netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&n.raw.Port))[:])
	if n.raw.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(&n.raw)).Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(n.raw.Addr), port)
}

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
	_      uint32
}

// controlSize holds one timestamp (16 bytes of data) and one drop counter (4), each with its header of 16 bytes.
const controlSize = 64

// inbox is where packets are received. The slots are those of the pool; a packet that is kept takes its slot along.
type inbox struct {
	messages [batch]message
	vectors  [batch]unix.Iovec
	names    [batch]name
	control  [batch][controlSize]byte
	slots    [batch]uint32
}

func newInbox(p *pool) *inbox {
	in := &inbox{}
	for i := range in.messages {
		in.slots[i], _ = p.get() // the pool is larger than a batch
		in.renew(i, p)
		h := &in.messages[i].header
		h.Iov = &in.vectors[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&in.names[i].raw))
		h.Control = &in.control[i][0]
		in.reset(i)
	}
	return in
}

// renew lets the kernel write into the slot of message i.
func (in *inbox) renew(i int, p *pool) {
	in.vectors[i].Base = unsafe.SliceData(p.all(in.slots[i]))
	in.vectors[i].SetLen(slotSize)
}

// reset makes message i ready to be received.
func (in *inbox) reset(i int) {
	h := &in.messages[i].header
	h.Namelen = unix.SizeofSockaddrInet6
	h.SetControllen(controlSize)
}

// receive takes what has gathered in the socket, at most a batch.
func (s *socket) receive(in *inbox) (n int, errno unix.Errno) {
	// A raw call, as it never waits: the scheduler need not know, and cannot give the processor away meanwhile.
	r, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&in.messages[0])), batch, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// received is what the kernel says of one packet.
type received struct {
	size  int
	cut   bool  // it was longer than a slot
	stamp int64 // when the kernel received it, in nanoseconds since the Unix epoch; 0 if it does not say
}

// take reads message i and makes it ready for the next receive.
func (s *socket) take(in *inbox, i int) (r received) {
	m := &in.messages[i]
	r.size, r.cut = int(m.length), m.header.Flags&unix.MSG_TRUNC != 0
	in.names[i].size = m.header.Namelen
	control := in.control[i][:m.header.Controllen]
	for len(control) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		if h.Len < unix.SizeofCmsghdr || h.Len > uint64(len(control)) {
			break
		}
		if h.Level == unix.SOL_SOCKET {
			switch h.Type {
			case unix.SCM_TIMESTAMPNS:
				r.stamp = (*unix.Timespec)(unsafe.Pointer(&control[unix.SizeofCmsghdr])).Nano()
			case unix.SO_RXQ_OVFL:
				s.overflowed = *(*uint32)(unsafe.Pointer(&control[unix.SizeofCmsghdr]))
			}
		}
		control = control[min(len(control), (int(h.Len)+7)&^7):]
	}
	in.reset(i)
	return r
}

// outbox gathers packets that leave through one socket with one system call.
type outbox struct {
	socket   *socket
	messages [batch]message
	vectors  [batch]unix.Iovec
	lanes    [batch]*lane
	slots    [batch]uint32
	n        int
}

func newOutbox() *outbox {
	out := &outbox{}
	for i := range out.messages {
		out.messages[i].header.Iov = &out.vectors[i]
		out.messages[i].header.SetIovlen(1)
	}
	return out
}

// add takes a packet of the lane's. There must be room, and the lane's socket must be the outbox's.
func (out *outbox) add(l *lane, slot uint32, packet []byte) {
	h := &out.messages[out.n].header
	h.Name, h.Namelen = nil, 0
	if l.to != nil {
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&l.to.raw)), l.to.size
	}
	out.vectors[out.n].Base = unsafe.SliceData(packet)
	out.vectors[out.n].SetLen(len(packet))
	out.lanes[out.n], out.slots[out.n] = l, slot
	out.n++
}

// send sends all, and gives the slots back. unreachable is how often the kernel said that nobody listens.
func (out *outbox) send(p *pool) (unreachable uint64) {
	for i, again := 0, false; i < out.n; {
		r, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(out.socket.fd), uintptr(unsafe.Pointer(&out.messages[i])), uintptr(out.n-i),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch {
		case errno == 0:
			i += int(r)
			again = false
		case errno == unix.EINTR:
		case errno == unix.ECONNREFUSED && !again: // it speaks of an earlier packet, and this one was not sent
			unreachable++
			again = true
		default:
			out.lanes[i].lost++
			i++
			again = false
		}
	}
	for i := range out.n {
		p.put(out.slots[i])
		out.lanes[i] = nil
	}
	out.n = 0
	return unreachable
}
