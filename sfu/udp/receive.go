//go:build linux && (amd64 || arm64)

package udp

import (
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	tokenSize = 16

	// longestWait is how long Receive waits in the kernel when it may wait for ever. It is what a wake-up costs at most
	// should a packet filter take the waker's datagram away.
	longestWait = time.Second

	// yieldEvery is less than half of the 10 ms after which the scheduler's monitor takes a goroutine for one that never
	// yields. See the package comment.
	yieldEvery = 4 * time.Millisecond
)

// SetIdle bounds how long Receive waits: it returns 0 after at most d without a datagram, rounded up to the kernel's tick
// (1 to 4 ms). 0 means that it waits for ever. It costs a system call if d is not what it was.
func (s *Socket) SetIdle(d time.Duration) {
	s.idle = max(d, 0)
	timeout := longestWait
	if d > 0 {
		timeout = min(d, longestWait)
	}
	if timeout != s.timeout && s.guard.enter() {
		defer s.leave()
		_ = s.setTimeout(timeout) // the arguments are right, so it cannot fail
	}
}

func (s *Socket) setTimeout(d time.Duration) error {
	tv := unix.NsecToTimeval(int64(max(d, time.Microsecond))) // 0 would mean for ever
	if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	s.timeout = d
	return nil
}

// Wake makes a Receive that waits, or else the next one, return at once. Whatever the caller wrote before Wake is seen by
// the loop after that Receive. Many calls between two Receives cost one datagram. If loopback is down or filtered, Receive
// returns within a second.
func (s *Socket) Wake() {
	if s.woken.Swap(true) || !s.guard.enter() {
		return
	}
	defer s.leave()
	for {
		_, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(s.waker), uintptr(unsafe.Pointer(&s.token)), tokenSize, unix.MSG_DONTWAIT,
			uintptr(unsafe.Pointer(&s.wakeName)), uintptr(s.wakeSize))
		if errno != unix.EINTR {
			return
		}
	}
}

// Receive waits for datagrams and takes all that have gathered, at most Slots of them. It returns 0 after SetIdle's time or
// a Wake, and ErrClosed after Close. Any other error means that the socket is broken. It allocates nothing.
func (s *Socket) Receive(in *Inbox) (n int, err error) {
	if s.yield {
		s.yield = false
		runtime.Gosched()
		s.yielded = time.Now()
	}
	if !s.guard.enter() {
		return 0, ErrClosed
	}
	defer s.leave()
	for {
		n, errno := s.receive(in)
		// Cleared before the loop looks at its queues, so that a Wake after that look sends a datagram again.
		woken := s.woken.Swap(false)
		if s.guard.closed() {
			return 0, ErrClosed
		}
		switch errno {
		case 0:
			n = s.admit(in, n)
			if n == 0 && !woken && s.idle == 0 {
				continue // the datagram of a Wake that an earlier Receive has served
			}
		case unix.EAGAIN:
			if !woken && s.idle == 0 {
				continue
			}
		case unix.EINTR, unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.ENOBUFS, unix.ENOMEM:
			if !woken { // a signal, the echo of something sent, or a shortage that passes
				continue
			}
		default:
			return 0, fmt.Errorf("udp: receive on %s: %w", s.local, errno)
		}
		in.at = time.Now()
		s.yield = in.at.Sub(s.yielded) > yieldEvery
		return n, nil
	}
}

// receive is one recvmmsg.
func (s *Socket) receive(in *Inbox) (int, unix.Errno) {
	for i := range in.messages[:in.used] {
		in.messages[i].header.Namelen = unix.SizeofSockaddrInet6
	}
	in.used = 0
	s.counters.ReceiveCalls++
	r, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&in.messages[0])), Slots, unix.MSG_WAITFORONE, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	in.used = int(r)
	return int(r), 0
}

// admit counts n received datagrams, cuts the broken ones to nothing and takes the token out.
func (s *Socket) admit(in *Inbox, n int) int {
	for i := 0; i < n; i++ {
		m := &in.messages[i]
		if m.n == tokenSize && *(*[tokenSize]byte)(unsafe.Pointer(in.vectors[i].Base)) == s.token {
			in.remove(i, n)
			n--
			i--
			continue
		}
		s.counters.DatagramsIn++
		s.counters.BytesIn += uint64(m.n)
		if m.header.Flags&unix.MSG_TRUNC != 0 {
			s.counters.Truncated++
		}
	}
	return n
}
