package meeting

import (
	"time"

	"tarasul/signaling/protocol"
)

// Room is a running meeting. It has no lock: one goroutine at a time.
type Room struct{}

// Who is a person at one signaling session.
type Who struct {
	Person  protocol.Person
	Session string
}

// NewRoom makes the room of a card. It is empty: the first Join opens it.
func NewRoom(cfg Config, card Card) *Room { panic("in the making") }

// Join gives a seat, or a place in the lobby. The same person again takes over.
// CodeNotFound, CodeFull, CodeLocked, CodeEnded, CodeNotStarted, CodeRemoved, CodeRefused.
func (r *Room) Join(who Who, wish On, now time.Time) (protocol.JoinOutcome, Result, error) {
	panic("in the making")
}

// Leave gives up the seat or the place in the lobby that session holds.
func (r *Room) Leave(by protocol.PersonID, session string, now time.Time) Result {
	panic("in the making")
}

// Lost says that the socket of a session is gone; the seat stays for the grace.
// Resumed says that it is back.
func (r *Room) Lost(by protocol.PersonID, session string, now time.Time) Result {
	panic("in the making")
}
func (r *Room) Resumed(by protocol.PersonID, session string, now time.Time) Result {
	panic("in the making")
}

// Tick releases what was not resumed within the grace. Next says when to call it; zero
// if nothing is waited for.
func (r *Room) Tick(now time.Time) Result { panic("in the making") }
func (r *Room) Next() time.Time           { panic("in the making") }

// What chairs do. by is the acting person; who has no right gets CodeForbidden, who has
// no seat CodeNotSeated; CodeNotFound if the person who is meant is not there.
func (r *Room) Admit(by, person protocol.PersonID, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) AdmitAll(by protocol.PersonID, now time.Time) (Result, error) { panic("in the making") }
func (r *Room) Refuse(by, person protocol.PersonID, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) Remove(by, person protocol.PersonID, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) SetRole(by, person protocol.PersonID, role protocol.SeatRole, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) HandOver(by, person protocol.PersonID, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) LowerHand(by, person protocol.PersonID, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) Floor(by, person protocol.PersonID, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) Settings(by protocol.PersonID, s protocol.MeetingSettings, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) Mute(by protocol.PersonID, m protocol.MeetingMute, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) AskUnmute(by, person protocol.PersonID, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) Spotlight(by, person protocol.PersonID, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) End(by protocol.PersonID, now time.Time) (Result, error) { panic("in the making") }

// What everyone who is seated does.
func (r *Room) Hand(by protocol.PersonID, raised bool, now time.Time) (Result, error) {
	panic("in the making")
}
func (r *Room) MediaState(by protocol.PersonID, m protocol.MediaState, now time.Time) (Result, error) {
	panic("in the making")
}

// Speaker takes in whom the media core hears; empty for nobody.
func (r *Room) Speaker(person protocol.PersonID) Result { panic("in the making") }

// Update takes in a card that was changed (Cards.Save) while the meeting runs.
func (r *Room) Update(card Card, now time.Time) Result { panic("in the making") }

// State is the snapshot for one person.
func (r *Room) State(person protocol.Person) protocol.MeetingState { panic("in the making") }

// Card is the card as it stands, Seated how many sit, Holds whether session holds a seat
// (or waits).
func (r *Room) Card() Card                  { panic("in the making") }
func (r *Room) Seated() []protocol.PersonID { panic("in the making") }
func (r *Room) Holds(person protocol.PersonID, session string) (seated, waiting bool) {
	panic("in the making")
}
