package sfu_test

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tarasul/sfu"
	"tarasul/sfu/sfutest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a node under test and what it told.
type house struct {
	*sfu.Node
	t      *testing.T
	mu     sync.Mutex
	slots  map[sfu.PeerID][]sfu.SlotState
	wanted map[sfu.PeerID]map[string]bool
	gone   map[sfu.PeerID]string
	spoke  []sfu.PeerID
	change chan struct{}
}

func newHouse(t *testing.T, change func(*sfu.Config)) *house {
	t.Helper()
	cfg := sfu.Config{Address: "127.0.0.1:0", Shards: 1, TCP: true}
	if change != nil {
		change(&cfg)
	}
	node, err := sfu.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{Node: node, t: t, slots: map[sfu.PeerID][]sfu.SlotState{}, wanted: map[sfu.PeerID]map[string]bool{},
		gone: map[sfu.PeerID]string{}, change: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := node.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		for {
			select {
			case e := <-node.Events():
				h.note(e)
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return h
}

func (h *house) note(e sfu.Event) {
	h.mu.Lock()
	switch e := e.(type) {
	case sfu.SlotsChanged:
		h.slots[e.Peer] = e.Slots
	case sfu.WantedChanged:
		h.wanted[e.Peer] = e.Rids
	case sfu.PeerGone:
		h.gone[e.Peer] = e.Reason
	case sfu.SpeakerChanged:
		h.spoke = append(h.spoke, e.Peer)
	}
	h.mu.Unlock()
	select {
	case h.change <- struct{}{}:
	default:
	}
}

// until waits for an event that makes ok true.
func (h *house) until(what string, ok func() bool) {
	h.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		h.mu.Lock()
		good := ok()
		h.mu.Unlock()
		if good {
			return
		}
		select {
		case <-h.change:
		case <-deadline:
			h.t.Fatalf("after 10 s: %s", what)
		}
	}
}

// slotOf is the mid in which peer gets a source of another.
func (h *house) slotOf(peer, of sfu.PeerID, source sfu.Source) string {
	h.t.Helper()
	var mid string
	h.until(string(peer)+" gets a slot for "+string(of), func() bool {
		for _, s := range h.slots[peer] {
			if s.Of == of && s.Source == source && s.Paused == sfu.NotPaused {
				mid = s.Mid
			}
		}
		return mid != ""
	})
	return mid
}

var both = sfu.On{sfu.Microphone: true, sfu.Camera: true}

func (h *house) join(id sfu.PeerID, number uint32, opt sfutest.Options) *sfutest.Client {
	h.t.Helper()
	c := sfutest.New(h.t, number, opt)
	answer, err := h.Join(context.Background(), "room", id, c.Offer(false), sfu.Everything, both)
	if err != nil {
		h.t.Fatal(err)
	}
	c.Accept(answer)
	c.Connected()
	return c
}

var twoAndTwo = sfutest.Options{AudioSlots: 2, VideoSlots: 2}

func TestVoiceAndPictureReachTheOtherInOrder(t *testing.T) {
	t.Run("VP8", func(t *testing.T) { voiceAndPicture(t, newHouse(t, nil), twoAndTwo) })
	t.Run("VP9", func(t *testing.T) {
		vp9 := twoAndTwo
		vp9.Codec = "VP9"
		voiceAndPicture(t, newHouse(t, nil), vp9)
	})
}

func voiceAndPicture(t *testing.T, h *house, opt sfutest.Options) {
	a, b := h.join("a", 1, opt), h.join("b", 2, opt)
	voice, picture := h.slotOf("b", "a", sfu.Microphone), h.slotOf("b", "a", sfu.Camera)
	n := 0
	b.Until("100 voice packets and 60 frames arrive", func() {
		n++
		a.Microphone.Send(false)
		a.Camera[""].Send(a.Camera[""].Asked() > 0 && n%20 == 0)
	}, func() bool { return len(b.Slot(voice)) >= 100 && len(b.Slot(picture)) >= 60 })
	contiguous(t, b.Slot(voice), a.Microphone.ID)
	contiguous(t, b.Slot(picture), a.Camera[""].ID)
	if first := b.Slot(picture)[0]; !first.Stamp.Key {
		t.Error("the picture does not begin with a key frame")
	}
	for _, r := range b.Slot(voice) {
		if r.Stamp.Sender == b.Microphone.ID {
			t.Fatal("b hears itself")
		}
	}
}

// contiguous checks that sequence numbers have no hole and no jump and timestamps do not
// go back, whoever is in the slot; and if sender is not 0 that all are theirs, in order.
func contiguous(t *testing.T, packets []sfutest.Received, sender uint32) {
	t.Helper()
	for i, p := range packets {
		if sender != 0 && p.Stamp.Sender != sender {
			t.Fatalf("packet %d is of %x, want %x", i, p.Stamp.Sender, sender)
		}
		if i == 0 {
			continue
		}
		last := packets[i-1]
		if p.Header.SequenceNumber != last.Header.SequenceNumber+1 {
			t.Fatalf("packet %d: sequence number %d after %d", i, p.Header.SequenceNumber, last.Header.SequenceNumber)
		}
		if int32(p.Header.Timestamp-last.Header.Timestamp) <= 0 {
			t.Fatalf("packet %d: timestamp %d after %d", i, p.Header.Timestamp, last.Header.Timestamp)
		}
		if sender != 0 && p.Stamp.Count <= last.Stamp.Count {
			t.Fatalf("packet %d: count %d after %d", i, p.Stamp.Count, last.Stamp.Count)
		}
		if p.Stamp.Picture != (last.Stamp.Picture+1)&0x7fff && p.Stamp.Picture != last.Stamp.Picture {
			t.Fatalf("packet %d: picture id %d after %d", i, p.Stamp.Picture, last.Stamp.Picture)
		}
	}
}

func TestLayerFollowsTheTileAndSwitchesAtAKeyFrame(t *testing.T) {
	h := newHouse(t, nil)
	three := twoAndTwo
	three.Rids = []string{"l", "m", "h"}
	a, b := h.join("a", 1, three), h.join("b", 2, twoAndTwo)
	slot := h.slotOf("b", "a", sfu.Camera)
	asked := map[string]int{}
	frame := func() {
		for rid, s := range a.Camera {
			n := s.Asked()
			s.Send(n > asked[rid])
			asked[rid] = n
		}
	}
	newest := func() uint32 {
		got := b.Slot(slot)
		if len(got) == 0 {
			return 0
		}
		return got[len(got)-1].Stamp.Sender
	}
	for _, want := range []struct {
		height int
		rid    string
	}{{160, "l"}, {700, "h"}, {360, "m"}, {720, "h"}, {100, "l"}} {
		h.View("room", "b", []sfu.Tile{{Peer: "a", Source: sfu.Camera, Width: want.height * 16 / 9, Height: want.height}})
		b.Until(want.rid+" arrives", frame, func() bool { return newest() == a.Camera[want.rid].ID })
	}
	got := b.Slot(slot)
	contiguous(t, got, 0)
	for i := 1; i < len(got); i++ {
		if got[i].Stamp.Sender != got[i-1].Stamp.Sender && !got[i].Stamp.Key {
			t.Fatalf("packet %d: changes from %x to %x without a key frame (%+v %+v)", i, got[i-1].Stamp.Sender, got[i].Stamp.Sender, got[i-1], got[i])
		}
	}
}

func TestEncodingsThatNobodyWatchesAreNotWanted(t *testing.T) {
	h := newHouse(t, nil)
	three := twoAndTwo
	three.Rids = []string{"l", "m", "h"}
	h.join("a", 1, three)
	h.until("alone: nothing is wanted", func() bool {
		w := h.wanted["a"]
		return w != nil && !w["l"] && !w["m"] && !w["h"]
	})
	h.join("b", 2, twoAndTwo)
	h.View("room", "b", []sfu.Tile{{Peer: "a", Source: sfu.Camera, Width: 1280, Height: 720}})
	h.until("a large tile wants h", func() bool { return h.wanted["a"]["h"] })
	h.View("room", "b", []sfu.Tile{})
	h.until("a hidden tile wants nothing", func() bool { w := h.wanted["a"]; return !w["l"] && !w["m"] && !w["h"] })
}

func TestWhatIsSwitchedOffOrNotPermittedDoesNotPass(t *testing.T) {
	for name, off := range map[string]func(*house){
		"switched off":  func(h *house) { h.Switch("room", "a", sfu.On{sfu.Camera: true}) },
		"not permitted": func(h *house) { h.Permit("room", "a", sfu.Permit{sfu.Camera: true}) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, nil)
			a, b := h.join("a", 1, twoAndTwo), h.join("b", 2, twoAndTwo)
			voice := h.slotOf("b", "a", sfu.Microphone)
			speak := func() { a.Microphone.Send(false) }
			b.Until("a voice packet arrives", speak, func() bool { return len(b.Slot(voice)) > 0 })
			off(h)
			h.until("the slot is given up", func() bool {
				return !slices.ContainsFunc(h.slots["b"], func(s sfu.SlotState) bool { return s.Source == sfu.Microphone })
			})
			before := h.verdict(sfu.Muted)
			b.Until("the packets are dropped at the door", speak, func() bool { return h.verdict(sfu.Muted) > before+20 })
			n := len(b.Slot(voice))
			for range 20 {
				speak()
			}
			b.Until("they are dropped too", nil, func() bool { return h.verdict(sfu.Muted) > before+40 })
			if got := len(b.Slot(voice)); got > n {
				t.Errorf("%d packets came through", got-n)
			}
		})
	}
}

func (h *house) verdict(v sfu.Verdict) uint64 {
	h.t.Helper()
	return h.figures().Verdicts[v]
}

func (h *house) figures() sfu.Stats {
	h.t.Helper()
	s, err := h.Stats(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func TestReofferAddsSlotsAndRestartsICE(t *testing.T) {
	h := newHouse(t, nil)
	a := h.join("a", 1, twoAndTwo)
	b := h.join("b", 2, sfutest.Options{AudioSlots: 2, VideoSlots: 0})
	slotless := func() bool {
		return !slices.ContainsFunc(h.slots["b"], func(s sfu.SlotState) bool { return s.Source == sfu.Camera })
	}
	h.until("b has no video slot", slotless)
	b.AddVideoSlot()
	for _, restart := range []bool{false, true} {
		answer, err := h.Reoffer(context.Background(), "room", "b", b.Offer(restart))
		if err != nil {
			t.Fatal(err)
		}
		b.Accept(answer)
		if len(answer.VideoSlots) != 1 {
			t.Fatalf("video slots %q", answer.VideoSlots)
		}
		picture := h.slotOf("b", "a", sfu.Camera)
		n := len(b.Slot(picture))
		b.Until("20 more frames arrive", func() { a.Camera[""].Send(true) }, func() bool { return len(b.Slot(picture)) > n+20 })
		if !restart { // while it restarts, the client itself loses what comes by the old path
			contiguous(t, b.Slot(picture), a.Camera[""].ID)
		}
	}
}

func TestMediaPassesOverTCP(t *testing.T) {
	h := newHouse(t, nil)
	tcp := twoAndTwo
	tcp.TCP = true
	a, b := h.join("a", 1, tcp), h.join("b", 2, twoAndTwo)
	voice, back := h.slotOf("b", "a", sfu.Microphone), h.slotOf("a", "b", sfu.Microphone)
	b.Until("both hear each other", func() { a.Microphone.Send(false); b.Microphone.Send(false) },
		func() bool { return len(b.Slot(voice)) > 50 && len(a.Slot(back)) > 50 })
	contiguous(t, b.Slot(voice), a.Microphone.ID)
	contiguous(t, a.Slot(back), b.Microphone.ID)
}

func TestTheSamePersonAgainReplacesTheFormerSession(t *testing.T) {
	h := newHouse(t, nil)
	h.join("a", 1, twoAndTwo)
	b := h.join("b", 2, twoAndTwo)
	again := h.join("a", 3, twoAndTwo)
	voice := h.slotOf("b", "a", sfu.Microphone)
	b.Until("the new one is heard", func() { again.Microphone.Send(false) }, func() bool {
		got := b.Slot(voice)
		return len(got) > 0 && got[len(got)-1].Stamp.Sender == again.Microphone.ID
	})
	if n := h.figures().Peers; n != 2 {
		t.Errorf("%d peers, want 2", n)
	}
}

func TestWhoLeavesIsForgotten(t *testing.T) {
	h := newHouse(t, nil)
	h.join("a", 1, twoAndTwo)
	h.join("b", 2, twoAndTwo)
	h.slotOf("b", "a", sfu.Camera)
	h.Leave("room", "a")
	h.until("b's slots are empty", func() bool { return len(h.slots["b"]) == 0 })
	h.Leave("room", "b")
	if s := h.figures(); s.Rooms != 0 || s.Peers != 0 {
		t.Errorf("%d rooms and %d peers are left", s.Rooms, s.Peers)
	}
	if _, err := h.Reoffer(context.Background(), "room", "b", sfu.Offer{}); err != sfu.ErrNoPeer {
		t.Errorf("a later offer: %v", err)
	}
}

func TestACloseOnTheClientsSideEndsTheSession(t *testing.T) {
	h := newHouse(t, nil)
	a := h.join("a", 1, twoAndTwo)
	a.PC.Close()
	h.until("it is told", func() bool { return h.gone["a"] == "closed" })
}

func TestTheLoudestAreHeardWhereSlotsAreFew(t *testing.T) {
	h := newHouse(t, nil)
	few := sfutest.Options{AudioSlots: 1}
	a, b, c := h.join("a", 1, few), h.join("b", 2, few), h.join("c", 3, few)
	speaks := func(loud *sfutest.Client) func() {
		return func() {
			for _, who := range []*sfutest.Client{a, b} {
				who.Speak(map[bool]uint8{true: 20, false: 120}[who == loud])
			}
		}
	}
	for _, turn := range []struct {
		client *sfutest.Client
		id     sfu.PeerID
	}{{a, "a"}, {b, "b"}, {a, "a"}} {
		c.Until("c hears "+string(turn.id), speaks(turn.client), func() bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return len(h.slots["c"]) == 1 && h.slots["c"][0].Of == turn.id && len(h.spoke) > 0 && h.spoke[len(h.spoke)-1] == turn.id
		})
	}
	var mid string
	h.until("the slot", func() bool { mid = h.slots["c"][0].Mid; return true })
	got := c.Slot(mid)
	contiguous(t, got, 0)
	// What b said before it was found to be speaking is not lost: it comes at once.
	first := slices.IndexFunc(got, func(r sfutest.Received) bool { return r.Stamp.Sender == b.Microphone.ID })
	if took := got[first+7].At.Sub(got[first].At); took > 40*time.Millisecond {
		t.Errorf("the first eight packets of b took %v: its first word was not replayed", took)
	}
}

func TestWhatIsMissingIsAskedForAndSentAgain(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.join("a", 1, twoAndTwo), h.join("b", 2, twoAndTwo)
	slot, camera := h.slotOf("b", "a", sfu.Camera), a.Camera[""]
	frame := func() { camera.Send(camera.Asked() > 0 && len(b.Slot(slot)) == 0) }
	b.Until("20 frames arrive", frame, func() bool { return len(b.Slot(slot)) >= 20 })

	camera.Skip() // a packet is lost between the publisher and the node
	lost := camera.Last()
	a.Until("the node asks for it", frame, func() bool { return slices.Contains(a.Missed(), lost) })

	again := b.Slot(slot)[10] // and one between the node and the subscriber
	b.Ask(again.Header.SSRC, again.Header.SequenceNumber)
	b.Until("it comes again", frame, func() bool {
		same := 0
		for _, r := range b.Slot(slot) {
			if r.Header.SequenceNumber == again.Header.SequenceNumber && r.Stamp == again.Stamp && r.Header.Timestamp == again.Header.Timestamp {
				same++
			}
		}
		return same == 2
	})
	if s := h.figures(); s.Retransmitted != 1 || s.NACKsIn != 1 || s.NACKsOut == 0 {
		t.Errorf("retransmitted %d, asked by subscribers %d, by us %d", s.Retransmitted, s.NACKsIn, s.NACKsOut)
	}
	b.Ask(again.Header.SSRC, again.Header.SequenceNumber-1000) // long gone: refused, not guessed
	b.Until("it is refused", frame, func() bool { return h.figures().NotRetransmitted == 1 })
}

// TestSenderReportsKeepVoiceAndPictureTogether gives voice and picture unrelated clocks,
// and checks that the reports that the subscriber gets map both to the same moment.
func TestSenderReportsKeepVoiceAndPictureTogether(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.join("a", 1, twoAndTwo), h.join("b", 2, twoAndTwo)
	voice, picture := h.slotOf("b", "a", sfu.Microphone), h.slotOf("b", "a", sfu.Camera)
	camera := a.Camera[""]
	media := func() {
		a.Microphone.Send(false)
		camera.Send(camera.Asked() > 0 && len(b.Slot(picture)) == 0)
	}
	b.Until("both flow", media, func() bool { return len(b.Slot(voice)) > 5 && len(b.Slot(picture)) > 5 })
	elsewhere := time.Now().Add(-time.Hour) // the publisher's wall clock need not be ours
	a.Report(a.Microphone, elsewhere)
	a.Report(camera, elsewhere)
	newest := func(mid string) (sent sfutest.Received, at time.Time, ok bool) {
		r := b.Reports(mid)
		if len(r) == 0 {
			return
		}
		got := b.Slot(mid)
		clock := map[string]float64{voice: 48000, picture: 90000}[mid]
		sr, last := r[len(r)-1], got[len(got)-1]
		ntp := time.Unix(int64(sr.NTPTime>>32)-2208988800, int64((sr.NTPTime&0xffffffff)*1e9>>32))
		return last, ntp.Add(time.Duration(float64(int32(last.Header.Timestamp-sr.RTPTime)) / clock * 1e9)), true
	}
	var v, p sfutest.Received
	var vAt, pAt time.Time
	before := len(b.Reports(picture))
	b.Until("reports come for both", nil, func() bool {
		var ok, also bool
		v, vAt, ok = newest(voice)
		p, pAt, also = newest(picture)
		return ok && also && len(b.Reports(picture)) > before+1
	})
	// By the publisher's account packet n of the voice is 20 ms times n before the report, a
	// frame 33.3 ms times n.
	apart := vAt.Sub(pAt)
	want := time.Duration(0)
	want -= time.Duration(a.Microphone.Sent()-v.Stamp.Count+1) * 20 * time.Millisecond
	want += time.Duration(camera.Sent()-p.Stamp.Count+1) * time.Second / 30
	if d := (apart - want).Abs(); d > 5*time.Millisecond {
		t.Errorf("voice and picture are %v apart, want %v", apart, want)
	}
}

// TestMediaIsNotTakenFromStrangers is RTP Bleed (CNVD-2017-26420): who has not proved to
// be a peer gets nothing and changes nothing.
func TestMediaIsNotTakenFromStrangers(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.join("a", 1, twoAndTwo), h.join("b", 2, twoAndTwo)
	voice := h.slotOf("b", "a", sfu.Microphone)
	b.Until("a is heard", func() { a.Microphone.Send(false) }, func() bool { return len(b.Slot(voice)) > 0 })
	stranger, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(h.Addresses()[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	before := h.figures()
	rtp := append([]byte{0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}, make([]byte, 100)...)
	dtls := append([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100}, make([]byte, 100)...)
	stun := append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
	for _, datagram := range [][]byte{rtp, dtls, stun, {0xff}, {}} {
		for range 10 {
			if _, err := stranger.Write(datagram); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.Until("the strangers' datagrams are counted", func() { a.Microphone.Send(false) }, func() bool {
		s := h.figures()
		return s.Verdicts[sfu.Unknown] >= before.Verdicts[sfu.Unknown]+20 && s.Verdicts[sfu.STUNFailed] >= before.Verdicts[sfu.STUNFailed]+10
	})
	stranger.SetReadDeadline(time.Now())
	if n, err := stranger.Read(make([]byte, 2048)); err == nil {
		t.Errorf("a stranger got %d bytes back", n)
	}
	contiguous(t, b.Slot(voice), a.Microphone.ID)
}

// TestAMovedAddressIsFollowed puts a relay between a client and the node, and lets it
// change the address that the node sees, as a NAT or a change of network does.
func TestAMovedAddressIsFollowed(t *testing.T) {
	h := newHouse(t, nil)
	relay := sfutest.NewRelay(t, h.Addresses()[0])
	a := sfutest.New(t, 1, twoAndTwo)
	answer, err := h.Join(context.Background(), "room", "a", a.Offer(false), sfu.Everything, both)
	if err != nil {
		t.Fatal(err)
	}
	answer.SDP = through(answer.SDP, h.Addresses()[0], relay.Addr())
	a.Accept(answer)
	a.Connected()
	b := h.join("b", 2, twoAndTwo)
	there, back := h.slotOf("b", "a", sfu.Microphone), h.slotOf("a", "b", sfu.Microphone)
	talk := func() { a.Microphone.Send(false); b.Microphone.Send(false) }
	b.Until("both hear each other", talk, func() bool { return len(b.Slot(there)) > 20 && len(a.Slot(back)) > 20 })
	relay.Move()
	n, m := len(b.Slot(there)), len(a.Slot(back))
	moved := time.Now()
	b.Until("both hear each other from the new address", talk, func() bool { return len(b.Slot(there)) > n+20 && len(a.Slot(back)) > m+20 })
	if took := time.Since(moved); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestABreakIsFollowedByAKeyFrameAndNotByOldRepairs cuts a publisher off for longer than
// repairs make sense: what comes after it must be decodable at once.
func TestABreakIsFollowedByAKeyFrameAndNotByOldRepairs(t *testing.T) {
	h := newHouse(t, nil)
	relay := sfutest.NewRelay(t, h.Addresses()[0])
	a := sfutest.New(t, 1, twoAndTwo)
	answer, err := h.Join(context.Background(), "room", "a", a.Offer(false), sfu.Everything, both)
	if err != nil {
		t.Fatal(err)
	}
	answer.SDP = through(answer.SDP, h.Addresses()[0], relay.Addr())
	a.Accept(answer)
	a.Connected()
	b := h.join("b", 2, twoAndTwo)
	slot, camera := h.slotOf("b", "a", sfu.Camera), a.Camera[""]
	asked := 0
	frame := func() {
		n := camera.Asked()
		camera.Send(n > asked)
		asked = n
	}
	b.Until("30 frames arrive", frame, func() bool { return len(b.Slot(slot)) >= 30 })
	relay.Cut(true)
	start, sent := time.Now(), camera.Sent()
	b.Until("a second passes", frame, func() bool { return time.Since(start) > time.Second })
	before, lost := len(b.Slot(slot)), camera.Sent()
	relay.Cut(false)
	back := time.Now()
	b.Until("frames arrive again", frame, func() bool { return len(b.Slot(slot)) > before+5 })
	if took := time.Since(back); took > 700*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	got := b.Slot(slot)
	contiguous(t, got, camera.ID)
	for _, r := range got[before:] {
		if r.Stamp.Count > sent+1 && r.Stamp.Count <= lost {
			t.Fatalf("frame %d of the break was repaired", r.Stamp.Count)
		}
	}
	if first := got[before]; !first.Stamp.Key {
		t.Error("what comes after the break does not begin with a key frame")
	}
}

// through lets the answer's UDP candidate point at a relay, and drops the others.
func through(sdp string, from, to netip.AddrPort) string {
	var out []string
	for line := range strings.SplitSeq(sdp, "\r\n") {
		if strings.HasPrefix(line, "a=candidate:") {
			if strings.Contains(strings.ToLower(line), " tcp ") {
				continue
			}
			fields := strings.Fields(line)
			fields[4], fields[5] = to.Addr().String(), portOf(to)
			line = strings.Join(fields, " ")
		}
		out = append(out, line)
	}
	return strings.Join(out, "\r\n")
}

func portOf(a netip.AddrPort) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

func TestABadOfferIsRefusedWithAReason(t *testing.T) {
	h := newHouse(t, nil)
	c := sfutest.New(t, 1, twoAndTwo)
	good := c.Offer(false)
	for name, bad := range map[string]sfu.Offer{
		"empty":         {},
		"no such mid":   {SDP: good.SDP, Sends: map[string]sfu.Source{"99": sfu.Camera}},
		"voice as film": {SDP: good.SDP, Sends: map[string]sfu.Source{"0": sfu.Camera}},
		"slot as film":  {SDP: good.SDP, Sends: map[string]sfu.Source{"4": sfu.Camera}},
		"twice":         {SDP: good.SDP, Sends: map[string]sfu.Source{"0": sfu.Microphone, "2": sfu.Microphone}},
	} {
		if _, err := h.Join(context.Background(), "room", "x", bad, sfu.Everything, both); err == nil || !strings.Contains(err.Error(), "offer refused") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s := h.figures(); s.Peers != 0 {
		t.Errorf("%d peers are left", s.Peers)
	}
}

func TestRoomsAreSpreadOverShards(t *testing.T) {
	h := newHouse(t, func(c *sfu.Config) { c.Shards = 2 })
	ports := map[string]bool{}
	for _, room := range []sfu.RoomID{"one", "two"} {
		c := sfutest.New(t, 1, twoAndTwo)
		answer, err := h.Join(context.Background(), room, "a", c.Offer(false), sfu.Everything, both)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range h.Addresses() {
			if strings.Contains(answer.SDP, " "+portOf(a)+" typ host") {
				ports[portOf(a)] = true
			}
		}
		c.Accept(answer)
		c.Connected()
	}
	if len(ports) != 2 {
		t.Errorf("two rooms on ports %v, want two", ports)
	}
}
