// Package protocol is the wire between a client and the signaling service: one struct
// per message, JSON over one websocket, versioned from the first hello. PROTOCOL.md
// says the same in prose; web/src/protocol.gen.ts is generated from the registry in
// registry.go (go generate ./signaling/protocol).
//
// It knows nothing of how messages are handled, stored or transported.
package protocol

import "encoding/json"

// Version of the protocol. A server refuses a hello with any other version
// (CodeVersion), so that a page that is older than the server reloads itself.
const Version = 1

// Subprotocol is negotiated in the websocket handshake.
const Subprotocol = "tarasul.v1"

// Limits that both sides may rely on.
const (
	MaxMessageBytes  = 256 << 10 // an offer with 60 m-lines is about 90 kB
	MaxRequestID     = 64
	MaxChatRunes     = 8000
	MaxTitleRunes    = 200
	MaxNameRunes     = 120
	MaxParticipants  = 30
	MaxTiles         = 64
	SeatGraceSeconds = 60
)

// Envelope is one websocket text frame.
//
// A request carries Type, ID and Body. Its reply has Type "reply", the same ID, and
// either Body or Error. An event has its own Type, Seq and Body and no ID.
type Envelope struct {
	Type  string          `json:"type"`
	ID    string          `json:"id,omitempty"`
	Seq   uint64          `json:"seq,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
	Error *Refusal        `json:"error,omitempty"`
}

// TypeReply is the Type of every reply.
const TypeReply = "reply"

// Refusal is an answer that a program can act on (Code) and that the client words for
// the person in their language. Detail is for the operator, never shown large.
type Refusal struct {
	Code   Code   `json:"code"`
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail,omitempty"`
	// RetryAfter is in milliseconds; 0 means that trying again is of no use as such.
	RetryAfter int `json:"retry_after,omitempty"`
}

func (e *Refusal) Error() string { return string(e.Code) }

// Code names a refusal. The dictionary of the client has a text for each.
type Code string

// Codes. "not_found" and "not allowed to know" are the same code on purpose.
const (
	CodeVersion         Code = "version"            // reload the page
	CodeUnauthenticated Code = "unauthenticated"    // sign in again
	CodeForbidden       Code = "forbidden"          // known to you, but not yours to do
	CodeNotFound        Code = "not_found"          //
	CodeMalformed       Code = "malformed"          // not JSON, unknown type, wrong shape
	CodeInvalid         Code = "invalid"            // Field says which value is refused
	CodeTooLarge        Code = "too_large"          //
	CodeRateLimited     Code = "rate_limited"       //
	CodeConflict        Code = "conflict"           // somebody else was quicker
	CodeFull            Code = "meeting_full"       // the thirty-first
	CodeLocked          Code = "meeting_locked"     //
	CodeEnded           Code = "meeting_ended"      //
	CodeNotStarted      Code = "meeting_not_open"   // too early, and no chair is there
	CodeRefused         Code = "entry_refused"      // refused in the lobby
	CodeRemoved         Code = "removed"            // removed by a chair; an old link does not help
	CodeNotSeated       Code = "not_seated"         // the request needs a seat in the meeting
	CodeMedia           Code = "media_failed"       // the offer could not be answered
	CodeWrongPassword   Code = "wrong_password"     //
	CodeWeakPassword    Code = "weak_password"      //
	CodePasswordChange  Code = "password_change"    // the first password must be changed first
	CodeNameTaken       Code = "name_taken"         //
	CodeLastAdmin       Code = "last_administrator" //
	CodeUnavailable     Code = "unavailable"        // shutting down or overloaded; try again
	CodeInternal        Code = "internal"           // our fault; Detail has a reference for the log
)

// Codes lists every code.
func Codes() []Code {
	return []Code{
		CodeVersion, CodeUnauthenticated, CodeForbidden, CodeNotFound, CodeMalformed, CodeInvalid, CodeTooLarge, CodeRateLimited,
		CodeConflict, CodeFull, CodeLocked, CodeEnded, CodeNotStarted, CodeRefused, CodeRemoved, CodeNotSeated, CodeMedia,
		CodeWrongPassword, CodeWeakPassword, CodePasswordChange, CodeNameTaken, CodeLastAdmin, CodeUnavailable, CodeInternal,
	}
}

// Identifiers are opaque to the client.
type (
	PersonID  string
	UnitID    string
	MeetingID string
	MessageID string
)

// Millis is a moment: milliseconds since the Unix epoch, UTC.
type Millis int64

// Multilingual is a name or title in up to three languages. At least one is not empty.
type Multilingual struct {
	Ar string `json:"ar,omitempty"`
	En string `json:"en,omitempty"`
	Fr string `json:"fr,omitempty"`
}

// None is the body of messages that say all by their type.
type None struct{}
