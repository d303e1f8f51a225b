//go:build linux && (amd64 || arm64)

package udp

import (
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const inNamespace = "TARASUL_TEST_IN_NAMESPACE"

// inOwnNamespace runs the test that calls it again in a network namespace of its own, and reports true there.
func inOwnNamespace(t *testing.T) bool {
	if os.Getenv(inNamespace) != "" {
		return true
	}
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), inNamespace+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		again.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		again.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
	}
	said, err := again.CombinedOutput()
	if err != nil {
		t.Errorf("in a network namespace: %v\n%s", err, said)
	}
	return false
}

// silentDevice makes an Ethernet on which nobody answers: what is sent to the address returned waits for ARP, for seconds, and
// fills the send buffer meanwhile. The kernel keeps 200 kB for an address that it looks for, so the buffer must be smaller.
func silentDevice(t *testing.T) Addr {
	t.Helper()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	tun, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	must("open tun", err)
	t.Cleanup(func() { _ = unix.Close(tun) })
	request := func() *unix.Ifreq {
		r, err := unix.NewIfreq("silent0")
		must("name", err)
		return r
	}
	r := request()
	r.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	must("make tap", unix.IoctlIfreq(tun, unix.TUNSETIFF, r))
	control, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must("socket", err)
	defer unix.Close(control)
	for _, set := range []struct {
		request uint
		addr    [4]byte
	}{{unix.SIOCSIFADDR, [4]byte{10, 9, 0, 1}}, {unix.SIOCSIFNETMASK, [4]byte{255, 255, 255, 0}}} {
		r = request()
		must("address", r.SetInet4Addr(set.addr[:]))
		must("set address", unix.IoctlIfreq(control, set.request, r))
	}
	r = request()
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	must("up", unix.IoctlIfreq(control, unix.SIOCSIFFLAGS, r))
	return AddrOf(netip.MustParseAddrPort("10.9.0.2:9"))
}

func TestSendBufferThatStaysFullCostsOneMillisecond(t *testing.T) {
	if !inOwnNamespace(t) {
		return
	}
	far := silentDevice(t)
	for _, segment := range []int{0, 1200} {
		s, err := Listen(netip.MustParseAddrPort("0.0.0.0:0"), Config{Buffer: 30_000})
		if err != nil {
			t.Fatal(err)
		}
		out := NewOutbox(s)
		message := make([]byte, 1200)
		if segment > 0 {
			message = make([]byte, 10*1200)
		}
		for out.Add(far, message, segment) {
		}
		lost := s.Send(out)
		c := s.Counters()
		if lost == 0 || uint64(lost) != c.Dropped || c.DatagramsOut == 0 {
			t.Errorf("%d lost, %+v", lost, c)
		}
		fastest := time.Hour // a busy machine may hold up any one of them
		for range 10 {       // with a buffer that is full from the start
			out.Add(far, message, segment)
			start := time.Now()
			s.Send(out)
			fastest = min(fastest, time.Since(start))
		}
		if fastest > 20*time.Millisecond {
			t.Errorf("took %v at best", fastest)
		}
		_ = s.Close()
	}
}

func TestRunAcrossASmallMTULeavesPieceByPiece(t *testing.T) {
	if !inOwnNamespace(t) {
		return
	}
	far := silentDevice(t)
	control, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(control)
	r, err := unix.NewIfreq("silent0")
	if err != nil {
		t.Fatal(err)
	}
	r.SetUint32(1000)
	if err := unix.IoctlIfreq(control, unix.SIOCSIFMTU, r); err != nil {
		t.Fatal(err)
	}
	s, err := Listen(netip.MustParseAddrPort("0.0.0.0:0"), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out := NewOutbox(s)
	out.Add(far, make([]byte, 3600), 1200)
	out.Add(far, make([]byte, 2700), 900)
	if lost := s.Send(out); lost != 0 || !out.Refused(0) || out.Refused(1) {
		t.Errorf("lost %d, refused %v and %v", lost, out.Refused(0), out.Refused(1))
	}
	if c := s.Counters(); c.DatagramsOut != 6 || c.Runs != 1 {
		t.Errorf("%+v", c)
	}
}
