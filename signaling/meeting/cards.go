package meeting

import (
	"context"
	"time"

	"tarasul/signaling/audit"
	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

// Schema is what the store must run.
func Schema() store.Schema { panic("in the making") }

// Config of the package. Validate fills what is zero.
type Config struct {
	Participants int           // seats in a meeting, at most protocol.MaxParticipants
	Early        time.Duration // how long before its start a meeting may be entered without a chair
	Linger       time.Duration // how long after its planned end it may be entered again
	Grace        time.Duration // how long a seat is kept for a lost socket
}

// Validate fills defaults and reports all mistakes at once.
func (c *Config) Validate() error { panic("in the making") }

// Bar is why a person may not enter a meeting.
type Bar string

const (
	BarRemoved Bar = "removed"
	BarRefused Bar = "refused"
)

// Card is one meeting as it is stored. The fields of the embedded Meeting that depend on
// who looks (MayJoin, MayManage) and on what runs (Seated) are empty; View fills them.
type Card struct {
	protocol.Meeting
	Begun protocol.Millis           // when a chair first sat in it; 0: never
	Bars  map[protocol.PersonID]Bar // those who may not come in
}

// View is the card as person sees it. seated is how many sit in it now.
func (c Card) View(person protocol.Person, seated int) protocol.Meeting { panic("in the making") }

// Sees says whether the meeting is in person's lists: its creator, its chair, the
// invited, and the members of invited units.
func (c Card) Sees(person protocol.Person) bool { panic("in the making") }

// Cards are the stored meetings.
type Cards struct{}

// NewCards gives the meetings in db.
func NewCards(cfg Config, db *store.DB, people *identity.Directory, log *audit.Log, now func() time.Time) (*Cards, error) {
	panic("in the making")
}

// Recover puts right what a crash left behind: nothing is open, nobody is seated. Call
// it once, before the first join.
func (c *Cards) Recover(ctx context.Context) error { panic("in the making") }

// Save creates or changes a meeting. If it runs, hand the card to Room.Update.
func (c *Cards) Save(ctx context.Context, by identity.Actor, s protocol.MeetingSave) (Card, error) {
	panic("in the making")
}

// Cancel cancels a meeting that does not run (CodeConflict if it does: end it).
func (c *Cards) Cancel(ctx context.Context, by identity.Actor, id protocol.MeetingID) (Card, error) {
	panic("in the making")
}

// Card gives a meeting to the server itself, whoever may see it. CodeNotFound.
func (c *Cards) Card(ctx context.Context, id protocol.MeetingID) (Card, error) {
	panic("in the making")
}

// Look gives a meeting to person, who may have only its link: those who see it, and with
// a lobby everyone. Else CodeNotFound.
func (c *Cards) Look(ctx context.Context, person protocol.Person, id protocol.MeetingID) (Card, error) {
	panic("in the making")
}

// List gives what person sees of the meetings that start in [from, to), and of all that
// are open.
func (c *Cards) List(ctx context.Context, person protocol.Person, l protocol.MeetingList) ([]Card, error) {
	panic("in the making")
}

// Attended says whether person has had a seat in the meeting and was not removed: those
// read and write its chat.
func (c *Cards) Attended(ctx context.Context, id protocol.MeetingID, person protocol.PersonID) (bool, error) {
	panic("in the making")
}

// Attendance gives who sat in the meeting when.
func (c *Cards) Attendance(ctx context.Context, id protocol.MeetingID) ([]Sitting, error) {
	panic("in the making")
}

// Sitting is one stay. Left is 0 while it lasts.
type Sitting struct {
	Person protocol.PersonID
	Joined protocol.Millis
	Left   protocol.Millis
	Reason protocol.LeftReason
}

// Store writes the facts that a room has given to disk, in one transaction, with
// what the audit must know. Call it before the room's effects are sent.
func (c *Cards) Store(ctx context.Context, by identity.Actor, id protocol.MeetingID, facts []Fact) error {
	panic("in the making")
}
