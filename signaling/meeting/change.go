package meeting

import (
	"maps"
	"slices"
	"time"

	"tarasul/signaling/protocol"
)

// change is one step of a room:
//  1. the state before is kept (picture),
//  2. the action decides and changes the state,
//  3. settle does what follows by rule,
//  4. result compares the state before and after.
//
// Who comes in by the step (or with another session) is told nothing of it: they get the
// state after it as a snapshot.
type change struct {
	*Room
	by     protocol.PersonID
	now    time.Time
	before picture
	stored picture // what the store has of the card; as before, unless it was read anew

	rejoined protocol.PersonID // whose seat was taken over, if only by a repeated join
	left     map[protocol.PersonID]protocol.LeftReason
	admitted []*seat  // from the lobby; they are sent the snapshot
	closed   []Effect // to those for whom it is over
	personal []Effect // to one person, when everyone knows the new state
}

// picture is the part of the state that others get to know.
type picture struct {
	seats     []pictured
	waiting   []protocol.Waiting
	bars      map[protocol.PersonID]Bar
	chair     protocol.PersonID
	settings  SettingsChanged
	spotlight protocol.PersonID
	speaker   protocol.PersonID
	begun     protocol.Millis
	opened    bool
}

type pictured struct {
	seat    protocol.Seat
	session string
	permit  Permit
	on      On
}

func (r *Room) picture() picture {
	p := picture{waiting: r.lobby(), bars: maps.Clone(r.card.Bars), chair: r.card.Chair,
		settings:  SettingsChanged{r.card.Locked, r.card.Lobby, r.card.Share},
		spotlight: r.spotlight, speaker: r.speaker, begun: r.card.Begun, opened: r.opened}
	for _, s := range r.seats {
		p.seats = append(p.seats, pictured{r.seatOf(s), s.session, r.permit(s), s.on})
	}
	return p
}

func (p *picture) find(person protocol.PersonID) *pictured {
	for i := range p.seats {
		if p.seats[i].seat.Person == person {
			return &p.seats[i]
		}
	}
	return nil
}

// change makes a step. If f gives an error, it must not have changed anything.
func (r *Room) change(by protocol.PersonID, now time.Time, f func(c *change) error) (Result, error) {
	before := r.picture()
	c := &change{Room: r, by: by, now: now, before: before, stored: before, left: map[protocol.PersonID]protocol.LeftReason{}}
	if err := f(c); err != nil {
		return Result{}, err
	}
	r.latest = now
	c.settle()
	return c.result(), nil
}

// always is a step that cannot be refused; a meeting that has ended has none.
func (r *Room) always(by protocol.PersonID, now time.Time, f func(c *change)) Result {
	if r.ended {
		return Result{}
	}
	result, _ := r.change(by, now, func(c *change) error { f(c); return nil })
	return result
}

// seated is a step of somebody who has a seat.
func (r *Room) seated(by protocol.PersonID, now time.Time, f func(c *change, s *seat) error) (Result, error) {
	s := r.seat(by)
	switch {
	case r.ended:
		return Result{}, refuse(protocol.CodeEnded)
	case s == nil:
		return Result{}, refuse(protocol.CodeNotSeated)
	}
	return r.change(by, now, func(c *change) error { return f(c, s) })
}

// presiding is a step of a chair or co-chair.
func (r *Room) presiding(by protocol.PersonID, now time.Time, f func(c *change) error) (Result, error) {
	return r.seated(by, now, func(c *change, _ *seat) error {
		if r.role(by) == protocol.SeatParticipant {
			return refuse(protocol.CodeForbidden)
		}
		return f(c)
	})
}

// release takes a seat away.
func (c *change) release(person protocol.PersonID, reason protocol.LeftReason) {
	c.left[person] = reason
	c.seats = slices.DeleteFunc(c.seats, func(s *seat) bool { return s.person.ID == person })
}

// admit gives somebody who waits a seat.
func (c *change) admit(w *waiter) {
	c.stopWaiting(w.person.ID)
	c.sit(Who{w.person, w.session}, w.wish, c.now)
	s := c.seats[len(c.seats)-1]
	s.lost = w.lost
	c.admitted = append(c.admitted, s)
}

// mute switches a source of somebody off and tells them, if it was on.
func (c *change) mute(s *seat, source protocol.Source) {
	if on := s.on.source(source); *on {
		*on = false
		c.tell(s, "meeting.muted", protocol.MeetingMuted{Source: source, By: c.by})
	}
}

func (c *change) tell(s *seat, event string, body any) {
	c.personal = append(c.personal, Effect{[]Recipient{{s.person.ID, s.session}}, protocol.Event{Type: event, Body: body}})
}

func (c *change) close(to Recipient, reason protocol.CloseReason, by protocol.PersonID) {
	c.closed = append(c.closed, Effect{[]Recipient{to}, protocol.Event{Type: "meeting.closed",
		Body: protocol.MeetingClosed{Meeting: c.card.ID, Reason: reason, By: by}}})
}

// end sends everyone home.
func (c *change) end(by protocol.PersonID) {
	var to []Recipient
	for _, s := range c.seats {
		to = append(to, Recipient{s.person.ID, s.session})
		c.left[s.person.ID] = LeftEnded
	}
	for _, w := range c.waiting {
		to = append(to, Recipient{w.person.ID, w.session})
	}
	if len(to) > 0 {
		c.closed = append(c.closed, Effect{to, protocol.Event{Type: "meeting.closed",
			Body: protocol.MeetingClosed{Meeting: c.card.ID, Reason: protocol.ClosedEnded, By: by}}})
	}
	c.seats, c.waiting, c.ended = nil, nil, true
}

// settle does what follows by rule from what was done.
func (c *change) settle() {
	if c.ended {
		return
	}
	c.succeed()
	c.begin()
	// Whoever waits and may come in without being asked (the meeting has begun, a seat is
	// free again, they were invited meanwhile) does. Roles come with their own: a waiting
	// person may be the chair.
	for _, w := range slices.Clone(c.waiting) {
		if c.entry(w.person, c.now) == nil {
			c.admit(w)
			c.succeed()
			c.begin()
		}
	}
	for _, s := range c.seats {
		if !c.permit(s).Screen {
			c.mute(s, protocol.SourceScreen)
		}
	}
	for _, who := range []*protocol.PersonID{&c.floor, &c.spotlight, &c.speaker} {
		if c.seat(*who) == nil {
			*who = ""
		}
	}
	c.opened = c.opened || len(c.seats) > 0
}

// succeed settles who is chair: the meeting's own whenever they are there, and when the
// chair leaves, the co-chair who has sat longest. Without one, the meeting's own chair
// keeps it and the meeting runs on without.
func (c *change) succeed() {
	if c.chair != c.card.Chair && c.seat(c.card.Chair) != nil {
		c.passChair(c.card.Chair)
	}
	if _, left := c.left[c.chair]; !left || c.seat(c.chair) != nil {
		return
	}
	c.chair = c.card.Chair
	for _, s := range c.seats {
		if _, ok := c.cochairs[s.person.ID]; ok {
			c.chair = s.person.ID
			return
		}
	}
}

func (c *change) begin() {
	if c.card.Begun == 0 && slices.ContainsFunc(c.seats, func(s *seat) bool { return c.presides(s.person.ID) }) {
		c.card.Begun = millis(c.now)
	}
}

// result is what the step comes to.
func (c *change) result() Result {
	after := c.picture()
	var res Result
	var stay []Recipient // who were there before, with the same session, and are told what has changed
	for _, s := range after.seats {
		if b := c.before.find(s.seat.Person); b != nil && b.session == s.session {
			stay = append(stay, Recipient{s.seat.Person, s.session})
		}
	}
	tell := func(event string, body any) {
		if len(stay) > 0 {
			res.Effects = append(res.Effects, Effect{stay, protocol.Event{Type: event, Body: body}})
		}
	}
	fact := func(f Fact) { res.Facts = append(res.Facts, f) }

	if after.opened && !c.before.opened {
		fact(Opened{millis(c.now)})
	}
	if after.begun != c.stored.begun {
		fact(Begun{after.begun})
	}
	res.Effects = append(res.Effects, c.closed...)
	for _, b := range c.before.seats {
		if after.find(b.seat.Person) == nil {
			fact(SeatReleased{b.seat.Person, b.session, millis(c.now), c.left[b.seat.Person]})
			tell("meeting.left", protocol.SeatLeft{Person: b.seat.Person, Reason: c.left[b.seat.Person]})
		}
	}
	for _, s := range after.seats {
		b := c.before.find(s.seat.Person)
		switch {
		case b == nil:
			fact(SeatTaken{s.seat.Person, s.session, s.seat.JoinedAt, s.permit, s.on})
		case c.rejoined == s.seat.Person || b.session != s.session:
			fact(SeatMoved{s.seat.Person, s.session, b.session, s.permit, s.on})
			if b.session != s.session {
				c.close(Recipient{s.seat.Person, b.session}, protocol.ClosedTakenOver, "")
				res.Effects = append(res.Effects, c.closed[len(c.closed)-1])
			}
		default:
			if s.permit != b.permit {
				fact(PermitChanged{s.seat.Person, s.permit})
			}
			if s.on != b.on {
				fact(SwitchChanged{s.seat.Person, s.on})
			}
		}
		if b == nil || s.seat != b.seat {
			tell("meeting.seat", protocol.SeatChanged{Seat: s.seat})
		}
	}
	c.compareLobby(after, &res, stay)
	if after.chair != c.stored.chair {
		fact(ChairChanged{after.chair, c.by})
	}
	if after.settings != c.stored.settings {
		fact(after.settings)
	}
	if after.settings != c.before.settings {
		s := after.settings
		tell("meeting.settings", protocol.MeetingSettings{Locked: &s.Locked, Lobby: &s.Lobby, Share: &s.Share})
	}
	if after.spotlight != c.before.spotlight {
		tell("meeting.spotlight", protocol.SpotlightChanged{Person: after.spotlight})
	}
	if after.speaker != c.before.speaker {
		tell("meeting.speaker", protocol.SpeakerChanged{Person: after.speaker})
	}
	for _, s := range c.admitted {
		res.Effects = append(res.Effects, Effect{[]Recipient{{s.person.ID, s.session}},
			protocol.Event{Type: "meeting.admitted", Body: protocol.MeetingAdmitted{State: c.State(s.person)}}})
	}
	res.Effects = append(res.Effects, c.personal...)
	switch {
	case c.ended:
		fact(Ended{millis(c.now), c.by})
	case c.opened && len(c.seats) == 0 && len(c.waiting) == 0:
		c.opened = false
		fact(Emptied{millis(c.now)})
	}
	return res
}

// compareLobby tells the chairs who waits and who is barred, and those who have become
// chairs by this step.
func (c *change) compareLobby(after picture, res *Result, stay []Recipient) {
	for _, person := range c.barred() {
		if was, ok := c.stored.bars[person]; !ok || was != after.bars[person] {
			res.Facts = append(res.Facts, Barred{person, after.bars[person], c.by})
		}
	}
	for _, person := range slices.Sorted(maps.Keys(c.stored.bars)) {
		if _, still := after.bars[person]; !still {
			res.Facts = append(res.Facts, Readmitted{person, c.by})
		}
	}
	changed := !slices.Equal(after.waiting, c.before.waiting) || !maps.Equal(after.bars, c.before.bars)
	if !changed && len(after.waiting) == 0 && len(after.bars) == 0 {
		return
	}
	var to []Recipient
	for _, p := range stay {
		if c.role(p.Person) != protocol.SeatParticipant && (changed || c.before.find(p.Person).seat.Role == protocol.SeatParticipant) {
			to = append(to, p)
		}
	}
	if len(to) > 0 {
		res.Effects = append(res.Effects, Effect{to, protocol.Event{Type: "meeting.lobby",
			Body: protocol.LobbyChanged{Waiting: after.waiting, Barred: c.barred()}}})
	}
}
