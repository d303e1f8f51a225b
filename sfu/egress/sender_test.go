//go:build linux && (amd64 || arm64)

package egress

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"tarasul/sfu/udp"
)

// send sends packets as one batch.
func send(s *Sender, d *Destination, packets ...Packet) {
	s.Begin(d, time.Now())
	for i := range packets {
		s.Add(&packets[i])
	}
	s.End()
	s.Flush()
}

// stream is packets of one stream, by the sizes of their payload.
func stream(ssrc uint32, sizes ...int) (all []Packet) {
	for i, n := range sizes {
		all = append(all, sized(ssrc, uint16(i), n))
	}
	return all
}

// streams is one packet of each of some streams.
func streams(sizes ...int) (all []Packet) {
	for i, n := range sizes {
		all = append(all, sized(uint32(i), 0, n))
	}
	return all
}

func TestRunsAreFormedAsPromised(t *testing.T) {
	const overhead = headerSize + tagUsual
	for _, test := range []struct {
		name    string
		cfg     Config
		packets []Packet
		want    []int // sizes in the order of arrival
		runs    uint64
		single  uint64
		padding uint64
	}{
		{"equal sizes", Config{}, stream(1, 1000, 1000, 1000), []int{1000, 1000, 1000}, 1, 0, 0},
		{"a shorter end", Config{}, stream(1, 1000, 1000, 300), []int{1000, 1000, 300}, 1, 0, 0},
		{"padding", Config{}, stream(1, 1000, 960, 999, 980), []int{1000, 1000, 1000, 980}, 1, 0, 41},
		{"not too much padding", Config{}, stream(1, 1000, 959, 959), []int{1000, 959, 959}, 1, 1, 0},
		{"no padding", Config{PaddingMax: -1}, stream(1, 1000, 1000, 999, 999), []int{1000, 1000, 999, 999}, 1, 1, 0},
		{"larger first", Config{}, streams(100, 1000, 500, 1000), []int{1000, 1000, 500, 100}, 1, 1, 0},
		{"never past the same stream", Config{}, stream(1, 100, 1000, 1000), []int{100, 1000, 1000}, 1, 1, 0},
		{
			"another stream may pass", Config{}, append(stream(1, 100, 50), stream(2, 1000)...),
			[]int{1000, 100, 50}, 1, 1, 0,
		},
		{"too large for a frame", Config{}, streams(1450, 1450, 1440, 1444), []int{1450, 1450, 1444, 1440}, 1, 2, 0},
		{"one segment", Config{SegmentsMax: 1}, streams(500, 510, 505), []int{500, 510, 505}, 0, 3, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, socket := newSender(t, test.cfg)
			d := newSubscriber(t, profiles["AES-128-GCM"], Extensions{})
			send(s, &d.Destination, test.packets...)
			var sizes []int
			for _, p := range d.packets(len(test.packets)) {
				sizes = append(sizes, p.size-overhead)
			}
			if !slices.Equal(sizes, test.want) {
				t.Errorf("sizes %v, want %v", sizes, test.want)
			}
			c := socket.Counters()
			if c.Runs != test.runs || c.Messages-c.Runs != test.single || d.Counters.Padding != test.padding || c.Refused != 0 {
				t.Errorf("%d runs, %d single, %d bytes of padding; want %d, %d, %d", c.Runs, c.Messages-c.Runs, d.Counters.Padding,
					test.runs, test.single, test.padding)
			}
		})
	}
}

func TestRunsAreCutAtTheirLimits(t *testing.T) {
	for _, test := range []struct {
		cfg  Config
		size int
		runs uint64
	}{
		{Config{}, 100, 5},
		{Config{}, 1200, 5},
		{Config{SegmentsMax: 64}, 100, 4},
		{Config{BytesMax: 12280}, 1200, 20},
		{Config{SegmentsMax: 64, BytesMax: 65000}, 1444, 5},
	} {
		s, socket := newSender(t, test.cfg)
		d := newSubscriber(t, profiles["AES-128-GCM"], Extensions{})
		var packets []Packet
		for i := range 200 {
			packets = append(packets, sized(1, uint16(i), test.size))
		}
		send(s, &d.Destination, packets...)
		for i, got := range d.packets(200) {
			same(t, &packets[i], &got, Extensions{})
		}
		if c := socket.Counters(); c.Messages != test.runs || c.Refused != 0 {
			t.Errorf("%+v: %d runs of %d bytes, want %d", test.cfg, c.Messages, test.size, test.runs)
		}
	}
}

func TestTransportNumbersCountUpInTheOrderOfLeaving(t *testing.T) {
	e := Extensions{TransportCC: 3}
	s, _ := newSender(t, Config{})
	a, b := newSubscriber(t, profiles["AES-128-GCM"], e), newSubscriber(t, profiles["AES-256-GCM"], e)
	b.transportSeq = 65530
	for turn := range 3 {
		now := time.Now()
		for _, d := range []*subscriber{a, b} {
			s.Begin(&d.Destination, now)
			for i := range 5 {
				p := sized(uint32(i%3), uint16(5*turn+i), 100+200*(i%2))
				s.Add(&p)
			}
			s.End()
		}
		s.Flush()
		for _, d := range []*subscriber{a, b} {
			first := d.TransportSeq() - 5
			for i, got := range d.packets(5) {
				seq := transportSeq(&got, e.TransportCC)
				if seq != first+uint16(i) {
					t.Errorf("packet %d has number %d, want %d", i, seq, first+uint16(i))
				}
				at, size, ok := d.Sent(seq, now.Add(time.Second))
				if off := at.Sub(now); !ok || size != got.size || off > time.Microsecond || off < -time.Microsecond {
					t.Errorf("number %d is remembered as %d bytes, %v off, %v; it had %d", seq, size, off, ok, got.size)
				}
			}
			if _, _, ok := d.Sent(d.TransportSeq(), now); ok {
				t.Error("a packet is remembered that was not sent")
			}
		}
	}
	if a.TransportSeq() != 15 || b.TransportSeq() != 9 {
		t.Errorf("next numbers %d and %d", a.TransportSeq(), b.TransportSeq())
	}
	if _, _, ok := new(Destination).Sent(0, time.Now()); ok {
		t.Error("a packet is remembered without transport-wide numbers")
	}
}

func TestWhatCannotBeSentIsDroppedAndCounted(t *testing.T) {
	s, socket := newSender(t, Config{})
	d := newSubscriber(t, profiles["AES-128-GCM"], Extensions{MID: 1})
	seal, addr := d.Seal, d.Addr

	d.Seal = nil
	send(s, &d.Destination, sized(1, 0, 10), sized(1, 1, 10))
	s.RTCP(&d.Destination, compound(t))
	d.Seal, d.Addr = seal, udp.Addr{}
	send(s, &d.Destination, sized(1, 2, 10))
	d.Addr = addr
	tooLarge := sized(1, 3, PacketMax-headerSize-tagUsual+1)
	long := sized(1, 4, 10)
	long.MID = make([]byte, 256)
	send(s, &d.Destination, tooLarge, long)
	s.RTCP(&d.Destination, make([]byte, PacketMax))
	s.RTCP(&d.Destination, []byte{1, 2, 3})
	s.Flush()
	if want := (Counters{Dropped: 8}); d.Counters != want {
		t.Errorf("counted %+v, want %+v", d.Counters, want)
	}
	if c := socket.Counters(); c.SendCalls != 0 {
		t.Errorf("%d system calls for nothing", c.SendCalls)
	}

	largest := sized(1, 5, PacketMax-headerSize-tagUsual)
	send(s, &d.Destination, largest)
	got := d.packets(1)[0]
	same(t, &largest, &got, Extensions{})
}

// compound is a sender report and a description.
func compound(t testing.TB) []byte {
	t.Helper()
	name := []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "slot"}}
	b, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.SenderReport{SSRC: 77, PacketCount: 5},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 77, Items: name}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRTCPIsSealed(t *testing.T) {
	for name, profile := range profiles {
		t.Run(name, func(t *testing.T) {
			s, _ := newSender(t, Config{})
			d := newSubscriber(t, profile, Extensions{})
			raw := compound(t)
			for range 3 {
				s.RTCP(&d.Destination, raw)
			}
			clear(raw)
			s.Flush()
			for _, sealed := range d.raw(3) {
				plain, err := d.open.DecryptRTCP(nil, sealed, nil)
				if err != nil {
					t.Fatal(err)
				}
				packets, err := rtcp.Unmarshal(plain)
				if err != nil || len(packets) != 2 {
					t.Fatalf("%v, %v", packets, err)
				}
				if report, ok := packets[0].(*rtcp.SenderReport); !ok || report.PacketCount != 5 {
					t.Errorf("got %v", packets[0])
				}
			}
			if d.Counters.Packets != 3 {
				t.Errorf("%+v", d.Counters)
			}
		})
	}
}

// tcp is a Stream with room for some packets.
type tcp struct {
	room    int
	packets [][]byte
}

func (c *tcp) Write(sealed []byte) bool {
	if c.room == 0 {
		return false
	}
	c.room--
	c.packets = append(c.packets, slices.Clone(sealed))
	return true
}

func TestSlowStreamLosesOnlyItsOwn(t *testing.T) {
	e := Extensions{TransportCC: 1}
	s, _ := newSender(t, Config{})
	profile := profiles["AES-128-GCM"]
	slow, fast, direct := newSubscriber(t, profile, e), newSubscriber(t, profile, e), newSubscriber(t, profile, e)
	stalled, flowing := &tcp{room: 3}, &tcp{room: 1000}
	slow.Stream, fast.Stream = stalled, flowing
	packets := []Packet{sized(1, 0, 10), sized(2, 0, 900), sized(1, 1, 20), sized(3, 0, 901), sized(1, 2, 1100)}
	for _, d := range []*subscriber{slow, fast, direct} {
		s.Begin(&d.Destination, time.Now())
		for i := range packets {
			s.Add(&packets[i])
		}
		s.End()
		s.RTCP(&d.Destination, compound(t))
	}
	s.Flush()
	if len(stalled.packets) != 3 || slow.Counters.Dropped != 3 {
		t.Errorf("%d packets went to the slow one, %+v", len(stalled.packets), slow.Counters)
	}
	if len(flowing.packets) != 6 || fast.Counters.Dropped != 0 || fast.Counters.Padding != 0 {
		t.Errorf("%d packets went to the fast one, %+v", len(flowing.packets), fast.Counters)
	}
	for i := range packets { // in the order of Add
		got := fast.openOne(flowing.packets[i])
		same(t, &packets[i], &got, e)
		if transportSeq(&got, 1) != uint16(i) {
			t.Errorf("packet %d has number %d", i, transportSeq(&got, 1))
		}
	}
	if got := direct.raw(6); len(got) != 6 || direct.Counters.Dropped != 0 {
		t.Errorf("%d datagrams went directly, %+v", len(got), direct.Counters)
	}
}

func TestAddressMayMoveBetweenBatches(t *testing.T) {
	s, _ := newSender(t, Config{})
	d := newSubscriber(t, profiles["AES-128-GCM"], Extensions{})
	send(s, &d.Destination, sized(1, 0, 10))
	d.packets(1)
	elsewhere := listen(t)
	home := d.socket
	d.socket, d.Addr = elsewhere, udp.AddrOf(elsewhere.LocalAddr())
	send(s, &d.Destination, sized(1, 1, 10))
	d.packets(1)
	d.socket, d.Addr = home, udp.AddrOf(home.LocalAddr())
	send(s, &d.Destination, sized(1, 2, 10))
	d.packets(1)
}

func TestPathThatRefusedRunsGetsNoneForAWhile(t *testing.T) {
	d := &Destination{Addr: udp.Addr{Port: 1}}
	now := time.Now()
	if !d.takesRuns(now) {
		t.Error("a new path gets no runs")
	}
	d.refused, d.runsAgain = d.Addr, now.Add(runsAfter)
	if d.takesRuns(now) || d.takesRuns(now.Add(runsAfter-1)) {
		t.Error("a path that refused a run gets another at once")
	}
	if !d.takesRuns(now.Add(runsAfter)) {
		t.Error("a path is never given runs again")
	}
	d.refused, d.runsAgain = d.Addr, now.Add(runsAfter)
	d.Addr.Port = 2
	if !d.takesRuns(now) {
		t.Error("another path pays for the first")
	}
}

func TestRefusedRunIsSentInPiecesAndNotSealedAgain(t *testing.T) {
	s, socket := newSender(t, Config{})
	d := newSubscriber(t, profiles["AES-128-GCM"], Extensions{TransportCC: 1})
	d.Addr = udp.AddrOf(d.socket.LocalAddr())
	s.segments, s.bytes = 60, 70000 // more than the kernel takes
	for turn := range 2 {
		var packets []Packet
		for i := range 48 {
			packets = append(packets, sized(1, uint16(48*turn+i), 1400))
		}
		send(s, &d.Destination, packets...)
		for i, got := range d.packets(48) { // replay protection is on
			same(t, &packets[i], &got, Extensions{TransportCC: 1})
		}
	}
	if c := socket.Counters(); c.Refused != 1 || c.Runs != 0 || c.Dropped != 0 {
		t.Errorf("%+v", c)
	}
}

func TestLossIsCountedWhereItBelongs(t *testing.T) {
	s, socket := newSender(t, Config{})
	good, bad := newSubscriber(t, profiles["AES-128-GCM"], Extensions{}), newSubscriber(t, profiles["AES-128-GCM"], Extensions{})
	bad.Addr = udp.AddrOf(netip.MustParseAddrPort("255.255.255.255:9")) // a broadcast, which the kernel refuses
	for _, d := range []*subscriber{good, bad, good} {
		s.Begin(&d.Destination, time.Now())
		for i := range 3 {
			p := sized(uint32(i), uint16(d.Counters.Packets), 100)
			s.Add(&p)
		}
		s.End()
	}
	s.Flush()
	good.packets(6)
	if good.Counters.Dropped != 0 || bad.Counters.Dropped != 3 || bad.Counters.Packets != 3 {
		t.Errorf("good %+v, bad %+v", good.Counters, bad.Counters)
	}
	if c := socket.Counters(); c.Dropped != 3 {
		t.Errorf("%+v", c)
	}
}

func TestMoreThanOneBatchHoldsLeavesInOrder(t *testing.T) {
	s, _ := newSender(t, Config{})
	d := newSubscriber(t, profiles["AES-128-GCM"], Extensions{TransportCC: 1})
	const n = gathered + 50
	var packets []Packet
	for i := range n {
		packets = append(packets, sized(1, uint16(i), 50+i%30))
	}
	send(s, &d.Destination, packets...)
	for i, got := range d.packets(n) {
		same(t, &packets[i], &got, Extensions{TransportCC: 1})
		if transportSeq(&got, 1) != uint16(i) {
			t.Fatalf("packet %d has number %d", i, transportSeq(&got, 1))
		}
	}
}

func TestMoreThanTheArenaHoldsLeavesInOrder(t *testing.T) {
	s, socket := newSender(t, Config{})
	const each = 100
	var peers []*subscriber
	for range 5 * arenaSize / 2 / (each * 1100) {
		peers = append(peers, newSubscriber(t, profiles["AES-128-GCM"], Extensions{}))
	}
	var packets []Packet
	for i := range each {
		packets = append(packets, sized(1, uint16(i), 1100+i%30))
	}
	for _, d := range peers {
		s.Begin(&d.Destination, time.Now())
		for i := range packets {
			s.Add(&packets[i])
		}
		s.End()
	}
	s.Flush()
	for _, d := range peers {
		for i, got := range d.packets(each) {
			same(t, &packets[i], &got, Extensions{})
		}
	}
	if c := socket.Counters(); c.SendCalls != 3 || c.Dropped != 0 {
		t.Errorf("%d system calls for two and a half arenas", c.SendCalls)
	}
}

func TestEndWithoutPacketsSendsNothing(t *testing.T) {
	s, socket := newSender(t, Config{})
	d := newSubscriber(t, profiles["AES-128-GCM"], Extensions{})
	s.Flush()
	send(s, &d.Destination)
	if c := socket.Counters(); c.SendCalls != 0 {
		t.Errorf("%+v", c)
	}
}

func TestConfigReportsAllMistakes(t *testing.T) {
	c := Config{}
	if err := c.Validate(); err != nil || c != (Config{PaddingMax: 40, SegmentsMax: 40, BytesMax: 60000}) {
		t.Errorf("defaults %+v, %v", c, err)
	}
	if _, err := New(nil, Config{PaddingMax: 256, SegmentsMax: 65, BytesMax: 66000}); err == nil || strings.Count(err.Error(), "want") != 3 {
		t.Errorf("error %v", err)
	}
}

// check sends packets in batches and compares everything that arrives with them.
func check(t *testing.T, cfg Config, e Extensions, batches [][]Packet) {
	t.Helper()
	s, socket := newSender(t, cfg)
	d := newSubscriber(t, profiles["AES-128-GCM"], e)
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, packets := range batches {
		now := time.Now()
		s.Begin(&d.Destination, now)
		waiting := map[uint32][]*Packet{}
		var scratch Packet // of which Add makes copies
		for i := range packets {
			scratch = packets[i]
			s.Add(&scratch)
			waiting[scratch.SSRC] = append(waiting[scratch.SSRC], &packets[i])
		}
		s.End()
		s.Flush()
		for _, got := range d.packets(len(packets)) {
			of := waiting[got.SSRC]
			if len(of) == 0 {
				t.Fatalf("packet %d of %x arrived unasked", got.SequenceNumber, got.SSRC)
			}
			same(t, of[0], &got, e)
			waiting[got.SSRC] = of[1:]
			if e.TransportCC != 0 && transportSeq(&got, e.TransportCC) != uint16(left) {
				t.Fatalf("packet %d has number %d", left, transportSeq(&got, e.TransportCC))
			}
			if p := int(got.PaddingSize); p > max(cfg.PaddingMax, 0) || got.Padding != (p > 0) {
				t.Fatalf("%d bytes of padding", p)
			}
			if got.size > PacketMax || got.Padding && got.size > frame4 {
				t.Fatalf("a packet of %d bytes, %d of them padding", got.size, got.PaddingSize)
			}
			left++
		}
	}
	c := socket.Counters()
	if c.Refused != 0 || c.Dropped != 0 || d.Counters.Dropped != 0 || d.Counters.Packets != uint64(left) || d.Counters.Bytes != c.BytesOut {
		t.Fatalf("socket %+v, destination %+v", c, d.Counters)
	}
}

func TestWhateverIsAddedArrivesInTheOrderOfItsStream(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			cfg := Config{PaddingMax: r.IntN(257) - 1, SegmentsMax: r.IntN(65), BytesMax: 1500 + r.IntN(63000)}
			e := Extensions{TransportCC: uint8(r.IntN(2)), AbsSendTime: 2 * uint8(r.IntN(2)), AudioLevel: 3 * uint8(r.IntN(2))}
			e.Dependency, e.MID = 4*uint8(r.IntN(2)), 5*uint8(r.IntN(2))
			streams := 1 + r.IntN(8)
			seqs := make([]uint16, streams)
			for i := range seqs {
				seqs[i] = uint16(r.IntN(65536))
			}
			var batches [][]Packet
			for range 1 + r.IntN(6) {
				var packets []Packet
				for range r.IntN(120) {
					i := r.IntN(streams)
					size := []int{r.IntN(1400), 900 + r.IntN(60), 60 + r.IntN(60)}[r.IntN(3)]
					p := sized(uint32(i), seqs[i], size)
					seqs[i]++
					p.Marker, p.HasLevel, p.Voice, p.Level = r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0, uint8(r.IntN(128))
					if p.PrefixLen = r.IntN(PrefixMax+1) * r.IntN(2); p.PrefixLen > 0 {
						p.Prefix[0] = 'x'
					}
					p.Dependency = make([]byte, r.IntN(30)*r.IntN(2))
					p.MID = make([]byte, r.IntN(4)*r.IntN(2))
					packets = append(packets, p)
				}
				batches = append(batches, packets)
			}
			check(t, cfg, e, batches)
		})
	}
}

func FuzzSender(f *testing.F) {
	f.Add(uint8(40), uint8(40), []byte{1, 200, 1, 201, 2, 50, 1, 0, 3, 255})
	f.Add(uint8(0), uint8(1), []byte{1, 1})
	f.Fuzz(func(t *testing.T, padding, segments uint8, script []byte) {
		cfg := Config{PaddingMax: int(padding), SegmentsMax: int(segments%64) + 1}
		seqs := map[uint32]uint16{}
		batches := [][]Packet{nil}
		for ; len(script) >= 2; script = script[2:] {
			ssrc := uint32(script[0] & 7)
			p := sized(ssrc, seqs[ssrc], int(script[1])*5)
			seqs[ssrc]++
			if script[0]&0x40 != 0 {
				p.Dependency = make([]byte, script[1])
			}
			if len(p.Payload)+len(p.Dependency) > 1300 {
				continue
			}
			p.HasLevel = script[0]&0x20 != 0
			if script[0]&0x80 != 0 && len(batches) < 4 {
				batches = append(batches, nil)
			}
			last := &batches[len(batches)-1]
			*last = append(*last, p)
		}
		for _, packets := range batches {
			if len(packets) > udp.Slots {
				return
			}
		}
		check(t, cfg, Extensions{TransportCC: 5, AudioLevel: 1, Dependency: 12}, batches)
	})
}

func TestNothingIsAllocatedPerPacket(t *testing.T) {
	for name, profile := range profiles {
		if name == "AES-128-CM" {
			continue // pion's HMAC allocates; the profile is a last resort
		}
		t.Run(name, func(t *testing.T) {
			e := Extensions{TransportCC: 1, AbsSendTime: 2, AudioLevel: 3, Dependency: 4, MID: 5}
			s, _ := newSender(t, Config{})
			udpd, tcpd := newSubscriber(t, profile, e), newSubscriber(t, profile, e)
			tcpd.Stream = discard{}
			udpd.socket.SetIdle(time.Second)
			raw := compound(t)
			var packets []Packet
			for i := range 12 {
				p := sized(uint32(i%5), 0, 100*i)
				p.HasLevel, p.Dependency, p.MID = i%2 == 0, make([]byte, 6*(i%4)), []byte("m")
				packets = append(packets, p)
			}
			now := time.Now()
			turn := func() {
				for _, d := range []*subscriber{udpd, tcpd} {
					s.Begin(&d.Destination, now)
					for i := range packets {
						packets[i].Seq++
						s.Add(&packets[i])
					}
					s.End()
					s.RTCP(&d.Destination, raw)
				}
				s.Flush()
				for left := len(packets) + 1; left > 0; {
					n, err := udpd.socket.Receive(udpd.inbox)
					if n == 0 || err != nil {
						t.Fatal(n, err)
					}
					left -= n
				}
			}
			turn() // pion makes the state of each SSRC once
			if n := testing.AllocsPerRun(200, turn); n != 0 {
				t.Errorf("%v allocations a turn, want 0", n)
			}
		})
	}
}

type discard struct{}

func (discard) Write([]byte) bool { return true }

func TestCloseOfTheSocketLosesWhatIsSentAfterIt(t *testing.T) {
	s, socket := newSender(t, Config{})
	d := newSubscriber(t, profiles["AES-128-GCM"], Extensions{})
	if err := socket.Close(); err != nil && !errors.Is(err, udp.ErrClosed) {
		t.Fatal(err)
	}
	send(s, &d.Destination, sized(1, 0, 10), sized(2, 0, 10))
	if d.Counters.Dropped != 2 {
		t.Errorf("%+v", d.Counters)
	}
}
