//go:build linux && (amd64 || arm64)

package udp

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pattern is n bytes that differ from place to place.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func TestRunsArriveAsTheirSegments(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", "[::]:0"} {
		t.Run(addr, func(t *testing.T) {
			r, s := listen(t, addr), listen(t, addr)
			b := pattern(3*1000 + 200)
			out := NewOutbox(s)
			out.Add(reach(r), b, 1000)
			out.Add(reach(r), b[:1000], 1000)
			out.Add(reach(r), b[:2000], 1000)
			if lost := s.Send(out); lost != 0 {
				t.Fatal("lost", lost)
			}
			data, _ := gather(t, r, 7)
			if !bytes.Equal(slices.Concat(data[:4]...), b) {
				t.Error("the first run is not what was sent")
			}
			var sizes []int
			for _, d := range data {
				sizes = append(sizes, len(d))
			}
			if want := []int{1000, 1000, 1000, 200, 1000, 1000, 1000}; !slices.Equal(sizes, want) {
				t.Errorf("sizes %v, want %v", sizes, want)
			}
			want := Counters{DatagramsOut: 7, BytesOut: 6200, SendCalls: 1, Messages: 3, Runs: 2, Segments: 6}
			if c := s.Counters(); c != want {
				t.Errorf("counted %+v, want %+v", c, want)
			}
		})
	}
}

func TestRefusedMessageLosesOnlyItself(t *testing.T) {
	r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	out := NewOutbox(s)
	out.Add(reach(r), []byte("one"), 0)
	out.Add(Addr{IP: reach(r).IP}, []byte("to port 0"), 0)
	out.Add(Addr{IP: reach(r).IP}, pattern(30), 10)
	out.Add(reach(r), []byte("two"), 0)
	if lost := s.Send(out); lost != 4 {
		t.Errorf("lost %d, want 4", lost)
	}
	if got := []int{out.Lost(0), out.Lost(1), out.Lost(2), out.Lost(3)}; !slices.Equal(got, []int{0, 1, 3, 0}) {
		t.Errorf("lost by message: %v", got)
	}
	data, _ := gather(t, r, 2)
	if string(data[0]) != "one" || string(data[1]) != "two" {
		t.Errorf("got %q", data)
	}
	if c := s.Counters(); c.DatagramsOut != 2 || c.BytesOut != 6 || c.Dropped != 4 || c.Messages != 2 {
		t.Errorf("%+v", c)
	}
	out.Add(reach(r), []byte("three"), 0)
	if lost := s.Send(out); lost != 0 || out.Lost(0) != 0 || out.Lost(1) != 0 {
		t.Error("an earlier loss is remembered")
	}
}

func TestRefusedRunLeavesPieceByPiece(t *testing.T) {
	r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	out := NewOutbox(s)
	long := pattern(46*1472 + 5) // more than a UDP length can say
	out.Add(reach(r), []byte("before"), 0)
	out.Add(reach(r), long, 1472)
	out.Add(reach(r), pattern(2000), 1000)
	if lost := s.Send(out); lost != 0 {
		t.Errorf("lost %d", lost)
	}
	if out.Refused(0) || !out.Refused(1) || out.Refused(2) {
		t.Error("the wrong message is said to be refused")
	}
	data, _ := gather(t, r, 50)
	if !bytes.Equal(slices.Concat(data[1:48]...), long) {
		t.Error("the pieces are not what was sent, or not in order")
	}
	want := Counters{DatagramsOut: 50, BytesOut: uint64(6 + len(long) + 2000), SendCalls: 4, Messages: 49, Runs: 1, Segments: 2, Refused: 1}
	if c := s.Counters(); c != want {
		t.Errorf("counted %+v\nwant %+v", c, want)
	}
}

// kernel plays sendmmsg: it answers each call for a message by verdict, and passes on what it lets through.
func kernel(s *Socket, verdict func(m *message) unix.Errno) {
	s.sendmmsg = func(fd int, messages []message) (int, unix.Errno) {
		for i := range messages {
			if errno := verdict(&messages[i]); errno != 0 {
				if i == 0 {
					return 0, errno
				}
				messages = messages[:i]
				break
			}
		}
		return sendmmsg(fd, messages)
	}
}

func isRun(m *message) bool { return m.header.Controllen > 0 }

func TestKernelWithoutRunsIsFoundOut(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EIO, unix.EINVAL, unix.EMSGSIZE} {
		r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
		kernel(s, func(m *message) unix.Errno {
			if isRun(m) {
				return errno
			}
			return 0
		})
		out := NewOutbox(s)
		total := 0
		for range giveUpAfter + 10 {
			out.Add(reach(r), pattern(300), 100)
			if lost := s.Send(out); lost != 0 {
				t.Fatal("lost", lost)
			}
			total += 3
		}
		gather(t, r, total)
		if c := s.Counters(); c.Refused != giveUpAfter || c.Runs != 0 || c.DatagramsOut != uint64(total) {
			t.Errorf("%v: %+v", errno, c)
		}
		for range Messages/3 - 1 {
			out.Add(reach(r), pattern(300), 100)
		}
		if !out.Add(reach(r), pattern(300), 100) || out.Add(reach(r), pattern(300), 100) || out.Len() != Messages-Messages%3 {
			t.Errorf("%d messages: a run that is taken apart is taken in whole or not at all", out.Len())
		}
	}
}

func TestOnePathWithoutRunsDoesNotEndThemAll(t *testing.T) {
	r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	out := NewOutbox(s)
	out.Add(reach(r), pattern(300), 100)
	s.Send(out)
	kernel(s, func(m *message) unix.Errno {
		if isRun(m) {
			return unix.EMSGSIZE
		}
		return 0
	})
	for range 2 * giveUpAfter {
		out.Add(reach(r), pattern(300), 100)
		s.Send(out)
	}
	if c := s.Counters(); c.Refused != 2*giveUpAfter || !s.gso {
		t.Errorf("%+v", c)
	}
}

func TestFullSendBufferLosesTheRestOnce(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EAGAIN, unix.ENOBUFS} {
		r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
		room := 5
		kernel(s, func(*message) unix.Errno {
			if room == 0 {
				return errno
			}
			room--
			return 0
		})
		out := NewOutbox(s)
		for i := range 10 {
			out.Add(reach(r), []byte{byte(i)}, 0)
		}
		if lost := s.Send(out); lost != 5 {
			t.Errorf("lost %d, want 5", lost)
		}
		if out.Lost(4) != 0 || out.Lost(5) != 1 || out.Lost(9) != 1 || out.Len() != 0 {
			t.Error("the wrong ones are lost")
		}
		if c := s.Counters(); c.SendCalls != 3 || c.Dropped != 5 || c.DatagramsOut != 5 {
			t.Errorf("%+v", c)
		}
		gather(t, r, 5)
	}
}

func TestSendBufferThatEmptiesLosesNothing(t *testing.T) {
	r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	full := true
	kernel(s, func(*message) unix.Errno {
		if full {
			full = false
			return unix.EAGAIN
		}
		return 0
	})
	out := NewOutbox(s)
	out.Add(reach(r), pattern(300), 100)
	if lost := s.Send(out); lost != 0 {
		t.Errorf("lost %d", lost)
	}
	gather(t, r, 3)
}

func TestInterruptedCallsAreRepeatedAndForeignErrorsLoseOneMessage(t *testing.T) {
	r, s := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	// What is bad in the middle ends one call and begins the next, so it is answered twice.
	answers := []unix.Errno{unix.EINTR, unix.EPERM, 0, unix.ENETUNREACH, unix.ENETUNREACH, 0}
	kernel(s, func(*message) unix.Errno {
		a := answers[0]
		answers = answers[1:]
		return a
	})
	out := NewOutbox(s)
	for i := range 4 {
		out.Add(reach(r), []byte{byte(i)}, 0)
	}
	if lost := s.Send(out); lost != 2 {
		t.Errorf("lost %d, want 2", lost)
	}
	data, _ := gather(t, r, 2)
	if data[0][0] != 1 || data[1][0] != 3 {
		t.Errorf("got %v", data)
	}
}

func TestNothingIsAllocatedPerTurn(t *testing.T) {
	r, s := listen(t, "[::]:0"), listen(t, "[::]:0")
	in, out := NewInbox(), NewOutbox(s)
	b := pattern(5 * 1000)
	to := reach(r)
	r.SetIdle(time.Second)
	turn := func() {
		for range 3 {
			out.Add(to, b, 1000)
			out.Add(to, b[:700], 0)
		}
		s.Send(out)
		for left := 18; left > 0; {
			n, err := r.Receive(in)
			if n == 0 || err != nil {
				t.Fatal(n, err)
			}
			left -= n
			for i := range n {
				in.Datagram(i)
			}
		}
		r.Wake()
		r.Receive(in)
	}
	if n := testing.AllocsPerRun(200, turn); n != 0 {
		t.Errorf("%v allocations a turn, want 0", n)
	}
	kernel(s, func(m *message) unix.Errno {
		if isRun(m) {
			return unix.EIO
		}
		return 0
	})
	s.gsoTaken = true
	if n := testing.AllocsPerRun(20, turn); n != 0 {
		t.Errorf("%v allocations a turn of refused runs, want 0", n)
	}
}

func TestTooManySegmentsAreABug(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	defer func() {
		if recover() == nil {
			t.Error("a run of 65 datagrams is taken in")
		}
	}()
	NewOutbox(s).Add(reach(s), pattern(65), 1)
}

func TestAnAddressThatIsNotThereIsAnErrorOfWriteTo(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	if err := s.WriteTo([]byte("x"), AddrOf(netip.MustParseAddrPort("127.0.0.1:0"))); err == nil {
		t.Error("port 0 was written to")
	}
}
