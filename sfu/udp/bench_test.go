//go:build linux && (amd64 || arm64)

package udp

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cpu is the CPU time of the whole process: of the scheduler's threads too, which is where a loop that waits badly hides its cost.
func cpu() time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// A benchmark's other half is another process, so that its time is not counted.
const (
	benchTarget = "TARASUL_BENCH_TARGET"
	benchGap    = "TARASUL_BENCH_GAP"
	benchCount  = "TARASUL_BENCH_COUNT"
)

// TestBenchmarkSender is that other half; without its environment it has nothing to do.
func TestBenchmarkSender(t *testing.T) {
	target := os.Getenv(benchTarget)
	if target == "" {
		return
	}
	gap, err := time.ParseDuration(os.Getenv(benchGap))
	if err != nil {
		t.Fatal(err)
	}
	var count int
	if _, err := fmt.Sscan(os.Getenv(benchCount), &count); err != nil {
		t.Fatal(err)
	}
	s := listen(t, "127.0.0.1:0")
	to := AddrOf(netip.MustParseAddrPort(target))
	b := make([]byte, 1150)
	start := time.Now()
	for i := range count {
		wait := unix.NsecToTimespec(int64(time.Until(start.Add(time.Duration(i) * gap))))
		if wait.Nsec > 0 || wait.Sec > 0 {
			_ = unix.Nanosleep(&wait, nil)
		}
		_ = s.WriteTo(b, to)
	}
}

// BenchmarkLightLoad is the cost of a datagram in a process that does nothing but wait for it, at the rates of a few publishers.
func BenchmarkLightLoad(b *testing.B) {
	for _, gap := range []time.Duration{500 * time.Microsecond, 150 * time.Microsecond} {
		for _, yields := range []bool{false, true} {
			b.Run(fmt.Sprintf("every=%v/yields=%v", gap, yields), func(b *testing.B) {
				s := listen(b, "127.0.0.1:0")
				in := NewInbox()
				other := exec.Command(os.Args[0], "-test.run=^TestBenchmarkSender$")
				other.Env = append(os.Environ(), benchTarget+"="+s.LocalAddr().String(), benchGap+"="+gap.String(), benchCount+"="+fmt.Sprint(b.N))
				if err := other.Start(); err != nil {
					b.Fatal(err)
				}
				if _, err := s.Receive(in); err != nil { // the first one starts the clock
					b.Fatal(err)
				}
				s.SetIdle(time.Second)
				before, got := cpu(), 0
				for got < b.N {
					if !yields {
						s.yield = false
					}
					n, err := s.Receive(in)
					if err != nil || n == 0 {
						break
					}
					got += n
				}
				b.ReportMetric(float64(cpu()-before)/float64(got), "cpu-ns/datagram")
				if err := other.Wait(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// BenchmarkSend is a Send to 29 destinations which drop everything, by socket family and length of the run.
func BenchmarkSend(b *testing.B) {
	for _, family := range []string{"127.0.0.1:0", "[::]:0"} {
		for _, run := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("%s/run=%d", family, run), func(b *testing.B) {
				s := listen(b, family)
				r := listen(b, "127.0.0.1:0")
				refuse := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
				if err := unix.SetsockoptSockFprog(r.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &refuse}); err != nil {
					b.Fatal(err)
				}
				out, to, message := NewOutbox(s), reach(r), make([]byte, run*1186)
				b.ReportAllocs()
				for b.Loop() {
					for range 29 {
						out.Add(to, message, 1186)
					}
					s.Send(out)
				}
				b.ReportMetric(float64(b.Elapsed())/float64(b.N*29*run), "ns/datagram")
			})
		}
	}
}

// BenchmarkAdd is our own part of a message.
func BenchmarkAdd(b *testing.B) {
	s := listen(b, "127.0.0.1:0")
	out, to, message := NewOutbox(s), reach(s), make([]byte, 4*1186)
	for b.Loop() {
		if !out.Add(to, message, 1186) {
			out.n, out.total = 0, Counters{}
		}
	}
}

// BenchmarkReceive is a Receive of 64 datagrams that are there already, with their addresses.
func BenchmarkReceive(b *testing.B) {
	r, s := listen(b, "[::]:0"), listen(b, "127.0.0.1:0")
	in, out, to := NewInbox(), NewOutbox(s), reach(r)
	message := make([]byte, 64*1000)
	b.ReportAllocs()
	var took time.Duration
	for b.Loop() {
		out.Add(to, message, 1000)
		s.Send(out)
		start := time.Now()
		n, err := r.Receive(in)
		if n != 64 || err != nil {
			b.Fatal(n, err)
		}
		for i := range n {
			in.Datagram(i)
		}
		took += time.Since(start)
	}
	b.ReportMetric(float64(took)/float64(b.N*64), "ns/datagram")
}

// BenchmarkWake is what a wake costs the caller while the loop is awake anyway, and while it has been woken before.
func BenchmarkWake(b *testing.B) {
	s := listen(b, "127.0.0.1:0")
	in := NewInbox()
	b.Run("and Receive", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Wake()
			if n, err := s.Receive(in); n != 0 || err != nil {
				b.Fatal(n, err)
			}
		}
	})
	s.Wake()
	b.Run("once more", func(b *testing.B) {
		for b.Loop() {
			s.Wake()
		}
	})
}
