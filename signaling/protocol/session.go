package protocol

// Hello is the first request on every websocket. With Resume the client goes on where
// a lost socket ended.
type Hello struct {
	Version  int     `json:"version"`
	Client   string  `json:"client,omitempty"` // "web", "loadtest/1"; for the operators' metrics
	Language string  `json:"language,omitempty"`
	Resume   *Resume `json:"resume,omitempty"`
}

// Resume names the session that was interrupted. The token is bound to the sign-in
// (cookie) that made it and is of no use to another.
type Resume struct {
	Token string `json:"token"`
	Seq   uint64 `json:"seq"` // the last event that the client has seen
}

// Welcome answers Hello. If Resumed, the events after Resume.Seq follow at once, and
// the client's state is whole again; else the client starts from a fresh state: the
// Meeting it was seated in, if any, is given as a snapshot.
type Welcome struct {
	Session      string        `json:"session"`
	Token        string        `json:"token"`
	Seq          uint64        `json:"seq"`
	Resumed      bool          `json:"resumed"`
	You          Person        `json:"you"`
	Units        []Unit        `json:"units"`
	Meeting      *MeetingState `json:"meeting,omitempty"`
	Demo         bool          `json:"demo"`
	ServerTime   Millis        `json:"server_time"`
	GraceSeconds int           `json:"grace_seconds"`
}

// Ping lets a page notice a dead socket (browsers cannot send websocket pings).
type Ping struct{}

// Pong answers Ping.
type Pong struct {
	ServerTime Millis `json:"server_time"`
}

// SignedOut is the last event of a session whose sign-in has ended.
type SignedOut struct {
	Reason string `json:"reason"` // "sign_out", "expired", "disabled", "everywhere"
}
