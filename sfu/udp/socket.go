//go:build linux && (amd64 || arm64)

package udp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrClosed is what Receive and WriteTo return once Close was called.
var ErrClosed = errors.New("udp: socket closed")

// defaultBuffer holds about 0.1 s of the traffic of a full shard: a turn of the loop lasts milliseconds at most, but the
// garbage collector, another process or the hypervisor can hold it up for longer.
const defaultBuffer = 8 << 20

// Config is how a Socket is made; the zero value is good.
type Config struct {
	// Buffer is the size in bytes asked for the kernel's receive and send buffers, each. 0 means 8 MiB.
	Buffer int
}

// Socket is one bound UDP socket. Receive, Send, SetIdle and Counters belong to one goroutine, the loop; Wake, WriteTo,
// LocalAddr, Buffers and Close may be called from anywhere.
type Socket struct {
	fd    int
	v4    bool // an AF_INET socket: its addresses have the short form
	local netip.AddrPort
	guard guard // fd and waker

	waker    int // the socket from which Wake sends token to wakeName, which is fd's
	wakeName unix.RawSockaddrInet6
	wakeSize uint32
	token    [tokenSize]byte
	woken    atomic.Bool // token is on its way

	// sendmmsg is the system call; tests put a kernel with a mind of its own in its place.
	sendmmsg func(fd int, messages []message) (sent int, errno unix.Errno)

	// What follows belongs to the loop.
	idle       time.Duration
	timeout    time.Duration // as the kernel has it
	yielded    time.Time
	yield      bool
	waited     bool // this Send has waited for room once
	gso        bool // form runs
	gsoTaken   bool // the kernel took a run at least once
	gsoRefused int  // runs that it did not take
	pieces     *Outbox
	counters   Counters
	overflow   uint32 // the kernel's count when it was read last
}

// Listen binds addr. [::] gives a socket for both families, or for IPv4 only where the machine has no IPv6.
// A port that is taken is an error that names addr and for which errors.Is(err, syscall.EADDRINUSE) holds.
func Listen(addr netip.AddrPort, cfg Config) (*Socket, error) {
	if cfg.Buffer < 0 {
		return nil, fmt.Errorf("udp: buffer of %d bytes", cfg.Buffer)
	}
	if cfg.Buffer == 0 {
		cfg.Buffer = defaultBuffer
	}
	s := &Socket{fd: -1, waker: -1, sendmmsg: sendmmsg, v4: addr.Addr().Unmap().Is4()}
	s.guard.open()
	err := s.bind(addr)
	if errors.Is(err, unix.EAFNOSUPPORT) && addr.Addr() == netip.IPv6Unspecified() {
		s.v4 = true
		err = s.bind(netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port()))
	}
	if err == nil {
		err = s.prepare(cfg)
	}
	if err != nil {
		s.release()
		return nil, fmt.Errorf("udp: listen on %s: %w", addr, err)
	}
	s.pieces = NewOutbox(s)
	return s, nil
}

// bind makes fd and reads the address that it got.
func (s *Socket) bind(addr netip.AddrPort) (err error) {
	family := unix.AF_INET6
	if s.v4 {
		family = unix.AF_INET
	}
	if s.fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return os.NewSyscallError("socket", err)
	}
	if !s.v4 {
		only := 1
		if addr.Addr() == netip.IPv6Unspecified() {
			only = 0
		}
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(s.fd, s.sockaddr(addr)); err != nil {
		return os.NewSyscallError("bind", err)
	}
	s.local, err = localAddr(s.fd)
	return err
}

// prepare sizes the buffers, learns whether the kernel knows runs, and makes the waker.
func (s *Socket) prepare(cfg Config) error {
	for _, option := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		// Without CAP_NET_ADMIN the limits of net.core.{r,w}mem_max hold; Buffers tells what came of it.
		if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, option[0], cfg.Buffer) == nil {
			continue
		}
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, option[1], cfg.Buffer); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	_, err := unix.GetsockoptInt(s.fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT)
	s.gso = err == nil
	if err := s.setTimeout(longestWait); err != nil {
		return err
	}
	return s.makeWaker()
}

// makeWaker makes the socket from which Wake sends to fd, over loopback unless fd is bound to another address of this
// machine. It is not fd itself, because a full send buffer must not keep the loop from being woken.
func (s *Socket) makeWaker() (err error) {
	target := s.local
	family := unix.AF_INET6
	if s.v4 {
		family = unix.AF_INET
	}
	if target.Addr().IsUnspecified() { // IPv4 in any case: a machine may have an IPv6 stack and no ::1
		target = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), target.Port())
	}
	s.wakeSize = putName(&s.wakeName, AddrOf(target), s.v4)
	if _, err := rand.Read(s.token[:]); err != nil {
		return err
	}
	s.waker, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	return os.NewSyscallError("socket", err)
}

// sockaddr is the slow form, for bind and connect.
func (s *Socket) sockaddr(a netip.AddrPort) unix.Sockaddr {
	if s.v4 {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().Unmap().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func localAddr(fd int) (netip.AddrPort, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	if sa, ok := sa.(*unix.SockaddrInet4); ok {
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), nil
	}
	in6 := sa.(*unix.SockaddrInet6)
	return netip.AddrPortFrom(netip.AddrFrom16(in6.Addr), uint16(in6.Port)), nil
}

// LocalAddr is the address bound, with the port that the kernel chose if 0 was asked for.
func (s *Socket) LocalAddr() netip.AddrPort { return s.local }

// Buffers returns the sizes in bytes of the kernel's buffers, comparable with Config.Buffer: a process without
// CAP_NET_ADMIN gets no more than net.core.rmem_max and net.core.wmem_max. They are 0 once the socket is closed.
func (s *Socket) Buffers() (receive, send int) {
	if !s.guard.enter() {
		return 0, 0
	}
	defer s.leave()
	receive, _ = unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	send, _ = unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	return receive / 2, send / 2 // the kernel doubles what is asked for, for its bookkeeping
}

// Counters returns the counts so far. Only the loop may call it.
func (s *Socket) Counters() Counters {
	if s.guard.enter() {
		defer s.leave()
		var info [9]uint32 // SK_MEMINFO_*, of which the last is the drops
		size := uint32(unsafe.Sizeof(info))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		if errno == 0 && size == uint32(unsafe.Sizeof(info)) {
			s.counters.Overflowed += uint64(info[8] - s.overflow) // the kernel's count wraps
			s.overflow = info[8]
		}
	}
	return s.counters
}

// WriteTo sends one datagram without waiting. It is the slow path, for handshakes: it may be called from any goroutine
// and counts nothing.
func (s *Socket) WriteTo(b []byte, to Addr) error {
	if !s.guard.enter() {
		return ErrClosed
	}
	defer s.leave()
	var name unix.RawSockaddrInet6
	size := putName(&name, to, s.v4)
	for {
		_, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
			unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&name)), uintptr(size))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
			continue
		}
		return fmt.Errorf("udp: send to %s: %w", to, errno)
	}
}

// Close makes Receive and WriteTo return ErrClosed and Send lose everything. It does not wait for them. A second Close
// does nothing and returns ErrClosed.
func (s *Socket) Close() error {
	if !s.guard.close() {
		return ErrClosed
	}
	// On a UDP socket that is not connected, shutdown answers ENOTCONN and wakes the receiver all the same.
	_ = unix.Shutdown(s.fd, unix.SHUT_RDWR)
	s.leave()
	return nil
}

// leave ends what guard.enter began.
func (s *Socket) leave() {
	if s.guard.leave() {
		s.release()
	}
}

func (s *Socket) release() {
	for _, fd := range []int{s.fd, s.waker} {
		if fd >= 0 {
			_ = unix.Close(fd) // nothing was buffered, so there is nothing to lose
		}
	}
}

// putName writes to in the kernel's form and returns its size. A name for an IPv4 socket takes the place of the larger one.
func putName(name *unix.RawSockaddrInet6, to Addr, v4 bool) uint32 {
	if v4 {
		in4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		in4.Family = unix.AF_INET
		in4.Port = networkOrder(to.Port)
		in4.Addr = [4]byte(to.IP[12:])
		return unix.SizeofSockaddrInet4
	}
	name.Family = unix.AF_INET6
	name.Port = networkOrder(to.Port)
	name.Addr = to.IP
	return unix.SizeofSockaddrInet6
}

// addrOf reads a name that the kernel wrote.
func addrOf(name *unix.RawSockaddrInet6) Addr {
	if name.Family == unix.AF_INET {
		in4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		a := Addr{Port: networkOrder(in4.Port)}
		a.IP[10], a.IP[11] = 0xff, 0xff
		*(*[4]byte)(a.IP[12:]) = in4.Addr
		return a
	}
	return Addr{IP: name.Addr, Port: networkOrder(name.Port)}
}

// networkOrder turns a port round; both architectures of this package are little-endian.
func networkOrder(port uint16) uint16 { return port<<8 | port>>8 }
