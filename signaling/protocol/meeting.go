package protocol

// MeetingStatus is where a meeting is in its life.
type MeetingStatus string

const (
	MeetingScheduled MeetingStatus = "scheduled"
	MeetingOpen      MeetingStatus = "open" // somebody is seated, or was within the grace
	MeetingEnded     MeetingStatus = "ended"
	MeetingCancelled MeetingStatus = "cancelled"
)

// SeatRole is what a person is in one meeting.
type SeatRole string

const (
	SeatChair       SeatRole = "chair"
	SeatCochair     SeatRole = "cochair"
	SeatParticipant SeatRole = "participant"
)

// SharePolicy says who may share a screen.
type SharePolicy string

const (
	ShareEveryone SharePolicy = "everyone"
	ShareChairs   SharePolicy = "chairs"
)

// Meeting is what the lists show.
type Meeting struct {
	ID        MeetingID     `json:"id"`
	Title     Multilingual  `json:"title"`
	Starts    Millis        `json:"starts"`
	Minutes   int           `json:"minutes"` // planned length
	Status    MeetingStatus `json:"status"`
	Chair     PersonID      `json:"chair"`
	CreatedBy PersonID      `json:"created_by"`
	People    []PersonID    `json:"people"` // invited one by one
	Units     []UnitID      `json:"units"`  // invited as a whole
	Lobby     bool          `json:"lobby"`  // those who are not invited may ask to be let in
	Locked    bool          `json:"locked"`
	Share     SharePolicy   `json:"share"`
	Seated    int           `json:"seated"` // people in it now
	// MayJoin is true if the caller enters without asking, or may ask in the lobby.
	MayJoin bool `json:"may_join"`
	// MayManage is true if the caller may change, cancel or end it.
	MayManage bool `json:"may_manage"`
}

// Seat is one person in a running meeting.
type Seat struct {
	Person     PersonID `json:"person"`
	Role       SeatRole `json:"role"`
	JoinedAt   Millis   `json:"joined_at"`
	Connected  bool     `json:"connected"` // false while a lost socket may still come back
	Microphone bool     `json:"microphone"`
	Camera     bool     `json:"camera"`
	Screen     bool     `json:"screen"`
	Hand       Millis   `json:"hand,omitempty"`  // when it was raised; 0 is down
	Floor      bool     `json:"floor,omitempty"` // has been given the floor
}

// Waiting is a person in the lobby.
type Waiting struct {
	Person PersonID `json:"person"`
	Since  Millis   `json:"since"`
}

// MeetingState is the snapshot of a running meeting.
type MeetingState struct {
	Meeting   Meeting    `json:"meeting"`
	Seats     []Seat     `json:"seats"`             // in order of joining
	Waiting   []Waiting  `json:"waiting,omitempty"` // chairs only
	Barred    []PersonID `json:"barred,omitempty"`  // chairs only: removed or refused; meeting.admit lets them come again
	Spotlight PersonID   `json:"spotlight,omitempty"`
	Speaker   PersonID   `json:"speaker,omitempty"`
}

// MeetingList asks for meetings that start in [From, To), and for all that are open.
type MeetingList struct {
	From Millis `json:"from"`
	To   Millis `json:"to"`
}

// MeetingsListed answers MeetingList.
type MeetingsListed struct {
	Meetings []Meeting `json:"meetings"`
}

// MeetingSave creates (ID empty) or changes a meeting. Starts 0 means now. The caller
// of a creation is its chair unless Chair names another.
type MeetingSave struct {
	ID      MeetingID    `json:"id,omitempty"`
	Title   Multilingual `json:"title"`
	Starts  Millis       `json:"starts"`
	Minutes int          `json:"minutes"`
	Chair   PersonID     `json:"chair,omitempty"`
	People  []PersonID   `json:"people"`
	Units   []UnitID     `json:"units"`
	Lobby   bool         `json:"lobby"`
	Share   SharePolicy  `json:"share,omitempty"`
}

// MeetingSaved answers MeetingSave.
type MeetingSaved struct {
	Meeting Meeting `json:"meeting"`
}

// MeetingRef names a meeting: cancel, end, look.
type MeetingRef struct {
	Meeting MeetingID `json:"meeting"`
}

// MeetingLooked answers "meeting.look": what pre-join shows, before anyone knows.
type MeetingLooked struct {
	Meeting Meeting    `json:"meeting"`
	Seated  []PersonID `json:"seated"`
	// Slots is how many receive slots of each kind the offer should have from the start.
	AudioSlots int `json:"audio_slots"`
	VideoSlots int `json:"video_slots"`
}

// MeetingJoin takes a seat, or a place in the lobby. With Offer the media session is
// set up in the same round trip if a seat is given at once.
type MeetingJoin struct {
	Meeting    MeetingID   `json:"meeting"`
	Microphone bool        `json:"microphone"`
	Camera     bool        `json:"camera"`
	Offer      *MediaOffer `json:"offer,omitempty"`
}

// JoinOutcome says where a join has led.
type JoinOutcome string

const (
	JoinSeated  JoinOutcome = "seated"
	JoinWaiting JoinOutcome = "waiting" // MeetingAdmitted or MeetingClosed follows
)

// MeetingJoined answers MeetingJoin.
type MeetingJoined struct {
	Outcome JoinOutcome   `json:"outcome"`
	State   *MeetingState `json:"state,omitempty"`
	Answer  *MediaAnswer  `json:"answer,omitempty"`
}

// MeetingPerson names somebody in the caller's meeting: admit, refuse, remove, lower a
// hand, ask to unmute, give the floor, hand over the chair, spotlight (empty: none).
type MeetingPerson struct {
	Person PersonID `json:"person"`
}

// MeetingRole makes a co-chair, or takes it back.
type MeetingRole struct {
	Person PersonID `json:"person"`
	Role   SeatRole `json:"role"`
}

// MeetingHand raises or lowers the caller's hand.
type MeetingHand struct {
	Raised bool `json:"raised"`
}

// MeetingSettings changes what the chair may change while the meeting runs; nil is
// left as it is. Also an event, then with every field set.
type MeetingSettings struct {
	Locked *bool        `json:"locked,omitempty"`
	Lobby  *bool        `json:"lobby,omitempty"`
	Share  *SharePolicy `json:"share,omitempty"`
}

// MeetingMute silences one person, or everyone but the chairs (Person empty).
type MeetingMute struct {
	Person PersonID `json:"person,omitempty"`
	Source Source   `json:"source"`
}

// Events of a running meeting, to those seated in it.

// SeatChanged is sent when someone joins, and when anything on their seat changes.
type SeatChanged struct {
	Seat Seat `json:"seat"`
}

// SeatLeft says that somebody is no longer in the meeting.
type SeatLeft struct {
	Person PersonID   `json:"person"`
	Reason LeftReason `json:"reason"`
}

// LeftReason says why.
type LeftReason string

const (
	LeftByThemselves LeftReason = "left"
	LeftRemoved      LeftReason = "removed"
	LeftLost         LeftReason = "lost" // did not come back within the grace
)

// LobbyChanged is sent to chairs: everybody who waits now, and everybody who was removed
// or refused.
type LobbyChanged struct {
	Waiting []Waiting  `json:"waiting"`
	Barred  []PersonID `json:"barred"`
}

// MeetingAdmitted follows JoinWaiting: the client now sends MediaOffer.
type MeetingAdmitted struct {
	State MeetingState `json:"state"`
}

// MeetingClosed ends the caller's stay: nothing more comes from this meeting.
type MeetingClosed struct {
	Meeting MeetingID   `json:"meeting"`
	Reason  CloseReason `json:"reason"`
	By      PersonID    `json:"by,omitempty"`
}

// CloseReason says why.
type CloseReason string

const (
	ClosedEnded     CloseReason = "ended"
	ClosedRemoved   CloseReason = "removed"
	ClosedRefused   CloseReason = "refused"
	ClosedTakenOver CloseReason = "taken_over" // the same person joined elsewhere
	ClosedFull      CloseReason = "full"       // admitted, but the last seat was gone
)

// MeetingMuted tells a person that a chair has muted one of their sources; the client
// stops sending it. The server has already stopped forwarding it.
type MeetingMuted struct {
	Source Source   `json:"source"`
	By     PersonID `json:"by"`
}

// MeetingAsked asks a person to unmute; only they can.
type MeetingAsked struct {
	By    PersonID `json:"by"`
	Floor bool     `json:"floor"` // they were given the floor
}

// SpeakerChanged names the dominant speaker; empty if nobody speaks.
type SpeakerChanged struct {
	Person PersonID `json:"person"`
}

// SpotlightChanged names whom the chair shows to all; empty if nobody.
type SpotlightChanged struct {
	Person PersonID `json:"person"`
}

// MeetingChanged is sent to all who may see a meeting, seated or not, when its card in
// the lists changes.
type MeetingChanged struct {
	Meeting Meeting `json:"meeting"`
}
