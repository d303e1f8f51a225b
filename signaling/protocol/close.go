package protocol

// CloseCode is the status with which the server closes a websocket. What the client does
// next follows from it alone.
type CloseCode int

// Close codes. Those below 4000 are from RFC 6455 section 7.4.1. After any code that is
// not named here the client connects again and resumes.
const (
	CloseGoingAway       CloseCode = 1001 // the server stops or drains: connect again and resume
	CloseProtocolError   CloseCode = 1002 // three malformed frames in a row: a fault of the client
	ClosePolicy          CloseCode = 1008 // far beyond the rate limit, or no hello in time
	CloseTooBig          CloseCode = 1009 // a frame above MaxMessageBytes
	CloseTryAgainLater   CloseCode = 1013 // too many sockets: connect again, but not at once
	CloseUnauthenticated CloseCode = 4401 // no sign-in, or it has ended: sign in again
	CloseSlow            CloseCode = 4408 // the client read too slowly: connect again and resume
	CloseReplaced        CloseCode = 4409 // the session was resumed on another socket: do not resume
	CloseVersion         CloseCode = 4426 // another version of the protocol: reload the page
)
