package meeting

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tarasul/signaling/audit"
	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is the stored meetings of the demonstration's ministry.
type shelf struct {
	*testing.T
	*Cards
	now time.Time
	log *audit.Log
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	db, err := store.Open(t.Context(), t.TempDir(), audit.Schema(), identity.Schema(), Schema())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &shelf{T: t, now: noon}
	clock := func() time.Time { return s.now }
	s.log = audit.New(db, clock)
	journal := func(ctx context.Context, tx *sql.Tx, a identity.Act) error {
		return s.log.Append(ctx, tx, audit.Entry(a))
	}
	people, err := identity.New(identity.Config{Cost: identity.Cost{MemoryKiB: 8 << 10, Passes: 1}}, db, journal, clock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := people.SeedDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Cards, err = NewCards(Config{}, db, people, s.log, clock); err != nil {
		t.Fatal(err)
	}
	return s
}

// actor is somebody of the demonstration: "paris" is demo-paris of the unit demo-paris.
func (s *shelf) actor(name string) identity.Actor {
	s.Helper()
	p, err := s.people.Person(s.Context(), protocol.PersonID("demo-"+name))
	if err != nil {
		s.Fatal(err)
	}
	return identity.Actor{Person: p, Address: "10.0.0.1"}
}

var council = protocol.MeetingSave{Title: protocol.Multilingual{Ar: "مجلس السفراء", En: "Council"}, Starts: millis(noon.Add(time.Hour)), Minutes: 60,
	Chair: "demo-minister", People: []protocol.PersonID{"demo-paris"}, Units: []protocol.UnitID{"demo-geneva"}}

func (s *shelf) save(by string, m protocol.MeetingSave, edit ...func(*protocol.MeetingSave)) Card {
	s.Helper()
	for _, e := range edit {
		e(&m)
	}
	card, err := s.Save(s.Context(), s.actor(by), m)
	if err != nil {
		s.Fatal(err)
	}
	return card
}

// actions are those of the audit since the seeding, oldest first.
func (s *shelf) actions() (out []string) {
	s.Helper()
	page, err := s.log.Page(s.Context(), 0, 1000)
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range page {
		if strings.HasPrefix(r.Action, "meeting.") {
			out = append(out, r.Action)
		}
	}
	slices.Reverse(out)
	return out
}

func TestACardIsKeptAsItWasSaved(t *testing.T) {
	s := newShelf(t)
	card := s.save("political", council, func(m *protocol.MeetingSave) {
		m.Title.En, m.People = " Council \n", append(m.People, "demo-nairobi", "demo-paris")
	})
	want := protocol.Meeting{ID: card.ID, Title: protocol.Multilingual{Ar: "مجلس السفراء", En: "Council"}, Starts: millis(noon.Add(time.Hour)), Minutes: 60,
		Status: protocol.MeetingScheduled, Chair: "demo-minister", CreatedBy: "demo-political", People: []protocol.PersonID{"demo-nairobi", "demo-paris"},
		Units: []protocol.UnitID{"demo-geneva"}, Share: protocol.ShareEveryone}
	if !reflect.DeepEqual(card.Meeting, want) || len(card.ID) < 20 || card.Bars == nil {
		t.Errorf("got %+v", card)
	}
	if again, err := s.Card(t.Context(), card.ID); err != nil || !reflect.DeepEqual(again, card) {
		t.Errorf("read %+v %v", again, err)
	}

	now := s.save("paris", protocol.MeetingSave{Title: protocol.Multilingual{En: "Now"}, Minutes: 15})
	if now.Starts != millis(noon) || now.Chair != "demo-paris" || now.People == nil || now.Units == nil {
		t.Errorf("a meeting that begins now: %+v", now)
	}

	changed := s.save("minister", council, func(m *protocol.MeetingSave) {
		m.ID, m.Chair, m.Minutes, m.Lobby, m.Share, m.People = card.ID, "", 90, true, protocol.ShareChairs, nil
	})
	if changed.Chair != "demo-minister" || changed.CreatedBy != "demo-political" || changed.Minutes != 90 || !changed.Lobby || changed.Share != protocol.ShareChairs || len(changed.People) != 0 {
		t.Errorf("changed to %+v", changed)
	}
	if got := s.actions(); !slices.Equal(got, []string{"meeting.create", "meeting.create", "meeting.change"}) {
		t.Errorf("the audit has %v", got)
	}
}

func TestWhatCannotBeSavedIsRefusedByField(t *testing.T) {
	s := newShelf(t)
	if _, _, err := s.people.SavePerson(t.Context(), identity.Console(), protocol.PersonSave{Login: "gone", Name: protocol.Multilingual{En: "Gone"},
		Unit: "demo-paris", Role: protocol.RoleOfficer, Disabled: true}); err != nil {
		t.Fatal(err)
	}
	people, err := s.people.People(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone := people[len(people)-1].ID
	for name, test := range map[string]struct {
		edit  func(*protocol.MeetingSave)
		field string
	}{
		"no title":                  {func(m *protocol.MeetingSave) { m.Title = protocol.Multilingual{Ar: " \u202E"} }, "title"},
		"a title that is no text":   {func(m *protocol.MeetingSave) { m.Title.En = "\xff" }, "title"},
		"a title without end":       {func(m *protocol.MeetingSave) { m.Title.En = strings.Repeat("x", 201) }, "title"},
		"no length":                 {func(m *protocol.MeetingSave) { m.Minutes = 0 }, "minutes"},
		"a length without end":      {func(m *protocol.MeetingSave) { m.Minutes = 1441 }, "minutes"},
		"the day before yesterday":  {func(m *protocol.MeetingSave) { m.Starts = millis(noon.Add(-25 * time.Hour)) }, "starts"},
		"in ten years":              {func(m *protocol.MeetingSave) { m.Starts = millis(noon.AddDate(10, 0, 0)) }, "starts"},
		"before all time":           {func(m *protocol.MeetingSave) { m.Starts = -1 << 63 }, "starts"},
		"an unknown chair":          {func(m *protocol.MeetingSave) { m.Chair = "nobody" }, "chair"},
		"a disabled chair":          {func(m *protocol.MeetingSave) { m.Chair = gone }, "chair"},
		"unknown people":            {func(m *protocol.MeetingSave) { m.People = []protocol.PersonID{"nobody"} }, "people"},
		"disabled people":           {func(m *protocol.MeetingSave) { m.People = []protocol.PersonID{gone} }, "people"},
		"people without end":        {func(m *protocol.MeetingSave) { m.People = make([]protocol.PersonID, 501) }, "people"},
		"an unknown unit":           {func(m *protocol.MeetingSave) { m.Units = []protocol.UnitID{"atlantis"} }, "units"},
		"units without end":         {func(m *protocol.MeetingSave) { m.Units = make([]protocol.UnitID, 201) }, "units"},
		"an unknown sharing policy": {func(m *protocol.MeetingSave) { m.Share = "nobody" }, "share"},
	} {
		m := council
		test.edit(&m)
		_, err := s.Save(t.Context(), s.actor("political"), m)
		var r *protocol.Refusal
		if !errors.As(err, &r) || r.Code != protocol.CodeInvalid || r.Field != test.field {
			t.Errorf("%s: %v %+v, want field %s", name, err, r, test.field)
		}
	}
	// A person who was disabled since does not keep a meeting from being moved.
	card := s.save("political", council)
	if _, _, err := s.people.SavePerson(t.Context(), identity.Console(), protocol.PersonSave{ID: "demo-paris", Login: "paris",
		Name: protocol.Multilingual{En: "Samira"}, Unit: "demo-paris", Role: protocol.RoleLeader, Disabled: true}); err != nil {
		t.Fatal(err)
	}
	s.save("political", council, func(m *protocol.MeetingSave) { m.ID, m.Minutes = card.ID, 30 })
	// But makes none.
	paris := s.actor("paris")
	if _, err := s.Save(t.Context(), paris, council); code(err) != protocol.CodeForbidden {
		t.Errorf("somebody disabled made a meeting: %v", err)
	}
}

func TestWhoSeesAMeetingAndWhoManagesIt(t *testing.T) {
	s := newShelf(t)
	card := s.save("political", council)
	for name, test := range map[string]struct {
		sees   bool
		change protocol.Code
	}{
		"political": {true, ""}, "minister": {true, ""}, // creator and chair
		"paris": {true, protocol.CodeForbidden}, "geneva": {true, protocol.CodeForbidden}, // invited, and by the unit
		"nairobi": {false, protocol.CodeNotFound}, "admin": {false, protocol.CodeNotFound}, "deputy": {false, protocol.CodeNotFound},
	} {
		by := s.actor(name)
		listed, err := s.List(t.Context(), by.Person, protocol.MeetingList{From: millis(noon), To: millis(noon.Add(24 * time.Hour))})
		if err != nil || (len(listed) == 1) != test.sees {
			t.Errorf("%s is shown %d meetings (%v)", name, len(listed), err)
		}
		if _, err := s.Look(t.Context(), by.Person, card.ID); (err == nil) != test.sees || !test.sees && code(err) != protocol.CodeNotFound {
			t.Errorf("%s looks: %v", name, err)
		}
		if view := card.View(by.Person, 3); view.MayManage != (test.change == "") || view.MayJoin != test.sees || view.Seated != 3 {
			t.Errorf("%s: %+v", name, view)
		}
		m := council
		m.ID = card.ID
		if _, err := s.Save(t.Context(), by, m); code(err) != test.change {
			t.Errorf("%s changes it: %v, want %q", name, err, test.change)
		}
		if test.change != "" {
			if _, err := s.Cancel(t.Context(), by, card.ID); code(err) != test.change {
				t.Errorf("%s cancels it: %v", name, err)
			}
		}
	}
	// With a lobby who has the link may ask, and learns no more.
	s.save("political", council, func(m *protocol.MeetingSave) { m.ID, m.Lobby = card.ID, true })
	nairobi := s.actor("nairobi").Person
	looked, err := s.Look(t.Context(), nairobi, card.ID)
	if err != nil {
		t.Fatal(err)
	}
	if view := looked.View(nairobi, 0); !view.MayJoin || view.MayManage || len(view.People)+len(view.Units) > 0 || view.People == nil {
		t.Errorf("a stranger sees %+v", view)
	}
	if listed, _ := s.List(t.Context(), nairobi, protocol.MeetingList{To: 1 << 50}); len(listed) != 0 {
		t.Error("the lobby put it into a stranger's list")
	}
	if _, err := s.Card(t.Context(), "nothing"); code(err) != protocol.CodeNotFound {
		t.Errorf("got %v", err)
	}
}

func TestTheListIsOfAPeriodAndOfWhatIsOpen(t *testing.T) {
	s := newShelf(t)
	at := func(d time.Duration) func(*protocol.MeetingSave) {
		return func(m *protocol.MeetingSave) { m.Starts = millis(noon.Add(d)) }
	}
	open := s.save("political", council, at(-20*time.Hour))
	later := s.save("political", council, at(3*time.Hour))
	first := s.save("political", council, at(0))
	s.save("political", council, at(4*time.Hour)) // To is not in it
	s.save("political", council, at(-time.Hour))
	if err := s.Store(t.Context(), identity.Actor{}, open.ID, []Fact{Opened{millis(noon)}}); err != nil {
		t.Fatal(err)
	}
	cards, err := s.List(t.Context(), s.actor("paris").Person, protocol.MeetingList{From: millis(noon), To: millis(noon.Add(4 * time.Hour))})
	var ids []protocol.MeetingID
	for _, c := range cards {
		ids = append(ids, c.ID)
	}
	if want := []protocol.MeetingID{open.ID, first.ID, later.ID}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("got %v %v, want %v", ids, err, want)
	}
}

func TestAMeetingEndsByItselfAfterItsTime(t *testing.T) {
	s := newShelf(t)
	card := s.save("political", council) // from 13 to 14
	status := func() protocol.MeetingStatus {
		c, err := s.Card(t.Context(), card.ID)
		if err != nil {
			t.Fatal(err)
		}
		return c.Status
	}
	s.now = noon.Add(2*time.Hour + 15*time.Minute - time.Millisecond)
	if got := status(); got != protocol.MeetingScheduled {
		t.Errorf("%s before its end", got)
	}
	s.now = s.now.Add(time.Millisecond)
	if got := status(); got != protocol.MeetingEnded {
		t.Errorf("%s after its end", got)
	}
	m := council
	m.ID = card.ID
	if _, err := s.Save(t.Context(), s.actor("political"), m); code(err) != protocol.CodeEnded {
		t.Errorf("changed after its end: %v", err)
	}
	if _, err := s.Cancel(t.Context(), s.actor("political"), card.ID); code(err) != protocol.CodeEnded {
		t.Errorf("cancelled after its end: %v", err)
	}
}

func TestCancelling(t *testing.T) {
	s := newShelf(t)
	card := s.save("political", council)
	if err := s.Store(t.Context(), identity.Actor{}, card.ID, []Fact{Opened{millis(noon)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Cancel(t.Context(), s.actor("minister"), card.ID); code(err) != protocol.CodeConflict {
		t.Errorf("cancelled while it ran: %v", err)
	}
	if err := s.Store(t.Context(), identity.Actor{}, card.ID, []Fact{Emptied{millis(noon)}}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // again is no error
		if c, err := s.Cancel(t.Context(), s.actor("minister"), card.ID); err != nil || c.Status != protocol.MeetingCancelled {
			t.Errorf("got %s %v", c.Status, err)
		}
	}
	// Whoever sits down at this very moment is too late.
	if err := s.Store(t.Context(), identity.Actor{}, card.ID, []Fact{Opened{millis(noon)}}); code(err) != protocol.CodeEnded {
		t.Errorf("opened what is cancelled: %v", err)
	}
	if got := s.actions(); !slices.Equal(got, []string{"meeting.create", "meeting.open", "meeting.cancel"}) {
		t.Errorf("the audit has %v", got)
	}
}

// run plays in a room and stores what comes of it, as the service does.
type run struct {
	*shelf
	*Room
}

func (s *shelf) run(id protocol.MeetingID) *run {
	s.Helper()
	card, err := s.Card(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	return &run{s, NewRoom(s.cfg, card)}
}

func (r *run) store(by string) func(Result, error) {
	return func(res Result, err error) {
		r.Helper()
		if err == nil {
			err = r.Store(r.Context(), r.actor(by), r.Room.card.ID, res.Facts)
		}
		if err != nil {
			r.Fatal(err)
		}
	}
}

func (r *run) join(name string) error {
	r.Helper()
	_, res, err := r.Join(Who{r.actor(name).Person, name}, On{}, r.now)
	if err == nil {
		r.store(name)(res, nil)
	}
	return err
}

func TestWhatARoomDecidesOutlivesIt(t *testing.T) {
	s := newShelf(t)
	card := s.save("political", council, func(m *protocol.MeetingSave) { m.Lobby = true })
	r := s.run(card.ID)
	for _, name := range []string{"minister", "paris", "geneva", "nairobi"} { // the last waits
		if err := r.join(name); err != nil {
			t.Fatal(err)
		}
	}
	r.store("minister")(r.Refuse("demo-minister", "demo-nairobi", s.now))
	s.now = s.now.Add(time.Minute)
	r.store("minister")(r.Remove("demo-minister", "demo-paris", s.now))
	r.store("minister")(r.HandOver("demo-minister", "demo-geneva", s.now))
	r.store("geneva")(r.Settings("demo-geneva", protocol.MeetingSettings{Locked: pointer(true), Share: pointer(protocol.ShareChairs)}, s.now))

	stored, err := s.Card(t.Context(), card.ID)
	if err != nil || !reflect.DeepEqual(stored, r.Room.Card()) {
		t.Errorf("stored %+v (%v), the room has %+v", stored, err, r.Room.Card())
	}
	if stored.Status != protocol.MeetingOpen || stored.Begun != millis(noon) || stored.Chair != "demo-geneva" || len(stored.Bars) != 2 || !stored.Locked {
		t.Errorf("stored %+v", stored)
	}
	for name, want := range map[protocol.PersonID]bool{"demo-minister": true, "demo-geneva": true, "demo-paris": false, "demo-nairobi": false, "demo-deputy": false} {
		if got, err := s.Attended(t.Context(), card.ID, name); err != nil || got != want {
			t.Errorf("%s attended: %v %v", name, got, err)
		}
	}
	attendance, err := s.Attendance(t.Context(), card.ID)
	want := []Sitting{{"demo-minister", millis(noon), 0, ""}, {"demo-paris", millis(noon), millis(s.now), protocol.LeftRemoved}, {"demo-geneva", millis(noon), 0, ""}}
	if err != nil || !reflect.DeepEqual(attendance, want) {
		t.Errorf("attendance %+v %v", attendance, err)
	}

	// The server crashes and starts again.
	s.now = s.now.Add(time.Minute)
	if err := s.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	stored, err = s.Card(t.Context(), card.ID)
	if err != nil || stored.Status != protocol.MeetingScheduled || stored.Begun == 0 {
		t.Errorf("after the crash %+v %v", stored, err)
	}
	if attendance, _ = s.Attendance(t.Context(), card.ID); attendance[0].Left != millis(s.now) || attendance[1].Reason != protocol.LeftRemoved {
		t.Errorf("attendance %+v", attendance)
	}
	r = s.run(card.ID)
	for name, want := range map[string]protocol.Code{"paris": protocol.CodeRemoved, "nairobi": protocol.CodeRefused, "minister": protocol.CodeLocked, "geneva": ""} {
		if err := r.join(name); code(err) != want {
			t.Errorf("%s after the crash: %v, want %q", name, err, want)
		}
	}
	r.store("geneva")(r.End("demo-geneva", s.now))
	if stored, _ = s.Card(t.Context(), card.ID); stored.Status != protocol.MeetingEnded {
		t.Errorf("ended as %s", stored.Status)
	}
	wantActions := []string{"meeting.create", "meeting.open", "meeting.refused", "meeting.removed", "meeting.chair", "meeting.settings", "meeting.open", "meeting.end"}
	if got := s.actions(); !slices.Equal(got, wantActions) {
		t.Errorf("the audit has %v", got)
	}
	if _, err := s.log.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWhoWasRemovedCannotInviteThemselves(t *testing.T) {
	s := newShelf(t)
	card := s.save("political", council) // made for the minister
	r := s.run(card.ID)
	for _, name := range []string{"minister", "political", "paris"} {
		if err := r.join(name); err != nil {
			t.Fatal(err)
		}
	}
	r.store("minister")(r.Remove("demo-minister", "demo-political", s.now))
	r.store("minister")(r.Remove("demo-minister", "demo-paris", s.now))

	m := council
	m.ID, m.People = card.ID, []protocol.PersonID{"demo-paris", "demo-political"}
	for name, edit := range map[string]func(*protocol.MeetingSave){
		"by the list": func(*protocol.MeetingSave) {}, "as chair": func(m *protocol.MeetingSave) { m.Chair = "demo-political" },
	} {
		m := m
		edit(&m)
		if _, err := s.Save(t.Context(), s.actor("political"), m); code(err) != protocol.CodeForbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Cancel(t.Context(), s.actor("political"), card.ID); code(err) != protocol.CodeForbidden {
		t.Errorf("cancelled it in revenge: %v", err)
	}
	if stored, _ := s.Card(t.Context(), card.ID); stored.View(s.actor("political").Person, 0).MayManage || stored.View(s.actor("political").Person, 0).MayJoin {
		t.Error("is told that they may")
	}

	// The minister puts both on the list: Political is new on it, Paris was there all along.
	changed := s.save("minister", m)
	if _, barred := changed.Bars["demo-political"]; barred {
		t.Error("an invitation did not help")
	}
	if _, barred := changed.Bars["demo-paris"]; !barred {
		t.Error("being on the list all along was taken for an invitation")
	}
	r.Update(changed, s.now)
	if err := r.join("political"); err != nil {
		t.Error(err)
	}
	if err := r.join("paris"); code(err) != protocol.CodeRemoved {
		t.Error(err)
	}
	// Off the list and on it again is an invitation.
	s.save("minister", m, func(m *protocol.MeetingSave) { m.People = nil })
	if again := s.save("minister", m); len(again.Bars) != 0 {
		t.Errorf("still barred: %v", again.Bars)
	}
}
