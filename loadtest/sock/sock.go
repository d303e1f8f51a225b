//go:build linux

// Package sock is a bot's UDP socket. It stays outside Go's poller, because thirty bots that each receive two thousand
// datagrams a second would otherwise wake the runtime for every one of them and take from the server the cores that are
// to be measured: many datagrams are taken with one system call whenever the owner chooses, and the kernel's own receive
// time comes with each, so that waiting in the socket does not count as latency.
//
// It knows nothing of what the datagrams carry.
package sock

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sizes of a Batch. A datagram that is longer than SlotSize is cut.
const (
	Slots    = 64
	SlotSize = 2048
)

// controlSize holds one timestamp (16 bytes of data) and one drop counter (4), each with its header of 16 bytes.
const controlSize = 64

// ErrUnreachable says that nobody listens at the other end (the kernel had an ICMP answer): the server is gone.
var ErrUnreachable = errors.New("sock: nobody listens at the remote address")

// UDP is one connected socket. Receive and Dropped belong to one goroutine; Send and Close may be called from anywhere.
type UDP struct {
	fd      int
	local   netip.AddrPort
	dropped uint32
}

// Open makes a socket that speaks with remote only. buffer is the receive buffer asked for, in bytes: it must hold what
// arrives between two calls of Receive.
func Open(remote netip.AddrPort, buffer int) (*UDP, error) {
	remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	family := unix.AF_INET
	if remote.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open socket to %v: %w", remote, err)
	}
	u := &UDP{fd: fd}
	if err := u.prepare(remote, buffer); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("open socket to %v: %w", remote, err)
	}
	return u, nil
}

func (u *UDP) prepare(remote netip.AddrPort, buffer int) error {
	// Beyond rmem_max only with privileges; what the kernel grants without them has to do.
	if unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		if err := unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer); err != nil {
			return err
		}
	}
	for _, option := range []int{unix.SO_TIMESTAMPNS, unix.SO_RXQ_OVFL} {
		if err := unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, option, 1); err != nil {
			return err
		}
	}
	if err := unix.Connect(u.fd, sockaddr(remote)); err != nil {
		return err
	}
	bound, err := unix.Getsockname(u.fd)
	if err != nil {
		return err
	}
	switch a := bound.(type) {
	case *unix.SockaddrInet4:
		u.local = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		u.local = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	return nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// FD is the file descriptor, for the owner's own poll.
func (u *UDP) FD() int { return u.fd }

// LocalAddr is the address from which datagrams leave.
func (u *UDP) LocalAddr() netip.AddrPort { return u.local }

// Dropped is how many datagrams the kernel threw away because nobody called Receive in time: a fault of the tester, not
// of the server.
func (u *UDP) Dropped() uint32 { return u.dropped }

// Send sends one datagram. A full send buffer is unix.EAGAIN or unix.ENOBUFS, and the datagram is lost.
func (u *UDP) Send(b []byte) error {
	for {
		_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(u.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch e {
		case 0:
			return nil
		case unix.EINTR:
		case unix.ECONNREFUSED:
			return ErrUnreachable
		default:
			return e
		}
	}
}

// Close gives the socket back to the kernel.
func (u *UDP) Close() error { return unix.Close(u.fd) }

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
	_      uint32
}

// Batch is where Receive puts datagrams. One Batch serves any number of sockets, one after the other.
type Batch struct {
	messages [Slots]message
	iovecs   [Slots]unix.Iovec
	data     [Slots][SlotSize]byte
	control  [Slots][controlSize]byte
}

// NewBatch makes an empty Batch of about 140 kB.
func NewBatch() *Batch {
	b := &Batch{}
	for i := range b.messages {
		b.iovecs[i].Base = &b.data[i][0]
		b.iovecs[i].SetLen(SlotSize)
		b.messages[i].header.Iov = &b.iovecs[i]
		b.messages[i].header.SetIovlen(1)
		b.messages[i].header.Control = &b.control[i][0]
		b.messages[i].header.SetControllen(controlSize)
	}
	return b
}

// Receive takes what has gathered in the socket, at most Slots datagrams, without waiting. If it returns Slots, there may
// be more. The error is ErrUnreachable, or means that the socket is broken.
func (u *UDP) Receive(b *Batch) (int, error) {
	for {
		// A raw call: it never waits, and so need not tell the scheduler.
		n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(u.fd), uintptr(unsafe.Pointer(&b.messages[0])), Slots, unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			return int(n), nil
		case unix.EAGAIN:
			return 0, nil
		case unix.EINTR:
		case unix.ECONNREFUSED:
			return 0, ErrUnreachable
		default:
			return 0, fmt.Errorf("receive: %w", syscall.Errno(e))
		}
	}
}

// Datagram returns the i-th datagram of the last Receive and when the kernel received it, in nanoseconds since the Unix
// epoch (0 if the kernel did not say). data is valid until the next Receive and may be changed in place. It must be
// called once for each, because it makes the slot ready for the next Receive.
func (u *UDP) Datagram(b *Batch, i int) (data []byte, received int64) {
	m := &b.messages[i]
	length := min(int(m.length), SlotSize)
	control := b.control[i][:m.header.Controllen]
	for len(control) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		if h.Len < unix.SizeofCmsghdr || h.Len > uint64(len(control)) {
			break
		}
		if h.Level == unix.SOL_SOCKET {
			switch h.Type {
			case unix.SCM_TIMESTAMPNS:
				received = (*unix.Timespec)(unsafe.Pointer(&control[unix.SizeofCmsghdr])).Nano()
			case unix.SO_RXQ_OVFL:
				u.dropped = *(*uint32)(unsafe.Pointer(&control[unix.SizeofCmsghdr]))
			}
		}
		control = control[min(len(control), (int(h.Len)+7)&^7):]
	}
	m.header.SetControllen(controlSize)
	return b.data[i][:length], received
}

// Clock relates the kernel's receive times, which are wall time, to the tester's own monotonic nanoseconds, in which
// packets are stamped. It is read once per drain, so a step of the wall clock spoils only what was on its way just then.
type Clock struct{ base time.Time }

// NewClock starts at 0 now.
func NewClock() Clock { return Clock{base: time.Now()} }

// Now is the monotonic time in nanoseconds since NewClock, and what must be taken from wall time in nanoseconds to get there.
func (c Clock) Now() (now, fromWall int64) {
	t := time.Now()
	now = int64(t.Sub(c.base))
	return now, t.UnixNano() - now
}

// Since is the monotonic time alone.
func (c Clock) Since() int64 { return int64(time.Since(c.base)) }
