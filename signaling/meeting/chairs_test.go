package meeting

import (
	"reflect"
	"testing"
	"time"

	"tarasul/signaling/protocol"
)

// acts is all that a chair does, done by somebody to the deputy (or to who waits).
func acts(tb *table, by protocol.PersonID) map[string]func() (Result, error) {
	return map[string]func() (Result, error){
		"admit":      func() (Result, error) { return tb.Admit(by, "stranger", tb.now) },
		"admit all":  func() (Result, error) { return tb.AdmitAll(by, tb.now) },
		"readmit":    func() (Result, error) { return tb.Admit(by, "barred", tb.now) },
		"refuse":     func() (Result, error) { return tb.Refuse(by, "stranger", tb.now) },
		"remove":     func() (Result, error) { return tb.Remove(by, "deputy", tb.now) },
		"role":       func() (Result, error) { return tb.SetRole(by, "deputy", protocol.SeatCochair, tb.now) },
		"own role":   func() (Result, error) { return tb.SetRole(by, by, protocol.SeatCochair, tb.now) },
		"hand over":  func() (Result, error) { return tb.HandOver(by, by, tb.now) },
		"lower hand": func() (Result, error) { return tb.LowerHand(by, "deputy", tb.now) },
		"floor":      func() (Result, error) { return tb.Floor(by, by, tb.now) },
		"take floor": func() (Result, error) { return tb.Floor(by, "", tb.now) },
		"unlock": func() (Result, error) {
			return tb.Settings(by, protocol.MeetingSettings{Locked: pointer(false)}, tb.now)
		},
		"nothing": func() (Result, error) { return tb.Settings(by, protocol.MeetingSettings{}, tb.now) },
		"mute": func() (Result, error) {
			return tb.Mute(by, protocol.MeetingMute{Person: "deputy", Source: protocol.SourceMicrophone}, tb.now)
		},
		"mute all": func() (Result, error) {
			return tb.Mute(by, protocol.MeetingMute{Source: protocol.SourceMicrophone}, tb.now)
		},
		"ask":        func() (Result, error) { return tb.AskUnmute(by, "deputy", tb.now) },
		"spotlight":  func() (Result, error) { return tb.Spotlight(by, by, tb.now) },
		"spot off":   func() (Result, error) { return tb.Spotlight(by, "", tb.now) },
		"end":        func() (Result, error) { return tb.End(by, tb.now) },
		"end by one": func() (Result, error) { return tb.Remove(by, "minister", tb.now) },
	}
}

func TestOnlyChairsDoWhatChairsDo(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister", "deputy", "director", "paris/anna")
	tb.mustWait("barred", "stranger")
	tb.must(tb.Refuse("minister", "barred", tb.now))
	tb.must(tb.Hand("deputy", true, tb.now))
	tb.must(tb.Floor("minister", "paris/anna", tb.now))
	tb.must(tb.Spotlight("minister", "deputy", tb.now))
	tb.must(tb.Settings("minister", protocol.MeetingSettings{Locked: pointer(true)}, tb.now))
	before := tb.State(person("minister"))
	for by, want := range map[protocol.PersonID]protocol.Code{
		"director": protocol.CodeForbidden, // seated, and the floor or the spotlight give no right
		"stranger": protocol.CodeNotSeated, // waits
		"barred":   protocol.CodeNotSeated,
		"nobody":   protocol.CodeNotSeated,
		"":         protocol.CodeNotSeated,
	} {
		for action, f := range acts(tb, by) {
			if res, err := f(); code(err) != want || len(res.Effects)+len(res.Facts) > 0 {
				t.Errorf("%q, %s: %v %+v, want %s", by, action, err, res, want)
			}
		}
	}
	if after := tb.State(person("minister")); !reflect.DeepEqual(after, before) {
		t.Errorf("something has changed: %+v, was %+v", after, before)
	}
}

func TestWhatACochairMayNot(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy", "director", "paris/anna")
	for _, id := range []protocol.PersonID{"deputy", "director"} {
		tb.must(tb.SetRole("minister", id, protocol.SeatCochair, tb.now))
	}
	for action, f := range map[string]func() (Result, error){
		"remove the chair":     func() (Result, error) { return tb.Remove("deputy", "minister", tb.now) },
		"remove a co-chair":    func() (Result, error) { return tb.Remove("deputy", "director", tb.now) },
		"make a co-chair":      func() (Result, error) { return tb.SetRole("deputy", "paris/anna", protocol.SeatCochair, tb.now) },
		"unmake a co-chair":    func() (Result, error) { return tb.SetRole("deputy", "director", protocol.SeatParticipant, tb.now) },
		"take the chair":       func() (Result, error) { return tb.HandOver("deputy", "deputy", tb.now) },
		"give the chair":       func() (Result, error) { return tb.HandOver("deputy", "director", tb.now) },
		"end":                  func() (Result, error) { return tb.End("deputy", tb.now) },
		"unmake the own chair": func() (Result, error) { return tb.SetRole("deputy", "minister", protocol.SeatParticipant, tb.now) },
	} {
		if _, err := f(); code(err) != protocol.CodeForbidden {
			t.Errorf("%s: %v", action, err)
		}
	}
	// Nor may a successor, while the chair is away for a moment, remove them for good or
	// take the meeting from them.
	tb.leave("minister")
	if tb.of("deputy").Role != protocol.SeatChair {
		t.Fatal("no successor")
	}
	tb.must(tb.HandOver("deputy", "paris/anna", tb.now))
	if tb.Card().Chair != "minister" {
		t.Error("the meeting has another chair")
	}
	tb.leave("paris/anna")
	tb.mustSit("paris/anna")
	if tb.of("deputy").Role != protocol.SeatChair || tb.of("paris/anna").Role != protocol.SeatCochair {
		t.Errorf("roles %+v", tb.State(person("minister")).Seats)
	}
	tb.mustSit("minister")
	if tb.of("minister").Role != protocol.SeatChair || tb.of("paris/anna").Role != protocol.SeatCochair || tb.of("deputy").Role != protocol.SeatCochair {
		t.Errorf("roles %+v", tb.State(person("minister")).Seats)
	}
}

func TestHandingOverTheChair(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy", "director")
	res := tb.must(tb.HandOver("minister", "deputy", tb.now))
	tb.sends(res, "deputy,director,minister: meeting.seat minister", "deputy,director,minister: meeting.seat deputy")
	if f, ok := has[ChairChanged](res); !ok || f != (ChairChanged{"deputy", "minister"}) || tb.Card().Chair != "deputy" {
		t.Errorf("facts %+v", res.Facts)
	}
	if tb.of("minister").Role != protocol.SeatCochair || tb.of("deputy").Role != protocol.SeatChair {
		t.Error("the roles did not change")
	}
	// It is not the former chair's any more, not even by leaving and coming back.
	tb.leave("minister")
	tb.mustSit("minister")
	if tb.of("minister").Role != protocol.SeatCochair {
		t.Error("took the chair back")
	}
	for name, f := range map[string]func() (Result, error){
		"to somebody who is not there": func() (Result, error) { return tb.HandOver("deputy", "paris/anna", tb.now) },
		"by who had it":                func() (Result, error) { return tb.HandOver("minister", "minister", tb.now) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("handed over %s", name)
		}
	}
	if res := tb.must(tb.HandOver("deputy", "deputy", tb.now)); len(res.Effects)+len(res.Facts) > 0 {
		t.Error("handing over to oneself is something")
	}
}

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	tb := sitDown(t, newCard(), "minister", "deputy")
	for name, test := range map[string]struct {
		act  func() (Result, error)
		want protocol.Code
	}{
		"remove oneself":      {func() (Result, error) { return tb.Remove("minister", "minister", tb.now) }, protocol.CodeInvalid},
		"remove nobody":       {func() (Result, error) { return tb.Remove("minister", "paris/anna", tb.now) }, protocol.CodeNotFound},
		"refuse nobody":       {func() (Result, error) { return tb.Refuse("minister", "deputy", tb.now) }, protocol.CodeNotFound},
		"two chairs":          {func() (Result, error) { return tb.SetRole("minister", "deputy", protocol.SeatChair, tb.now) }, protocol.CodeInvalid},
		"no such role":        {func() (Result, error) { return tb.SetRole("minister", "deputy", "king", tb.now) }, protocol.CodeInvalid},
		"no chair":            {func() (Result, error) { return tb.SetRole("minister", "minister", protocol.SeatParticipant, tb.now) }, protocol.CodeInvalid},
		"role of nobody":      {func() (Result, error) { return tb.SetRole("minister", "paris/anna", protocol.SeatCochair, tb.now) }, protocol.CodeNotFound},
		"floor to nobody":     {func() (Result, error) { return tb.Floor("minister", "paris/anna", tb.now) }, protocol.CodeNotFound},
		"hand of nobody":      {func() (Result, error) { return tb.LowerHand("minister", "paris/anna", tb.now) }, protocol.CodeNotFound},
		"ask nobody":          {func() (Result, error) { return tb.AskUnmute("minister", "paris/anna", tb.now) }, protocol.CodeNotFound},
		"spotlight on nobody": {func() (Result, error) { return tb.Spotlight("minister", "paris/anna", tb.now) }, protocol.CodeNotFound},
		"no such share policy": {func() (Result, error) {
			return tb.Settings("minister", protocol.MeetingSettings{Locked: pointer(true), Share: pointer(protocol.SharePolicy("none"))}, tb.now)
		}, protocol.CodeInvalid},
		"mute no such source": {func() (Result, error) { return tb.Mute("minister", protocol.MeetingMute{Source: "nose"}, tb.now) }, protocol.CodeInvalid},
		"mute half a screen": {func() (Result, error) {
			return tb.Mute("minister", protocol.MeetingMute{Source: protocol.SourceScreenAudio}, tb.now)
		}, protocol.CodeInvalid},
		"mute nobody": {func() (Result, error) {
			return tb.Mute("minister", protocol.MeetingMute{Person: "paris/anna", Source: protocol.SourceCamera}, tb.now)
		}, protocol.CodeNotFound},
	} {
		if res, err := test.act(); code(err) != test.want || len(res.Effects)+len(res.Facts) > 0 {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if tb.Card().Locked {
		t.Error("half of a refused change has happened")
	}
}

func TestRepeatingIsNoErrorAndTellsNobody(t *testing.T) {
	tb := sitDown(t, newCard(withLobby), "minister", "deputy", "director")
	tb.mustWait("stranger")
	acts := map[string]func() (Result, error){
		"admit":     func() (Result, error) { return tb.Admit("minister", "stranger", tb.now) },
		"admit all": func() (Result, error) { return tb.AdmitAll("minister", tb.now) },
		"role":      func() (Result, error) { return tb.SetRole("minister", "deputy", protocol.SeatCochair, tb.now) },
		"hand":      func() (Result, error) { return tb.Hand("director", true, tb.now) },
		"settings": func() (Result, error) {
			return tb.Settings("minister", protocol.MeetingSettings{Locked: pointer(true)}, tb.now)
		},
		"spotlight": func() (Result, error) { return tb.Spotlight("minister", "deputy", tb.now) },
		"media": func() (Result, error) {
			return tb.MediaState("director", protocol.MediaState{Camera: pointer(false)}, tb.now)
		},
	}
	for name, f := range acts {
		tb.must(f())
		tb.now = tb.now.Add(time.Second)
		if res := tb.must(f()); len(res.Effects)+len(res.Facts) > 0 {
			t.Errorf("%s: the second time came to %+v", name, res)
		}
	}
}

func TestEndingForAll(t *testing.T) {
	for name, by := range map[string]protocol.PersonID{"the chair": "minister", "who made it": "assistant"} {
		t.Run(name, func(t *testing.T) {
			tb := sitDown(t, newCard(withLobby, func(c *Card) { c.CreatedBy = "assistant" }), "minister", "assistant", "deputy")
			tb.mustWait("stranger")
			res := tb.must(tb.End(by, tb.now))
			tb.sends(res, "assistant,deputy,minister,stranger: meeting.closed ended")
			released := 0
			for _, f := range res.Facts {
				if f, ok := f.(SeatReleased); ok && f.Reason == LeftEnded {
					released++
				}
			}
			if f, ok := has[Ended](res); !ok || f != (Ended{millis(tb.now), by}) || released != 3 {
				t.Errorf("facts %+v", res.Facts)
			}
			if tb.Card().Status != protocol.MeetingEnded || len(tb.Seated()) != 0 {
				t.Error("it goes on")
			}
			for _, who := range []string{"minister", "deputy", "stranger", "director"} {
				tb.mustBeRefused(who, protocol.CodeEnded)
			}
			for action, f := range acts(tb, "minister") {
				if _, err := f(); code(err) != protocol.CodeEnded {
					t.Errorf("%s after the end: %v", action, err)
				}
			}
			if res := tb.Tick(tb.now.Add(time.Hour)); len(res.Effects)+len(res.Facts) > 0 {
				t.Errorf("after the end: %+v", res)
			}
		})
	}
}
