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

// SeatTaken: give the person a media session with this permit and these switches when
// their offer comes (it may have come with the join).
type SeatTaken struct {
	Person  protocol.PersonID
	Session string
	At      protocol.Millis
	Permit  Permit
	On      On
}

// SeatMoved: the same seat, another session. The former session has no more part in it.
type SeatMoved struct {
	Person  protocol.PersonID
	Session string
	Former  string
	Permit  Permit
	On      On
}

// SeatReleased: end the person's media session.
type SeatReleased struct {
	Person  protocol.PersonID
	Session string
	At      protocol.Millis
	Reason  protocol.LeftReason
}

// PermitChanged and SwitchChanged: tell the media core.
type PermitChanged struct {
	Person protocol.PersonID
	Permit Permit
}

type SwitchChanged struct {
	Person protocol.PersonID
	On     On
}

// Opened: the first seat was taken. Begun: a chair sat down for the first time.
// Emptied: the last seat was released; drop the room. Ended: nobody will ever enter again; drop the room.
type Opened struct{ At protocol.Millis }
type Begun struct{ At protocol.Millis }
type Emptied struct{ At protocol.Millis }
type Ended struct {
	At protocol.Millis
	By protocol.PersonID
}

// Barred and Readmitted: what is stored about who may not come in.
type Barred struct {
	Person protocol.PersonID
	Bar    Bar
	By     protocol.PersonID
}

type Readmitted struct {
	Person protocol.PersonID
	By     protocol.PersonID
}

// ChairChanged: the chair was handed over. SettingsChanged: lock, lobby or share policy.
type ChairChanged struct {
	Chair protocol.PersonID
	By    protocol.PersonID
}

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
