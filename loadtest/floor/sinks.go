//go:build linux && (amd64 || arm64)

package floor

import (
	"errors"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// target is a socket, and where it sends to.
type target struct {
	name string
	fd   int
	to   []unix.RawSockaddrInet4
	// received ends the measurement and tells how many packets arrived; nil if they need not arrive.
	received func() uint64
	close    func()
}

// open makes a target, or says why this machine does not allow it.
func open(name string, destinations int) (*target, error) {
	switch name {
	case Loopback, Discard:
		return openSinks(name, destinations)
	default:
		return openDevice(name, destinations)
	}
}

// socket is a UDP socket.
func socket() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	return fd, os.NewSyscallError("socket", err)
}

// sinks are sockets on loopback, to which a target sends.
type sinks struct {
	out   int
	fds   []int
	taken uint64 // packets; belongs to drain until it has ended
}

// openSinks makes sockets on loopback that refuse all (Discard), or that are drained.
func openSinks(name string, destinations int) (*target, error) {
	s := &sinks{out: -1}
	to, err := s.open(name == Discard, destinations)
	if err != nil {
		s.close()
		return nil, err
	}
	t := &target{name: name, fd: s.out, to: to, close: s.close}
	if name == Loopback {
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			s.drain(stop)
		}()
		end := sync.OnceFunc(func() {
			close(stop)
			<-stopped
		})
		t.received = func() uint64 {
			end()
			return s.taken
		}
		t.close = func() {
			end()
			s.close()
		}
	}
	return t, nil
}

func (s *sinks) open(refuse bool, destinations int) (to []unix.RawSockaddrInet4, err error) {
	if s.out, err = socket(); err != nil {
		return nil, err
	}
	for range destinations {
		fd, err := socket()
		if err != nil {
			return nil, err
		}
		s.fds = append(s.fds, fd)
		if refuse {
			nothing := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
			if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nothing[0]}); err != nil {
				return nil, os.NewSyscallError("attach a filter", err)
			}
		} else if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, sinkBuffer) != nil { // only with privileges
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, sinkBuffer); err != nil {
				return nil, os.NewSyscallError("setsockopt", err)
			}
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			return nil, os.NewSyscallError("bind", err)
		}
		bound, err := unix.Getsockname(fd)
		if err != nil {
			return nil, os.NewSyscallError("getsockname", err)
		}
		name, ok := bound.(*unix.SockaddrInet4)
		if !ok {
			return nil, errors.New("a socket without an IPv4 address")
		}
		to = append(to, sockaddr(name.Addr, uint16(name.Port)))
	}
	return to, nil
}

func (s *sinks) close() {
	for _, fd := range append(s.fds, s.out) {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// sockaddr is an address as the kernel wants it.
func sockaddr(ip [4]byte, port uint16) unix.RawSockaddrInet4 {
	return unix.RawSockaddrInet4{Family: unix.AF_INET, Port: port<<8 | port>>8, Addr: ip}
}

const (
	sinkBuffer = 8 << 20 // bytes that may gather between two looks
	drainEvery = 500 * time.Microsecond
	drainBatch = 256
)

// drain empties the sockets now and then, and once more when it is stopped. It takes packets out without their bytes.
func (s *sinks) drain(stop <-chan struct{}) {
	messages := make([]message, drainBatch)
	every := time.NewTicker(drainEvery)
	defer every.Stop()
	for going := true; going; {
		select {
		case <-every.C:
		case <-stop:
			going = false
		}
		for _, fd := range s.fds {
			for {
				n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])), drainBatch, unix.MSG_DONTWAIT, 0, 0)
				if errno != 0 {
					break
				}
				s.taken += uint64(n)
				if n < drainBatch {
					break
				}
			}
		}
	}
}
