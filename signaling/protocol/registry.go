package protocol

//go:generate go run ./gen -o ../../web/src/protocol.gen.ts

// Request is one kind of request: its type, the shape of its body and of its reply.
type Request struct {
	Type  string
	Body  any
	Reply any
}

// Event is one kind of event.
type Event struct {
	Type string
	Body any
}

// Requests lists every request that a client may send.
func Requests() []Request {
	return []Request{
		{"hello", Hello{}, Welcome{}},
		{"ping", Ping{}, Pong{}},

		{"people.list", PeopleList{}, PeopleListed{}},
		{"people.save", PersonSave{}, PersonSaved{}},
		{"people.reset", PersonReset{}, PersonSaved{}},
		{"people.sign_out", PersonSignOut{}, None{}},
		{"units.save", UnitSave{}, UnitSaved{}},

		{"meeting.list", MeetingList{}, MeetingsListed{}},
		{"meeting.look", MeetingRef{}, MeetingLooked{}},
		{"meeting.save", MeetingSave{}, MeetingSaved{}},
		{"meeting.cancel", MeetingRef{}, None{}},
		{"meeting.join", MeetingJoin{}, MeetingJoined{}},
		{"meeting.leave", None{}, None{}},
		{"meeting.end", None{}, None{}},
		{"meeting.admit", MeetingPerson{}, None{}},
		{"meeting.admit_all", None{}, None{}},
		{"meeting.refuse", MeetingPerson{}, None{}},
		{"meeting.remove", MeetingPerson{}, None{}},
		{"meeting.role", MeetingRole{}, None{}},
		{"meeting.hand_over", MeetingPerson{}, None{}},
		{"meeting.hand", MeetingHand{}, None{}},
		{"meeting.lower_hand", MeetingPerson{}, None{}},
		{"meeting.floor", MeetingPerson{}, None{}},
		{"meeting.settings", MeetingSettings{}, None{}},
		{"meeting.mute", MeetingMute{}, None{}},
		{"meeting.ask_unmute", MeetingPerson{}, None{}},
		{"meeting.spotlight", MeetingPerson{}, None{}},

		{"media.offer", MediaOffer{}, MediaAnswer{}},
		{"media.view", MediaView{}, None{}},
		{"media.state", MediaState{}, None{}},

		{"chat.send", ChatSend{}, ChatSent{}},
		{"chat.history", ChatHistory{}, ChatPage{}},
		{"chat.read", ChatRead{}, None{}},
		{"chat.threads", ChatThreads{}, ChatThreadsListed{}},
	}
}

// Events lists every event that a server may send.
func Events() []Event {
	return []Event{
		{"session.signed_out", SignedOut{}},
		{"people.changed", PersonChanged{}},
		{"units.changed", UnitChanged{}},

		{"meeting.changed", MeetingChanged{}},
		{"meeting.seat", SeatChanged{}},
		{"meeting.left", SeatLeft{}},
		{"meeting.lobby", LobbyChanged{}},
		{"meeting.admitted", MeetingAdmitted{}},
		{"meeting.closed", MeetingClosed{}},
		{"meeting.settings", MeetingSettings{}},
		{"meeting.muted", MeetingMuted{}},
		{"meeting.asked", MeetingAsked{}},
		{"meeting.speaker", SpeakerChanged{}},
		{"meeting.spotlight", SpotlightChanged{}},

		{"media.slots", MediaSlots{}},
		{"media.wanted", MediaWanted{}},
		{"media.gone", MediaGone{}},

		{"chat.message", ChatReceived{}},
		{"chat.read", ChatReadChanged{}},
	}
}
