package sfu

import (
	"context"
	"time"
)

// RoomID and PeerID are the signaling service's names for a meeting and for a person in
// it. The core only compares them.
type (
	RoomID string
	PeerID string
)

// Source is one thing that a peer sends.
type Source uint8

// Sources, in the order in which they are served.
const (
	Microphone Source = iota
	ScreenAudio
	Screen
	Camera
	sourceCount
)

// Offer is what a browser sends: an SDP offer, and which of its sendonly m-lines (by
// mid) carries which source. Every recvonly m-line becomes a slot.
type Offer struct {
	SDP   string
	Sends map[string]Source
}

// Answer is the SDP answer, and the mids of the receive slots in the offer's order.
type Answer struct {
	SDP        string
	AudioSlots []string
	VideoSlots []string
}

// Permit says which sources of a peer may pass. A source that is not permitted is
// dropped at the door, whatever the client sends.
type Permit [sourceCount]bool

// Everything permits every source.
var Everything = Permit{true, true, true, true}

// On says what a peer says that it has switched on. It decides who needs a slot; what
// is off but sent all the same is dropped.
type On [sourceCount]bool

// Tile is one picture that a peer shows, in device pixels.
type Tile struct {
	Peer   PeerID
	Source Source // Camera or Screen
	Width  int
	Height int
	Pinned bool
}

// Media is what the signaling service asks of the core; *Node is it.
type Media interface {
	// Join makes the peer's media session in a room, which is made if need be, and
	// answers its offer. The same peer again replaces its former session.
	Join(ctx context.Context, room RoomID, peer PeerID, offer Offer, permit Permit, on On) (Answer, error)
	// Reoffer answers a later offer of the same session: more slots, or an ICE restart.
	// ErrNoPeer if there is no session, ErrOffer if the offer does not continue it.
	Reoffer(ctx context.Context, room RoomID, peer PeerID, offer Offer) (Answer, error)
	// Leave ends a session. It is no error if there is none.
	Leave(room RoomID, peer PeerID)
	// Permit, Switch and View change a session; they are no errors if there is none.
	Permit(room RoomID, peer PeerID, permit Permit)
	Switch(room RoomID, peer PeerID, on On)
	View(room RoomID, peer PeerID, tiles []Tile)
	// Events is what the core has to tell. It is never closed while Run runs. State
	// events carry the whole state, so the last one wins.
	Events() <-chan Event
}

// Event is one of the types below.
type Event interface{ event() }

// SlotsChanged says what each of a peer's slots carries now; the slots that are not
// listed carry nothing.
type SlotsChanged struct {
	Room  RoomID
	Peer  PeerID
	Slots []SlotState
}

// SlotState is one slot that is in use.
type SlotState struct {
	Mid    string
	Source Source
	Of     PeerID
	Paused PauseReason
}

// PauseReason says why a slot that is in use sends nothing.
type PauseReason uint8

const (
	NotPaused PauseReason = iota
	PausedBandwidth
	PausedCodec
	PausedOverload
)

// SpeakerChanged names a room's dominant speaker, empty if nobody speaks.
type SpeakerChanged struct {
	Room RoomID
	Peer PeerID
}

// WantedChanged tells a publisher which encodings of a source anybody watches, by rid
// ("" without simulcast).
type WantedChanged struct {
	Room   RoomID
	Peer   PeerID
	Source Source
	Rids   map[string]bool
}

// PeerConnected says that ICE and DTLS are done.
type PeerConnected struct {
	Room RoomID
	Peer PeerID
	Took time.Duration // since the answer was made
}

// PeerFlowing says that the first media packet was forwarded to a peer.
type PeerFlowing struct {
	Room RoomID
	Peer PeerID
	Took time.Duration // since the answer was made
}

// PeerGone says that a session ended by itself; after Leave there is none.
type PeerGone struct {
	Room   RoomID
	Peer   PeerID
	Reason string // "dtls", "ice_timeout", "closed", "replaced"
}

// OverloadChanged says that a shard sheds more, or less: 0 is nothing, and each step takes
// away more pictures, never a voice.
type OverloadChanged struct {
	Shard int
	Level int
}

func (SlotsChanged) event()    {}
func (OverloadChanged) event() {}
func (SpeakerChanged) event()  {}
func (WantedChanged) event()   {}
func (PeerConnected) event()   {}
func (PeerFlowing) event()     {}
func (PeerGone) event()        {}
