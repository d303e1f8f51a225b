package transport

import "time"

// Credentials are one side's ICE user name fragment and password (RFC 8445 section 5.3).
type Credentials struct {
	Ufrag string
	Pwd   string
}

// NewCredentials makes random credentials.
func NewCredentials() Credentials { panic("soon") }

// Verdict says what became of a STUN message.
type Verdict uint8

const (
	Ignored      Verdict = iota // not a binding request: indications, responses, other methods
	Malformed                   // not STUN, or attributes are missing
	Unauthorized                // wrong user name or MESSAGE-INTEGRITY
	RoleConflict                // the peer claims to be controlled as well: 487
	Unknown                     // an attribute that must be understood and is not: 420
	Checked                     // a connectivity check that succeeded
	verdicts
)

// Result is what the loop has to do after a STUN message.
type Result struct {
	Verdict   Verdict
	Reply     []byte // to be sent to where the message came from; nil = nothing
	Learn     bool   // the message was authenticated: its path belongs to this peer
	Nominated bool   // the peer nominated the path: media goes there from now on
}

// Agent is one peer's ICE-lite agent for one generation of credentials.
type Agent struct {
	local, remote Credentials
}

// NewAgent makes an agent; remote are the offer's credentials.
func NewAgent(local, remote Credentials) *Agent { return &Agent{local: local, remote: remote} }

// Username returns the local ufrag of a STUN message's USERNAME attribute, as a part of msg.
func Username(msg []byte) (ufrag []byte, ok bool) { panic("soon") }

// IsSTUN reports whether a datagram is a STUN message (RFC 7983, RFC 8489 section 5).
func IsSTUN(datagram []byte) bool { panic("soon") }

// Handle takes in a STUN message that came from a path at now. The reply is appended to reply[:0].
func (a *Agent) Handle(msg []byte, from Path, now time.Time, reply []byte) Result { panic("soon") }

// Selected returns the path that media takes, if one is nominated.
func (a *Agent) Selected() (Path, bool) { panic("soon") }

// Alive reports whether an authenticated check came on any path within ConsentTimeout (RFC 7675).
func (a *Agent) Alive(now time.Time) bool { panic("soon") }

// Paths appends the paths that authenticated themselves.
func (a *Agent) Paths(to []Path) []Path { panic("soon") }

// Forget drops a path, as when its TCP connection closed.
func (a *Agent) Forget(p Path) { panic("soon") }

// Select makes media take a path that is known, as when authenticated SRTP came from it.
func (a *Agent) Select(p Path) bool { panic("soon") }
