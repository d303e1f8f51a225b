package meeting

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tarasul/signaling/protocol"
)

// table is a room in a test. Names are person IDs; a name "paris/anna" is of the unit
// "paris". A person's session is their name unless another is given.
type table struct {
	*testing.T
	*Room
	now time.Time
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// card is a meeting at noon with the chair "minister", made by them, to which "deputy",
// "director" and the unit "paris" are invited.
func newCard(edit ...func(*Card)) Card {
	c := Card{Meeting: protocol.Meeting{ID: "m1", Starts: millis(noon), Minutes: 60, Status: protocol.MeetingScheduled,
		Chair: "minister", CreatedBy: "minister", People: []protocol.PersonID{"deputy", "director"}, Units: []protocol.UnitID{"paris"},
		Share: protocol.ShareEveryone}}
	for _, e := range edit {
		e(&c)
	}
	return c
}

func withLobby(c *Card) { c.Lobby = true }

func config(t testing.TB, edit ...func(*Config)) Config {
	t.Helper()
	var c Config
	for _, e := range edit {
		e(&c)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

// sitDown makes a room in which people are seated.
func sitDown(t *testing.T, card Card, names ...string) *table {
	t.Helper()
	tb := &table{T: t, Room: NewRoom(config(t), card), now: noon}
	tb.mustSit(names...)
	return tb
}

func person(name string) protocol.Person {
	p := protocol.Person{ID: protocol.PersonID(name)}
	if unit, _, ok := strings.Cut(name, "/"); ok {
		p.Unit = protocol.UnitID(unit)
	}
	return p
}

func (t *table) join(name string, session ...string) (protocol.JoinOutcome, Result, error) {
	who := Who{person(name), name}
	if len(session) > 0 {
		who.Session = session[0]
	}
	return t.Join(who, On{Microphone: true, Camera: true}, t.now)
}

func (t *table) mustSit(names ...string) {
	t.Helper()
	for _, name := range names {
		if outcome, _, err := t.join(name); err != nil || outcome != protocol.JoinSeated {
			t.Fatalf("%s: %s %v, want a seat", name, outcome, err)
		}
	}
}

func (t *table) mustWait(names ...string) {
	t.Helper()
	for _, name := range names {
		if outcome, _, err := t.join(name); err != nil || outcome != protocol.JoinWaiting {
			t.Fatalf("%s: %s %v, want to wait", name, outcome, err)
		}
	}
}

func (t *table) mustBeRefused(name string, want protocol.Code) {
	t.Helper()
	outcome, res, err := t.join(name)
	if code(err) != want || outcome != "" || len(res.Facts)+len(res.Effects) > 0 {
		t.Fatalf("%s: %s %v %+v, want %s", name, outcome, err, res, want)
	}
}

func code(err error) protocol.Code {
	var r *protocol.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	if err != nil {
		return protocol.Code(err.Error())
	}
	return ""
}

// must gives the result of an action that must not be refused.
func (t *table) must(res Result, err error) Result {
	t.Helper()
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return res
}

func (t *table) later(d time.Duration) Result {
	t.now = t.now.Add(d)
	return t.Tick(t.now)
}

func (t *table) leave(names ...string) {
	for _, name := range names {
		t.Leave(protocol.PersonID(name), name, t.now)
	}
}

func (t *table) of(name string) protocol.Seat {
	t.Helper()
	for _, s := range t.State(person(name)).Seats {
		if s.Person == protocol.PersonID(name) {
			return s
		}
	}
	t.Fatalf("%s has no seat", name)
	return protocol.Seat{}
}

func (t *table) sits(name string) bool {
	return slices.Contains(t.Seated(), protocol.PersonID(name))
}

func (t *table) waits(name string) bool {
	_, waiting := t.Holds(protocol.PersonID(name), name)
	return waiting
}

// events writes down effects, one line each: who gets what, sorted.
func events(res Result) (out []string) {
	for _, e := range res.Effects {
		var to []string
		for _, p := range e.To {
			to = append(to, p.Session)
		}
		slices.Sort(to)
		body := ""
		switch b := e.Event.Body.(type) {
		case protocol.MeetingClosed:
			body = string(b.Reason)
		case protocol.SeatChanged:
			body = string(b.Seat.Person)
		case protocol.SeatLeft:
			body = fmt.Sprint(b.Person, " ", b.Reason)
		case protocol.MeetingMuted:
			body = fmt.Sprint(b.Source, " by ", b.By)
		case protocol.MeetingAsked:
			body = fmt.Sprint("by ", b.By, " ", b.Floor)
		case protocol.SpeakerChanged:
			body = string(b.Person)
		case protocol.SpotlightChanged:
			body = string(b.Person)
		case protocol.LobbyChanged:
			for _, w := range b.Waiting {
				body += string(w.Person) + " "
			}
			body += fmt.Sprint(b.Barred)
		}
		out = append(out, strings.TrimSpace(fmt.Sprint(strings.Join(to, ","), ": ", e.Event.Type, " ", body)))
	}
	return out
}

func (t *table) sends(res Result, want ...string) {
	t.Helper()
	if got := events(res); !slices.Equal(got, want) {
		t.Errorf("sent\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// has says whether a result has a fact of a type, and gives the last.
func has[F Fact](res Result) (found F, ok bool) {
	for _, f := range res.Facts {
		if f, is := f.(F); is {
			found, ok = f, true
		}
	}
	return found, ok
}

func pointer[T any](v T) *T { return &v }
