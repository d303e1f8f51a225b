package protocol

// Source is one thing that a person sends.
type Source string

const (
	SourceMicrophone  Source = "microphone"
	SourceCamera      Source = "camera"
	SourceScreen      Source = "screen"
	SourceScreenAudio Source = "screen_audio"
)

// MediaOffer is the browser's offer. Sends says which m-line (by mid) carries which
// source; every recvonly m-line is a slot. It is sent again for more slots and for an
// ICE restart; mids keep their meaning.
type MediaOffer struct {
	SDP   string            `json:"sdp"`
	Sends map[string]Source `json:"sends"`
}

// MediaAnswer answers it. Slots are the mids of the receive slots by kind, in order.
type MediaAnswer struct {
	SDP        string   `json:"sdp"`
	AudioSlots []string `json:"audio_slots"`
	VideoSlots []string `json:"video_slots"`
}

// MediaView says what the page shows. The SFU gives each tile a video slot as far as
// there are slots, in this order, and a layer that fits its size.
type MediaView struct {
	Tiles []Tile `json:"tiles"`
}

// Tile is one picture on the page. Sizes are in device pixels. A tile that is not
// visible (scrolled away, hidden tab, audio only) is simply not listed.
type Tile struct {
	Person PersonID `json:"person"`
	Source Source   `json:"source"` // camera or screen
	Width  int      `json:"width"`
	Height int      `json:"height"`
	Pinned bool     `json:"pinned,omitempty"` // pinned or on the stage
}

// MediaState says what the person has switched on. Off means that no packets are sent.
// Nil is left as it is.
type MediaState struct {
	Microphone *bool `json:"microphone,omitempty"`
	Camera     *bool `json:"camera,omitempty"`
	Screen     *bool `json:"screen,omitempty"`
}

// Events.

// MediaSlots says what every slot carries now; slots that are not named carry nothing.
// It is always the whole picture, so the last one wins.
type MediaSlots struct {
	Slots []Slot `json:"slots"`
}

// Slot is one receive m-line that carries something.
type Slot struct {
	Mid    string   `json:"mid"`
	Person PersonID `json:"person"`
	Source Source   `json:"source"`
	Paused bool     `json:"paused,omitempty"` // assigned, but nothing is sent
	Reason string   `json:"reason,omitempty"` // why it is paused: "bandwidth", "codec", "overload"
}

// MediaWanted tells a publisher which encodings anybody watches (by rid; "" where there
// is no simulcast). The client sets the others inactive.
type MediaWanted struct {
	Source Source          `json:"source"`
	Rids   map[string]bool `json:"rids"`
}

// MediaGone says that the media session has ended on the server (transport failed, node
// drained). The client builds a new one with a new PeerConnection and MediaOffer.
type MediaGone struct {
	Reason string `json:"reason"`
}
