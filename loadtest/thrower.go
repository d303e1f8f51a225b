//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"tarasul/loadtest/sock"

	"github.com/pion/stun/v4"
)

// wire is what goes over one bot's connection: the tester listens in, and sends from the bot's own address.
type wire struct {
	server netip.AddrPort
	inject func([]byte) error

	mu   sync.Mutex // guards the rest
	kept [][]byte   // the first of them are of the handshake, the others the latest
	next int
}

// How many datagrams of a bot are kept.
const (
	keptFirst = 16
	keptAll   = 128
)

// route notes where the server is, and goes there.
func (w *wire) route(server netip.AddrPort) (netip.AddrPort, error) {
	w.server = server
	return server, nil
}

// tap keeps what a bot sends.
func (w *wire) tap(datagram []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.kept) < keptAll {
		w.kept = append(w.kept, slices.Clone(datagram))
		return
	}
	at := keptFirst + w.next
	w.kept[at] = append(w.kept[at][:0], datagram...)
	w.next = (w.next + 1) % (keptAll - keptFirst)
}

// copy gives one of the kept datagrams, in b.
func (w *wire) copy(random *rand.Rand, b []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.kept) == 0 {
		return b[:0]
	}
	return append(b[:0], w.kept[random.IntN(len(w.kept))]...)
}

// Sources of packets, as a report names them.
const (
	fromStranger = " from a stranger"
	fromBot      = " from a bot's address"
)

// strangers is how many sockets throw that belong to nobody.
const strangers = 16

// thrower makes bad packets, the same ones from the same seed as far as they do not come from the bots, and throws them. It belongs
// to one goroutine.
type thrower struct {
	wires   []*wire
	strange []net.Conn
	random  *rand.Rand
	forms   []form
	thrown  map[string]uint64
	b       []byte
}

func newThrower(wires []*wire, servers []netip.AddrPort, seed uint64, of []form, thrown map[string]uint64) (*thrower, error) {
	t := &thrower{wires: wires, random: rand.New(rand.NewPCG(seed, 0x6261642070616b73)), forms: of, thrown: thrown, b: make([]byte, 0, 1<<16)}
	for i := range max(strangers, len(servers)) {
		c, err := net.Dial("udp", servers[i%len(servers)].String())
		if err != nil {
			t.close()
			return nil, err
		}
		t.strange = append(t.strange, c)
	}
	return t, nil
}

func (t *thrower) close() {
	for _, c := range t.strange {
		c.Close()
	}
}

// Packets are thrown in bursts, at most so many between two pauses.
const (
	throwBurst = 512
	throwPause = time.Millisecond
)

// throw throws n packets, at most rate a second, and tells how many it came to. The error is why it ended before, which is the
// cause of ctx's end.
func (t *thrower) throw(ctx context.Context, n, rate int, progress Progress) (thrown int, err error) {
	begin := time.Now()
	for thrown < n {
		due := min(n, thrown+throwBurst, int(time.Since(begin).Seconds()*float64(rate))+1)
		for ; thrown < due; thrown++ {
			if err := t.one(); err != nil {
				return thrown, err
			}
		}
		progress("packets are thrown", float64(thrown), float64(n))
		if wait(ctx, throwPause) != nil {
			return thrown, context.Cause(ctx)
		}
	}
	return thrown, nil
}

// one throws one packet. It fails if nobody listens any more.
func (t *thrower) one() error {
	w := t.wires[t.random.IntN(len(t.wires))]
	form := t.forms[t.random.IntN(len(t.forms))]
	b := form.make(t, w)
	strange := t.random.IntN(2) == 0
	// A connectivity check is good from any address, wherever it was heard (RFC 8445 has nothing against that): who can read it on
	// its way can take the call along. So checks of the bots are thrown from their own addresses only.
	if form.copied && len(b) > 0 && b[0] <= 3 {
		strange = false
	}
	var err error
	if strange || len(b) == 0 {
		t.thrown[form.name+fromStranger]++
		_, err = t.strange[t.random.IntN(len(t.strange))].Write(b)
	} else {
		t.thrown[form.name+fromBot]++
		err = w.inject(b)
	}
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, sock.ErrUnreachable) {
		return fmt.Errorf("%w: %w", ErrServer, err)
	}
	return nil // what the kernel does not take is lost, as on the way
}

// form is a kind of bad packet. make gives one, in t's buffer.
type form struct {
	name   string
	copied bool // it comes from what a bot has sent
	make   func(t *thrower, w *wire) []byte
}

// forms are all of them.
func forms() []form {
	return []form{
		{"stun", false, func(t *thrower, _ *wire) []byte { return t.stun() }},
		{"dtls", false, func(t *thrower, _ *wire) []byte { return t.dtls() }},
		{"rtp", false, func(t *thrower, w *wire) []byte { return t.rtp(w) }},
		{"rtcp", false, func(t *thrower, _ *wire) []byte { return t.rtcp() }},
		{"garbage", false, func(t *thrower, _ *wire) []byte { return t.fill(t.random.IntN(1400)) }},
		{"oversized", false, func(t *thrower, _ *wire) []byte { return t.oversized() }},
		{"truncated", true, func(t *thrower, w *wire) []byte {
			b := w.copy(t.random, t.b)
			return b[:t.random.IntN(len(b)+1)]
		}},
		{"altered", true, func(t *thrower, w *wire) []byte {
			b := w.copy(t.random, t.b)
			for range 1 + t.random.IntN(8) {
				if len(b) > 0 {
					b[t.random.IntN(len(b))] ^= 1 << t.random.IntN(8)
				}
			}
			return b
		}},
		{"replayed", true, func(t *thrower, w *wire) []byte { return w.copy(t.random, t.b) }},
	}
}

// fill gives n random bytes.
func (t *thrower) fill(n int) []byte {
	b := t.b[:0]
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, t.random.Uint64())
	}
	return b[:n]
}

// stun is a check of somebody who does not know the password, or a header with anything behind it.
func (t *thrower) stun() []byte {
	var id [stun.TransactionIDSize]byte
	binary.LittleEndian.PutUint64(id[:], t.random.Uint64())
	if t.random.IntN(2) == 0 {
		m, err := stun.Build(stun.NewTransactionIDSetter(id), stun.BindingRequest, stun.NewUsername(strconv.FormatUint(t.random.Uint64(), 36)+":a"),
			stun.RawAttribute{Type: stun.AttrUseCandidate}, stun.NewShortTermIntegrity("wrong"), stun.Fingerprint)
		if err == nil {
			return m.Raw
		}
	}
	b := t.fill(20 + 4*t.random.IntN(64))
	b[0], b[1] = byte(t.random.IntN(4)), byte(t.random.IntN(256))
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20)) // often right, for what follows to be looked at
	copy(b[4:], []byte{0x21, 0x12, 0xa4, 0x42})
	copy(b[8:20], id[:])
	return b
}

// dtls is a record of any content and epoch, sometimes a well-formed alert in the clear.
func (t *thrower) dtls() []byte {
	b := t.fill(13 + 2 + t.random.IntN(600))
	alert := t.random.IntN(8) == 0
	if alert {
		b = b[:15]
	}
	b[0], b[1], b[2] = byte(20+t.random.IntN(6)), 0xfe, byte(0xfd+2*t.random.IntN(2))
	binary.BigEndian.PutUint16(b[3:], uint16(t.random.IntN(3))) // epoch
	length := len(b) - 13
	if t.random.IntN(4) == 0 {
		length = t.random.IntN(1 << 16)
	}
	if alert {
		const alertContent, warning, closeNotify = 21, 1, 0
		b[0], b[13], b[14], length = alertContent, warning, closeNotify, 2
	}
	binary.BigEndian.PutUint16(b[11:], uint16(length))
	return b
}

// rtp is a packet of a source that a bot has, or of any, which nobody has sealed.
func (t *thrower) rtp(w *wire) []byte {
	heard := w.copy(t.random, t.b)
	var ssrc uint32
	if len(heard) >= 12 && heard[0]>>6 == 2 && t.random.IntN(2) == 0 {
		ssrc = binary.BigEndian.Uint32(heard[8:])
	} else {
		ssrc = t.random.Uint32()
	}
	b := t.fill(12 + t.random.IntN(1200))
	b[0] = 0x80 | b[0]&0x3f
	if b[1] >= 192 && b[1] <= 223 {
		b[1] -= 64
	}
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return b
}

// rtcp is a packet with a length that is right, or not.
func (t *thrower) rtcp() []byte {
	b := t.fill(8 + 4*t.random.IntN(100))
	b[0], b[1] = 0x80|b[0]&0x3f, byte(192+t.random.IntN(32))
	if t.random.IntN(4) > 0 {
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
	}
	return b
}

// oversized begins like something that is known and is longer than any network carries, up to what loopback does.
func (t *thrower) oversized() []byte {
	size := 1600 + t.random.IntN(8000)
	if t.random.IntN(64) == 0 {
		size = 60_000
	}
	first := byte(t.random.IntN(256))
	switch t.random.IntN(3) {
	case 0:
		first = 0x80
	case 1:
		first = 22
	}
	b := t.fill(size)
	b[0] = first
	return b
}
