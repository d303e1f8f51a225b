//go:build linux && (amd64 || arm64)

package floor

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a packet has beside its payload: an RTP header with an extension of one element, and the tag of AES-GCM.
const (
	header   = 12 + 8
	tag      = 16
	overhead = header + tag
)

// arena is how many bytes are sealed before they are sent: more would have left the processor's second-level cache when the kernel
// copies them.
const arena = 256 << 10

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	n      uint32
	_      uint32
}

// sender takes turns: one run to each destination. Everything that is the same in each turn is made before.
type sender struct {
	fd       int
	size     int // of a packet
	length   int // of a run
	some     int // destinations between two system calls
	aeads    []cipher.AEAD
	sources  [][]byte // the packets of a run, unsealed
	sealed   []byte   // all runs, one after the other
	messages []message
	nonce    [12]byte
	turn     uint64
}

func newSender(t *target, cfg Config, length int) *sender {
	s := &sender{
		fd: t.fd, size: cfg.Packet, length: length, some: min(max(arena/(cfg.Packet*length), 1), len(t.to)),
		sealed: make([]byte, len(t.to)*length*cfg.Packet), messages: make([]message, len(t.to)),
	}
	for i := range length {
		source := make([]byte, cfg.Packet-tag)
		source[0], source[1] = 0x90, 96 // version 2 with an extension; a dynamic payload type
		binary.BigEndian.PutUint16(source[2:], uint16(i))
		s.sources = append(s.sources, source)
	}
	for i := range t.to {
		key := [16]byte{byte(i)}
		block, err := aes.NewCipher(key[:])
		if err != nil {
			panic(err) // 16 bytes are a key
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			panic(err) // AES is a block cipher of 16 bytes
		}
		s.aeads = append(s.aeads, aead)
		h := &s.messages[i].header
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&t.to[i])), unix.SizeofSockaddrInet4
		h.Iov = &unix.Iovec{Base: &s.run(i)[0]}
		h.Iov.SetLen(length * cfg.Packet)
		h.SetIovlen(1)
		if length > 1 {
			control := make([]byte, unix.CmsgSpace(2))
			c := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
			c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
			c.SetLen(unix.CmsgLen(2))
			binary.NativeEndian.PutUint16(control[unix.CmsgLen(0):], uint16(cfg.Packet))
			h.Control = &control[0]
			h.SetControllen(len(control))
		}
	}
	return s
}

// packets is how many a turn has.
func (s *sender) packets() int { return len(s.messages) * s.length }

// run is where the run to a destination lies.
func (s *sender) run(i int) []byte {
	return s.sealed[i*s.length*s.size : (i+1)*s.length*s.size]
}

// sealAll seals a turn.
func (s *sender) sealAll() error {
	s.turn++
	s.seal(0, len(s.messages))
	return nil
}

// sendAll sends a turn that was sealed before.
func (s *sender) sendAll() error {
	for from := 0; from < len(s.messages); from += s.some {
		if err := s.send(from, min(from+s.some, len(s.messages))); err != nil {
			return err
		}
	}
	return nil
}

// sealAndSend is the whole turn.
func (s *sender) sealAndSend() error {
	s.turn++
	for from := 0; from < len(s.messages); from += s.some {
		to := min(from+s.some, len(s.messages))
		s.seal(from, to)
		if err := s.send(from, to); err != nil {
			return err
		}
	}
	return nil
}

// seal seals the runs to some destinations: each packet from where it lies to where it is sent from, as SRTP does (RFC 7714).
func (s *sender) seal(from, to int) {
	nonce := s.nonce[:]
	for i := from; i < to; i++ {
		out := s.run(i)
		for k, source := range s.sources {
			binary.BigEndian.PutUint64(nonce[4:], s.turn*uint64(s.length)+uint64(k))
			copy(out, source[:header])
			s.aeads[i].Seal(out[header:header], nonce, source[header:], out[:header])
			out = out[s.size:]
		}
	}
}

// send hands the runs to some destinations to the kernel.
func (s *sender) send(from, to int) error {
	for from < to {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.messages[from])), uintptr(to-from),
			unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			from += int(n)
		case unix.EINTR:
		default:
			return errno
		}
	}
	return nil
}
