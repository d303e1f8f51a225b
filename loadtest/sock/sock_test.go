//go:build linux

package sock

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func listen(t *testing.T, addr string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// loopbacks are this machine's loopback addresses: a machine without IPv6 has one.
func loopbacks() []string {
	addrs := []string{"127.0.0.1:0"}
	if c, err := net.ListenPacket("udp", "[::1]:0"); err == nil {
		c.Close()
		addrs = append(addrs, "[::1]:0")
	}
	return addrs
}

func open(t *testing.T, to *net.UDPConn, buffer int) *UDP {
	t.Helper()
	u, err := Open(to.LocalAddr().(*net.UDPAddr).AddrPort(), buffer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	return u
}

// readable waits until the socket has something to take.
func readable(t *testing.T, u *UDP) {
	t.Helper()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(u.FD()), Events: unix.POLLIN}}, 5000)
	if err != nil || n != 1 {
		t.Fatalf("poll: %d, %v", n, err)
	}
}

func TestDatagramsComeWithTheTimeAtWhichTheKernelHadThem(t *testing.T) {
	for _, addr := range loopbacks() {
		t.Run(addr, func(t *testing.T) {
			peer := listen(t, addr)
			u := open(t, peer, 1<<20)
			if err := u.Send([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 100)
			n, from, err := peer.ReadFromUDPAddrPort(b)
			if err != nil || string(b[:n]) != "hello" {
				t.Fatalf("peer read %q, %v", b[:n], err)
			}
			if got := netip.AddrPortFrom(from.Addr().Unmap(), from.Port()); got != u.LocalAddr() {
				t.Errorf("sent from %v, LocalAddr says %v", got, u.LocalAddr())
			}
			const count = Slots + 10
			before := time.Now().UnixNano()
			for i := range count {
				if _, err := peer.WriteToUDPAddrPort(bytes.Repeat([]byte{byte(i)}, 100+i), from); err != nil {
					t.Fatal(err)
				}
			}
			after := time.Now().UnixNano()
			batch := NewBatch()
			got := 0
			for got < count {
				readable(t, u)
				n, err := u.Receive(batch)
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					data, at := u.Datagram(batch, i)
					if len(data) != 100+got || data[0] != byte(got) {
						t.Fatalf("datagram %d: %d bytes of %d", got, len(data), data[0])
					}
					// The kernel's clock may be read a moment before or after ours.
					if at < before-int64(time.Millisecond) || at > after+int64(time.Millisecond) {
						t.Errorf("datagram %d received at %d, sent between %d and %d", got, at, before, after)
					}
					got++
				}
			}
			if n, err := u.Receive(batch); n != 0 || err != nil {
				t.Errorf("an empty socket gave %d, %v", n, err)
			}
		})
	}
}

func TestAServerThatIsGoneIsNoticed(t *testing.T) {
	peer := listen(t, "127.0.0.1:0")
	u := open(t, peer, 1<<20)
	peer.Close()
	if err := u.Send([]byte("x")); err != nil {
		t.Fatal(err)
	}
	// Loopback delivers the ICMP answer within the send itself.
	if _, err := u.Receive(NewBatch()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("Receive: %v, want ErrUnreachable", err)
	}
}

func TestWhatTheTesterDropsIsCountedAsItsOwn(t *testing.T) {
	peer := listen(t, "127.0.0.1:0")
	u := open(t, peer, 1)
	if err := u.Send(nil); err != nil {
		t.Fatal(err)
	}
	_, from, err := peer.ReadFromUDPAddrPort(make([]byte, 10))
	if err != nil {
		t.Fatal(err)
	}
	const count = 500
	send := func() {
		if _, err := peer.WriteToUDPAddrPort(make([]byte, 1000), from); err != nil {
			t.Fatal(err)
		}
	}
	for range count {
		send()
	}
	batch, got := NewBatch(), 0
	drain := func() {
		for {
			n, err := u.Receive(batch)
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				u.Datagram(batch, i)
			}
			got += n
			if n == 0 {
				return
			}
		}
	}
	drain()
	send() // the counter comes with the next datagram
	drain()
	if lost := int(u.Dropped()); lost == 0 || got+lost != count+1 {
		t.Errorf("%d received and %d dropped of %d", got, lost, count+1)
	}
}

func TestTheClockIsMonotonicAndRelatedToTheWall(t *testing.T) {
	c := NewClock()
	wall := time.Now().UnixNano()
	now, offset := c.Now()
	if d := time.Duration(wall - offset - now); d < -time.Second || d > time.Second {
		t.Errorf("wall time converts to %v from now", d)
	}
	if c.Since() < now {
		t.Error("time went backwards")
	}
}

func TestReceivingAllocatesNothing(t *testing.T) {
	peer := listen(t, "127.0.0.1:0")
	u := open(t, peer, 1<<20)
	if err := u.Send([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_, from, err := peer.ReadFromUDPAddrPort(make([]byte, 10))
	if err != nil {
		t.Fatal(err)
	}
	batch, payload := NewBatch(), make([]byte, 1000)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := peer.WriteToUDPAddrPort(payload, from); err != nil {
			t.Fatal(err)
		}
		n, _ := u.Receive(batch)
		for i := range n {
			u.Datagram(batch, i)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
