package meeting

import (
	"fmt"
	"testing"
	"time"

	"tarasul/signaling/protocol"
)

func TestTheThirtyFirstIsRefused(t *testing.T) {
	card := newCard(withLobby, func(c *Card) { c.Units = append(c.Units, "all") })
	tb := sitDown(t, card, "minister")
	for i := range 29 {
		tb.mustSit(fmt.Sprintf("all/%d", i))
	}
	tb.mustBeRefused("deputy", protocol.CodeFull)
	tb.mustBeRefused("stranger", protocol.CodeFull) // not into the lobby either

	// A seat that is kept for a lost socket is a seat.
	tb.Lost("all/3", "all/3", tb.now)
	tb.mustBeRefused("deputy", protocol.CodeFull)
	// Who is seated may come again.
	tb.mustSit("all/3")

	tb.leave("all/5")
	tb.mustSit("deputy")
	tb.mustBeRefused("all/5", protocol.CodeFull)
}

func TestAdmissionsFromTheLobbyCount(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister")
	for i := range 35 {
		tb.mustWait(fmt.Sprint("stranger", i))
	}
	tb.must(tb.Admit("minister", "stranger20", tb.now))
	res := tb.must(tb.AdmitAll("minister", tb.now))
	if n := len(tb.Seated()); n != 30 {
		t.Fatalf("%d are seated", n)
	}
	if tb.waits("stranger27") || !tb.waits("stranger29") {
		t.Error("not in the order in which they came")
	}
	if n := len(res.Facts); n != 28 {
		t.Errorf("%d facts, want a seat each for 28", n)
	}
	for name, f := range map[string]func() (Result, error){
		"admit":     func() (Result, error) { return tb.Admit("minister", "stranger29", tb.now) },
		"admit all": func() (Result, error) { return tb.AdmitAll("minister", tb.now) },
	} {
		if _, err := f(); code(err) != protocol.CodeFull {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !tb.waits("stranger29") || len(tb.Seated()) != 30 {
		t.Error("a refused admission has changed something")
	}
	// The one who waits does not slip in when a seat is free: nobody has let them in.
	tb.leave("stranger0")
	if !tb.waits("stranger29") {
		t.Error("somebody came in by themselves")
	}
}

func TestTheLobbyIsBounded(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister")
	for i := range maxWaiting {
		tb.mustWait(fmt.Sprint("stranger", i))
	}
	tb.mustBeRefused("one more", protocol.CodeFull)
	tb.mustWait("stranger7") // again
}

func TestALockKeepsNewcomersOut(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister", "paris/anna")
	tb.mustWait("stranger")
	tb.must(tb.SetRole("minister", "paris/anna", protocol.SeatCochair, tb.now))
	tb.must(tb.Settings("minister", protocol.MeetingSettings{Locked: pointer(true)}, tb.now))
	tb.mustBeRefused("deputy", protocol.CodeLocked)    // invited
	tb.mustBeRefused("newcomer", protocol.CodeLocked)  // by the lobby
	tb.mustBeRefused("paris/ben", protocol.CodeLocked) // through the unit
	if !tb.waits("stranger") {
		t.Error("who waited when it was locked waits no more")
	}
	tb.must(tb.Admit("minister", "stranger", tb.now)) // the chair's own word

	// A lost socket is no newcomer; after the grace it is.
	tb.Lost("paris/anna", "paris/anna", tb.now)
	tb.later(59 * time.Second)
	tb.mustSit("paris/anna")
	tb.Lost("paris/anna", "paris/anna", tb.now)
	tb.later(time.Minute)
	tb.mustBeRefused("paris/anna", protocol.CodeLocked)

	tb.leave("minister")
	tb.mustSit("minister")
	tb.must(tb.Settings("minister", protocol.MeetingSettings{Locked: pointer(false)}, tb.now))
	tb.mustSit("deputy")
}

func TestALockOutlivesTheRoom(t *testing.T) {
	card := newCard(func(c *Card) { c.Locked, c.Begun = true, 1 })
	tb := sitDown(t, card)
	tb.mustBeRefused("deputy", protocol.CodeLocked)
	tb.mustSit("minister")
}

func TestBeforeTheChairIsThere(t *testing.T) {
	early := 10 * time.Minute
	for name, test := range map[string]struct {
		lobby   bool
		who     string
		before  time.Duration // the start
		outcome protocol.JoinOutcome
		refused protocol.Code
	}{
		"invited, lobby, a day before":          {true, "deputy", 24 * time.Hour, protocol.JoinWaiting, ""},
		"invited, lobby, after the start":       {true, "deputy", -time.Minute, protocol.JoinWaiting, ""},
		"invited, no lobby, too early":          {false, "deputy", early + time.Millisecond, "", protocol.CodeNotStarted},
		"invited, no lobby, ten minutes before": {false, "deputy", early, protocol.JoinSeated, ""},
		"by the unit, no lobby, after":          {false, "paris/anna", -time.Minute, protocol.JoinSeated, ""},
		"by the unit, no lobby, too early":      {false, "paris/anna", time.Hour, "", protocol.CodeNotStarted},
		"not invited, lobby, too early":         {true, "stranger", time.Hour, protocol.JoinWaiting, ""},
		"not invited, lobby, after":             {true, "stranger", -time.Minute, protocol.JoinWaiting, ""},
		"not invited, no lobby, too early":      {false, "stranger", time.Hour, "", protocol.CodeNotFound},
		"not invited, no lobby, after":          {false, "stranger", -time.Minute, "", protocol.CodeNotFound},
		"another unit":                          {false, "rome/ugo", -time.Minute, "", protocol.CodeNotFound},
		"nobody":                                {false, "", -time.Minute, "", protocol.CodeNotFound},
		"the chair, a day before":               {false, "minister", 24 * time.Hour, protocol.JoinSeated, ""},
		"who made it for the chair, before":     {true, "assistant", 24 * time.Hour, protocol.JoinSeated, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tb := sitDown(t, newCard(func(c *Card) { c.Lobby, c.CreatedBy = test.lobby, "assistant" }))
			tb.now = noon.Add(-test.before)
			outcome, _, err := tb.join(test.who)
			if outcome != test.outcome || code(err) != test.refused {
				t.Errorf("got %s %v", outcome, err)
			}
		})
	}
}

func TestTheInvitedWhoWaitComeInWithTheChair(t *testing.T) {
	tb := sitDown(t, newCard(withLobby))
	tb.mustWait("stranger", "deputy", "paris/anna")
	outcome, res, err := tb.join("minister")
	if err != nil || outcome != protocol.JoinSeated {
		t.Fatal(outcome, err)
	}
	if !tb.sits("deputy") || !tb.sits("paris/anna") || !tb.waits("stranger") {
		t.Errorf("seated are %v", tb.Seated())
	}
	tb.sends(res, "deputy: meeting.admitted", "paris/anna: meeting.admitted")
	if _, ok := has[Begun](res); !ok {
		t.Error("the meeting has not begun")
	}
	tb.mustSit("director") // from now on directly
}

func TestWhatHasBegunNeedsNoChairAnyMore(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister", "deputy")
	tb.leave("minister")
	tb.mustSit("director")
	// Not even after everybody was away, or the server was.
	tb.leave("deputy", "director")
	again := sitDown(t, tb.Card())
	again.mustSit("deputy")
}

func TestWhoIsNotInvitedEntersOnlyByTheLobby(t *testing.T) {
	tb := sitDown(t, newCard(), "minister")
	tb.mustBeRefused("stranger", protocol.CodeNotFound)
	tb.must(tb.Settings("minister", protocol.MeetingSettings{Lobby: pointer(true)}, tb.now))
	tb.mustWait("stranger")
	if tb.sits("stranger") {
		t.Error("came in without being admitted")
	}
	res := tb.must(tb.Admit("minister", "stranger", tb.now))
	tb.sends(res, "minister: meeting.seat stranger", "minister: meeting.lobby []", "stranger: meeting.admitted")
	if s, ok := has[SeatTaken](res); !ok || s.Person != "stranger" || !s.Permit.Microphone || !s.On.Camera {
		t.Errorf("facts %+v", res.Facts)
	}
	// Having been in once is no invitation.
	tb.leave("stranger")
	tb.mustWait("stranger")
}

func TestWhoLeavesTheLobbyIsGone(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister")
	tb.mustWait("stranger", "lost")
	tb.sends(tb.Leave("stranger", "stranger", tb.now), "minister: meeting.lobby lost []")
	tb.Lost("lost", "lost", tb.now)
	if res := tb.later(59 * time.Second); len(res.Effects) > 0 || !tb.waits("lost") {
		t.Error("gone before the grace")
	}
	tb.sends(tb.later(time.Second), "minister: meeting.lobby []")
	if _, err := tb.Admit("minister", "stranger", tb.now); code(err) != protocol.CodeNotFound {
		t.Errorf("admitted a ghost: %v", err)
	}
	// Who was lost before being admitted has the rest of the grace.
	tb.mustWait("stranger")
	tb.Lost("stranger", "stranger", tb.now)
	tb.later(30 * time.Second)
	tb.must(tb.Admit("minister", "stranger", tb.now))
	if tb.of("stranger").Connected {
		t.Error("connected by being admitted")
	}
	tb.later(30 * time.Second)
	if tb.sits("stranger") {
		t.Error("a ghost sits there")
	}
}

// tries is every way in that somebody who was sent away may try.
func tries(t *testing.T, tb *table, name string, want protocol.Code) {
	t.Helper()
	id := protocol.PersonID(name)
	try := func(how string, tb *table, session string) {
		t.Helper()
		if outcome, _, err := tb.join(name, session); code(err) != want || outcome != "" {
			t.Errorf("%s: %s %v, want %s", how, outcome, err, want)
		}
	}
	try("the older socket", tb, name)
	try("another device", tb, name+"'s telephone")
	tb.Resumed(id, name, tb.now)
	if tb.sits(name) || tb.waits(name) {
		t.Error("came back by resuming the older socket")
	}
	for action, f := range map[string]func() (Result, error){
		"hand": func() (Result, error) { return tb.Hand(id, true, tb.now) },
		"media": func() (Result, error) {
			return tb.MediaState(id, protocol.MediaState{Microphone: pointer(true)}, tb.now)
		},
		"admit": func() (Result, error) { return tb.Admit(id, id, tb.now) },
		"role":  func() (Result, error) { return tb.SetRole(id, id, protocol.SeatCochair, tb.now) },
	} {
		if _, err := f(); code(err) != protocol.CodeNotSeated {
			t.Errorf("%s by the older socket: %v", action, err)
		}
	}
	tb.must(tb.AdmitAll("minister", tb.now))
	tb.must(tb.Settings("minister", protocol.MeetingSettings{Lobby: pointer(true), Locked: pointer(false)}, tb.now))
	try("with the lobby open", tb, name)
	tb.must(tb.Settings("minister", protocol.MeetingSettings{Lobby: pointer(false)}, tb.now))
	try("with the lobby closed", tb, name)

	for how, edit := range map[string]func(*Card){
		"arriving early":             func(c *Card) { c.Begun = 0; c.Starts += 3600_000 },
		"arriving early, with lobby": func(c *Card) { c.Begun, c.Lobby = 0, true },
		"in the next room":           func(*Card) {},
		"through a unit":             func(c *Card) { c.Units = append(c.Units, person(name).Unit, "all") },
		"as creator":                 func(c *Card) { c.CreatedBy = id },
	} {
		card := tb.Card()
		edit(&card)
		try(how, sitDown(t, card), name)
	}
	// Being on the list all along is no new invitation.
	card := tb.Card()
	card.People = append(card.People, id)
	tb.Update(card, tb.now)
	try("being on the list", tb, name)
}

func TestARemovedPersonCannotComeBack(t *testing.T) {
	for _, name := range []string{"deputy", "paris/anna", "stranger"} {
		t.Run(name, func(t *testing.T) {
			tb := sitDown(t, newCard(withLobby), "minister")
			if _, _, err := tb.join(name); err != nil {
				t.Fatal(err)
			}
			tb.must(tb.Admit("minister", protocol.PersonID(name), tb.now))
			res := tb.must(tb.Remove("minister", protocol.PersonID(name), tb.now))
			tb.sends(res, name+": meeting.closed removed", "minister: meeting.left "+name+" removed", "minister: meeting.lobby ["+name+"]")
			if f, ok := has[Barred](res); !ok || f != (Barred{protocol.PersonID(name), BarRemoved, "minister"}) {
				t.Errorf("facts %+v", res.Facts)
			}
			tries(t, tb, name, protocol.CodeRemoved)
		})
	}
}

func TestARefusedPersonCannotKnockAgain(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister")
	tb.mustWait("stranger")
	res := tb.must(tb.Refuse("minister", "stranger", tb.now))
	tb.sends(res, "stranger: meeting.closed refused", "minister: meeting.lobby [stranger]")
	if f, ok := has[Barred](res); !ok || f != (Barred{"stranger", BarRefused, "minister"}) {
		t.Errorf("facts %+v", res.Facts)
	}
	tries(t, tb, "stranger", protocol.CodeRefused)
}

func TestAChairMayLetSomebodyComeAgain(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister", "deputy")
	tb.mustWait("stranger")
	tb.must(tb.Refuse("minister", "stranger", tb.now))
	tb.must(tb.Remove("minister", "deputy", tb.now))
	for _, id := range []protocol.PersonID{"stranger", "deputy"} {
		res := tb.must(tb.Admit("minister", id, tb.now))
		if f, ok := has[Readmitted](res); !ok || f != (Readmitted{id, "minister"}) {
			t.Errorf("facts %+v", res.Facts)
		}
		if tb.sits(string(id)) {
			t.Error("sits down without having come")
		}
	}
	tb.mustSit("deputy")    // invited: directly
	tb.mustWait("stranger") // as before: by the lobby
	if _, err := tb.Admit("minister", "nobody", tb.now); code(err) != protocol.CodeNotFound {
		t.Errorf("admitted nobody: %v", err)
	}
}

func TestRemovalTakesEverythingAway(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy", "director")
	tb.must(tb.SetRole("minister", "deputy", protocol.SeatCochair, tb.now))
	tb.must(tb.MediaState("deputy", protocol.MediaState{Screen: pointer(true)}, tb.now))
	tb.must(tb.Floor("minister", "deputy", tb.now))
	tb.must(tb.Spotlight("minister", "deputy", tb.now))
	tb.Speaker("deputy")
	res := tb.must(tb.Remove("minister", "deputy", tb.now))
	tb.sends(res, "deputy: meeting.closed removed", "director,minister: meeting.left deputy removed", "minister: meeting.lobby [deputy]",
		"director,minister: meeting.spotlight", "director,minister: meeting.speaker")
	if f, ok := has[SeatReleased](res); !ok || f.Person != "deputy" || f.Session != "deputy" || f.Reason != protocol.LeftRemoved {
		t.Errorf("facts %+v", res.Facts)
	}
	tb.must(tb.Admit("minister", "deputy", tb.now))
	tb.mustSit("deputy")
	if s := tb.of("deputy"); s.Role != protocol.SeatParticipant || s.Floor || s.Screen {
		t.Errorf("came back with %+v", s)
	}
}

func TestAnEndedMeetingIsOver(t *testing.T) {
	for name, status := range map[string]protocol.MeetingStatus{"ended": protocol.MeetingEnded, "cancelled": protocol.MeetingCancelled} {
		tb := sitDown(t, newCard(func(c *Card) { c.Status = status }))
		tb.mustBeRefused("deputy", protocol.CodeEnded)
		tb.mustBeRefused("minister", protocol.CodeEnded)
		tb.mustBeRefused("stranger", protocol.CodeNotFound)
		if got := tb.Card().Status; got != status {
			t.Errorf("%s: the card says %s", name, got)
		}
	}
}
