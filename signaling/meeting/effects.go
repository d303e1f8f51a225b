package meeting

import "tarasul/signaling/protocol"

// Recipient is a person at the session (a signaling session, protocol.Welcome.Session)
// that holds their seat or their place in the lobby.
type Recipient struct {
	Person  protocol.PersonID
	Session string
}

// Effect is an event and everyone who is to get it.
type Effect struct {
	To    []Recipient
	Event protocol.Event
}

// Result is what came of one action: Facts are to be acted on and stored (Cards.Store)
// first, then Effects are to be sent in order.
type Result struct {
	Effects []Effect
	Facts   []Fact
}

// Fact is one of the types below.
type Fact interface{ fact() }

// SeatTaken says that a person has a new seat: they get a media session with this permit
// and these switches when their offer comes (it may have come with the join).
type SeatTaken struct {
	Person  protocol.PersonID
	Session string
	At      protocol.Millis
	Permit  Permit
	On      On
}

// SeatMoved says that another session holds the same seat. The former session has no more
// part in it; it is the same one if a client has repeated its join.
type SeatMoved struct {
	Person  protocol.PersonID
	Session string
	Former  string
	Permit  Permit
	On      On
}

// SeatReleased says that a person has no seat any more: their media session ends.
type SeatReleased struct {
	Person  protocol.PersonID
	Session string
	At      protocol.Millis
	Reason  protocol.LeftReason // or LeftEnded
}

// LeftEnded is the reason of a seat that was released because the meeting has ended. It
// is in the attendance only: nobody is there any more to be told.
const LeftEnded protocol.LeftReason = "ended"

// PermitChanged says that a seated person may send other sources than before.
type PermitChanged struct {
	Person protocol.PersonID
	Permit Permit
}

// SwitchChanged says that a seated person has other sources on than before; what is off
// must pass no more, whoever has switched it off.
type SwitchChanged struct {
	Person protocol.PersonID
	On     On
}

// Opened says that the first seat was taken.
type Opened struct{ At protocol.Millis }

// Begun says that a chair or co-chair has sat down for the first time.
type Begun struct{ At protocol.Millis }

// Emptied says that the last seat was released and nobody waits: drop the room.
type Emptied struct{ At protocol.Millis }

// Ended says that nobody will enter again: drop the room.
type Ended struct {
	At protocol.Millis
	By protocol.PersonID
}

// Barred says that a person may not come in any more, by whatever way.
type Barred struct {
	Person protocol.PersonID
	Bar    Bar
	By     protocol.PersonID
}

// Readmitted says that they may again.
type Readmitted struct {
	Person protocol.PersonID
	By     protocol.PersonID
}

// ChairChanged says that the chair of the meeting was handed over.
type ChairChanged struct {
	Chair protocol.PersonID
	By    protocol.PersonID
}

// SettingsChanged has the lock, the lobby and the share policy as they are now.
type SettingsChanged struct {
	Locked bool
	Lobby  bool
	Share  protocol.SharePolicy
}

func (SeatTaken) fact()       {}
func (SeatMoved) fact()       {}
func (SeatReleased) fact()    {}
func (PermitChanged) fact()   {}
func (SwitchChanged) fact()   {}
func (Opened) fact()          {}
func (Begun) fact()           {}
func (Emptied) fact()         {}
func (Ended) fact()           {}
func (Barred) fact()          {}
func (Readmitted) fact()      {}
func (ChairChanged) fact()    {}
func (SettingsChanged) fact() {}

// Permit says what a person may send.
type Permit struct {
	Microphone, Camera, Screen, ScreenAudio bool
}

// On says what a person has switched on.
type On struct {
	Microphone, Camera, Screen bool
}
