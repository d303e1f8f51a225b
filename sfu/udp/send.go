//go:build linux && (amd64 || arm64)

package udp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// bufferWait is how long a Send waits, at most and once, for room in the send buffer. A longer wait would hold up the
	// packets of everybody; the receiver asks again for what it needs.
	bufferWait = 1e6 // ns

	// giveUpAfter is how many runs the kernel may refuse before the socket stops forming them, if it never took any. One
	// refusal proves nothing: it may be one path with a small MTU or with IPsec.
	giveUpAfter = 16
)

// Send sends and empties out. It returns how many datagrams were lost, and out says of which messages. It waits for at most
// a millisecond, and allocates nothing.
//
// The kernel refuses a run with EINVAL or EMSGSIZE if its segments do not fit the path's MTU, and with EIO if the way out
// cannot compute checksums; such a run leaves piece by piece. When the send buffer is full and stays so for a millisecond,
// what is left is lost: a sealed packet may be sent again, but never sealed again, and who needs it asks for it.
func (s *Socket) Send(out *Outbox) (lost int) {
	if out.dirty {
		clear(out.lost)
		clear(out.refused)
		out.dirty = false
	}
	s.waited = false
	if s.guard.enter() {
		lost = s.send(out)
		s.leave()
	} else {
		lost = out.drop(0)
	}
	if out.total.Runs > 0 {
		s.gsoTaken = true
	}
	s.counters.add(&out.total)
	out.n, out.total = 0, Counters{}
	return lost
}

// Runs reports whether the kernel takes runs, as far as is known. Only the loop may call it.
func (s *Socket) Runs() bool { return s.gso }

// send hands the messages of out to the kernel.
func (s *Socket) send(out *Outbox) (lost int) {
	for i := 0; i < out.n; {
		s.counters.SendCalls++
		sent, errno := s.sendmmsg(s.fd, out.messages[i:out.n])
		// After a bad message the kernel says how many went before it, and what was bad only at the next call.
		switch errno {
		case 0:
			i += sent
		case unix.EINTR:
		case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM:
			if s.waited || !s.waitForRoom() {
				return lost + out.drop(i)
			}
		case unix.EINVAL, unix.EMSGSIZE, unix.EIO:
			if out.counts[i] > 1 {
				lost += s.sendPieces(out, i)
			} else {
				lost += out.dropOne(i)
			}
			i++
		default: // no route, a packet filter
			lost += out.dropOne(i)
			i++
		}
	}
	return lost
}

func sendmmsg(fd int, messages []message) (sent int, errno unix.Errno) {
	r, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)),
		unix.MSG_DONTWAIT, 0, 0)
	return int(r), errno
}

// waitForRoom waits once, and says whether there is any.
func (s *Socket) waitForRoom() bool {
	s.waited = true
	poll := unix.PollFd{Fd: int32(s.fd), Events: unix.POLLOUT}
	wait := unix.Timespec{Nsec: bufferWait}
	r, _, errno := unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&wait)), 0, 0, 0)
	return errno == 0 && r > 0
}

// sendPieces sends the run at i as single datagrams.
func (s *Socket) sendPieces(out *Outbox, i int) (lost int) {
	out.refused[i], out.dirty = true, true
	s.counters.Refused++
	if s.gsoRefused++; !s.gsoTaken && s.gsoRefused >= giveUpAfter {
		s.gso = false
	}
	p := s.pieces
	b := unsafe.Slice(out.vectors[i].Base, out.vectors[i].Len)
	segment := int(out.controls[i].size)
	to := addrOf(&out.names[i])
	for ; len(b) > segment; b = b[segment:] {
		p.put(to, b[:segment], 0, 1)
	}
	p.put(to, b, 0, 1)
	if p.dirty {
		clear(p.lost)
		p.dirty = false
	}
	lost = s.send(p)
	out.forget(i)
	out.total.add(&p.total)
	out.lost[i] = uint8(lost)
	p.n, p.total = 0, Counters{}
	return lost
}
