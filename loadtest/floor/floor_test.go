//go:build linux && (amd64 || arm64)

package floor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mayHaveDevices reports whether this process may make network namespaces.
func mayHaveDevices() bool { return os.Geteuid() == 0 }

// descriptors counts what is open.
func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestFloorIsMeasured(t *testing.T) {
	if _, err := Measure(context.Background(), Config{Rounds: 1, Slice: 1, Lengths: []int{1}, Targets: []string{Loopback}}, nil); err != nil {
		t.Fatal(err) // and the runtime has opened what it keeps open
	}
	before := descriptors(t)
	cfg := Config{Destinations: 5, Lengths: []int{8, 1}, Rounds: 3, Slice: 2 * time.Millisecond}
	var done, total int
	r, err := Measure(context.Background(), cfg, func(d, t int) {
		if d != done+1 {
			done = -1 << 30
		}
		done, total = d, t
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Targets()
	if !mayHaveDevices() {
		want = want[:2]
	}
	var names []string
	for _, target := range r.Targets {
		names = append(names, target.Name)
		if len(target.Runs) != 2 || target.Runs[0].Length != 1 || target.Runs[1].Length != 8 {
			t.Fatalf("runs are %+v", target.Runs)
		}
		for _, run := range target.Runs {
			if !(run.Send > 0 && run.Least > 0 && run.Least <= run.SealSend && run.SealSend <= run.Most) {
				t.Errorf("%s: %+v", target.Name, run)
			}
		}
		if one, eight := target.Runs[0], target.Runs[1]; eight.SealSend > 0.8*one.SealSend {
			t.Errorf("%s: a packet of a run of 8 costs %.0f ns, one alone %.0f", target.Name, eight.SealSend, one.SealSend)
		}
		if target.Lost > 0.5 {
			t.Errorf("%s: %.1f %% were lost", target.Name, target.Lost*100)
		}
		// A packet that is sealed and sent costs more than either.
		if at := target.At(1); at < r.Seal || at != target.Runs[0].SealSend {
			t.Errorf("%s: %.0f ns for both, %.0f for sealing alone", target.Name, at, r.Seal)
		}
	}
	if !slices.Equal(names, want) || len(r.Missing) != 4-len(want) {
		t.Errorf("targets are %v, missing %v", names, r.Missing)
	}
	if figures := 1 + len(want)*4; done != total || total != 3*figures {
		t.Errorf("%d of %d are done", done, total)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
	if own, other := namespaceOf(t, "self"), namespaceOf(t, "thread-self"); own != other {
		t.Errorf("the thread is in %s, the process in %s", other, own)
	}
}

func namespaceOf(t *testing.T, process string) string {
	t.Helper()
	name, err := os.Readlink("/proc/" + process + "/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestDevicesGetRunsAsTheyWantThem: one packet after the other, or a run as a whole.
func TestDevicesGetRunsAsTheyWantThem(t *testing.T) {
	for name, want := range map[string]int{Device: 100 * 3 * 4, DeviceUSO: 100 * 3} {
		target, err := open(name, 3)
		if !mayHaveDevices() {
			if err == nil || !strings.Contains(err.Error(), "it needs a network namespace") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cfg := Config{}
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		s := newSender(target, cfg, 4)
		for range 100 {
			if err := s.sealAndSend(); err != nil {
				t.Fatal(err)
			}
		}
		// IPv6 has a few to send as well.
		if got := packetsOfDevice(t, target.fd); got < want || got > want+20 {
			t.Errorf("%s: the device got %d packets, want %d", name, got, want)
		}
		target.close()
	}
}

// packetsOfDevice counts what the device in the socket's namespace was given.
func packetsOfDevice(t *testing.T, fd int) (packets int) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	must(err)
	defer unix.Close(own)
	its, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCGSKNS, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	defer unix.Close(int(its))
	must(unix.Setns(int(its), unix.CLONE_NEWNET))
	text, err := os.ReadFile("/proc/thread-self/net/dev")
	must(unix.Setns(own, unix.CLONE_NEWNET))
	must(err)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), deviceName+":"); ok {
			// A dummy counts them as sent, an ifb as received.
			fields := strings.Fields(rest)
			var in, out int
			_, err := fmt.Sscan(fields[1]+" "+fields[9], &in, &out)
			must(err)
			return max(in, out)
		}
	}
	t.Fatalf("there is no device in\n%s", text)
	return 0
}

func TestLoopbackGetsWholePackets(t *testing.T) {
	target, err := open(Loopback, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer target.close()
	cfg := Config{Destinations: 4}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, length := range []int{1, 3, 40} {
		if err := newSender(target, cfg, length).sealAndSend(); err != nil {
			t.Fatal(err)
		}
	}
	if got := target.received(); got != 4*(1+3+40) {
		t.Errorf("%d packets arrived, want %d", got, 4*(1+3+40))
	}
}

func TestFloorBetweenMeasuredLengths(t *testing.T) {
	// a + b/length with a = 500 and b = 2000
	exact := Target{}
	for _, length := range []int{1, 2, 4, 16} {
		exact.Runs = append(exact.Runs, Run{Length: length, SealSend: 500 + 2000/float64(length)})
	}
	for length, want := range map[float64]float64{
		0: 2500, 0.5: 2500, 1: 2500, 1.25: 2100, 1.6: 1750, 2: 1500, 3: 500 + 2000.0/3, 4: 1000, 8: 750, 16: 625, 32: 562.5, math.Inf(1): 500,
	} {
		if got := exact.At(length); math.Abs(got-want) > 1e-6 {
			t.Errorf("at %v: %v, want %v", length, got, want)
		}
	}
	if got := exact.At(math.NaN()); got != 2500 {
		t.Errorf("at no length: %v", got)
	}
	noisy := Target{Runs: []Run{{Length: 8, SealSend: 700}, {Length: 16, SealSend: 710}}}
	if got := noisy.At(40); got != 710 {
		t.Errorf("longer runs cost %v", got)
	}
	if one := (&Target{Runs: []Run{{Length: 4, SealSend: 900}}}); one.At(1) != 900 || one.At(8) != 900 {
		t.Error("one figure is not all there is")
	}
	if (&Target{}).At(2) != 0 {
		t.Error("nothing was measured and something came out")
	}
}

func TestResultIsWrittenForPeopleAndPrograms(t *testing.T) {
	r := &Result{
		Packet: 1178, Destinations: 29, Rounds: 7, Seal: 310,
		Targets: []Target{{Name: Loopback, Lost: 0.0125, Runs: []Run{{1, 3300, 3610.4, 3500, 3900}, {8, 970, 1290, 1200, 1400}}}},
		Missing: []string{"device: it needs a network namespace: operation not permitted"},
	}
	var b bytes.Buffer
	if err := r.Table(&b); err != nil {
		t.Fatal(err)
	}
	want := `floor: ns of CPU per packet of 1178 bytes, to 29 destinations, median of 7 and from-to
  seal                              310
  loopback, run of                    1          8
    send                           3300        970
    seal + send                    3610       1290
                              3500-3900  1200-1400
    1.25 % of the packets found no room, and cost less than the others
  without device: it needs a network namespace: operation not permitted
`
	if b.String() != want {
		t.Errorf("the table is\n%s\nwant\n%s", b.String(), want)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if l := back.Target(Loopback); l == nil || l.At(8) != 1290 || back.Target(Device) != nil {
		t.Errorf("%s", raw)
	}
	if !bytes.Contains(raw, []byte(`"seal_send_ns":3610.4`)) {
		t.Errorf("%s", raw)
	}
}

func TestConfigsThatCannotBe(t *testing.T) {
	for _, cfg := range []Config{
		{Packet: overhead}, {Packet: 1473}, {Packet: -1}, {Destinations: 251}, {Rounds: -1}, {Slice: -1}, {Slice: time.Hour},
		{Lengths: []int{0}}, {Lengths: []int{56}},
		{Lengths: []int{55}, Packet: 1400}, {Targets: []string{"elsewhere"}},
	} {
		if _, err := Measure(context.Background(), cfg, nil); err == nil {
			t.Errorf("%+v was measured", cfg)
		}
	}
}

func TestMeasurementIsInterrupted(t *testing.T) {
	before := descriptors(t)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Measure(ctx, Config{Slice: time.Millisecond, Targets: []string{Discard, Loopback}}, func(done, _ int) {
		if done == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

func TestRefusalOfTheKernelIsReported(t *testing.T) {
	target, err := open(Discard, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer target.close()
	cfg := Config{Destinations: 1}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s := newSender(target, cfg, 4)
	s.messages[0].header.Iov.SetLen(70_000) // more than a datagram
	if err := s.sendAll(); !errors.Is(err, unix.EMSGSIZE) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EFAULT) {
		t.Error(err)
	}
}

func TestTurnsAllocateNothing(t *testing.T) {
	target, err := open(Discard, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer target.close()
	cfg := Config{Destinations: 3}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s := newSender(target, cfg, 4)
	if n := testing.AllocsPerRun(100, func() { _ = s.sealAndSend() }); n != 0 {
		t.Errorf("%v allocations a turn", n)
	}
}
