package meeting

import (
	"errors"
	"maps"
	"slices"
	"time"

	"tarasul/signaling/protocol"
)

// Room is a running meeting: who sits in it, who waits, and what each of them may do. It
// is a state machine without clock, lock, goroutine or I/O: the moment is an argument, and
// what is to be done comes back as values. One goroutine at a time may use it.
//
// An action either is refused, and then nothing has changed, or changes the state; what
// follows from the change by rule (a successor for the chair, a screen that may be shared
// no more) is settled in the same step; and the effects are the difference between the
// state before and after, so that none can be forgotten. change.go has these steps.
type Room struct {
	cfg  Config
	card Card

	seats   []*seat // in order of joining
	waiting []*waiter

	chair     protocol.PersonID              // who is chair now: the card's own, or a successor while they are away
	cochairs  map[protocol.PersonID]struct{} // seated or not
	floor     protocol.PersonID
	spotlight protocol.PersonID
	speaker   protocol.PersonID

	latest   time.Time       // the moment of the last step
	lastHand protocol.Millis // hands are ordered by their moments, so no two are the same
	opened   bool
	ended    bool
}

type seat struct {
	person  protocol.Person
	session string
	joined  protocol.Millis
	lost    time.Time // since when its socket is gone; zero: it is not
	on      On
	hand    protocol.Millis
}

type waiter struct {
	person  protocol.Person
	session string
	since   protocol.Millis
	lost    time.Time
	wish    On
}

// maxWaiting bounds the lobby; a chair cannot look through more.
const maxWaiting = 100

// Who is a person at one signaling session.
type Who struct {
	Person  protocol.Person
	Session string
}

// NewRoom makes the room of a card. It is empty: the first Join opens it. Whoever made the
// meeting for another chair (an assistant for the minister) is co-chair from the start.
func NewRoom(cfg Config, card Card) *Room {
	card.Bars = maps.Clone(card.Bars)
	r := &Room{cfg: cfg, card: card, chair: card.Chair, cochairs: map[protocol.PersonID]struct{}{},
		ended: card.Status == protocol.MeetingEnded || card.Status == protocol.MeetingCancelled}
	if r.card.Bars == nil {
		r.card.Bars = map[protocol.PersonID]Bar{}
	}
	if card.CreatedBy != card.Chair {
		r.cochairs[card.CreatedBy] = struct{}{}
	}
	return r
}

// entry decides how a person who has no seat comes in: at once (nil), by the lobby
// (errLobby), or not (a refusal). It is the only place where that is decided, for those
// who come, those who wait, and those who come again.
func (r *Room) entry(p protocol.Person, now time.Time) error {
	switch r.card.Bars[p.ID] {
	case BarRemoved:
		return refuse(protocol.CodeRemoved)
	case BarRefused:
		return refuse(protocol.CodeRefused)
	}
	invited := r.card.Sees(p)
	switch {
	case !invited && !r.card.Lobby:
		return refuse(protocol.CodeNotFound)
	case r.ended:
		return refuse(protocol.CodeEnded)
	case r.card.Locked && p.ID != r.card.Chair:
		return refuse(protocol.CodeLocked)
	case len(r.seats) >= r.cfg.Participants:
		return refuse(protocol.CodeFull)
	case !invited:
		return errLobby
	case r.card.Begun != 0, r.presides(p.ID):
		return nil
	case r.card.Lobby:
		return errLobby
	case now.Before(time.UnixMilli(int64(r.card.Starts)).Add(-r.cfg.Early)):
		return refuse(protocol.CodeNotStarted)
	}
	return nil
}

// errLobby is the error of entry that is none.
var errLobby = errors.New("by the lobby")

func refuse(code protocol.Code) error { return &protocol.Refusal{Code: code} }

func invalid(field string) error { return &protocol.Refusal{Code: protocol.CodeInvalid, Field: field} }

// Join gives a seat, or a place in the lobby. A person who has one already takes it over
// with this session: hand, floor and role stay, and a microphone that was off stays off.
// CodeNotFound, CodeFull, CodeLocked, CodeEnded, CodeNotStarted, CodeRemoved, CodeRefused.
func (r *Room) Join(who Who, wish On, now time.Time) (protocol.JoinOutcome, Result, error) {
	outcome := protocol.JoinSeated
	wish.Screen = false // is shared from within
	result, err := r.change(who.Person.ID, now, func(c *change) error {
		if s := r.seat(who.Person.ID); s != nil {
			wish.Microphone = wish.Microphone && s.on.Microphone
			s.person, s.session, s.lost, s.on = who.Person, who.Session, time.Time{}, wish
			c.rejoined = who.Person.ID
			return nil
		}
		entry := r.entry(who.Person, now)
		if w := r.waiter(who.Person.ID); w != nil {
			if w.session != who.Session {
				c.close(Recipient{who.Person.ID, w.session}, protocol.ClosedTakenOver, "")
			}
			if entry != nil { // whatever it is: who waits may go on waiting
				w.person, w.session, w.lost, w.wish = who.Person, who.Session, time.Time{}, wish
				outcome = protocol.JoinWaiting
				return nil
			}
			r.stopWaiting(who.Person.ID)
		}
		switch {
		case entry == nil:
			r.sit(who, wish, now)
		case entry != errLobby:
			return entry
		case len(r.waiting) >= maxWaiting:
			return refuse(protocol.CodeFull)
		default:
			r.waiting = append(r.waiting, &waiter{person: who.Person, session: who.Session, since: millis(now), wish: wish})
			outcome = protocol.JoinWaiting
		}
		return nil
	})
	if err != nil {
		return "", Result{}, err
	}
	return outcome, result, nil
}

func (r *Room) sit(who Who, on On, now time.Time) {
	r.seats = append(r.seats, &seat{person: who.Person, session: who.Session, joined: millis(now), on: on})
}

// Leave gives up the seat or the place in the lobby that a session holds.
func (r *Room) Leave(by protocol.PersonID, session string, now time.Time) Result {
	return r.always(by, now, func(c *change) {
		if seated, waiting := r.Holds(by, session); seated {
			c.release(by, protocol.LeftByThemselves)
		} else if waiting {
			r.stopWaiting(by)
		}
	})
}

// Lost says that the socket of a session is gone; what it holds is kept for the grace.
func (r *Room) Lost(by protocol.PersonID, session string, now time.Time) Result {
	return r.socket(by, session, now, now)
}

// Resumed says that the socket of a session is back.
func (r *Room) Resumed(by protocol.PersonID, session string, now time.Time) Result {
	return r.socket(by, session, time.Time{}, now)
}

func (r *Room) socket(by protocol.PersonID, session string, lost, now time.Time) Result {
	return r.always(by, now, func(*change) {
		set := func(at *time.Time) {
			if lost.IsZero() || at.IsZero() { // lost twice is lost since the first time
				*at = lost
			}
		}
		if s := r.seat(by); s != nil && s.session == session {
			set(&s.lost)
		}
		if w := r.waiter(by); w != nil && w.session == session {
			set(&w.lost)
		}
	})
}

// Tick releases what was not resumed within the grace.
func (r *Room) Tick(now time.Time) Result {
	return r.always("", now, func(c *change) {
		over := func(lost time.Time) bool { return !lost.IsZero() && !now.Before(lost.Add(r.cfg.Grace)) }
		for _, s := range slices.Clone(r.seats) {
			if over(s.lost) {
				c.release(s.person.ID, protocol.LeftLost)
			}
		}
		r.waiting = slices.DeleteFunc(r.waiting, func(w *waiter) bool { return over(w.lost) })
	})
}

// Next says when Tick is to be called; zero if nothing is waited for.
func (r *Room) Next() (next time.Time) {
	consider := func(lost time.Time) {
		if at := lost.Add(r.cfg.Grace); !lost.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, s := range r.seats {
		consider(s.lost)
	}
	for _, w := range r.waiting {
		consider(w.lost)
	}
	return next
}

// Hand raises or lowers the hand of somebody seated. Who has the floor and no hand up
// gives the floor back by lowering it.
func (r *Room) Hand(by protocol.PersonID, raised bool, now time.Time) (Result, error) {
	return r.seated(by, now, func(_ *change, s *seat) error {
		switch {
		case raised && s.hand == 0:
			r.lastHand = max(millis(now), r.lastHand+1)
			s.hand = r.lastHand
		case !raised && s.hand != 0:
			s.hand = 0
		case !raised && r.floor == by:
			r.floor = ""
		}
		return nil
	})
}

// MediaState switches sources of somebody seated on and off. A chair's mute is soft: the
// person may switch on again. CodeForbidden for a screen that they may not share.
func (r *Room) MediaState(by protocol.PersonID, m protocol.MediaState, now time.Time) (Result, error) {
	return r.seated(by, now, func(_ *change, s *seat) error {
		if m.Screen != nil && *m.Screen && !r.permit(s).Screen {
			return refuse(protocol.CodeForbidden)
		}
		for source, wish := range map[protocol.Source]*bool{
			protocol.SourceMicrophone: m.Microphone, protocol.SourceCamera: m.Camera, protocol.SourceScreen: m.Screen,
		} {
			if wish != nil {
				*s.on.source(source) = *wish
			}
		}
		return nil
	})
}

// Speaker takes in whom the media core hears; empty for nobody.
func (r *Room) Speaker(person protocol.PersonID) Result {
	return r.always("", r.latest, func(*change) {
		r.speaker = person // settled to nobody if they have no seat
	})
}

// Update takes in the card as it is stored now, after somebody has changed it; read it in
// the room's turn. Who was invited while waiting comes in; who is not invited any more
// stays; a card that was cancelled ends the meeting.
func (r *Room) Update(card Card, now time.Time) Result {
	return r.always("", now, func(c *change) {
		former := r.card.Chair
		card.Bars = maps.Clone(card.Bars)
		if card.Bars == nil {
			card.Bars = map[protocol.PersonID]Bar{}
		}
		r.card = card
		c.stored = r.picture()
		if card.Status == protocol.MeetingEnded || card.Status == protocol.MeetingCancelled {
			c.end("")
			return
		}
		if card.Chair != former {
			r.passChair(card.Chair)
		}
	})
}

// passChair makes a person the chair. Whoever has been chair stays co-chair when they are
// it no more.
func (r *Room) passChair(to protocol.PersonID) {
	r.cochairs[r.chair], r.cochairs[to] = struct{}{}, struct{}{}
	r.chair = to
}

// State is the snapshot for one person.
func (r *Room) State(person protocol.Person) protocol.MeetingState {
	st := protocol.MeetingState{Meeting: r.Card().View(person, len(r.seats)), Seats: []protocol.Seat{}, Spotlight: r.spotlight, Speaker: r.speaker}
	for _, s := range r.seats {
		st.Seats = append(st.Seats, r.seatOf(s))
	}
	if s := r.seat(person.ID); s != nil && r.role(person.ID) != protocol.SeatParticipant {
		st.Waiting, st.Barred = r.lobby(), r.barred()
	}
	return st
}

func (r *Room) seatOf(s *seat) protocol.Seat {
	id := s.person.ID
	return protocol.Seat{Person: id, Role: r.role(id), JoinedAt: s.joined, Connected: s.lost.IsZero(),
		Microphone: s.on.Microphone, Camera: s.on.Camera, Screen: s.on.Screen, Hand: s.hand, Floor: r.floor == id}
}

func (r *Room) lobby() []protocol.Waiting {
	out := []protocol.Waiting{}
	for _, w := range r.waiting {
		out = append(out, protocol.Waiting{Person: w.person.ID, Since: w.since})
	}
	return out
}

func (r *Room) barred() []protocol.PersonID {
	out := slices.AppendSeq([]protocol.PersonID{}, maps.Keys(r.card.Bars))
	slices.Sort(out)
	return out
}

// Card is the card as it stands, with its status.
func (r *Room) Card() Card {
	card := r.card
	card.Bars = maps.Clone(r.card.Bars)
	switch {
	case r.ended && card.Status != protocol.MeetingCancelled:
		card.Status = protocol.MeetingEnded
	case !r.ended && r.opened:
		card.Status = protocol.MeetingOpen
	case !r.ended:
		card.Status = protocol.MeetingScheduled
	}
	return card
}

// Seated gives who has a seat, in order of joining.
func (r *Room) Seated() []protocol.PersonID {
	out := make([]protocol.PersonID, 0, len(r.seats))
	for _, s := range r.seats {
		out = append(out, s.person.ID)
	}
	return out
}

// Holds says whether a session holds the seat of a person, or their place in the lobby.
func (r *Room) Holds(person protocol.PersonID, session string) (seated, waiting bool) {
	s, w := r.seat(person), r.waiter(person)
	return s != nil && s.session == session, w != nil && w.session == session
}

func (r *Room) seat(person protocol.PersonID) *seat {
	for _, s := range r.seats {
		if s.person.ID == person {
			return s
		}
	}
	return nil
}

func (r *Room) waiter(person protocol.PersonID) *waiter {
	for _, w := range r.waiting {
		if w.person.ID == person {
			return w
		}
	}
	return nil
}

func (r *Room) stopWaiting(person protocol.PersonID) {
	r.waiting = slices.DeleteFunc(r.waiting, func(w *waiter) bool { return w.person.ID == person })
}

// role is what a person is, or would be, at the table.
func (r *Room) role(person protocol.PersonID) protocol.SeatRole {
	if person == r.chair {
		return protocol.SeatChair
	}
	if _, ok := r.cochairs[person]; ok {
		return protocol.SeatCochair
	}
	return protocol.SeatParticipant
}

// presides says whether a person's coming begins the meeting.
func (r *Room) presides(person protocol.PersonID) bool {
	return person == r.card.Chair || r.role(person) != protocol.SeatParticipant
}

func (r *Room) permit(s *seat) Permit {
	screen := r.card.Share == protocol.ShareEveryone || r.role(s.person.ID) != protocol.SeatParticipant
	return Permit{Microphone: true, Camera: true, Screen: screen, ScreenAudio: screen}
}

func millis(t time.Time) protocol.Millis { return protocol.Millis(t.UnixMilli()) }
