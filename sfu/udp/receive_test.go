//go:build linux && (amd64 || arm64)

package udp

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReceiveTakesAllThatHasGathered(t *testing.T) {
	r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	out := NewOutbox(s)
	for i := range Slots {
		out.Add(reach(r), fmt.Appendf(nil, "%d", i), 0)
	}
	s.Send(out)
	in := NewInbox()
	for range 2 { // twice, since the second finds what the first left in the slots
		n, err := r.Receive(in)
		if err != nil || n != Slots {
			t.Fatalf("%d datagrams, %v", n, err)
		}
		for i := range n {
			if data, _ := in.Datagram(i); string(data) != fmt.Sprint(i) {
				t.Fatalf("slot %d holds %q", i, data)
			}
		}
		for i := range Slots {
			out.Add(reach(r), fmt.Appendf(nil, "%d", i), 0)
		}
		s.Send(out)
	}
	if c := r.Counters(); c.DatagramsIn != 2*Slots || c.ReceiveCalls != 2 {
		t.Errorf("%+v", c)
	}
}

func TestTooLongDatagramIsEmptyAndCounted(t *testing.T) {
	r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	for _, size := range []int{SlotSize + 1, SlotSize, 0, 1} {
		if err := s.WriteTo(make([]byte, size), reach(r)); err != nil {
			t.Fatal(err)
		}
	}
	in := NewInbox()
	if n, err := r.Receive(in); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	for i, want := range []int{0, SlotSize, 0, 1} {
		if data, from := in.Datagram(i); len(data) != want || in.Truncated(i) != (i == 0) || from != reach(s) {
			t.Errorf("datagram %d: %d bytes, truncated %v", i, len(data), in.Truncated(i))
		}
	}
	if c := r.Counters(); c.Truncated != 1 || c.DatagramsIn != 4 {
		t.Errorf("%+v", c)
	}
}

func TestIdleReceiveReturnsNothing(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	in := NewInbox()
	for _, d := range []time.Duration{20 * time.Millisecond, 5 * time.Millisecond, time.Nanosecond} {
		s.SetIdle(d)
		start := time.Now()
		n, err := s.Receive(in)
		took := time.Since(start)
		if n != 0 || err != nil {
			t.Fatal(n, err)
		}
		if took < d || took >= longestWait { // the latter is what it would be without SetIdle
			t.Errorf("idle for %v, want %v", took, d)
		}
	}
}

func TestWakeEndsReceiveAtOnce(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::]:0", "[::1]:0", "127.0.0.5:0"} {
		t.Run(addr, func(t *testing.T) {
			s := listen(t, addr)
			if err := s.setTimeout(time.Minute); err != nil { // so that nothing else ends a Receive
				t.Fatal(err)
			}
			type turn struct {
				n  int
				at time.Time
			}
			turns := make(chan turn)
			go func() {
				defer close(turns)
				in := NewInbox()
				for {
					n, err := s.Receive(in)
					if err != nil {
						return
					}
					turns <- turn{n, in.At()}
				}
			}()
			var took []time.Duration
			for range 100 {
				start := time.Now()
				s.Wake()
				got := <-turns
				if got.n != 0 {
					t.Fatalf("a wake brought %d datagrams", got.n)
				}
				took = append(took, got.at.Sub(start))
			}
			_ = s.Close()
			for range turns {
			}
			slices.Sort(took)
			if took[0] > 20*time.Millisecond {
				t.Errorf("no wake took less than %v", took[0])
			}
			t.Logf("median %v, longest %v", took[50], took[99])
		})
	}
}

func TestManyWakesCostOne(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	for range 1000 {
		s.Wake()
	}
	in := NewInbox()
	if n, err := s.Receive(in); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	s.SetIdle(10 * time.Millisecond)
	for range 3 { // nothing is left of the others
		if n, err := s.Receive(in); n != 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	if c := s.Counters(); c.ReceiveCalls != 4 || c.DatagramsIn != 0 {
		t.Errorf("%+v", c)
	}
}

func TestWakeAmongDatagramsIsTakenOutInOrder(t *testing.T) {
	r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	in := NewInbox()
	for _, before := range []int{0, 1, 3, 5} {
		for i := range 5 {
			if i == before {
				r.Wake()
			}
			if err := s.WriteTo(fmt.Appendf(nil, "%d%s", i, make([]byte, i)), reach(r)); err != nil {
				t.Fatal(err)
			}
		}
		if before == 5 {
			r.Wake()
		}
		n, err := r.Receive(in)
		if n != 5 || err != nil {
			t.Fatal(n, err)
		}
		for i := range 5 {
			if data, from := in.Datagram(i); len(data) != i+1 || data[0] != byte('0'+i) || from != reach(s) {
				t.Errorf("wake before %d: slot %d holds %q from %v", before, i, data, from)
			}
		}
	}
}

func TestForeignDatagramIsNoWake(t *testing.T) {
	r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	if err := s.WriteTo(make([]byte, tokenSize), reach(r)); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Receive(NewInbox()); n != 1 || err != nil {
		t.Errorf("%d datagrams, %v", n, err)
	}
}

func TestServedWakeDoesNotEndALaterReceive(t *testing.T) {
	r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	r.Wake()
	r.woken.Store(false) // as an earlier Receive, which returned before the datagram of the wake came, has left it
	got := make(chan int)
	go func() {
		n, _ := r.Receive(NewInbox())
		got <- n
	}()
	for r.waiting() > 0 { // until the stale wake is taken in
		runtime.Gosched()
	}
	if err := s.WriteTo([]byte("x"), reach(r)); err != nil {
		t.Fatal(err)
	}
	if n := <-got; n != 1 {
		t.Errorf("Receive returned %d, want the datagram", n)
	}
}

// waiting is the size of the next datagram in the receive buffer.
func (s *Socket) waiting() int {
	n, _ := unix.IoctlGetInt(s.fd, unix.SIOCINQ)
	return n
}

func TestWakeThatIsFilteredAwayStillEndsReceive(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	s.woken.Store(true) // and no datagram
	start := time.Now()
	if n, err := s.Receive(NewInbox()); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if took := time.Since(start); took < longestWait/2 {
		t.Errorf("took %v: something else ended it", took)
	}
}

func TestFullReceiveBufferIsCounted(t *testing.T) {
	r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	if err := unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<10); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := s.WriteTo(make([]byte, 1200), reach(r)); err != nil {
			t.Fatal(err)
		}
	}
	n, err := r.Receive(NewInbox())
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Counters(); c.Overflowed != uint64(100-n) {
		t.Errorf("%d came and %d were dropped of 100", n, c.Overflowed)
	}
	if c := r.Counters(); c.Overflowed != uint64(100-n) {
		t.Errorf("counted twice: %d", c.Overflowed)
	}
}
