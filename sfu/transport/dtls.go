package transport

import (
	"context"

	"github.com/pion/srtp/v3"
)

// DTLSConfig is what a DTLS server needs. The callbacks are called from goroutines of the
// DTLS and must not block.
type DTLSConfig struct {
	Certificate *Certificate
	Remote      Fingerprint                 // the offer's
	Write       func(datagram []byte) error // sends to the peer; the datagram is only valid during the call
	Done        func(Keys, error)           // once: the handshake's outcome
	Closed      func(reason string)         // once, after Done without error: "closed" or "dtls"
}

// Keys are the SRTP keys of both directions.
type Keys struct {
	Profile  srtp.ProtectionProfile
	material []byte
}

// Contexts makes the SRTP contexts: in opens what the peer sends, out seals what we send.
func (k Keys) Contexts() (in, out *srtp.Context, err error) { panic("soon") }

// DTLS is the server's side of one peer's DTLS association.
type DTLS struct{}

// StartDTLS starts the server's side of a handshake and returns at once. The handshake ends
// after HandshakeTimeout at the latest; cancelling ctx is like Stop.
func StartDTLS(ctx context.Context, cfg DTLSConfig) *DTLS { panic("soon") }

// Deliver hands over a datagram from the peer; it copies it and never blocks. False means that
// the queue was full and the datagram is lost; DTLS repeats it.
func (d *DTLS) Deliver(datagram []byte) bool { panic("soon") }

// Stop begins the end: close_notify is sent, the goroutines end. It does not wait and may be
// called from the loop, more than once.
func (d *DTLS) Stop() { panic("soon") }

// Close is Stop, and waits until the goroutines have ended.
func (d *DTLS) Close() { panic("soon") }

// IsDTLS reports whether a datagram is a DTLS record (RFC 7983).
func IsDTLS(datagram []byte) bool { return len(datagram) > 0 && datagram[0] >= 20 && datagram[0] <= 63 }
