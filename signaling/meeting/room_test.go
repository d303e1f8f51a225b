package meeting

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"tarasul/signaling/protocol"
)

func TestASecondTabTakesOver(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy", "director")
	tb.must(tb.SetRole("minister", "deputy", protocol.SeatCochair, tb.now))
	tb.must(tb.MediaState("deputy", protocol.MediaState{Microphone: pointer(false), Screen: pointer(true)}, tb.now))
	tb.must(tb.Hand("deputy", true, tb.now))
	tb.must(tb.Floor("minister", "deputy", tb.now))
	tb.must(tb.Hand("deputy", true, tb.now))
	former := tb.of("deputy")

	tb.now = tb.now.Add(time.Minute)
	outcome, res, err := tb.join("deputy", "second tab")
	if err != nil || outcome != protocol.JoinSeated {
		t.Fatal(outcome, err)
	}
	tb.sends(res, "deputy: meeting.closed taken_over", "director,minister: meeting.seat deputy")
	if f, ok := has[SeatMoved](res); !ok || f.Session != "second tab" || f.Former != "deputy" || f.On != (On{Camera: true}) || !f.Permit.Screen {
		t.Errorf("facts %+v", res.Facts)
	}
	want := former
	want.Screen = false // the second tab does not share
	if s := tb.of("deputy"); s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	// The first tab has no more part in it.
	if res := tb.Leave("deputy", "deputy", tb.now); len(res.Effects) > 0 || !tb.sits("deputy") {
		t.Error("the first tab left for the second")
	}
	if res := tb.Lost("deputy", "deputy", tb.now); len(res.Effects) > 0 {
		t.Error("the first tab's socket was taken for the second's")
	}
	if n := len(tb.Seated()); n != 3 {
		t.Errorf("%d seats", n)
	}
}

func TestARepeatedJoinIsTheSameSeat(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy")
	_, res, err := tb.join("deputy")
	if err != nil {
		t.Fatal(err)
	}
	tb.sends(res)
	if f, ok := has[SeatMoved](res); !ok || f.Session != f.Former || len(res.Facts) != 1 {
		t.Errorf("facts %+v", res.Facts)
	}
}

func TestASecondTabTakesOverInTheLobby(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister")
	tb.mustWait("stranger")
	tb.now = tb.now.Add(time.Second)
	outcome, res, err := tb.join("stranger", "second tab")
	if err != nil || outcome != protocol.JoinWaiting {
		t.Fatal(outcome, err)
	}
	tb.sends(res, "stranger: meeting.closed taken_over")
	tb.sends(tb.must(tb.Admit("minister", "stranger", tb.now)), "minister: meeting.seat stranger", "minister: meeting.lobby []", "second tab: meeting.admitted")
}

func TestASeatIsKeptForALostSocket(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy")
	tb.must(tb.Hand("deputy", true, tb.now))
	tb.sends(tb.Lost("deputy", "deputy", tb.now), "deputy,minister: meeting.seat deputy")
	if next := tb.Next(); !next.Equal(tb.now.Add(time.Minute)) {
		t.Errorf("next at %v", next)
	}
	tb.later(59 * time.Second)
	tb.Lost("deputy", "deputy", tb.now) // told twice: counts from the first time
	tb.sends(tb.Resumed("deputy", "deputy", tb.now), "deputy,minister: meeting.seat deputy")
	if s := tb.of("deputy"); !s.Connected || s.Hand == 0 || !tb.Next().IsZero() {
		t.Errorf("came back as %+v", s)
	}
	tb.later(time.Hour)
	if !tb.sits("deputy") {
		t.Error("lost though it came back")
	}

	tb.Lost("deputy", "deputy", tb.now)
	tb.later(30 * time.Second)
	tb.Lost("deputy", "deputy", tb.now)
	res := tb.later(30 * time.Second)
	tb.sends(res, "minister: meeting.left deputy lost")
	if f, ok := has[SeatReleased](res); !ok || f.Reason != protocol.LeftLost || f.At != millis(tb.now) {
		t.Errorf("facts %+v", res.Facts)
	}
	if res := tb.Resumed("deputy", "deputy", tb.now); len(res.Effects) > 0 || tb.sits("deputy") {
		t.Error("a ghost came back")
	}
}

func TestOpeningAndEmptying(t *testing.T) {
	tb := &table{T: t, Room: NewRoom(config(t), newCard(withLobby)), now: noon}
	_, res, err := tb.join("minister")
	if err != nil {
		t.Fatal(err)
	}
	want := []Fact{Opened{millis(noon)}, Begun{millis(noon)}, SeatTaken{"minister", "minister", millis(noon), Permit{true, true, true, true}, On{Microphone: true, Camera: true}}}
	if !reflect.DeepEqual(res.Facts, want) || tb.Card().Status != protocol.MeetingOpen || tb.Card().Begun != millis(noon) {
		t.Errorf("facts %+v", res.Facts)
	}
	tb.mustWait("stranger")
	if _, ok := has[Emptied](tb.Leave("minister", "minister", tb.now)); ok {
		t.Error("given up while somebody waits")
	}
	if _, ok := has[Emptied](tb.Leave("stranger", "stranger", tb.now)); !ok || tb.Card().Status != protocol.MeetingScheduled {
		t.Error("not given up when nobody is there")
	}
}

func TestWhenTheChairLeaves(t *testing.T) {
	setup := func() *table {
		tb := sitDown(t, newCard(), "director", "minister", "paris/anna", "deputy")
		tb.must(tb.SetRole("minister", "deputy", protocol.SeatCochair, tb.now))
		tb.must(tb.SetRole("minister", "paris/anna", protocol.SeatCochair, tb.now))
		return tb
	}
	roles := func(tb *table, want ...protocol.SeatRole) {
		t.Helper()
		var got []protocol.SeatRole
		for _, s := range tb.State(person("")).Seats {
			got = append(got, s.Role)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	const chair, cochair, participant = protocol.SeatChair, protocol.SeatCochair, protocol.SeatParticipant

	tb := setup()
	res := tb.Leave("minister", "minister", tb.now)
	tb.sends(res, "deputy,director,paris/anna: meeting.left minister left", "deputy,director,paris/anna: meeting.seat paris/anna")
	roles(tb, participant, chair, cochair) // the co-chair who has sat longest
	if _, ok := has[ChairChanged](res); ok {
		t.Error("the meeting has another chair for ever")
	}
	tb.mustSit("minister")
	roles(tb, participant, cochair, cochair, chair) // the own chair is back
	tb.leave("minister", "paris/anna")
	roles(tb, participant, chair)
	tb.leave("deputy")
	roles(tb, participant) // runs on without
	if _, err := tb.Mute("director", protocol.MeetingMute{Source: "microphone"}, tb.now); code(err) != protocol.CodeForbidden {
		t.Errorf("who is left rules: %v", err)
	}
	tb.mustSit("minister")
	roles(tb, participant, chair)

	// A chair whose socket is lost is chair for the grace.
	tb = setup()
	tb.Lost("minister", "minister", tb.now)
	tb.later(59 * time.Second)
	roles(tb, participant, chair, cochair, cochair)
	tb.later(time.Second)
	roles(tb, participant, chair, cochair)
}

func TestTheAssistantRunsTheMeetingUntilTheChairIsThere(t *testing.T) {
	tb := sitDown(t, newCard(withLobby, func(c *Card) { c.CreatedBy = "assistant" }))
	tb.mustWait("stranger")
	tb.mustSit("assistant")
	if s := tb.of("assistant"); s.Role != protocol.SeatCochair {
		t.Errorf("the assistant is %s", s.Role)
	}
	tb.must(tb.Admit("assistant", "stranger", tb.now))
	tb.mustSit("minister")
	if s := tb.of("minister"); s.Role != protocol.SeatChair {
		t.Errorf("the minister is %s", s.Role)
	}
}

func TestHandsAreAQueue(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy", "director", "paris/anna")
	for _, id := range []protocol.PersonID{"director", "paris/anna", "deputy"} { // at the same millisecond
		tb.must(tb.Hand(id, true, tb.now))
	}
	first := tb.of("director").Hand
	tb.now = tb.now.Add(time.Second)
	if res := tb.must(tb.Hand("director", true, tb.now)); len(res.Effects) > 0 || tb.of("director").Hand != first {
		t.Error("raising it again costs the place in the queue")
	}
	queue := tb.State(person("minister")).Seats
	queue = slices.DeleteFunc(queue, func(s protocol.Seat) bool { return s.Hand == 0 })
	slices.SortFunc(queue, func(a, b protocol.Seat) int { return int(a.Hand - b.Hand) })
	var order []protocol.PersonID
	for _, s := range queue {
		order = append(order, s.Person)
	}
	if !slices.Equal(order, []protocol.PersonID{"director", "paris/anna", "deputy"}) {
		t.Errorf("the queue is %v", order)
	}
	tb.must(tb.Hand("director", false, tb.now))
	tb.must(tb.LowerHand("minister", "paris/anna", tb.now))
	tb.must(tb.LowerHand("minister", "paris/anna", tb.now))
	if tb.of("director").Hand != 0 || tb.of("paris/anna").Hand != 0 || tb.of("deputy").Hand == 0 {
		t.Error("the wrong hands are down")
	}
	tb.must(tb.Hand("director", true, tb.now))
	if tb.of("director").Hand <= tb.of("deputy").Hand {
		t.Error("who raises it anew is not the last")
	}
}

func TestAtMostOneHasTheFloor(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy", "director")
	tb.must(tb.Hand("deputy", true, tb.now))
	res := tb.must(tb.Floor("minister", "deputy", tb.now))
	tb.sends(res, "deputy,director,minister: meeting.seat deputy", "deputy: meeting.asked by minister true")
	if s := tb.of("deputy"); !s.Floor || s.Hand != 0 {
		t.Errorf("got %+v", s)
	}
	res = tb.must(tb.Floor("minister", "director", tb.now))
	tb.sends(res, "deputy,director,minister: meeting.seat deputy", "deputy,director,minister: meeting.seat director", "director: meeting.asked by minister true")
	if tb.of("deputy").Floor || !tb.of("director").Floor {
		t.Error("the floor did not pass")
	}
	tb.must(tb.Hand("director", false, tb.now)) // gives it back
	if tb.of("director").Floor {
		t.Error("the floor was not given back")
	}
	tb.must(tb.Floor("minister", "deputy", tb.now))
	tb.must(tb.Floor("minister", "", tb.now)) // takes it back
	if tb.of("deputy").Floor {
		t.Error("the floor was not taken back")
	}
	tb.must(tb.Floor("minister", "deputy", tb.now))
	tb.leave("deputy")
	tb.mustSit("deputy")
	if tb.of("deputy").Floor {
		t.Error("left with the floor and came back with it")
	}
}

func TestAMutedPersonIsSilencedAtOnceAndMayUnmute(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy", "director")
	res := tb.must(tb.Mute("minister", protocol.MeetingMute{Person: "deputy", Source: protocol.SourceMicrophone}, tb.now))
	tb.sends(res, "deputy,director,minister: meeting.seat deputy", "deputy: meeting.muted microphone by minister")
	if f, ok := has[SwitchChanged](res); !ok || f != (SwitchChanged{"deputy", On{Camera: true}}) {
		t.Errorf("facts %+v", res.Facts)
	}
	if res := tb.must(tb.Mute("minister", protocol.MeetingMute{Person: "deputy", Source: protocol.SourceMicrophone}, tb.now)); len(res.Effects)+len(res.Facts) > 0 {
		t.Error("muted twice")
	}
	tb.sends(tb.must(tb.AskUnmute("minister", "deputy", tb.now)), "deputy: meeting.asked by minister false")
	if tb.of("deputy").Microphone {
		t.Error("being asked switched the microphone on")
	}
	res = tb.must(tb.MediaState("deputy", protocol.MediaState{Microphone: pointer(true)}, tb.now))
	if f, ok := has[SwitchChanged](res); !ok || !f.On.Microphone || !tb.of("deputy").Microphone {
		t.Error("could not unmute")
	}
}

func TestMutingAllSparesTheChairs(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy", "director", "paris/anna")
	tb.must(tb.SetRole("minister", "deputy", protocol.SeatCochair, tb.now))
	tb.must(tb.Mute("deputy", protocol.MeetingMute{Source: protocol.SourceMicrophone}, tb.now))
	tb.must(tb.Mute("minister", protocol.MeetingMute{Source: protocol.SourceCamera}, tb.now))
	for name, want := range map[string]On{"minister": {true, true, false}, "deputy": {true, true, false}, "director": {}, "paris/anna": {}} {
		if s := tb.of(name); s.Microphone != want.Microphone || s.Camera != want.Camera {
			t.Errorf("%s: %+v", name, s)
		}
	}
	// One by one, a co-chair silences even a minister who has forgotten the microphone.
	tb.must(tb.Mute("deputy", protocol.MeetingMute{Person: "minister", Source: protocol.SourceMicrophone}, tb.now))
	if tb.of("minister").Microphone {
		t.Error("the minister is heard by all")
	}
}

func TestWhoMayShareAScreen(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy", "director")
	tb.must(tb.SetRole("minister", "deputy", protocol.SeatCochair, tb.now))
	share := protocol.MediaState{Screen: pointer(true)}
	for _, id := range []protocol.PersonID{"minister", "deputy", "director"} {
		tb.must(tb.MediaState(id, share, tb.now))
	}
	res := tb.must(tb.Settings("minister", protocol.MeetingSettings{Share: pointer(protocol.ShareChairs)}, tb.now))
	tb.sends(res, "deputy,director,minister: meeting.seat director", "deputy,director,minister: meeting.settings", "director: meeting.muted screen by minister")
	if p, ok := has[PermitChanged](res); !ok || p != (PermitChanged{"director", Permit{Microphone: true, Camera: true}}) {
		t.Errorf("facts %+v", res.Facts)
	}
	if s, ok := has[SwitchChanged](res); !ok || s.On.Screen {
		t.Errorf("facts %+v", res.Facts)
	}
	if _, err := tb.MediaState("director", share, tb.now); code(err) != protocol.CodeForbidden || tb.of("director").Screen {
		t.Errorf("shares all the same: %v", err)
	}
	// With the role goes the screen.
	res = tb.must(tb.SetRole("minister", "deputy", protocol.SeatParticipant, tb.now))
	if tb.of("deputy").Screen || !tb.of("minister").Screen {
		t.Error("a co-chair who is none any more still shares")
	}
	if p, ok := has[PermitChanged](res); !ok || p.Person != "deputy" || p.Permit.ScreenAudio {
		t.Errorf("facts %+v", res.Facts)
	}
	tb.must(tb.Settings("minister", protocol.MeetingSettings{Share: pointer(protocol.ShareEveryone)}, tb.now))
	tb.must(tb.MediaState("director", share, tb.now))
	// One screen is stopped.
	tb.must(tb.Mute("minister", protocol.MeetingMute{Person: "director", Source: protocol.SourceScreen}, tb.now))
	if tb.of("director").Screen {
		t.Error("still shares")
	}
}

func TestTheSpeakerIsSomebodySeated(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy")
	tb.sends(tb.Speaker("deputy"), "deputy,minister: meeting.speaker deputy")
	tb.sends(tb.Speaker("deputy"))
	tb.sends(tb.Speaker("stranger"), "deputy,minister: meeting.speaker")
	tb.Speaker("deputy")
	if st := tb.State(person("minister")); st.Speaker != "deputy" {
		t.Errorf("the speaker is %q", st.Speaker)
	}
	tb.leave("deputy")
	if st := tb.State(person("minister")); st.Speaker != "" {
		t.Errorf("%q speaks, who has left", st.Speaker)
	}
}

func TestOnlyChairsSeeWhoWaits(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister", "deputy")
	tb.mustWait("stranger", "other")
	tb.must(tb.Refuse("minister", "other", tb.now))
	if st := tb.State(person("minister")); len(st.Waiting) != 1 || st.Waiting[0].Person != "stranger" || len(st.Barred) != 1 {
		t.Errorf("the chair sees %+v", st)
	}
	for _, name := range []string{"deputy", "stranger"} {
		if st := tb.State(person(name)); st.Waiting != nil || st.Barred != nil {
			t.Errorf("%s sees %+v", name, st)
		}
	}
	// A new co-chair learns it.
	res := tb.must(tb.SetRole("minister", "deputy", protocol.SeatCochair, tb.now))
	tb.sends(res, "deputy,minister: meeting.seat deputy", "deputy: meeting.lobby stranger [other]")
}

func TestACardThatIsChangedWhileTheMeetingRuns(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister", "deputy", "director")
	tb.mustWait("guest", "stranger")
	tb.must(tb.Refuse("minister", "stranger", tb.now))
	tb.must(tb.MediaState("director", protocol.MediaState{Screen: pointer(true)}, tb.now))

	card := tb.Card()
	card.People = []protocol.PersonID{"guest", "stranger"} // the deputy is not invited any more, but stays
	delete(card.Bars, "stranger")
	card.Share = protocol.ShareChairs
	res := tb.Update(card, tb.now)
	tb.sends(res, "deputy,director,minister: meeting.seat director", "deputy,director,minister: meeting.seat guest", "minister: meeting.lobby []",
		"deputy,director,minister: meeting.settings", "guest: meeting.admitted", "director: meeting.muted screen by")
	for _, f := range res.Facts {
		switch f.(type) {
		case SettingsChanged, Readmitted, ChairChanged, Begun:
			t.Errorf("%T is in the store already", f)
		}
	}
	tb.mustSit("stranger")
	if !tb.sits("deputy") {
		t.Error("the deputy was sent away")
	}

	card = tb.Card()
	card.Chair = "director"
	res = tb.Update(card, tb.now)
	if _, stored := has[ChairChanged](res); stored || tb.of("director").Role != protocol.SeatChair || tb.of("minister").Role != protocol.SeatCochair {
		t.Error("the chair did not pass")
	}

	card = tb.Card()
	card.Status = protocol.MeetingCancelled
	tb.sends(tb.Update(card, tb.now), "deputy,director,guest,minister,stranger: meeting.closed ended")
	tb.mustBeRefused("director", protocol.CodeEnded)
}

func TestWhatIsKeptIsNotSharedWithTheCaller(t *testing.T) {
	card := newCard(func(c *Card) { c.Bars = map[protocol.PersonID]Bar{"x": BarRemoved} })
	tb := sitDown(t, card, "minister")
	card.Bars["deputy"] = BarRemoved
	delete(tb.Card().Bars, "x")
	tb.State(person("minister")).Meeting.People[0] = "x"
	tb.mustBeRefused("x", protocol.CodeRemoved)
	tb.mustSit("deputy")
}

func TestTheConfigIsChecked(t *testing.T) {
	if c := config(t); c.Participants != 30 || c.Early != 10*time.Minute || c.Grace != time.Minute {
		t.Errorf("defaults are %+v", c)
	}
	for name, c := range map[string]Config{"too many": {Participants: 31}, "nobody": {Participants: -1}, "negative": {Grace: -1}} {
		if c.Validate() == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
