//go:build linux && (amd64 || arm64)

package egress

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tarasul/sfu/udp"
)

// The benchmarks compare a turn of the loop that sends the same packets to 29 subscribers with the floor: packets sealed by
// crypto/cipher from where they lie to where they are sent from, in runs and messages that were made before. Both are measured
// in CPU time of the thread, turn about, so that a busy machine disturbs both alike.
//
//	go test ./sfu/egress -bench . -benchtime 2000x
const (
	benchPeers = 29
	benchSize  = 1150 // of payload
)

var benchRuns = []int{1, 2, 4, 8, 16}

// targets are where the packets go to, by what becomes of them.
var targets = []struct {
	name string
	make func(b *testing.B) udp.Addr
}{
	{"discard", discardTarget},
	{"drained", drainedTarget},
}

// discardTarget is a socket whose filter refuses everything: the way through the kernel without a receiver.
func discardTarget(b *testing.B) udp.Addr {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Close(fd) })
	refuse := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &refuse[0]}); err != nil {
		b.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		b.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		b.Fatal(err)
	}
	in4 := name.(*unix.SockaddrInet4)
	return udp.AddrOf(netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port)))
}

// drainedTarget is a socket that another goroutine empties.
func drainedTarget(b *testing.B) udp.Addr {
	socket := listen(b)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		in := udp.NewInbox()
		for {
			if _, err := socket.Receive(in); err != nil {
				return
			}
		}
	}()
	b.Cleanup(func() {
		_ = socket.Close()
		<-ended
	})
	return udp.AddrOf(socket.LocalAddr())
}

// stopwatch tells the CPU time of the calling thread, user and system. It is a value of its own so that no call allocates.
type stopwatch struct{ ts unix.Timespec }

func (w *stopwatch) time() time.Duration {
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &w.ts); err != nil {
		panic(err)
	}
	return time.Duration(w.ts.Nano())
}

// floor is the least that a turn can cost.
type floor struct {
	fd       int
	aead     [benchPeers]cipher.AEAD
	nonce    [12]byte
	run      int
	seq      uint16
	sources  [][]byte
	arena    []byte
	messages []floorMessage
}

type floorMessage struct {
	header unix.Msghdr
	n      uint32
	_      uint32
}

const floorPacket = headerSize + 8 + benchSize + tagUsual // the 8 are a transport-wide number

func newFloor(b *testing.B, to udp.Addr, run int) *floor {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Close(fd) })
	f := &floor{fd: fd, run: run, arena: make([]byte, benchPeers*run*floorPacket), messages: make([]floorMessage, benchPeers)}
	for range run {
		source := make([]byte, floorPacket-tagUsual)
		source[0], source[1] = 0x90, 96
		f.sources = append(f.sources, source)
	}
	name := &unix.RawSockaddrInet4{Family: unix.AF_INET, Port: to.Port<<8 | to.Port>>8, Addr: [4]byte(to.IP[12:])}
	for i := range f.messages {
		block, err := aes.NewCipher(make([]byte, 16))
		if err != nil {
			b.Fatal(err)
		}
		if f.aead[i], err = cipher.NewGCM(block); err != nil {
			b.Fatal(err)
		}
		h := &f.messages[i].header
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(name)), unix.SizeofSockaddrInet4
		h.Iov = &unix.Iovec{Base: &f.arena[i*run*floorPacket], Len: uint64(run * floorPacket)}
		h.SetIovlen(1)
		if run > 1 {
			control := make([]byte, unix.CmsgSpace(2))
			c := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
			c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
			c.SetLen(unix.CmsgLen(2))
			binary.NativeEndian.PutUint16(control[unix.CmsgLen(0):], floorPacket)
			h.Control = &control[0]
			h.SetControllen(len(control))
		}
	}
	return f
}

func (f *floor) turn() {
	arena := f.arena
	nonce := &f.nonce
	for i := range benchPeers {
		for j, source := range f.sources {
			binary.BigEndian.PutUint16(nonce[10:], f.seq+uint16(j))
			copy(arena, source[:headerSize+8])
			f.aead[i].Seal(arena[headerSize+8:headerSize+8], nonce[:], source[headerSize+8:], arena[:headerSize+8])
			arena = arena[floorPacket:]
		}
	}
	f.seq += uint16(f.run)
	for left := f.messages; len(left) > 0; {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(f.fd), uintptr(unsafe.Pointer(&left[0])), uintptr(len(left)),
			unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 {
			panic(errno)
		}
		left = left[n:]
	}
}

// egress is the same turn as the shard's loop takes it.
type egress struct {
	sender  *Sender
	peers   []*Destination
	packets []Packet
}

func newEgress(b *testing.B, to udp.Addr, run int) *egress {
	s, _ := newSender(b, Config{})
	e := &egress{sender: s}
	for range benchPeers {
		d := &Destination{Addr: to, Seal: keys(b, profiles["AES-128-GCM"])}
		d.Negotiate(Extensions{TransportCC: 3, AudioLevel: 1, MID: 4})
		e.peers = append(e.peers, d)
	}
	for i := range run { // two packets of each of some cameras, as a mesh brings them
		e.packets = append(e.packets, Packet{SSRC: uint32(i / 2), PayloadType: 96, Payload: make([]byte, benchSize)})
	}
	return e
}

func (e *egress) turn() {
	now := time.Now()
	for i := range e.packets {
		e.packets[i].Seq++
	}
	for _, d := range e.peers {
		e.sender.Begin(d, now)
		for i := range e.packets {
			e.sender.Add(&e.packets[i])
		}
		e.sender.End()
	}
	e.sender.Flush()
}

func benchmark(b *testing.B, turns map[string]func(*testing.B, udp.Addr, int) func()) {
	for _, target := range targets {
		for _, run := range benchRuns {
			b.Run(fmt.Sprintf("%s/run=%d", target.name, run), func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				to := target.make(b)
				names, took := []string{}, map[string]time.Duration{}
				made := map[string]func(){}
				for name, make := range turns {
					names, made[name] = append(names, name), make(b, to, run)
					made[name]()
				}
				b.ReportAllocs()
				n, watch := 0, new(stopwatch)
				for b.Loop() {
					for _, name := range names {
						start := watch.time()
						for range 4 {
							made[name]()
						}
						took[name] += watch.time() - start
					}
					n += 4
				}
				packets := float64(n * benchPeers * run)
				for _, name := range names {
					b.ReportMetric(float64(took[name])/packets, name+"-ns/packet")
				}
				if took["floor"] > 0 && took["egress"] > 0 {
					b.ReportMetric(float64(took["egress"])/float64(took["floor"]), "ratio")
				}
			})
		}
	}
}

func floorTurn(b *testing.B, to udp.Addr, run int) func()  { return newFloor(b, to, run).turn }
func egressTurn(b *testing.B, to udp.Addr, run int) func() { return newEgress(b, to, run).turn }

// BenchmarkFloor is the least that can be paid.
func BenchmarkFloor(b *testing.B) {
	benchmark(b, map[string]func(*testing.B, udp.Addr, int) func(){"floor": floorTurn})
}

// BenchmarkEgress is what is paid.
func BenchmarkEgress(b *testing.B) {
	benchmark(b, map[string]func(*testing.B, udp.Addr, int) func(){"egress": egressTurn})
}

// BenchmarkRatio takes them turn about; the aim is 1.3 at most.
func BenchmarkRatio(b *testing.B) {
	benchmark(b, map[string]func(*testing.B, udp.Addr, int) func(){"floor": floorTurn, "egress": egressTurn})
}
