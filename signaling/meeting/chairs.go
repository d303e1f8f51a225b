package meeting

import (
	"slices"
	"time"

	"tarasul/signaling/protocol"
)

// What chairs do. By is who acts; who has no seat gets CodeNotSeated, who has no right to
// it CodeForbidden, and if the person who is meant is not there, it is CodeNotFound. What
// is so already is no error: a request may be repeated.
//
// Co-chairs run the meeting like the chair, except that they make no co-chairs, remove
// neither chair nor co-chairs, hand nothing over, and do not end it.

// Admit gives somebody who waits a seat (CodeFull if there is none), or lets somebody who
// was removed or refused come again, by the same ways as everyone.
func (r *Room) Admit(by, person protocol.PersonID, now time.Time) (Result, error) {
	return r.presiding(by, now, func(c *change) error {
		if r.seat(person) != nil {
			return nil
		}
		if w := r.waiter(person); w != nil {
			if len(r.seats) >= r.cfg.Participants {
				return refuse(protocol.CodeFull)
			}
			c.admit(w)
			return nil
		}
		if _, barred := r.card.Bars[person]; !barred {
			return refuse(protocol.CodeNotFound)
		}
		delete(r.card.Bars, person)
		return nil
	})
}

// AdmitAll gives everyone who waits a seat, in the order in which they came, as long as
// there are seats; the others go on waiting. CodeFull if there was none at all.
func (r *Room) AdmitAll(by protocol.PersonID, now time.Time) (Result, error) {
	return r.presiding(by, now, func(c *change) error {
		free := max(0, r.cfg.Participants-len(r.seats))
		if free == 0 && len(r.waiting) > 0 {
			return refuse(protocol.CodeFull)
		}
		for _, w := range slices.Clone(r.waiting[:min(free, len(r.waiting))]) {
			c.admit(w)
		}
		return nil
	})
}

// Refuse sends somebody who waits away; they cannot ask again until a chair lets them.
func (r *Room) Refuse(by, person protocol.PersonID, now time.Time) (Result, error) {
	return r.presiding(by, now, func(c *change) error {
		w := r.waiter(person)
		if w == nil {
			return refuse(protocol.CodeNotFound)
		}
		c.close(Recipient{person, w.session}, protocol.ClosedRefused, by)
		r.stopWaiting(person)
		r.card.Bars[person] = BarRefused
		return nil
	})
}

// Remove takes somebody's seat away; they cannot come back until a chair lets them.
// Nobody removes themselves (CodeInvalid) or a chair, and only the chair a co-chair.
func (r *Room) Remove(by, person protocol.PersonID, now time.Time) (Result, error) {
	return r.presiding(by, now, func(c *change) error {
		s := r.seat(person)
		switch {
		case s == nil:
			return refuse(protocol.CodeNotFound)
		case person == by:
			return invalid("person")
		case person == r.chair, r.role(person) == protocol.SeatCochair && by != r.chair:
			return refuse(protocol.CodeForbidden)
		}
		c.close(Recipient{person, s.session}, protocol.ClosedRemoved, by)
		c.release(person, protocol.LeftRemoved)
		delete(r.cochairs, person)
		r.card.Bars[person] = BarRemoved
		return nil
	})
}

// SetRole makes a participant a co-chair, or takes it back; the chair only. CodeInvalid
// for any other role: the chair is handed over (HandOver).
func (r *Room) SetRole(by, person protocol.PersonID, role protocol.SeatRole, now time.Time) (Result, error) {
	return r.presiding(by, now, func(*change) error {
		switch {
		case by != r.chair:
			return refuse(protocol.CodeForbidden)
		case role != protocol.SeatCochair && role != protocol.SeatParticipant:
			return invalid("role")
		case r.seat(person) == nil:
			return refuse(protocol.CodeNotFound)
		case person == r.chair:
			return invalid("person")
		case role == protocol.SeatCochair:
			r.cochairs[person] = struct{}{}
		default:
			delete(r.cochairs, person)
		}
		return nil
	})
}

// HandOver makes somebody who is seated the chair, and the former one a co-chair; the
// chair only. What the meeting's own chair hands over is the meeting itself; a successor
// passes on only what they hold until the own chair is back.
func (r *Room) HandOver(by, person protocol.PersonID, now time.Time) (Result, error) {
	return r.presiding(by, now, func(*change) error {
		switch {
		case by != r.chair:
			return refuse(protocol.CodeForbidden)
		case r.seat(person) == nil:
			return refuse(protocol.CodeNotFound)
		case person == by:
			return nil
		}
		if r.card.Chair == by {
			r.card.Chair = person
		}
		r.passChair(person)
		return nil
	})
}

// LowerHand lowers somebody's hand.
func (r *Room) LowerHand(by, person protocol.PersonID, now time.Time) (Result, error) {
	return r.presiding(by, now, func(*change) error {
		s := r.seat(person)
		if s == nil {
			return refuse(protocol.CodeNotFound)
		}
		s.hand = 0
		return nil
	})
}

// Floor gives somebody the floor, which whoever had it loses, lowers their hand and asks
// them to unmute; with nobody, it is taken back.
func (r *Room) Floor(by, person protocol.PersonID, now time.Time) (Result, error) {
	return r.presiding(by, now, func(c *change) error {
		if person == "" {
			r.floor = ""
			return nil
		}
		s := r.seat(person)
		if s == nil {
			return refuse(protocol.CodeNotFound)
		}
		r.floor, s.hand = person, 0
		c.tell(s, "meeting.asked", protocol.MeetingAsked{By: by, Floor: true})
		return nil
	})
}

// Settings changes lock, lobby and who may share a screen; nil is left as it is. Who
// shares and may not any more is stopped.
func (r *Room) Settings(by protocol.PersonID, s protocol.MeetingSettings, now time.Time) (Result, error) {
	return r.presiding(by, now, func(*change) error {
		if s.Share != nil && *s.Share != protocol.ShareEveryone && *s.Share != protocol.ShareChairs {
			return invalid("share")
		}
		if s.Locked != nil {
			r.card.Locked = *s.Locked
		}
		if s.Lobby != nil {
			r.card.Lobby = *s.Lobby
		}
		if s.Share != nil {
			r.card.Share = *s.Share
		}
		return nil
	})
}

// Mute switches a source of one person off, or of everyone but the chairs.
func (r *Room) Mute(by protocol.PersonID, m protocol.MeetingMute, now time.Time) (Result, error) {
	return r.presiding(by, now, func(c *change) error {
		if new(On).source(m.Source) == nil {
			return invalid("source")
		}
		if m.Person != "" && r.seat(m.Person) == nil {
			return refuse(protocol.CodeNotFound)
		}
		for _, s := range r.seats {
			if s.person.ID == m.Person || m.Person == "" && r.role(s.person.ID) == protocol.SeatParticipant {
				c.mute(s, m.Source)
			}
		}
		return nil
	})
}

// source is the switch of a source, nil if it has none of its own.
func (o *On) source(s protocol.Source) *bool {
	switch s {
	case protocol.SourceMicrophone:
		return &o.Microphone
	case protocol.SourceCamera:
		return &o.Camera
	case protocol.SourceScreen:
		return &o.Screen
	}
	return nil
}

// AskUnmute asks somebody to switch their microphone on; only they can.
func (r *Room) AskUnmute(by, person protocol.PersonID, now time.Time) (Result, error) {
	return r.presiding(by, now, func(c *change) error {
		s := r.seat(person)
		if s == nil {
			return refuse(protocol.CodeNotFound)
		}
		c.tell(s, "meeting.asked", protocol.MeetingAsked{By: by})
		return nil
	})
}

// Spotlight shows one person to all; with nobody, it ends.
func (r *Room) Spotlight(by, person protocol.PersonID, now time.Time) (Result, error) {
	return r.presiding(by, now, func(*change) error {
		if person != "" && r.seat(person) == nil {
			return refuse(protocol.CodeNotFound)
		}
		r.spotlight = person
		return nil
	})
}

// End ends the meeting for all; the chair only, or who made the meeting.
func (r *Room) End(by protocol.PersonID, now time.Time) (Result, error) {
	return r.seated(by, now, func(c *change, _ *seat) error {
		if by != r.chair && by != r.card.CreatedBy {
			return refuse(protocol.CodeForbidden)
		}
		c.end(by)
		return nil
	})
}
