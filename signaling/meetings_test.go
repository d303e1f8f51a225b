package signaling

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tarasul/sfu"
	"tarasul/signaling/meeting"
	"tarasul/signaling/protocol"
)

func TestTwoMeetAndSeeEachOther(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	chair, guest := s.come("amal"), s.come("badr")
	id := s.meet(chair, nil, "badr")
	if got := eventOf[protocol.MeetingChanged](guest, "meeting.changed"); got.Meeting.ID != id || !got.Meeting.MayJoin || got.Meeting.MayManage {
		t.Errorf("the invited are told: %+v", got)
	}
	joined := chair.join(id)
	if joined.Outcome != protocol.JoinSeated || joined.Answer == nil || joined.Answer.SDP != "answer to first" || joined.Answer.AudioSlots[0] != "4" {
		t.Errorf("joined: %+v", joined)
	}
	var looked protocol.MeetingLooked
	guest.must("meeting.look", protocol.MeetingRef{Meeting: id}, &looked)
	if looked.AudioSlots != 6 || looked.VideoSlots != 12 || len(looked.Seated) != 1 || looked.Meeting.Seated != 1 {
		t.Errorf("looked: %+v", looked)
	}
	if state := guest.join(id).State; len(state.Seats) != 2 || seats(state)[s.id("amal")].Role != protocol.SeatChair {
		t.Errorf("state: %+v", state)
	}
	if got := eventOf[protocol.SeatChanged](chair, "meeting.seat"); got.Seat.Person != s.id("badr") || !got.Seat.Connected {
		t.Errorf("seat: %+v", got)
	}
	guest.must("meeting.leave", protocol.None{}, nil)
	if got := eventOf[protocol.SeatLeft](chair, "meeting.left"); got.Person != s.id("badr") || got.Reason != protocol.LeftByThemselves {
		t.Errorf("left: %+v", got)
	}
	if _, ok := s.media.session(s.id("badr")); ok {
		t.Error("media goes on after leaving")
	}
	guest.wants(protocol.CodeNotSeated, "meeting.hand", protocol.MeetingHand{Raised: true})
	chair.must("meeting.end", protocol.None{}, nil)
	if got := eventOf[protocol.MeetingClosed](chair, "meeting.closed"); got.Reason != protocol.ClosedEnded {
		t.Errorf("closed: %+v", got)
	}
	guest.wants(protocol.CodeEnded, "meeting.join", protocol.MeetingJoin{Meeting: id})
	until(t, "the room is gone", func() bool { return s.rooms.running(id) == nil })
}

func TestVideoSlotsGrowWithTheMeeting(t *testing.T) {
	s := open(t, func(c *Config, _ *meeting.Config) { c.AudioSlots = 8 }, "amal")
	p := s.come("amal")
	id := s.meet(p, nil)
	r := s.rooms.open(id)
	check(t, r.do(t.Context(), func(context.Context) error {
		for i := range 27 {
			person := protocol.PersonID(fmt.Sprint("p", i))
			r.mu.Lock()
			r.seats[person] = &seat{}
			r.mu.Unlock()
		}
		r.here[s.hub.session(p.welcome.Session)] = struct{}{} // keeps the room
		return nil
	}))
	var looked protocol.MeetingLooked
	p.must("meeting.look", protocol.MeetingRef{Meeting: id}, &looked)
	if looked.VideoSlots != 30 || looked.AudioSlots != 8 {
		t.Errorf("%d video and %d audio slots", looked.VideoSlots, looked.AudioSlots)
	}
}

func TestAChairsMuteStopsTheMediaAtOnce(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	chair, guest := s.come("amal"), s.come("badr")
	id := s.meet(chair, nil, "badr")
	chair.join(id)
	guest.join(id)
	on := func() bool {
		m, _ := s.media.session(s.id("badr"))
		return m.on[sfu.Microphone]
	}
	if !on() {
		t.Fatal("the microphone is not on")
	}
	chair.must("meeting.mute", protocol.MeetingMute{Person: s.id("badr"), Source: protocol.SourceMicrophone}, nil)
	if on() {
		t.Error("still forwarded when the chair's request was answered")
	}
	if got := eventOf[protocol.MeetingMuted](guest, "meeting.muted"); got.Source != protocol.SourceMicrophone || got.By != s.id("amal") {
		t.Errorf("muted: %+v", got)
	}
	yes := true
	guest.must("media.state", protocol.MediaState{Microphone: &yes}, nil)
	if !on() {
		t.Error("the person cannot unmute")
	}
	guest.wants(protocol.CodeForbidden, "meeting.mute", protocol.MeetingMute{Person: s.id("amal"), Source: protocol.SourceMicrophone})

	chairs := protocol.ShareChairs
	chair.must("meeting.settings", protocol.MeetingSettings{Share: &chairs}, nil)
	if m, _ := s.media.session(s.id("badr")); m.permit[sfu.Screen] || m.permit[sfu.ScreenAudio] || !m.permit[sfu.Camera] {
		t.Errorf("permit: %v", m.permit)
	}
	guest.wants(protocol.CodeForbidden, "media.state", protocol.MediaState{Screen: &yes})
}

// A mute that comes while the media session is being made must hold when it is there.
func TestAMuteDuringAJoinHolds(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	chair, guest := s.come("amal"), s.come("badr")
	id := s.meet(chair, nil, "badr")
	chair.join(id)
	entered, release := make(chan struct{}), make(chan struct{})
	s.media.joining = func(sfu.PeerID) { close(entered); <-release }
	guest.send("meeting.join", "j", protocol.MeetingJoin{Meeting: id, Microphone: true, Offer: testOffer})
	<-entered
	chair.must("meeting.mute", protocol.MeetingMute{Person: s.id("badr"), Source: protocol.SourceMicrophone}, nil)
	close(release)
	var joined protocol.MeetingJoined
	if r := guest.reply("j", &joined); r != nil {
		t.Fatal(r)
	}
	if m, ok := s.media.session(s.id("badr")); !ok || m.on[sfu.Microphone] {
		t.Errorf("media session %v, on %v", ok, m.on)
	}
	if seats(joined.State)[s.id("badr")].Microphone {
		t.Error("the state in the reply is older than the mute")
	}
}

// Somebody who is removed while their media session is being made must not keep it.
func TestARemovalDuringAJoinLeavesNoMedia(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	chair, guest := s.come("amal"), s.come("badr")
	id := s.meet(chair, nil, "badr")
	chair.join(id)
	entered, release := make(chan struct{}), make(chan struct{})
	s.media.joining = func(sfu.PeerID) { close(entered); <-release }
	guest.send("meeting.join", "j", protocol.MeetingJoin{Meeting: id, Microphone: true, Offer: testOffer})
	<-entered
	chair.must("meeting.remove", protocol.MeetingPerson{Person: s.id("badr")}, nil)
	close(release)
	if r := guest.reply("j", nil); r == nil || r.Code != protocol.CodeNotSeated {
		t.Errorf("join: %+v", r)
	}
	if _, ok := s.media.session(s.id("badr")); ok {
		t.Error("the media session lives on")
	}
}

func TestWhatTheCoreSaysFollowsTheAnswer(t *testing.T) {
	s := open(t, nil, "amal")
	p := s.come("amal")
	id := s.meet(p, nil)
	room, peer := sfu.RoomID(id), sfu.PeerID(s.id("amal"))
	s.media.joining = func(sfu.PeerID) {
		s.media.events <- sfu.SlotsChanged{Room: room, Peer: peer, Slots: []sfu.SlotState{{Mid: "5", Source: sfu.Camera, Of: "x", Paused: sfu.PausedOverload}}}
		s.media.events <- sfu.WantedChanged{Room: room, Peer: peer, Source: sfu.Camera, Rids: map[string]bool{"h": false}}
		until(t, "taken in", func() bool { return s.Stats().MediaEvents == 2 })
	}
	p.send("meeting.join", "j", protocol.MeetingJoin{Meeting: id, Offer: testOffer})
	for {
		env := p.frame()
		if env.ID == "j" {
			break
		}
		if env.Type == "media.slots" || env.Type == "media.wanted" {
			t.Fatalf("%s came before the answer", env.Type)
		}
		p.take(env)
	}
	slots := eventOf[protocol.MediaSlots](p, "media.slots")
	if len(slots.Slots) != 1 || slots.Slots[0] != (protocol.Slot{Mid: "5", Person: "x", Source: protocol.SourceCamera, Paused: true, Reason: "overload"}) {
		t.Errorf("slots: %+v", slots)
	}
	if wanted := eventOf[protocol.MediaWanted](p, "media.wanted"); wanted.Source != protocol.SourceCamera || wanted.Rids["h"] {
		t.Errorf("wanted: %+v", wanted)
	}
	s.media.events <- sfu.SlotsChanged{Room: room, Peer: peer}
	if slots := eventOf[protocol.MediaSlots](p, "media.slots"); len(slots.Slots) != 0 {
		t.Errorf("slots: %+v", slots)
	}
	s.media.events <- sfu.SpeakerChanged{Room: room, Peer: peer}
	if got := eventOf[protocol.SpeakerChanged](p, "meeting.speaker"); got.Person != s.id("amal") {
		t.Errorf("speaker: %+v", got)
	}
	s.media.events <- sfu.OverloadChanged{Shard: 1, Level: 2}
	until(t, "not ready while the core sheds", func() bool { return s.Ready() != nil })
	s.media.events <- sfu.OverloadChanged{Shard: 1}
	until(t, "ready again", func() bool { return s.Ready() == nil })
	// Events for others, for nobody and for rooms that are not, go nowhere.
	s.media.events <- sfu.SlotsChanged{Room: "no", Peer: peer}
	s.media.events <- sfu.PeerGone{Room: room, Peer: "nobody", Reason: "dtls"}
	s.media.events <- sfu.SpeakerChanged{Room: "no"}
}

func TestMediaThatIsGoneIsMadeAnew(t *testing.T) {
	s := open(t, nil, "amal")
	p := s.come("amal")
	id := s.meet(p, nil)
	p.join(id)
	peer := string(s.id("amal"))
	// More slots, or an ICE restart: the session goes on.
	p.must("media.offer", protocol.MediaOffer{SDP: "again"}, nil)
	if s.media.called("reoffer "+peer+" again") != 1 || s.media.called("join "+peer+" first") != 1 {
		t.Errorf("calls: %q", s.media.calls)
	}
	s.media.events <- sfu.PeerGone{Room: sfu.RoomID(id), Peer: sfu.PeerID(peer), Reason: "ice_timeout"}
	if gone := eventOf[protocol.MediaGone](p, "media.gone"); gone.Reason != "ice_timeout" {
		t.Errorf("gone: %+v", gone)
	}
	p.must("media.offer", protocol.MediaOffer{SDP: "second"}, nil)
	// A PeerConnection that failed on the client's side alone: the offer is another's.
	p.must("media.offer", protocol.MediaOffer{SDP: "third"}, nil)
	if s.media.called("join "+peer+" second") != 1 || s.media.called("join "+peer+" third") != 1 {
		t.Errorf("calls: %q", s.media.calls)
	}
}

func TestAnOfferThatCannotBeAnsweredTakesNoSeat(t *testing.T) {
	s := open(t, nil, "amal")
	p := s.come("amal")
	id := s.meet(p, nil)
	s.media.refuse = errors.New("no codec")
	p.wants(protocol.CodeMedia, "meeting.join", protocol.MeetingJoin{Meeting: id, Offer: testOffer})
	until(t, "nobody is seated", func() bool { _, seats := s.rooms.count(); return seats == 0 })
	for _, offer := range []protocol.MediaOffer{
		{}, {SDP: "v=0", Sends: map[string]protocol.Source{"__proto__": "camera"}}, {SDP: "v=0", Sends: map[string]protocol.Source{"0": "keyboard"}},
	} {
		p.wants(protocol.CodeInvalid, "meeting.join", protocol.MeetingJoin{Meeting: id, Offer: &offer})
	}
	p.wants(protocol.CodeNotSeated, "media.offer", protocol.MediaOffer{SDP: "v=0"})
	p.wants(protocol.CodeNotSeated, "media.view", protocol.MediaView{})
	p.wants(protocol.CodeInvalid, "media.view", protocol.MediaView{Tiles: []protocol.Tile{{Person: "x", Source: "microphone", Width: 1, Height: 1}}})
	p.wants(protocol.CodeInvalid, "media.view", protocol.MediaView{Tiles: make([]protocol.Tile, protocol.MaxTiles+1)})
}

func TestTheThirtyFirstIsRefused(t *testing.T) {
	var logins []string
	for i := range protocol.MaxParticipants + 1 {
		logins = append(logins, fmt.Sprintf("person%d", i))
	}
	s := open(t, nil, logins...)
	chair := s.come(logins[0])
	id := s.meet(chair, nil, logins...)
	chair.join(id)
	var last *page
	for _, login := range logins[1:protocol.MaxParticipants] {
		last = s.come(login)
		last.join(id)
	}
	late := s.come(logins[protocol.MaxParticipants])
	late.wants(protocol.CodeFull, "meeting.join", protocol.MeetingJoin{Meeting: id, Offer: testOffer})
	if _, ok := s.media.session(s.id(logins[protocol.MaxParticipants])); ok {
		t.Error("the refused one has media")
	}
	last.must("meeting.leave", protocol.None{}, nil)
	if late.join(id).Outcome != protocol.JoinSeated {
		t.Error("a seat was free")
	}
}

// Removed is removed: by the socket they have, one they had, a new one, another tab, the
// link, another sign-in, arriving early the next time, and after the server forgot.
func TestARemovedPersonComesBackByNoWay(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	chair := s.come("amal")
	b := s.browser().signIn("badr")
	guest, tab := b.visit(), b.visit()
	id := s.meet(chair, func(m *protocol.MeetingSave) { m.Lobby = true }, "badr")
	chair.join(id)
	guest.join(id)
	chair.must("meeting.remove", protocol.MeetingPerson{Person: s.id("badr")}, nil)
	if got := eventOf[protocol.MeetingClosed](guest, "meeting.closed"); got.Reason != protocol.ClosedRemoved {
		t.Errorf("closed: %+v", got)
	}
	if _, ok := s.media.session(s.id("badr")); ok {
		t.Error("the media session lives on")
	}
	refusedAll := func(p *page) {
		t.Helper()
		p.wants(protocol.CodeRemoved, "meeting.join", protocol.MeetingJoin{Meeting: id, Offer: testOffer})
		p.wants(protocol.CodeNotSeated, "media.offer", protocol.MediaOffer{SDP: "again"})
		yes := true
		p.wants(protocol.CodeNotSeated, "media.state", protocol.MediaState{Microphone: &yes})
		p.wants(protocol.CodeNotSeated, "media.view", protocol.MediaView{})
		p.wants(protocol.CodeNotSeated, "meeting.hand", protocol.MeetingHand{Raised: true})
		p.wants(protocol.CodeNotFound, "chat.send", protocol.ChatSend{Thread: protocol.Thread{Meeting: id}, Key: "k", Text: "x"})
		p.wants(protocol.CodeNotFound, "chat.history", protocol.ChatHistory{Thread: protocol.Thread{Meeting: id}, Limit: 10})
	}
	refusedAll(guest)
	refusedAll(tab)
	guest.cut()
	refusedAll(guest.resume())
	refusedAll(b.visit())
	refusedAll(s.come("badr"))

	// Everyone leaves, the room is forgotten, and the removed one is there first.
	chair.must("meeting.leave", protocol.None{}, nil)
	until(t, "the room is gone", func() bool { return s.rooms.running(id) == nil })
	tab.wants(protocol.CodeRemoved, "meeting.join", protocol.MeetingJoin{Meeting: id, Offer: testOffer})
	if s.media.called("join "+string(s.id("badr"))+" first") != 1 {
		t.Error("a media session was made again")
	}
	// Only a chair can change it.
	chair.join(id)
	chair.must("meeting.admit", protocol.MeetingPerson{Person: s.id("badr")}, nil)
	tab.join(id)
}

func TestTheLobby(t *testing.T) {
	s := open(t, nil, "amal", "badr", "celia")
	chair, guest, third := s.come("amal"), s.come("badr"), s.come("celia")
	id := s.meet(chair, func(m *protocol.MeetingSave) { m.Lobby = true })
	chair.join(id)
	ask := func(p *page) {
		t.Helper()
		var joined protocol.MeetingJoined
		p.must("meeting.join", protocol.MeetingJoin{Meeting: id, Microphone: true, Offer: testOffer}, &joined)
		if joined.Outcome != protocol.JoinWaiting || joined.State != nil || joined.Answer != nil {
			t.Fatalf("joined: %+v", joined)
		}
	}
	ask(guest)
	if got := eventOf[protocol.LobbyChanged](chair, "meeting.lobby"); len(got.Waiting) != 1 || got.Waiting[0].Person != s.id("badr") {
		t.Errorf("lobby: %+v", got)
	}
	if _, ok := s.media.session(s.id("badr")); ok {
		t.Fatal("who waits has media")
	}
	guest.wants(protocol.CodeNotSeated, "media.offer", *testOffer)
	guest.wants(protocol.CodeNotSeated, "meeting.admit", protocol.MeetingPerson{Person: s.id("badr")})
	chair.must("meeting.admit", protocol.MeetingPerson{Person: s.id("badr")}, nil)
	if got := eventOf[protocol.MeetingAdmitted](guest, "meeting.admitted"); len(got.State.Seats) != 2 {
		t.Errorf("admitted: %+v", got)
	}
	guest.must("media.offer", *testOffer, nil)
	if m, ok := s.media.session(s.id("badr")); !ok || !m.on[sfu.Microphone] || m.on[sfu.Camera] {
		t.Errorf("media %v, on %v: not as was wished when joining", ok, m.on)
	}
	ask(third)
	chair.must("meeting.refuse", protocol.MeetingPerson{Person: s.id("celia")}, nil)
	if got := eventOf[protocol.MeetingClosed](third, "meeting.closed"); got.Reason != protocol.ClosedRefused {
		t.Errorf("closed: %+v", got)
	}
	third.wants(protocol.CodeRefused, "meeting.join", protocol.MeetingJoin{Meeting: id})
}

// A join that is repeated after the socket was lost in the lobby tells what is true now.
func TestAdmittedWhileTheSocketWasLost(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	chair, guest := s.come("amal"), s.come("badr")
	id := s.meet(chair, func(m *protocol.MeetingSave) { m.Lobby = true })
	chair.join(id)
	guest.send("meeting.join", "j", protocol.MeetingJoin{Meeting: id})
	if r := guest.reply("j", nil); r != nil {
		t.Fatal(r)
	}
	guest.cut()
	chair.must("meeting.admit", protocol.MeetingPerson{Person: s.id("badr")}, nil)
	guest = guest.resume()
	eventOf[protocol.MeetingAdmitted](guest, "meeting.admitted")
	guest.send("meeting.join", "j", protocol.MeetingJoin{Meeting: id})
	var joined protocol.MeetingJoined
	if r := guest.reply("j", &joined); r != nil || joined.Outcome != protocol.JoinSeated || joined.State == nil {
		t.Errorf("joined: %+v, %+v", r, joined)
	}
}

func TestASecondTabTakesOver(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	b := s.browser().signIn("amal")
	first, second, other := b.visit(), b.visit(), s.come("badr")
	id := s.meet(first, nil, "badr")
	first.join(id)
	other.join(id)
	state := second.join(id).State
	if len(state.Seats) != 2 {
		t.Errorf("%d seats", len(state.Seats))
	}
	if got := eventOf[protocol.MeetingClosed](first, "meeting.closed"); got.Reason != protocol.ClosedTakenOver {
		t.Errorf("closed: %+v", got)
	}
	first.wants(protocol.CodeNotSeated, "media.offer", protocol.MediaOffer{SDP: "again"})
	first.wants(protocol.CodeNotSeated, "meeting.hand", protocol.MeetingHand{Raised: true})
	first.must("meeting.leave", protocol.None{}, nil) // not the second one's seat
	first.cut()
	if got := other.settled(); contains(got, "meeting.left") {
		t.Errorf("the other one was told that somebody left: %q", got)
	}
	if m, ok := s.media.session(s.id("amal")); !ok || m.room != sfu.RoomID(id) {
		t.Error("no media after the takeover")
	}
	second.must("meeting.hand", protocol.MeetingHand{Raised: true}, nil)
	if s.media.called("leave "+string(s.id("amal"))) != 1 {
		t.Errorf("calls: %q", s.media.calls)
	}
}

func TestALostSocketKeepsItsSeatForTheGraceAndNoLonger(t *testing.T) {
	s := open(t, func(_ *Config, m *meeting.Config) { m.Grace = 300 * time.Millisecond }, "amal", "badr")
	chair, guest := s.come("amal"), s.come("badr")
	id := s.meet(chair, nil, "badr")
	chair.join(id)
	guest.join(id)
	guest.cut()
	eventWhere(chair, "meeting.seat", func(b protocol.SeatChanged) bool { return b.Seat.Person == s.id("badr") && !b.Seat.Connected })
	if _, ok := s.media.session(s.id("badr")); !ok {
		t.Error("the media session went with the socket")
	}
	guest = guest.resume()
	if !guest.welcome.Resumed {
		t.Fatal("not resumed")
	}
	eventWhere(chair, "meeting.seat", func(b protocol.SeatChanged) bool { return b.Seat.Person == s.id("badr") && b.Seat.Connected })
	guest.cut()
	if got := eventOf[protocol.SeatLeft](chair, "meeting.left"); got.Person != s.id("badr") || got.Reason != protocol.LeftLost {
		t.Errorf("left: %+v", got)
	}
	until(t, "media ended", func() bool { _, ok := s.media.session(s.id("badr")); return !ok })
	if st := s.Stats(); st.SeatsLost != 1 || st.Seats != 1 {
		t.Errorf("stats: %+v", st)
	}
	// Who comes after that sees no ghost.
	again := guest.resume()
	if again.welcome.Resumed || again.welcome.Meeting != nil {
		t.Errorf("welcome: %+v", again.welcome)
	}
	if state := again.join(id).State; len(state.Seats) != 2 {
		t.Errorf("%d seats", len(state.Seats))
	}
}

// The socket is lost while the join is carried out: the seat must not be taken for one
// with a socket.
func TestASocketLostDuringTheJoinLeavesNoGhost(t *testing.T) {
	s := open(t, func(_ *Config, m *meeting.Config) { m.Grace = 100 * time.Millisecond }, "amal", "badr")
	chair, guest := s.come("amal"), s.come("badr")
	id := s.meet(chair, nil, "badr")
	chair.join(id)
	// The room is kept busy until the socket is gone.
	r := s.rooms.running(id)
	hold, held := make(chan struct{}), make(chan struct{})
	go func() { _ = r.do(t.Context(), func(context.Context) error { close(held); <-hold; return nil }) }()
	<-held
	guest.send("meeting.join", "j", protocol.MeetingJoin{Meeting: id, Offer: testOffer})
	sess := s.hub.session(guest.welcome.Session)
	until(t, "the request is under way", func() bool { return len(sess.turn) == 1 })
	guest.cut()
	close(hold)
	if got := eventOf[protocol.SeatLeft](chair, "meeting.left"); got.Person != s.id("badr") || got.Reason != protocol.LeftLost {
		t.Errorf("left: %+v", got)
	}
	until(t, "media ended", func() bool { _, ok := s.media.session(s.id("badr")); return !ok })
}

func TestOneSessionIsInOneMeeting(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	p, other := s.come("amal"), s.come("badr")
	one, two := s.meet(p, nil, "badr"), s.meet(p, nil, "badr")
	p.join(one)
	other.join(one)
	p.join(two)
	if got := eventOf[protocol.SeatLeft](other, "meeting.left"); got.Person != s.id("amal") {
		t.Errorf("left: %+v", got)
	}
	if s.hub.session(p.welcome.Session).at() != s.rooms.running(two) {
		t.Error("not in the second one")
	}
	p.must("meeting.hand", protocol.MeetingHand{Raised: true}, nil)
}

func TestAChangedMeetingReachesItsRoom(t *testing.T) {
	s := open(t, nil, "amal", "badr", "celia")
	chair, third := s.come("amal"), s.come("celia")
	id := s.meet(chair, nil, "badr")
	chair.join(id)
	third.wants(protocol.CodeNotFound, "meeting.join", protocol.MeetingJoin{Meeting: id})
	third.wants(protocol.CodeNotFound, "meeting.look", protocol.MeetingRef{Meeting: id})
	var listed protocol.MeetingsListed
	now := protocol.Millis(time.Now().UnixMilli())
	chair.must("meeting.list", protocol.MeetingList{From: now - 1000, To: now + 1000}, &listed)
	if len(listed.Meetings) != 1 || listed.Meetings[0].Seated != 1 || listed.Meetings[0].Status != protocol.MeetingOpen {
		t.Fatalf("listed: %+v", listed)
	}
	card := listed.Meetings[0]
	chair.must("meeting.save", protocol.MeetingSave{
		ID: id, Title: card.Title, Starts: card.Starts, Minutes: card.Minutes, Chair: card.Chair, People: s.ids("badr", "celia"), Units: card.Units,
	}, nil)
	eventWhere(third, "meeting.changed", func(b protocol.MeetingChanged) bool { return b.Meeting.ID == id && b.Meeting.Seated == 1 })
	third.join(id)
	chair.wants(protocol.CodeConflict, "meeting.cancel", protocol.MeetingRef{Meeting: id})
}

func TestWhoWaitsForACancelledMeetingIsToldAndLearnsNothingElse(t *testing.T) {
	s := open(t, nil, "amal", "badr", "celia")
	chair, guest, seated := s.come("amal"), s.come("badr"), s.come("celia")
	id := s.meet(chair, func(m *protocol.MeetingSave) { m.Lobby = true }, "celia")
	guest.must("meeting.join", protocol.MeetingJoin{Meeting: id}, nil)
	chair.must("meeting.cancel", protocol.MeetingRef{Meeting: id}, nil)
	if got := eventOf[protocol.MeetingClosed](guest, "meeting.closed"); got.Reason != protocol.ClosedEnded {
		t.Errorf("closed: %+v", got)
	}
	id = s.meet(chair, func(m *protocol.MeetingSave) { m.Lobby = true }, "celia")
	chair.join(id)
	seated.join(id)
	for who, want := range map[*page]int{guest: 0, seated: 2} {
		var looked protocol.MeetingLooked
		who.must("meeting.look", protocol.MeetingRef{Meeting: id}, &looked)
		if len(looked.Seated) != want {
			t.Errorf("who looks sees %d in the meeting, want %d", len(looked.Seated), want)
		}
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	s := open(t, nil, "amal")
	p := s.come("amal")
	p.wants(protocol.CodeNotFound, "meeting.join", protocol.MeetingJoin{Meeting: "no"})
	p.wants(protocol.CodeNotFound, "meeting.look", protocol.MeetingRef{Meeting: "no"})
	p.wants(protocol.CodeNotFound, "meeting.cancel", protocol.MeetingRef{Meeting: "no"})
	p.wants(protocol.CodeInvalid, "meeting.list", protocol.MeetingList{From: 2, To: 1})
	if s.rooms.running("no") != nil {
		until(t, "no room stays", func() bool { return s.rooms.running("no") == nil })
	}
	p.must("meeting.leave", protocol.None{}, nil)
}

func TestChatOfAMeeting(t *testing.T) {
	s := open(t, nil, "amal", "badr", "celia")
	chair, guest, stranger := s.come("amal"), s.come("badr"), s.come("celia")
	id := s.meet(chair, nil, "badr")
	thread := protocol.Thread{Meeting: id}
	guest.wants(protocol.CodeNotFound, "chat.history", protocol.ChatHistory{Thread: thread, Limit: 10})
	chair.join(id)
	var sent protocol.ChatSent
	chair.must("chat.send", protocol.ChatSend{Thread: thread, Key: "a", Text: "first"}, &sent)
	guest.join(id)
	var page protocol.ChatPage
	guest.must("chat.history", protocol.ChatHistory{Thread: thread, Limit: 10}, &page)
	if len(page.Messages) != 1 || page.Messages[0].Text != "first" {
		t.Errorf("who joins later sees: %+v", page)
	}
	guest.must("chat.read", protocol.ChatRead{Thread: thread, Order: page.Messages[0].Order}, nil)
	for i := range 20 {
		chair.must("chat.send", protocol.ChatSend{Thread: thread, Key: fmt.Sprint(i), Text: fmt.Sprint(i)}, nil)
	}
	chair.must("chat.send", protocol.ChatSend{Thread: thread, Key: "19", Text: "19"}, nil) // again
	for i := range 20 {
		if got := eventOf[protocol.ChatReceived](guest, "chat.message"); got.Message.Text != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, got.Message.Text)
		}
	}
	if contains(guest.settled(), "chat.message") || contains(stranger.settled(), "chat.message") {
		t.Error("a message came twice, or to somebody who was never there")
	}
	stranger.wants(protocol.CodeNotFound, "chat.send", protocol.ChatSend{Thread: thread, Key: "s", Text: "s"})
	if n := s.Stats().ChatStored; n != 21 {
		t.Errorf("%d stored", n)
	}
}

func TestReadMarksBetweenTwo(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	b := s.browser().signIn("amal")
	one, two, other := b.visit(), b.visit(), s.come("badr")
	var sent protocol.ChatSent
	other.must("chat.send", protocol.ChatSend{Thread: protocol.Thread{Person: s.id("amal")}, Key: "k", Text: "x"}, &sent)
	one.must("chat.read", protocol.ChatRead{Thread: protocol.Thread{Person: s.id("badr")}, Order: sent.Message.Order}, nil)
	if got := eventOf[protocol.ChatReadChanged](two, "chat.read"); got.Person != s.id("amal") || got.Thread.Person != s.id("badr") {
		t.Errorf("the reader's other tab: %+v", got)
	}
	if got := eventOf[protocol.ChatReadChanged](other, "chat.read"); got.Person != s.id("amal") || got.Thread.Person != s.id("amal") || got.Order != sent.Message.Order {
		t.Errorf("the other one: %+v", got)
	}
	var threads protocol.ChatThreadsListed
	other.must("chat.threads", protocol.ChatThreads{}, &threads)
	if len(threads.Threads) != 1 || threads.Threads[0].Last.Text != "x" {
		t.Errorf("threads: %+v", threads)
	}
	one.wants(protocol.CodeNotFound, "chat.send", protocol.ChatSend{Thread: protocol.Thread{Person: "nobody"}, Key: "k", Text: "x"})
}

// Many join, change tabs, lose their sockets and leave at once, under the race detector:
// in the end nobody is left, in no list and not in the core.
func TestChurnLeavesNothingBehind(t *testing.T) {
	const people, rounds = 8, 6
	var logins []string
	for i := range people {
		logins = append(logins, fmt.Sprintf("person%d", i))
	}
	s := open(t, func(_ *Config, m *meeting.Config) { m.Grace = 20 * time.Millisecond }, logins...)
	pages := make([]*page, people)
	for i, login := range logins {
		pages[i] = s.come(login)
	}
	id := s.meet(pages[0], nil, logins...)
	done := make(chan struct{})
	for i := range people {
		go func() {
			defer func() { done <- struct{}{} }()
			p := pages[i]
			for round := range rounds {
				_ = p.call("meeting.join", protocol.MeetingJoin{Meeting: id, Microphone: true, Offer: testOffer}, nil)
				_ = p.call("meeting.hand", protocol.MeetingHand{Raised: round%2 == 0}, nil)
				switch (i + round) % 3 {
				case 0:
					_ = p.call("meeting.leave", protocol.None{}, nil)
				case 1:
					p.cut()
					p = p.anew()
				}
			}
			p.cut()
		}()
	}
	for range people {
		<-done
	}
	until(t, "nobody is seated and nobody is there", func() bool {
		meetings, seats := s.rooms.count()
		return meetings == 0 && seats == 0 && s.hub.count() == 0
	})
	s.media.mu.Lock()
	defer s.media.mu.Unlock()
	if len(s.media.sessions) != 0 {
		t.Errorf("media sessions are left: %v", s.media.sessions)
	}
}

func contains(all []string, one string) bool {
	for _, x := range all {
		if x == one {
			return true
		}
	}
	return false
}
