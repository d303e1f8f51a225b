package meeting

import (
	"slices"

	"tarasul/signaling/protocol"
)

// Bar is why a person may not enter a meeting.
type Bar string

const (
	BarRemoved Bar = "removed" // a chair has removed them
	BarRefused Bar = "refused" // a chair has refused them in the lobby
)

// Card is one meeting as it is stored. The fields of the embedded Meeting that depend on
// who looks (MayJoin, MayManage) and on what runs (Seated) are empty; View fills them.
type Card struct {
	protocol.Meeting
	Begun protocol.Millis           // when a chair first sat in it; 0: never
	Bars  map[protocol.PersonID]Bar // those who may not come in
}

// Sees says whether the meeting is in person's lists: its creator, its chair, the
// invited, and the members of invited units (not of units below them).
func (c Card) Sees(person protocol.Person) bool {
	return person.ID != "" && (person.ID == c.CreatedBy || person.ID == c.Chair || slices.Contains(c.People, person.ID)) ||
		person.Unit != "" && slices.Contains(c.Units, person.Unit)
}

// over says whether nobody can enter any more.
func (c Card) over() bool {
	return c.Status == protocol.MeetingEnded || c.Status == protocol.MeetingCancelled
}

// manages says whether person may change, cancel or end it: its creator and its chair,
// but nobody who was removed from it.
func (c Card) manages(person protocol.PersonID) bool {
	_, barred := c.Bars[person]
	return !barred && person != "" && (person == c.CreatedBy || person == c.Chair)
}

// View is the card as person sees it; seated is how many sit in it now. Who has only the
// link does not learn who is invited.
func (c Card) View(person protocol.Person, seated int) protocol.Meeting {
	m := c.Meeting
	sees := c.Sees(person)
	_, barred := c.Bars[person.ID]
	m.Seated = seated
	m.MayJoin = !barred && !c.over() && (sees || c.Lobby)
	m.MayManage = !c.over() && c.manages(person.ID)
	if !sees {
		m.People, m.Units = nil, nil
	}
	// The page expects lists, and what is given away must not be changed through.
	m.People = append([]protocol.PersonID{}, m.People...)
	m.Units = append([]protocol.UnitID{}, m.Units...)
	return m
}
