package sfu

// Verdict says what became of a packet on its way in or to one subscriber. Verdicts are
// counted, never logged and never errors: there are a million a second.
type Verdict uint8

const (
	Sent       Verdict = iota // handed to egress
	NotNeeded                 // an encoding or layer that the subscriber is not watching
	Paused                    // the slot is paused
	TooLate                   // older than the rewrite window, or of before a switch
	NoCodec                   // the subscriber did not negotiate the codec
	Received                  // a fresh packet came in
	Duplicate                 // seen before, or too old to matter
	Muted                     // the source is switched off or not permitted
	Malformed                 // RTP, RTCP or payload that cannot be read
	Unopened                  // SRTP that does not authenticate, or is replayed
	Unknown                   // from an address that no peer has proved to be at
	Early                     // before the keys were there, and too many to keep
	Unnamed                   // authentic, but of no m-line that was negotiated
	Foreign                   // neither STUN, DTLS nor RTP
	STUNFailed                // a connectivity check that does not authenticate
	verdictCount
)

var verdictNames = [verdictCount]string{
	"sent", "not_needed", "paused", "too_late", "no_codec", "received", "duplicate", "muted", "malformed",
	"unopened", "unknown", "early", "unnamed", "foreign", "stun_failed",
}

func (v Verdict) String() string { return verdictNames[v] }
