//go:build linux && (amd64 || arm64)

package udp

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t testing.TB, addr string) *Socket {
	t.Helper()
	s, err := Listen(netip.MustParseAddrPort(addr), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// reach is where s is reached over loopback.
func reach(s *Socket) Addr {
	a := s.LocalAddr()
	if a.Addr().IsUnspecified() {
		a = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), a.Port())
	}
	return AddrOf(a)
}

// gather receives want datagrams.
func gather(t testing.TB, s *Socket, want int) (data [][]byte, from []Addr) {
	t.Helper()
	s.SetIdle(2 * time.Second)
	in := NewInbox()
	for len(data) < want {
		n, err := s.Receive(in)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			t.Fatalf("%d datagrams came, want %d", len(data), want)
		}
		for i := range n {
			b, a := in.Datagram(i)
			data, from = append(data, bytes.Clone(b)), append(from, a)
		}
	}
	return data, from
}

func TestDatagramsArriveWithTheirSender(t *testing.T) {
	for _, test := range []struct{ name, receiver, sender, from string }{
		{"IPv4 to IPv4", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1"},
		{"IPv6 to IPv6", "[::1]:0", "[::1]:0", "::1"},
		{"IPv4 to dual stack", "[::]:0", "127.0.0.1:0", "127.0.0.1"},
		{"dual stack to IPv4", "127.0.0.1:0", "[::]:0", "127.0.0.1"},
		{"any IPv4 to dual stack", "[::]:0", "0.0.0.0:0", "127.0.0.1"},
		{"another loopback address", "127.0.0.7:0", "127.0.0.9:0", "127.0.0.9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, s := listen(t, test.receiver), listen(t, test.sender)
			out := NewOutbox(s)
			if !out.Add(reach(r), []byte("first"), 0) {
				t.Fatal("a new Outbox is full")
			}
			if lost := s.Send(out); lost != 0 {
				t.Fatalf("%d datagrams lost", lost)
			}
			if err := s.WriteTo([]byte("second"), reach(r)); err != nil {
				t.Fatal(err)
			}
			data, from := gather(t, r, 2)
			if string(data[0]) != "first" || string(data[1]) != "second" {
				t.Errorf("got %q", data)
			}
			want := AddrOf(netip.AddrPortFrom(netip.MustParseAddr(test.from), s.LocalAddr().Port()))
			if from[0] != want || from[1] != want {
				t.Errorf("from %v, want %v", from, want)
			}
		})
	}
}

func TestDualStackIsReachedOverIPv6Too(t *testing.T) {
	r, s := listen(t, "[::]:0"), listen(t, "[::1]:0")
	if err := s.WriteTo([]byte("x"), AddrOf(netip.AddrPortFrom(netip.IPv6Loopback(), r.LocalAddr().Port()))); err != nil {
		t.Fatal(err)
	}
	_, from := gather(t, r, 1)
	if from[0] != AddrOf(s.LocalAddr()) {
		t.Errorf("from %v, want %v", from[0], s.LocalAddr())
	}
}

func TestAddrKeepsWhatNetipSays(t *testing.T) {
	for _, text := range []string{"192.0.2.1:5000", "[2001:db8::1]:65535", "[::1]:1"} {
		want := netip.MustParseAddrPort(text)
		a := AddrOf(want)
		if a.AddrPort() != want || a.String() != text || !a.IsValid() {
			t.Errorf("%s became %v", text, a)
		}
	}
	plain, mapped := netip.MustParseAddrPort("192.0.2.1:7"), netip.MustParseAddrPort("[::ffff:192.0.2.1]:7")
	if AddrOf(plain) != AddrOf(mapped) {
		t.Error("an IPv4 address and its mapped form differ")
	}
	if (Addr{}).IsValid() {
		t.Error("no address is valid")
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	first := listen(t, "127.0.0.1:0")
	_, err := Listen(first.LocalAddr(), Config{})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), first.LocalAddr().String()) {
		t.Errorf("error %v does not say that %s is in use", err, first.LocalAddr())
	}
}

func TestImpossibleConfigurationsAreErrors(t *testing.T) {
	if _, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), Config{Buffer: -1}); err == nil {
		t.Error("a negative buffer is accepted")
	}
	if _, err := Listen(netip.MustParseAddrPort("192.0.2.77:0"), Config{}); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("somebody else's address: %v", err)
	}
}

func TestBuffersAreReported(t *testing.T) {
	s, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), Config{Buffer: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	if receive, send := s.Buffers(); receive != 64<<10 || send != 64<<10 {
		t.Errorf("buffers of %d and %d bytes, want 64 KiB each", receive, send)
	}
	_ = s.Close()
	if receive, send := s.Buffers(); receive != 0 || send != 0 {
		t.Errorf("a closed socket has buffers of %d and %d bytes", receive, send)
	}
}

func TestCloseEndsReceive(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	if err := s.setTimeout(time.Minute); err != nil { // so that nothing else ends Receive
		t.Fatal(err)
	}
	ended := make(chan error)
	waits := make(chan struct{})
	go func() {
		close(waits)
		_, err := s.Receive(NewInbox())
		ended <- err
	}()
	<-waits
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, ErrClosed) {
			t.Errorf("Receive: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Receive still waits")
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if err := s.WriteTo([]byte("x"), reach(s)); !errors.Is(err, ErrClosed) {
		t.Errorf("WriteTo: %v", err)
	}
	if _, err := s.Receive(NewInbox()); !errors.Is(err, ErrClosed) {
		t.Errorf("Receive: %v", err)
	}
	out := NewOutbox(s)
	out.Add(reach(s), []byte("x"), 0)
	if lost := s.Send(out); lost != 1 || out.Len() != 0 || out.Lost(0) != 1 {
		t.Errorf("Send lost %d", lost)
	}
	s.Wake()
	s.SetIdle(time.Millisecond)
}

func TestFilesAreClosedOnceNobodyUsesThem(t *testing.T) {
	for range 50 {
		s := listen(t, "127.0.0.1:0")
		var users sync.WaitGroup
		for range 4 {
			users.Go(func() {
				for s.WriteTo([]byte("x"), reach(s)) == nil {
					s.Wake()
				}
			})
		}
		users.Go(func() {
			in := NewInbox()
			for {
				if _, err := s.Receive(in); err != nil {
					return
				}
			}
		})
		_ = s.Close()
		users.Wait()
		if _, err := unix.FcntlInt(uintptr(s.fd), unix.F_GETFD, 0); err == nil && s.guard.state.Load() != closedBit {
			t.Fatal("the socket is still open")
		}
	}
}

func TestGuardReleasesOnce(t *testing.T) {
	var g guard
	g.open()
	var mu sync.Mutex
	released := 0
	leave := func() {
		if g.leave() {
			mu.Lock()
			released++
			mu.Unlock()
		}
	}
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			for g.enter() {
				leave()
			}
		})
	}
	for range 3 {
		users.Go(func() {
			if g.close() {
				leave()
			}
		})
	}
	users.Wait()
	if released != 1 || !g.closed() {
		t.Errorf("released %d times", released)
	}
}
