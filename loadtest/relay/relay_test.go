//go:build linux && (amd64 || arm64)

package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// end is a socket at one end of a relay.
type end struct {
	t testing.TB
	*net.UDPConn
}

func listen(t testing.TB, address string) end {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return end{t, conn}
}

func (e end) addr() netip.AddrPort { return e.LocalAddr().(*net.UDPAddr).AddrPort() }

func (e end) send(to netip.AddrPort, packet string) {
	e.t.Helper()
	if _, err := e.WriteToUDPAddrPort([]byte(packet), to); err != nil {
		e.t.Fatal(err)
	}
}

// receive waits for one packet.
func (e end) receive() (packet string, from netip.AddrPort) {
	e.t.Helper()
	b := make([]byte, 4096)
	_ = e.SetReadDeadline(time.Now().Add(patience))
	n, from, err := e.ReadFromUDPAddrPort(b)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(b[:n]), netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

func (e end) expect(want string) (from netip.AddrPort) {
	e.t.Helper()
	got, from := e.receive()
	if got != want {
		e.t.Fatalf("%q arrived, want %q", got, want)
	}
	return from
}

func start(t testing.TB, cfg Config) *Relay {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// await waits until the relay's counters are as they should be.
func await(t testing.TB, r *Relay, what string, good func(Stats) bool) Stats {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		s := r.Stats() // which waits for the loop's turn
		if good(s) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %+v", what, s)
		}
	}
}

func TestPacketsPassBothWays(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		server := listen(t, address)
		r := start(t, Config{Server: server.addr()})
		one, two := listen(t, address), listen(t, address)
		one.send(r.Addr(), "hello")
		asOne := server.expect("hello")
		two.send(r.Addr(), "good day")
		asTwo := server.expect("good day")
		if asOne == asTwo {
			t.Error("the server sees two clients at one address")
		}
		server.send(asTwo, "for two")
		server.send(asOne, "for one")
		if from := one.expect("for one"); from != r.Addr() {
			t.Errorf("the answer came from %v, not from %v", from, r.Addr())
		}
		two.expect("for two")
		one.send(r.Addr(), "again")
		if from := server.expect("again"); from != asOne {
			t.Errorf("one came from %v, then from %v", asOne, from)
		}
		s := r.Stats()
		if s.Clients != 2 || s.Seen != 2 || s.Up.Passed != 3 || s.Down.Passed != 2 || s.Up.Bytes != 18 || s.Up.Loss()+s.Down.Loss() != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// TestDelayIsKept in both directions: nothing is early, and the relay itself says how late it is.
func TestDelayIsKept(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	r := start(t, Config{Server: server.addr(), Up: Params{Delay: 30 * ms}, Down: Params{Delay: 20 * ms}})
	client := listen(t, "127.0.0.1:0")
	for range 20 {
		began := time.Now()
		client.send(r.Addr(), "there")
		from := server.expect("there")
		there := time.Since(began)
		server.send(from, "back")
		client.expect("back")
		if both := time.Since(began); there < 30*ms || both < 50*ms {
			t.Errorf("%v there, %v in all", there, both)
		}
	}
	t.Logf("late by %+v ms", r.Stats().Late)
}

// TestLossIsTheLinks: what arrives is what a Link with the same seed lets pass.
func TestLossIsTheLinks(t *testing.T) {
	p := Params{Loss: 0.2, Burst: 3}
	server := listen(t, "127.0.0.1:0")
	r := start(t, Config{Server: server.addr(), Up: p, Seed: 5})
	client, model := listen(t, "127.0.0.1:0"), NewLink(p, 5)
	for i := range uint32(500) {
		client.send(r.Addr(), string(binary.BigEndian.AppendUint32(nil, i)))
		if model.Send(time.Duration(i), 4, 0) != Passed {
			continue
		}
		if got, _ := server.receive(); got != string(binary.BigEndian.AppendUint32(nil, i)) {
			t.Fatalf("%x arrived, want %x", got, i)
		}
	}
	want := model.Counters()
	s := await(t, r, "the last one", func(s Stats) bool { return s.Up.Packets == 500 })
	if s.Up.LostOnWire != want.LostOnWire || s.Up.Passed != want.Passed || want.LostOnWire == 0 {
		t.Errorf("the relay: %+v\nthe link:  %+v", s.Up, want)
	}
}

func TestRateAndItsChange(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	r := start(t, Config{Server: server.addr(), Down: Params{Rate: 1e6, QueueTime: time.Second}})
	client := listen(t, "127.0.0.1:0")
	client.send(r.Addr(), "hello")
	to := server.expect("hello")
	burst := func(n int) (took time.Duration) {
		began := time.Now()
		for range n {
			server.send(to, string(make([]byte, 1250)))
		}
		for range n {
			client.receive()
		}
		return time.Since(began)
	}
	if took := burst(10); took < 99*ms { // 10 ms each
		t.Errorf("12.5 kB took %v at 1 Mbit/s", took)
	}
	steps := []Step{{After: 0, Down: Params{Rate: 100e6}}, {After: ms, Down: Params{Rate: 250_000}}}
	if err := r.Follow(context.Background(), steps); err != nil {
		t.Fatal(err)
	}
	if took := burst(5); took < 199*ms { // 40 ms each; the queue is 200 ms now
		t.Errorf("6.25 kB took %v at 250 kbit/s", took)
	}
	for range 30 {
		server.send(to, string(make([]byte, 1250)))
	}
	await(t, r, "a full queue", func(s Stats) bool { return s.Down.Packets == 45 && s.Down.LostInQueue > 0 })
	if err := r.Set(Params{}, Params{}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s := r.Stats()
	for range s.Down.Passed - 15 {
		client.receive()
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the queue took %v without a limit", took)
	}
	if err := r.Set(Params{Loss: 2}, Params{}); err == nil {
		t.Error("a loss of 200 % was taken")
	}
}

func TestClientsAreLimitedAndForgotten(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	r := start(t, Config{Server: server.addr(), Clients: 2, Idle: 2 * time.Second, Down: Params{Delay: 30 * time.Second}})
	ends := []end{listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")}
	for _, e := range ends[:2] {
		e.send(r.Addr(), "x")
		server.send(server.expect("x"), "this will not arrive")
	}
	await(t, r, "answers", func(s Stats) bool { return s.Down.Packets == 2 })
	ends[2].send(r.Addr(), "too many")
	s := await(t, r, "a refusal", func(s Stats) bool { return s.Refused > 0 })
	if s.Clients != 2 {
		t.Errorf("%+v", s)
	}
	// The idle are forgotten once a second, and their place is free.
	for deadline := time.Now().Add(patience); r.Stats().Seen < 3; {
		if time.Now().After(deadline) {
			t.Fatal("no place became free")
		}
		ends[2].send(r.Addr(), "x")
	}
	s = r.Stats()
	if s.Clients > 2 || s.Up.Passed < 3 || s.Down.Passed != 2 {
		t.Errorf("%+v", s)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	r := start(t, Config{Server: server.addr(), Packets: 10, Up: Params{Delay: 30 * time.Second}})
	client := listen(t, "127.0.0.1:0")
	for range 15 {
		client.send(r.Addr(), "x")
	}
	s := await(t, r, "15 packets", func(s Stats) bool { return s.Up.Packets == 15 })
	if s.Up.Passed != 10 || s.Up.LostNoRoom != 5 {
		t.Errorf("%+v", s.Up)
	}
}

func TestOversizedPacketsAreCounted(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	r := start(t, Config{Server: server.addr()})
	client := listen(t, "127.0.0.1:0")
	client.send(r.Addr(), string(make([]byte, slotSize+1)))
	client.send(r.Addr(), string(make([]byte, slotSize)))
	if got, _ := server.receive(); len(got) != slotSize {
		t.Errorf("%d bytes arrived", len(got))
	}
	if s := r.Stats(); s.Oversized != 1 {
		t.Errorf("%+v", s)
	}
}

func TestServerThatIsGoneAndComesBack(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	address := server.addr()
	_ = server.Close()
	r := start(t, Config{Server: address})
	client := listen(t, "127.0.0.1:0")
	for n := uint64(1); n <= 10; n++ {
		client.send(r.Addr(), "anybody?")
		await(t, r, "a packet", func(s Stats) bool { return s.Up.Packets == n && s.Unreachable > 0 })
	}
	server = listen(t, address.String())
	client.send(r.Addr(), "you?")
	for got := ""; got != "you?"; { // the last of the others may just have been on its way
		got, _ = server.receive()
	}
	if s := r.Stats(); s.Up.Passed != 11 || s.Up.LostSending != 0 {
		t.Errorf("%+v", s)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	r := start(t, Config{Server: server.addr(), Up: Params{Delay: time.Second}})
	client := listen(t, "127.0.0.1:0")
	client.send(r.Addr(), "x")
	await(t, r, "a packet", func(s Stats) bool { return s.Up.Packets == 1 })
	followed := make(chan error)
	go func() { followed <- r.Follow(context.Background(), []Step{{After: time.Hour}}) }()
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Follow(cancelled, []Step{{After: time.Hour}}); !errors.Is(err, context.Canceled) {
		t.Errorf("follow: %v", err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	if err := <-followed; !errors.Is(err, ErrClosed) {
		t.Errorf("follow: %v", err)
	}
	if err := r.Set(Params{}, Params{}); !errors.Is(err, ErrClosed) {
		t.Errorf("set: %v", err)
	}
	if s := r.Stats(); s.Up.Packets != 1 || s.Clients != 1 {
		t.Errorf("the last counters are %+v", s)
	}
	// Its port is free again.
	listen(t, r.Addr().String())
}

func TestConfigThatCannotBe(t *testing.T) {
	server := netip.MustParseAddrPort("127.0.0.1:9")
	for _, cfg := range []Config{
		{}, {Server: netip.MustParseAddrPort("127.0.0.1:0")}, {Server: server, Up: Params{Loss: 2}}, {Server: server, Down: Params{Burst: 0.1}},
		{Server: server, Clients: -1}, {Server: server, Packets: 1 << 30}, {Server: server, Idle: -1},
		{Server: server, Listen: netip.MustParseAddrPort("192.0.2.1:0")}, // not of this machine
	} {
		if r, err := New(cfg); err == nil {
			_ = r.Close()
			t.Errorf("%+v was taken", cfg)
		}
	}
}

func TestScheduleGivesTheNextDue(t *testing.T) {
	var s schedule
	lanes := make([]*lane, 50)
	for i := range lanes {
		lanes[i] = &lane{link: NewLink(Params{Delay: time.Duration(i*37%50) * ms, Jitter: ms}, uint64(i)), place: -1}
		for k := range 5 {
			lanes[i].link.Send(time.Duration(k*i)*ms, 1, 0)
		}
		s.update(lanes[i])
	}
	last, n := time.Duration(0), 0
	for len(s) > 0 {
		due := s[0].due
		for _, l := range lanes {
			if at, ok := l.link.Next(); ok && at < due {
				t.Fatalf("the schedule says %v, and a packet is due at %v", due, at)
			}
		}
		if due < last {
			t.Fatalf("due at %v after %v", due, last)
		}
		last = due
		s[0].link.Take(due)
		n++
		s.update(s[0])
	}
	if n != 250 {
		t.Errorf("%d packets came out", n)
	}
}
